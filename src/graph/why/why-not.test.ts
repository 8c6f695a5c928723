import { describe, expect, it } from 'vitest';
import { and, assign, createMachine, fromPromise, not, setup } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../actors/index.ts';
import { advance } from '../../engine/advance.ts';
import type { Message, RunState } from '../../engine/run-state.ts';
import { EventInvalid, InvalidOption } from '../../errors.ts';
import { gate } from '../../gates/gate.ts';
import { person } from '../../gates/person.ts';
import { type AnyWorkflow, defineWorkflow } from '../../workflow.ts';
import { whyNot, type WhyNot } from './why-not.ts';

const start = Date.UTC(2026, 5, 1);
const hour = 3_600_000;

function workflowOf(machine: unknown, events: object = {}): AnyWorkflow {
  return defineWorkflow({ machine: machine as never, version: '1', events: events as never }) as AnyWorkflow;
}

/** The state after the start and these messages, all at one time. */
function stateOf(
  workflow: AnyWorkflow,
  ...messages: ReadonlyArray<Message extends infer M ? (M extends unknown ? Omit<M, 'at'> : never) : never>
): RunState {
  let { state } = advance(workflow, undefined, { type: 'start', at: start });
  for (const message of messages) {
    ({ state } = advance(workflow, state, { ...message, at: start } as Message));
  }
  return state;
}

function sent(type: string, payload: object = {}) {
  return { type: 'event' as const, event: { ...payload, type } };
}

/** What is to be done, and by whom. */
function told({ way }: WhyNot): string[] | undefined {
  return way?.steps.map(({ name, mover }) => {
    switch (mover.type) {
      case 'person':
        return `${name}: ${mover.question} for ${mover.who?.roles?.join() ?? 'anyone'}`;
      case 'timer':
        return `${name}: in ${(mover.firesAt - start) / hour} h`;
      case 'actor':
        return `${name}: ${mover.src}`;
      case 'sender':
        return name;
    }
  });
}

const refund = workflowOf(
  setup({
    types: { context: {} as { amount: number; tries: number } },
    actors: {
      decide: fromTool({
        name: 'decide',
        input: z.undefined(),
        output: z.object({ amount: z.number().min(0).max(200) }),
        run: async () => ({ amount: 1 }),
      }),
    },
    guards: {
      sane: gate('sane', ({ context }) => context.amount > 0 || [`${context.amount} cannot be refunded.`]),
      withinLimit: gate(
        'withinLimit',
        (_, { amount }: { amount: number }) => amount <= 100 || [`${amount} is over the limit of 100.`],
      ),
      fewTries: ({ context }) => context.tries < 2,
    },
    actions: { keep: assign({ amount: ({ event }) => (event as unknown as { amount: number }).amount }) },
    delays: { approvalTime: 24 * hour },
  }).createMachine({
    id: 'refund',
    context: { amount: 0, tries: 0 },
    initial: 'deciding',
    states: {
      deciding: {
        invoke: {
          id: 'decide',
          src: 'decide',
          input: undefined,
          onDone: {
            target: 'awaitingApproval',
            actions: assign({ amount: ({ event }) => event.output.amount }),
          },
          onError: 'failed',
        },
      },
      awaitingApproval: {
        ...person({
          title: 'Approve the refund',
          who: { roles: ['approver'] },
          answers: {
            APPROVE: {},
            EDIT: { schema: z.object({ amount: z.number().min(0).max(500) }) },
            AGAIN: {},
          },
        }),
        on: {
          APPROVE: { guard: and(['sane']), target: 'paid' },
          EDIT: {
            guard: {
              type: 'withinLimit',
              params: ({ event }) => ({ amount: (event as unknown as { amount: number }).amount }),
            },
            actions: 'keep',
          },
          AGAIN: {
            guard: 'fewTries',
            target: 'deciding',
            actions: assign({ tries: ({ context }) => context.tries + 1 }),
          },
        },
        after: { approvalTime: 'escalated' },
      },
      escalated: {
        ...person({ title: 'Supervisor: approve', answers: { OVERRULE: {} }, who: { roles: ['lead'] } }),
        on: { OVERRULE: 'paid' },
      },
      paid: { type: 'final' },
      failed: { on: { RESTART: 'deciding' } },
    },
  }),
);

const asking = stateOf(refund, { type: 'output', key: 'decide#1', output: { amount: 50 } });
const askingOfNothing = stateOf(refund, { type: 'output', key: 'decide#1', output: { amount: 0 } });

describe('whyNot', () => {
  it('says who may send an event that is accepted now, and where it leads', () => {
    expect(whyNot(refund, asking, 'APPROVE')).toEqual({
      event: 'APPROVE',
      accepted: { payload: {}, who: { roles: ['approver'] }, to: 'paid', status: 'done' },
      blocks: [],
    });
  });

  it('finds a payload that is accepted now, if none is given', () => {
    const { accepted } = whyNot(refund, asking, 'EDIT');
    const { amount } = accepted?.payload as { amount: number };
    expect(amount).toBeGreaterThanOrEqual(0);
    expect(amount).toBeLessThanOrEqual(100);
  });

  it('says in which states an event is accepted that this one does not accept, and what leads there', () => {
    const answer = whyNot(refund, stateOf(refund), 'APPROVE', { now: start });
    expect(answer.blocks).toEqual([
      {
        type: 'state',
        value: 'deciding',
        accepts: [],
        acceptedIn: ['awaitingApproval'],
        forbiddenBy: [],
      },
    ]);
    expect(told(answer)).toEqual(['decide → 100: decide']);
    expect(answer.way?.accepted).toEqual({
      payload: {},
      who: { roles: ['approver'] },
      to: 'paid',
      status: 'done',
    });
  });

  it('says which gate refuses an event, with its reasons and what it saw', () => {
    const { blocks, instead } = whyNot(refund, asking, { type: 'EDIT', amount: 150 });
    expect(blocks).toEqual([
      {
        type: 'guard',
        payload: { amount: 150 },
        guard: 'withinLimit',
        transition: 'awaitingApproval EDIT 0',
        passed: false,
        forbids: false,
        gates: [
          {
            gate: 'withinLimit',
            passed: false,
            reasons: ['150 is over the limit of 100.'],
            saw: { amount: 150 },
          },
        ],
      },
    ]);
    expect((instead?.payload as { amount: number }).amount).toBeLessThanOrEqual(100);
  });

  it('finds what a person has to do before a gate lets an event through', () => {
    const answer = whyNot(refund, askingOfNothing, 'APPROVE', { now: start });
    expect(answer.blocks).toMatchObject([
      { type: 'guard', guard: 'sane', gates: [{ gate: 'sane', reasons: ['0 cannot be refunded.'] }] },
    ]);
    expect(told(answer)).toHaveLength(1);
    expect(told(answer)?.[0]).toMatch(/^EDIT \d.*: Approve the refund for approver$/);
  });

  it('says what a plain guard read that refuses an event', () => {
    const again = [sent('AGAIN'), { type: 'output', key: 'decide#2', output: { amount: 1 } }] as const;
    const twice = [sent('AGAIN'), { type: 'output', key: 'decide#3', output: { amount: 1 } }] as const;
    const tired = stateOf(
      refund,
      { type: 'output', key: 'decide#1', output: { amount: 50 } },
      ...again,
      ...twice,
    );
    const { blocks, way, search } = whyNot(refund, tired, 'AGAIN');
    expect(blocks).toMatchObject([
      { type: 'guard', guard: 'fewTries', gates: [], read: { tries: 2 }, passed: false },
    ]);
    // Tries only ever become more.
    expect(way).toBeUndefined();
    expect(search).toMatchObject({ whole: true });
  });

  it('says what the schema has against a payload, and with which it would be accepted', () => {
    const { accepted, blocks, instead, way } = whyNot(refund, asking, { type: 'EDIT', amount: 'much' });
    expect(accepted).toBeUndefined();
    expect(blocks).toMatchObject([{ type: 'schema', issues: [{ path: ['amount'] }] }]);
    expect(instead).toMatchObject({ payload: { amount: expect.any(Number) } });
    expect(way).toBeUndefined();
  });

  it('says who may answer, if they who ask may not', () => {
    const { blocks, way, search } = whyNot(refund, asking, 'APPROVE', { by: { id: 'eve' } });
    expect(blocks).toEqual([
      {
        type: 'person',
        title: 'Approve the refund',
        who: { roles: ['approver'] },
        by: { id: 'eve' },
      },
    ]);
    expect(way).toBeUndefined();
    expect(search).toMatchObject({ whole: true });
    const by = { id: 'eve', roles: ['approver'] };
    expect(whyNot(refund, asking, 'APPROVE', { by }).accepted).toBeDefined();
  });

  it('waits for a timer, and says when it fires', () => {
    const answer = whyNot(refund, asking, 'OVERRULE', { now: start + hour });
    expect(told(answer)).toEqual(['after approvalTime: in 24 h']);
    expect(answer.way?.steps[0]?.at).toBe(start + 24 * hour);
    expect(answer.way?.accepted.who).toEqual({ roles: ['lead'] });
  });

  it('takes a timer that is overdue as fired now', () => {
    const now = start + 48 * hour;
    expect(whyNot(refund, asking, 'OVERRULE', { now }).way?.steps[0]?.mover).toEqual({
      type: 'timer',
      firesAt: now,
    });
  });

  it('goes by way of what others send', () => {
    const doors = workflowOf(
      createMachine({
        id: 'doors',
        initial: 'locked',
        states: {
          locked: { on: { UNLOCK: 'closed' } },
          closed: { on: { OPEN: 'open', LOCK: 'locked' } },
          open: { on: { ENTER: 'inside', CLOSE: 'closed' } },
          inside: { type: 'final' },
        },
      }),
    );
    expect(told(whyNot(doors, stateOf(doors), 'ENTER'))).toEqual(['UNLOCK', 'OPEN']);
    expect(told(whyNot(doors, stateOf(doors, sent('UNLOCK'), sent('OPEN')), 'OPEN'))).toEqual(['CLOSE']);
  });

  it('goes round as often as a guard asks for', () => {
    const counting = workflowOf(
      setup({
        types: { context: {} as { count: number } },
        guards: { enough: ({ context }) => context.count >= 7 },
      }).createMachine({
        id: 'counting',
        context: { count: 0 },
        initial: 'idle',
        states: {
          idle: {
            on: {
              ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) },
              FINISH: { guard: 'enough', target: 'done' },
            },
          },
          done: { type: 'final' },
        },
      }),
    );
    expect(told(whyNot(counting, stateOf(counting, sent('ADD')), 'FINISH'))).toEqual(
      Array.from({ length: 6 }, () => 'ADD'),
    );
  });

  it('finds the way for the payload that is given, where others are accepted at once', () => {
    const growing = workflowOf(
      setup({
        types: { context: {} as { limit: number } },
        guards: {
          within: ({ context, event }) => (event as unknown as { size: number }).size <= context.limit,
        },
      }).createMachine({
        id: 'growing',
        context: { limit: 10 },
        on: {
          GROW: { actions: assign({ limit: ({ context }) => context.limit + 10 }) },
          TAKE: { guard: 'within', actions: assign({}) },
        },
      }),
      { TAKE: z.object({ size: z.number().min(0).max(100) }) },
    );
    const answer = whyNot(growing, stateOf(growing), { type: 'TAKE', size: 35 });
    expect(answer.blocks).toMatchObject([{ type: 'guard', guard: 'within', read: { limit: 10 } }]);
    expect((answer.instead?.payload as { size: number }).size).toBeLessThanOrEqual(10);
    expect(told(answer)).toEqual(['GROW', 'GROW', 'GROW']);
    expect(answer.way?.accepted.payload).toEqual({ size: 35 });
  });

  it('says that no way is left, once all that can still come is looked through', () => {
    const failed = workflowOf(
      createMachine({
        id: 'failed',
        initial: 'one',
        states: { one: { on: { NEXT: 'two' } }, two: { on: { ON: 'three' } }, three: {} },
      }),
    );
    const { blocks, way, search } = whyNot(failed, stateOf(failed, sent('NEXT')), 'NEXT');
    expect(blocks).toMatchObject([{ type: 'state', value: 'two', accepts: ['ON'], acceptedIn: ['one'] }]);
    expect(way).toBeUndefined();
    expect(search).toEqual({ states: 2, whole: true });
  });

  it('names the state that forbids an event to those above it', () => {
    const holding = workflowOf(
      createMachine({
        id: 'holding',
        initial: 'busy',
        on: { CANCEL: '.cancelled' },
        states: {
          busy: { on: { CANCEL: {}, FINISH: 'idle' } },
          idle: {},
          cancelled: { type: 'final' },
        },
      }),
    );
    const answer = whyNot(holding, stateOf(holding), 'CANCEL');
    expect(answer.blocks).toMatchObject([
      { type: 'state', acceptedIn: ['(root)'], forbiddenBy: ['busy'], accepts: ['FINISH'] },
    ]);
    expect(told(answer)).toEqual(['FINISH']);
  });

  it('tells all the guards that an event meets, inline and made of others', () => {
    const meeting = workflowOf(
      setup({
        types: { context: {} as { ready: boolean; note: string } },
        guards: {
          ready: ({ context }) => context.ready,
          noted: gate('noted', ({ context }) => context.note !== '' || ['There is no note.']),
        },
      }).createMachine({
        id: 'meeting',
        context: { ready: false, note: '' },
        type: 'parallel',
        states: {
          left: { on: { GO: [{ guard: and(['ready', 'noted']), target: '.' }] } },
          right: {
            on: {
              GO: [
                { guard: not(({ context }) => !context.ready), actions: assign({ ready: false }) },
                { guard: 'noted', actions: assign({ ready: false }) },
              ],
            },
          },
        },
      }),
    );
    const { blocks, way, search } = whyNot(meeting, stateOf(meeting), 'GO');
    expect(blocks).toMatchObject([
      { guard: 'ready and noted', transition: 'left GO 0', gates: [], read: { ready: false } },
      { guard: 'not an inline guard', transition: 'right GO 0', gates: [], read: { ready: false } },
      { guard: 'noted', transition: 'right GO 1', gates: [{ reasons: ['There is no note.'] }] },
    ]);
    expect(way).toBeUndefined();
    expect(search).toEqual({ states: 1, whole: true });
  });

  it('asks for a payload where the schema gives none', () => {
    const signing = workflowOf(
      createMachine({
        id: 'signing',
        initial: 'open',
        states: { open: { on: { SIGN: 'signed' } }, signed: { type: 'final' } },
      }),
      { SIGN: z.object({ code: z.string().refine((code) => code === 'open sesame') }) },
    );
    const { blocks, way } = whyNot(signing, stateOf(signing), 'SIGN');
    expect(blocks).toMatchObject([{ type: 'payload', lacking: expect.arrayContaining(['code']) }]);
    expect(way).toBeUndefined();
    expect(whyNot(signing, stateOf(signing), { type: 'SIGN', code: 'open sesame' }).accepted).toBeDefined();
  });

  it('goes through machines that are nested in it, from where they stand', () => {
    const checks = createMachine({
      id: 'checks',
      initial: 'first',
      states: {
        first: { after: { [hour]: 'second' } },
        second: { invoke: { id: 'look', src: 'look', onDone: 'over', onError: 'first' } },
        over: { type: 'final' },
      },
    }).provide({ actors: { look: fromPromise(async () => 'seen') } });
    const checking = workflowOf(
      setup({ actors: { checks } }).createMachine({
        id: 'checking',
        initial: 'checking',
        states: {
          checking: { invoke: { id: 'checks', src: 'checks', onDone: 'checked' } },
          checked: { on: { SHIP: 'shipped' } },
          shipped: { type: 'final' },
        },
      }),
    );
    expect(told(whyNot(checking, stateOf(checking), 'SHIP', { now: start }))).toEqual([
      `after ${hour}: in 1 h`,
      'checks/look → ok: checks/look',
    ]);
  });

  it('says until when an answer was put off', () => {
    const until = start + hour;
    const late = stateOf(refund, { type: 'deferred', key: 'decide#1', until, reason: 'busy', attempt: 1 });
    expect(whyNot(refund, late, 'APPROVE', { now: start }).way?.steps[0]?.mover).toEqual({
      type: 'actor',
      path: 'decide',
      src: 'decide',
      notBefore: until,
    });
  });

  it('takes an event that only a wildcard names', () => {
    const listening = workflowOf(
      createMachine({
        id: 'listening',
        initial: 'deaf',
        states: { deaf: { on: { WAKE: 'awake' } }, awake: { on: { 'user.*': 'done' } }, done: {} },
      }),
    );
    const answer = whyNot(listening, stateOf(listening), 'user.calls');
    expect(answer.blocks).toMatchObject([{ type: 'state', acceptedIn: ['awake'] }]);
    expect(told(answer)).toEqual(['WAKE']);
    expect(whyNot(listening, stateOf(listening, sent('WAKE')), 'user.calls').accepted).toMatchObject({
      to: 'done',
    });
  });

  it('says of a run that has ended that it has', () => {
    const paid = advance(refund, asking, { ...sent('APPROVE'), at: start }).state;
    expect(whyNot(refund, paid, 'APPROVE')).toEqual({
      event: 'APPROVE',
      blocks: [{ type: 'ended', status: 'done' }],
    });
  });

  it('says of an event at which a guard throws that it ends the run', () => {
    const throwing = workflowOf(
      createMachine({
        id: 'throwing',
        on: {
          GO: {
            guard: () => {
              throw new Error('broken');
            },
            actions: assign({}),
          },
        },
      }),
    );
    expect(whyNot(throwing, stateOf(throwing), 'GO').accepted).toMatchObject({ status: 'error' });
  });

  it('refuses an event that the workflow does not have, and options that are not as described', () => {
    expect(() => whyNot(refund, asking, 'APROVE')).toThrow(EventInvalid);
    expect(() => whyNot(refund, asking, 'xstate.stop')).toThrow(EventInvalid);
    expect(() => whyNot(refund, asking, 'APPROVE', { maxStates: 0 })).toThrow(InvalidOption);
    expect(() => whyNot(refund, asking, 'APPROVE', { by: { id: '' } })).toThrow(InvalidOption);
  });

  it('ends within its budget where there are more states than can be looked through', () => {
    const regions = Array.from({ length: 14 }, (_, index) => index);
    const huge = workflowOf(
      createMachine({
        id: 'huge',
        type: 'parallel',
        states: Object.fromEntries(
          regions.map((index) => [
            `region${index}`,
            {
              initial: 'off',
              states: {
                off: { on: { [`ON${index}`]: 'on' } },
                on: {
                  on: {
                    [`OFF${index}`]: 'off',
                    ...(index === 0 ? { ALL: { guard: 'all', target: 'off' } } : {}),
                  },
                },
              },
            },
          ]),
        ),
      }).provide({ guards: { all: () => false } }),
    );
    const { blocks, way, search } = whyNot(huge, stateOf(huge), 'ALL', { maxStates: 200 });
    expect(blocks).toMatchObject([{ type: 'state', acceptedIn: ['region0.on'] }]);
    expect(way).toBeUndefined();
    expect(search).toEqual({ states: 200, whole: false });
  });
});
