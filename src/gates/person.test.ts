import { assign, createActor, setup, SimulatedClock } from 'xstate';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

import { InvalidOption, WorkflowInvalid } from '../errors.ts';
import { defineWorkflow } from '../workflow.ts';
import { editOf } from './edit.ts';
import {
  answerTo,
  askedQuestion,
  describeWho,
  mayAnswer,
  person,
  personQuestion,
  type PersonQuestion,
  type StateQuestion,
} from './person.ts';

interface Context {
  amount: number;
  ticket: string;
  reminders: number;
}

type Event = { type: 'APPROVE' } | { type: 'EDIT'; amount: number } | { type: 'REJECT'; reason: string };

const Edited = z.object({ amount: z.number().positive() });
const Rejected = z.object({ reason: z.string().min(1) });

const question: PersonQuestion<Context> = {
  title: ({ context }) => `Approve ${context.amount} EUR`,
  instructions: 'Look at the ticket.',
  shows: ['ticket'],
  who: { roles: ['approver'] },
  proposes: ({ context }) => ({ amount: context.amount }),
  answers: {
    APPROVE: { label: 'Approve', proposal: 'accepted' },
    EDIT: { label: 'Change', schema: Edited, proposal: 'edited' },
    REJECT: { schema: Rejected, proposal: 'rejected', who: { ids: ['dana'], roles: ['lead'] } },
  },
  due: 'approvalTime',
  remind: 'reminderTime',
};

const refund = setup({
  types: { context: {} as Context, events: {} as Event },
  delays: { approvalTime: 60_000, reminderTime: 20_000 },
  actions: { remind: assign({ reminders: ({ context }) => context.reminders + 1 }) },
}).createMachine({
  id: 'refund',
  context: { amount: 250, ticket: 'T-1', reminders: 0 },
  initial: 'awaitingApproval',
  states: {
    awaitingApproval: {
      ...person(question),
      on: { APPROVE: 'refunding', EDIT: 'refunding', REJECT: 'rejected' },
      after: { approvalTime: 'escalated' },
      initial: 'waiting',
      states: {
        waiting: { after: { reminderTime: { target: 'waiting', reenter: true, actions: 'remind' } } },
      },
    },
    refunding: {},
    rejected: {},
    escalated: {},
  },
});

describe('a state in which a person decides', () => {
  it('is marked by plain state configuration, and can be found again', () => {
    const snapshot = createActor(refund, { clock: new SimulatedClock() }).start().getSnapshot();
    expect(snapshot.hasTag('person')).toBe(true);
    expect(Object.values(snapshot.getMeta()).map((meta) => personQuestion(meta))).toContain(question);
  });

  it('is none without a question', () => {
    for (const meta of [undefined, null, 'person', {}, { title: 'x' }])
      expect(personQuestion(meta)).toBeUndefined();
  });

  it('reminds again and again without putting off the due time, under plain XState', () => {
    const clock = new SimulatedClock();
    const actor = createActor(refund, { clock }).start();
    const seen: unknown[] = [];
    for (let passed = 0; passed < 60_000; passed += 10_000) {
      clock.increment(10_000);
      const { value, context } = actor.getSnapshot();
      seen.push([value, context.reminders]);
    }
    expect(seen).toEqual([
      [{ awaitingApproval: 'waiting' }, 0],
      [{ awaitingApproval: 'waiting' }, 1],
      [{ awaitingApproval: 'waiting' }, 1],
      [{ awaitingApproval: 'waiting' }, 2],
      [{ awaitingApproval: 'waiting' }, 2],
      ['escalated', 2],
    ]);
  });

  it('refuses a question that makes no sense by itself', () => {
    expect(() => person({ title: ' ' })).toThrow(InvalidOption);
    expect(() => person({ title: 'It', who: {} })).toThrow('Question "It" may be answered by nobody');
    expect(() => person({ title: 'It', answers: { GO: { who: { ids: [], roles: [] } } } })).toThrow(
      InvalidOption,
    );
    expect(() => person({ title: 'It', proposes: () => 1 })).toThrow('no answer that says with `proposal`');
    expect(() => person({ title: 'It', answers: { GO: { proposal: 'accepted' } } })).toThrow('no `proposes`');
  });

  it('knows the context that it is declared for', () => {
    person<Context>({ title: 'It', shows: ['amount'] });
    // @ts-expect-error -- no such key of the context
    person<Context>({ title: 'It', shows: ['amout'] });
    // @ts-expect-error -- no such property of the context
    person<Context>({ title: ({ context }) => context.amout });
    person({
      title: ({ context }) => {
        expectTypeOf(context['anything']).toBeAny();
        return '';
      },
    });
    setup({ types: { events: {} as Event }, actions: { remind: () => {} } }).createMachine({
      initial: 'asking',
      states: {
        // @ts-expect-error -- the machine itself checks what its answers do
        asking: { ...person({ title: 'It' }), on: { APPROVE: { target: 'done', actions: 'refund' } } },
        done: {},
      },
    });
  });
});

describe('a question as it is asked', () => {
  const context: Context = { amount: 250, ticket: 'T-1', reminders: 0 };
  const where = { state: 'refund.awaitingApproval', context, events: ['APPROVE', 'user.*'] };
  const ask = (asked: PersonQuestion<Context>): StateQuestion =>
    askedQuestion(asked as PersonQuestion, where);

  it('is plain data, made of the context', () => {
    expect(ask(question)).toEqual({
      state: 'refund.awaitingApproval',
      title: 'Approve 250 EUR',
      instructions: 'Look at the ticket.',
      shows: { ticket: 'T-1' },
      who: { roles: ['approver'] },
      proposed: { amount: 250 },
      answers: [
        { event: 'APPROVE', label: 'Approve', who: { roles: ['approver'] }, proposal: 'accepted' },
        { event: 'EDIT', label: 'Change', who: { roles: ['approver'] }, proposal: 'edited' },
        { event: 'REJECT', who: { ids: ['dana'], roles: ['lead'] }, proposal: 'rejected' },
      ],
    });
  });

  it('has the events of its state as answers if it declares none', () => {
    expect(ask({ title: 'It', shows: ({ context: { amount } }) => ({ half: amount / 2 }) })).toEqual({
      state: 'refund.awaitingApproval',
      title: 'It',
      shows: { half: 125 },
      answers: [{ event: 'APPROVE' }, { event: 'user.*' }],
    });
  });

  it('is asked even if a part of it cannot be made, and then nobody may answer whom it cannot name', () => {
    const fail = (): never => {
      throw new Error('no');
    };
    const asked = ask({ title: fail, shows: fail, who: fail });
    expect(asked).toMatchObject({
      title: '(question of refund.awaitingApproval)',
      problem: '`title` threw: no; `who` threw: no; `shows` threw: no',
    });
    expect(mayAnswer(asked, 'APPROVE', { id: 'dana', roles: ['approver'] })).toBe(false);
  });

  it('may be answered by those whom it names, by id or by role', () => {
    const asked = ask(question);
    const may = (type: string, id?: string, ...roles: string[]): boolean =>
      mayAnswer(asked, type, id === undefined ? undefined : { id, roles });
    expect(may('APPROVE')).toBe(false);
    expect(may('APPROVE', 'eve')).toBe(false);
    expect(may('APPROVE', 'approver')).toBe(false);
    expect(may('APPROVE', 'eve', 'support', 'approver')).toBe(true);
    expect(may('REJECT', 'eve', 'approver')).toBe(false);
    expect(may('REJECT', 'dana')).toBe(true);
    expect(may('REJECT', 'eve', 'dana')).toBe(false);
    expect(may('LEAVE')).toBe(true);
    expect(mayAnswer(ask({ title: 'It' }), 'APPROVE', undefined)).toBe(true);
    expect(answerTo(ask({ title: 'It' }), 'user.typed')).toEqual({ event: 'user.*' });
  });

  it('says in words who may', () => {
    expect(describeWho({ ids: ['dana', 'ada'], roles: ['lead'] })).toBe('dana, ada or role lead');
    expect(describeWho({ roles: ['lead'] })).toBe('role lead');
    expect(describeWho({})).toBe('nobody');
  });
});

describe('what a person changed', () => {
  it.each([
    [{ amount: 250 }, { amount: 250, by: 'dana' }, []],
    [{ amount: 250 }, { amount: 200, by: 'dana' }, [{ path: ['amount'], from: 250, to: 200 }]],
    ['Hello.', 'Hello.\n', []],
    ['Hello.', 'Hi.', [{ path: [], from: 'Hello.', to: 'Hi.' }]],
    [
      { lines: [{ sku: 'a', n: 1 }, { sku: 'b' }], note: 'x' },
      { lines: [{ sku: 'a', n: 2 }, { sku: 'b' }, { sku: 'c' }] },
      [
        { path: ['lines', 0, 'n'], from: 1, to: 2 },
        { path: ['lines', 2], to: { sku: 'c' } },
        { path: ['note'], from: 'x' },
      ],
    ],
    [{ a: { b: 1 } }, { a: [1] }, [{ path: ['a'], from: { b: 1 }, to: [1] }]],
    [{ on: new Date(0) }, { on: new Date(0) }, []],
    [{ on: new Date(0) }, { on: new Date(1) }, [{ path: ['on'], from: new Date(0), to: new Date(1) }]],
    [{ a: null }, { a: null }, []],
  ])('of %j, given %j', (proposed, given, changes) => {
    expect(editOf(proposed, given)).toMatchObject({ proposed, changed: changes.length > 0, changes });
  });

  it('leaves out what was never proposed', () => {
    expect(editOf({ amount: 1 }, { amount: 1, by: 'dana' }).given).toEqual({ amount: 1 });
  });
});

describe('what a machine does not bear out', () => {
  const define = (asked: PersonQuestion, config: object = {}): unknown =>
    defineWorkflow({
      version: '1',
      machine: setup({ delays: { soon: 10 } }).createMachine({
        id: 'asking',
        on: { LEAVE: '.left' },
        after: { soon: '.left' },
        initial: 'asking',
        states: {
          asking: {
            ...person(asked),
            on: { APPROVE: 'left', FORBIDDEN: {} },
            initial: 'waiting',
            states: { waiting: { on: { MORE: { actions: () => {} } }, after: { 20: 'waiting' } } },
            ...config,
          },
          left: {},
        },
      }),
    });
  const answers = { APPROVE: {}, MORE: {} };

  it('is refused when the workflow is defined', () => {
    const refused = (asked: PersonQuestion, message: string): void => {
      expect(() => define(asked)).toThrow(WorkflowInvalid);
      expect(() => define(asked)).toThrow(
        `State \`asking.asking\` of workflow \`asking\` asks a person, but ${message}`,
      );
    };
    refused({ title: 'It', answers: { ...answers, APROVE: {} } }, 'no transition takes its answer `APROVE`');
    refused(
      { title: 'It', answers: { ...answers, FORBIDDEN: {} } },
      'no transition takes its answer `FORBIDDEN`',
    );
    refused({ title: 'It', answers: { APPROVE: {} } }, 'does not declare `MORE`');
    refused({ title: 'It', due: 'later' }, 'neither it nor a state above it has `after: { later: … }`');
    refused({ title: 'It', due: 20 }, 'neither it nor a state above it has `after: { 20: … }`');
    refused({ title: 'It', remind: 'soon' }, 'neither it nor a state in it has `after: { soon: … }`');
  });

  it('is what is not there: all that is, is taken', () => {
    expect(() => define({ title: 'It', answers, due: 'soon', remind: 20 })).not.toThrow();
    expect(() => define({ title: 'It', answers: { ...answers, LEAVE: {} } })).not.toThrow();
    expect(() =>
      define(
        { title: 'It', answers: { 'user.typed': {} } },
        { on: { 'user.*': 'left' }, states: { waiting: {} } },
      ),
    ).toThrow('does not declare `user.*`');
    expect(() =>
      define(
        { title: 'It', answers: { 'user.*': {} } },
        { on: { 'user.*': 'left' }, states: { waiting: {} } },
      ),
    ).not.toThrow();
  });

  it('is one event with two schemas', () => {
    const machine = setup({}).createMachine({
      id: 'two',
      initial: 'one',
      states: {
        one: { ...person({ title: 'One', answers: { GO: { schema: Edited } } }), on: { GO: 'other' } },
        other: { ...person({ title: 'Other', answers: { GO: { schema: Rejected } } }), on: { GO: 'one' } },
      },
    });
    expect(() => defineWorkflow({ version: '1', machine })).toThrow(
      'Event `GO` of workflow `two` has another schema in state `two.other` than elsewhere.',
    );
  });

  it('leaves the schemas of answers to be those of the workflow’s events', () => {
    expect(defineWorkflow({ version: '1', machine: refund }).events).toEqual({
      EDIT: Edited,
      REJECT: Rejected,
    });
    expect(() => defineWorkflow({ version: '1', machine: refund, events: { EDIT: Rejected } })).toThrow(
      WorkflowInvalid,
    );
    expect(defineWorkflow({ version: '1', machine: refund, events: { EDIT: Edited } }).events).toHaveProperty(
      'REJECT',
    );
  });
});
