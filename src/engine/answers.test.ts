import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fromPromise, setup } from 'xstate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { memoryStore } from '../../persistence/memory.ts';
import { sqliteStore } from '../../persistence/sqlite/index.ts';
import { AnswerNotAllowed, EventInvalid, EventNotAccepted, InvalidOption } from '../errors.ts';
import { person } from '../gates/person.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { defineWorkflow } from '../workflow.ts';
import { advance, viewState } from './advance.ts';
import { answerRecord, refusalOfAnswer } from './answers.ts';
import { correctionRate } from './correction-rate.ts';
import { createEngine, type Engine, type EngineOptions } from './engine.ts';
import type { HistoryEntry, MessageEntry } from './history.ts';

interface Context {
  amount: number;
  approver: string;
}

type Event = { type: 'APPROVE' } | { type: 'EDIT'; amount: number; note?: string } | { type: 'REJECT' };

const refund = defineWorkflow({
  version: '1',
  machine: setup({
    types: { context: {} as Context, events: {} as Event, input: {} as Partial<Context> },
    delays: { approvalTime: 60_000, reminderTime: 20_000 },
  }).createMachine({
    id: 'refund',
    context: ({ input }) => ({ amount: 250, approver: 'dana', ...input }),
    initial: 'awaitingApproval',
    states: {
      awaitingApproval: {
        ...person<Context>({
          title: ({ context }) => `Approve ${context.amount} EUR`,
          who: ({ context }) => ({ ids: [context.approver], roles: ['approver'] }),
          proposes: ({ context }) => (context.amount > 0 ? { amount: context.amount } : undefined),
          answers: {
            APPROVE: { proposal: 'accepted' },
            EDIT: {
              schema: z.object({ amount: z.number().positive(), note: z.string().optional() }),
              proposal: 'edited',
            },
            REJECT: { proposal: 'rejected' },
          },
          due: 'approvalTime',
          remind: 'reminderTime',
        }),
        on: {
          APPROVE: { guard: ({ context }) => context.amount < 1_000, target: 'refunding' },
          EDIT: 'refunding',
          REJECT: 'rejected',
        },
        after: { approvalTime: 'escalated' },
        initial: 'waiting',
        states: { waiting: { after: { reminderTime: { target: 'waiting', reenter: true } } } },
      },
      escalated: {
        ...person({ title: 'Supervisor: approve', who: { roles: ['supervisor'] } }),
        on: { APPROVE: 'refunding' },
      },
      refunding: { type: 'final' },
      rejected: { type: 'final' },
    },
  }),
});

const at = 1_000_000;
const begin = (input: Partial<Context> = {}) => advance(refund, undefined, { type: 'start', at, input });
const approver = { id: 'ada', roles: ['approver'] };

describe('a question', () => {
  it('says when it is due and when the person is reminded, from the timers that are armed', () => {
    const { state } = begin();
    const [asked] = viewState(refund, state).questions;
    expect(asked).toMatchObject({ title: 'Approve 250 EUR', dueAt: at + 60_000, remindAt: at + 20_000 });
    expect(asked).not.toHaveProperty('shows');

    const timer = state.timers[0];
    if (!timer) throw new Error('no timer');
    const { state: reminded } = advance(refund, state, {
      type: 'timer',
      at: at + 20_000,
      source: timer.source,
      id: timer.id,
    });
    expect(viewState(refund, reminded).questions[0]).toMatchObject({
      dueAt: at + 60_000,
      remindAt: at + 40_000,
    });
  });
});

describe('an answer', () => {
  const refusal = (
    type: string,
    by?: { id: string; roles?: string[] },
    input?: Partial<Context>,
  ): string | undefined =>
    refusalOfAnswer({ id: 'r1', workflow: refund, state: begin(input).state }, { type }, by)?.message;

  it('is refused from whom the question does not name, and it says who may', () => {
    expect(refusal('APPROVE', { id: 'eve', roles: ['support'] })).toBe(
      '`eve` (support) may not answer "Approve 250 EUR" of run `r1` with `APPROVE`: that is for dana or role approver.',
    );
    expect(refusal('APPROVE')).toBe(
      'An answer that does not say who gives it may not answer "Approve 250 EUR" of run `r1` with `APPROVE`: that is for dana or role approver. Say who answers with `by`.',
    );
    expect(refusal('APPROVE', { id: 'dana' })).toBeUndefined();
    expect(refusal('APPROVE', { id: 'dana' }, { approver: 'max' })).toContain(
      'that is for max or role approver',
    );
    expect(refusal('APPROVE', approver)).toBeUndefined();
    expect(refusal('SOMETHING')).toBeUndefined();
  });

  it('is on record with who gave it and what became of the proposal', () => {
    const record = (event: Event, input?: Partial<Context>) =>
      answerRecord({ workflow: refund, state: begin(input).state }, event, approver);
    const proposed = { amount: 250 };
    const state = 'refund.awaitingApproval';
    expect(record({ type: 'APPROVE' })).toEqual({
      by: approver,
      edit: { state, fate: 'accepted', proposed, given: proposed, changed: false, changes: [] },
    });
    expect(record({ type: 'EDIT', amount: 200, note: 'too much' })).toEqual({
      by: approver,
      edit: {
        state,
        fate: 'edited',
        proposed,
        given: { amount: 200 },
        changed: true,
        changes: [{ path: ['amount'], from: 250, to: 200 }],
      },
    });
    expect(record({ type: 'REJECT' }).edit).toEqual({
      state,
      fate: 'rejected',
      proposed,
      changed: true,
      changes: [],
    });
    expect(record({ type: 'APPROVE' }, { amount: 0 })).toEqual({ by: approver });
    const uncarriable = defineWorkflow({
      version: '1',
      machine: setup({}).createMachine({
        id: 'odd',
        initial: 'asking',
        states: {
          asking: {
            ...person({ title: 'It', proposes: () => () => 1, answers: { GO: { proposal: 'accepted' } } }),
            on: { GO: 'gone' },
          },
          gone: {},
        },
      }),
    });
    const asking = advance(uncarriable, undefined, { type: 'start', at }).state;
    expect(
      answerRecord({ workflow: uncarriable, state: asking }, { type: 'GO' }, undefined).edit,
    ).toMatchObject({
      fate: 'accepted',
      proposed: expect.stringMatching(/^\(not stored: /),
    });
    expect(answerRecord({ workflow: refund, state: begin().state }, { type: 'OTHER' }, undefined)).toEqual(
      {},
    );
  });

  it('counts towards the correction rate', () => {
    const entryOf = (event: Event): MessageEntry => ({
      type: 'message',
      at,
      seq: 2,
      status: 'done',
      message: { type: 'event', at, event },
      ...answerRecord({ workflow: refund, state: begin().state }, event, approver),
    });
    const histories: HistoryEntry[][] = [
      [entryOf({ type: 'APPROVE' }), entryOf({ type: 'EDIT', amount: 250 })],
      [entryOf({ type: 'EDIT', amount: 1 }), entryOf({ type: 'REJECT' })],
      [{ type: 'refused', at, messageId: 1, event: { type: 'APPROVE' }, reason: '' }],
    ];
    const count = { answered: 4, accepted: 2, edited: 1, rejected: 1, rate: 0.5 };
    expect(correctionRate(histories)).toEqual({ ...count, states: { 'refund.awaitingApproval': count } });
    expect(correctionRate([])).toEqual({
      answered: 0,
      accepted: 0,
      edited: 0,
      rejected: 0,
      rate: null,
      states: {},
    });
  });
});

describe.each(['memory', 'sqlite'] as const)('on the engine, with %s', (kind) => {
  const engines: Engine[] = [];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-answers-'));
  });
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.stop()));
    rmSync(folder, { recursive: true });
  });

  function engineOf(options: Partial<EngineOptions> = {}): Engine {
    const store = kind === 'memory' ? memoryStore() : sqliteStore(join(folder, 'runs.db'));
    const engine = createEngine({ workflows: [refund], store, ...options });
    engines.push(engine);
    return engine;
  }

  it('an answer is taken only from those who may give it', async () => {
    const run = await engineOf().start(refund, { id: 'r1', input: {} });
    await run.settled();
    const eve = { id: 'eve' };
    await expect(run.send({ type: 'APPROVE' }, { by: eve })).rejects.toThrow(AnswerNotAllowed);
    await expect(run.send({ type: 'APPROVE' })).rejects.toMatchObject({
      code: 'ANSWER_NOT_ALLOWED',
      remedy: 'fix-input',
      details: { runId: 'r1', event: 'APPROVE', who: { ids: ['dana'], roles: ['approver'] } },
    });
    await expect(run.send({ type: 'EDIT', amount: -1 }, { by: approver })).rejects.toThrow(EventInvalid);
    expect(await run.history()).toHaveLength(1);
    expect((await run.send({ type: 'APPROVE' }, { by: approver })).value).toBe('refunding');
  });

  it('a gate has its say after that', async () => {
    const run = await engineOf().start(refund, { input: { amount: 5_000 } });
    await run.settled();
    await expect(run.send({ type: 'APPROVE' }, { by: { id: 'eve' } })).rejects.toThrow(AnswerNotAllowed);
    await expect(run.send({ type: 'APPROVE' }, { by: approver })).rejects.toThrow(EventNotAccepted);
  });

  it('says who answers, or is refused', async () => {
    const run = await engineOf().start(refund, { input: {} });
    for (const by of ['dana', {}, { id: ' ' }, { id: 'dana', roles: 'lead' }, null]) {
      await expect(run.send({ type: 'APPROVE' }, { by: by as never })).rejects.toThrow(InvalidOption);
    }
  });

  it('reminders go on, and the question is passed on when it is due', async () => {
    const clock = createVirtualClock();
    const run = await engineOf({ clock }).start(refund, { input: {} });
    await run.settled();
    const begun = clock.now();
    const times: unknown[] = [];
    for (let step = 0; step < 3; step += 1) {
      const { questions, accepts } = await run.snapshot();
      const [asked] = questions;
      times.push([(asked?.dueAt ?? 0) - begun, (asked?.remindAt ?? 0) - begun]);
      expect(accepts.find(({ type }) => type === 'EDIT')?.schema).toMatchObject({ type: 'object' });
      await clock.advance(20_000);
    }
    expect(times).toEqual([
      [60_000, 20_000],
      [60_000, 40_000],
      [60_000, 60_000],
    ]);
    const { questions } = await run.snapshot();
    expect(questions).toEqual([
      {
        state: 'refund.escalated',
        title: 'Supervisor: approve',
        who: { roles: ['supervisor'] },
        answers: [{ event: 'APPROVE', who: { roles: ['supervisor'] } }],
      },
    ]);
    await expect(run.send({ type: 'APPROVE' }, { by: approver })).rejects.toThrow(
      'that is for role supervisor',
    );
  });

  it('a reminder that must go out is an actor of its own, and does not put off the due time', async () => {
    const reminded: number[] = [];
    const clock = createVirtualClock();
    const begun = clock.now();
    const reminding = defineWorkflow({
      version: '1',
      machine: setup({
        actors: {
          remindApprover: fromPromise(async () => {
            reminded.push(clock.now() - begun);
            return Promise.reject(new Error('The mail server is away.'));
          }),
        },
        delays: { approvalTime: 60_000, reminderTime: 25_000 },
      }).createMachine({
        id: 'reminding',
        initial: 'awaitingApproval',
        states: {
          awaitingApproval: {
            ...person({ title: 'Approve', due: 'approvalTime', remind: 'reminderTime' }),
            on: { APPROVE: 'approved' },
            after: { approvalTime: 'escalated' },
            initial: 'waiting',
            states: {
              waiting: { after: { reminderTime: 'reminding' } },
              reminding: {
                invoke: {
                  id: 'remindApprover',
                  src: 'remindApprover',
                  onDone: 'waiting',
                  onError: 'waiting',
                },
              },
            },
          },
          approved: {},
          escalated: {},
        },
      }),
    });
    const run = await engineOf({ clock, workflows: [reminding] }).start(reminding, {});
    await run.settled();
    await clock.advance(55_000);
    expect((await run.snapshot()).questions).toMatchObject([{ title: 'Approve', dueAt: begun + 60_000 }]);
    await clock.advance(5_000);
    expect((await run.snapshot()).value).toBe('escalated');
    expect(reminded).toEqual([25_000, 50_000]);
  });

  it('an answer is judged once more when it is its turn, whatever was to be seen before', async () => {
    const engine = engineOf();
    const run = await engine.start(refund, { input: {} });
    await run.settled();
    for (const options of [{ key: 'once' }, { hold: true }, { by: { id: 'eve' }, key: 'twice' }]) {
      await expect(run.send({ type: 'APPROVE' }, options)).rejects.toThrow(AnswerNotAllowed);
    }
    const refused = (await run.history()).filter((entry) => entry.type === 'refused');
    expect(refused).toHaveLength(3);
    for (const entry of refused) {
      expect(entry).toMatchObject({
        code: 'ANSWER_NOT_ALLOWED',
        reason: expect.stringContaining('that is for dana'),
      });
    }
    await expect(run.send({ type: 'APPROVE' }, { key: 'once' })).rejects.toThrow(AnswerNotAllowed);
  });

  it('who answered, and what they changed, is on record', async () => {
    const run = await engineOf().start(refund, { input: {} });
    await run.settled();
    await run.send({ type: 'EDIT', amount: 200 }, { by: approver });
    const history = await run.history();
    expect(history.at(-1)).toMatchObject({
      message: { type: 'event', event: { type: 'EDIT', amount: 200 } },
      by: approver,
      edit: { fate: 'edited', proposed: { amount: 250 }, given: { amount: 200 }, changed: true },
    });
    expect(correctionRate([history])).toMatchObject({ answered: 1, edited: 1, rate: 1 });
  });
});
