import { describe, expect, it } from 'vitest';
import { assign, createMachine, setup } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../actors/index.ts';
import { type AnyWorkflow, defineWorkflow } from '../../workflow.ts';
import { type Race, races } from './races.ts';

const Word = z.object({ word: z.enum(['yes', 'no']) });

function reader(name: string) {
  return fromTool({
    name,
    input: z.undefined(),
    output: Word,
    run: async () => ({ word: 'yes' as const }),
  });
}

const pay = fromTool({
  name: 'pay',
  input: z.object({ amount: z.number() }),
  output: z.object({ paid: z.literal(true) }),
  irreversible: true,
  idempotencyKey: () => 'key',
  run: async () => ({ paid: true as const }),
});

interface Context {
  readonly mail: string;
  readonly order: string;
  readonly count: number;
  readonly list: readonly string[];
}

const machines = setup({
  types: {
    context: {} as Context,
    events: {} as { type: 'APPROVE' | 'CANCEL' | 'NOTE' | 'AGAIN' } | { type: 'SET'; value: number },
  },
  actors: { readMail: reader('readMail'), readOrder: reader('readOrder'), pay },
  actions: {
    keepMail: assign({ mail: ({ event }) => wordOf(event) }),
    keepOrder: assign({ order: ({ event }) => wordOf(event) }),
    mailIsOne: assign({ mail: 'one' }),
    mailIsTwo: assign({ mail: 'two' }),
    orderIsOne: assign({ order: 'one' }),
    count: assign({ count: ({ context }) => context.count + 1 }),
    double: assign({ count: ({ context }) => context.count * 2 }),
    listOne: assign({ list: ({ context }) => [...context.list, 'one'] }),
    listTwo: assign({ list: ({ context }) => [...context.list, 'two'] }),
    setCount: assign({ count: ({ event }) => (event as unknown as { value: number }).value }),
  },
});

function wordOf(event: unknown): string {
  return (event as { output: { word: string } }).output.word;
}

const done = { type: 'final' } as const;

function workflowOf(config: object, definition: object = {}): AnyWorkflow {
  const machine = machines.createMachine({
    id: 'racing',
    context: { mail: '', order: '', count: 1, list: [] },
    ...config,
  } as never);
  return defineWorkflow({ machine, version: '1', owner: 'us', ...definition } as never) as AnyWorkflow;
}

function region(actor: string, then: object): object {
  return {
    initial: 'reading',
    states: { reading: { invoke: { id: actor, src: actor, onDone: then, onError: 'read' } }, read: done },
  };
}

/** Two actors answer at the same time, and each answer does something. */
function bothRead(one: string | undefined, other: string | undefined): object {
  const then = (actions: string | undefined) => ({ target: 'read', ...(actions ? { actions } : {}) });
  return {
    initial: 'reading',
    states: {
      reading: {
        type: 'parallel',
        states: { mail: region('readMail', then(one)), order: region('readOrder', then(other)) },
        onDone: 'done',
      },
      done,
    },
  };
}

/** What is told of each race, but for the paths. */
function told(workflow: AnyWorkflow): Array<Partial<Race>> {
  return races(workflow).races.map((race) =>
    Object.fromEntries(Object.entries(race).filter(([key]) => key !== 'orders')),
  );
}

/** The paths of the only race. */
function orders(workflow: AnyWorkflow): string[] {
  const { races: found } = races(workflow);
  expect(found).toHaveLength(1);
  return found.flatMap((race) => race.orders.map(({ name }) => name));
}

describe('races between two answers', () => {
  it('are found where both write the same field, though no guard ever reads it', () => {
    const workflow = workflowOf(bothRead('keepMail', 'keepMail'));
    expect(told(workflow)).toEqual([
      {
        kind: 'order',
        state: 'reading.{ mail: reading, order: reading }',
        where: 'reading.{ mail: reading, order: reading } readMail / readOrder',
        first: 'readMail → no',
        second: 'readOrder → yes',
        lost: [],
        differs: ['context.mail'],
      },
    ]);
    expect(orders(workflow)).toEqual(['readMail → no, readOrder → yes', 'readOrder → yes, readMail → no']);
  });

  it.each([
    ['each writes a field of its own', 'keepMail', 'keepOrder'],
    ['both write the same value', 'mailIsOne', 'mailIsOne'],
    ['both count', 'count', 'count'],
    ['only one writes', 'keepMail', undefined],
    ['nothing is written', undefined, undefined],
  ])('are not found where %s', (_, one, other) => {
    expect(told(workflowOf(bothRead(one, other)))).toEqual([]);
  });

  it.each([
    ['one counts and the other doubles', 'count', 'double', 'context.count'],
    ['both add to a list', 'listOne', 'listTwo', 'context.list.0'],
  ])('are found where %s', (_, one, other, differs) => {
    const found = told(workflowOf(bothRead(one, other)));
    expect(found).toMatchObject([
      { kind: 'order', lost: [], differs: expect.arrayContaining([differs]) as string[] },
    ]);
  });

  it('are told with what is given out, and with what something irreversible is done with', () => {
    const given = workflowOf({
      ...bothRead('mailIsOne', 'mailIsTwo'),
      output: ({ context }: { context: Context }) => context.mail,
    });
    expect(told(given)).toMatchObject([{ differs: ['output', 'context.mail'] }]);
    const paid = workflowOf({
      initial: 'reading',
      states: {
        reading: {
          type: 'parallel',
          states: {
            mail: region('readMail', { target: 'read', actions: 'count' }),
            order: region('readOrder', { target: 'read', actions: 'double' }),
          },
          onDone: 'paying',
        },
        paying: {
          invoke: {
            src: 'pay',
            id: 'pay',
            input: ({ context }: { context: Context }) => ({ amount: context.count }),
            onDone: 'done',
            onError: 'done',
          },
        },
        done,
      },
    });
    expect(told(paid)).toMatchObject([{ differs: ['context.count', 'input of pay', 'effects'] }]);
  });

  it('drop the one whose state the other leaves', () => {
    const parts = {
      mail: region('readMail', { target: 'read', actions: 'keepMail' }),
      order: {
        initial: 'reading',
        states: {
          reading: { invoke: { id: 'readOrder', src: 'readOrder', onDone: 'read', onError: '#failed' } },
          read: done,
        },
      },
    };
    const workflow = workflowOf({
      initial: 'reading',
      states: {
        reading: { type: 'parallel', states: parts, onDone: 'done' },
        failed: { id: 'failed', ...done },
        done,
      },
    });
    // A failure of the other to read mail writes nothing, so nothing is missed if it is dropped.
    expect(told(workflow)).toMatchObject([
      {
        kind: 'first-wins',
        first: 'readMail → yes',
        second: 'readOrder → failed',
        lost: ['readMail → yes'],
        differs: ['context.mail'],
      },
    ]);
  });

  it('are told once, wherever other regions stand', () => {
    const { states } = bothRead('mailIsOne', 'mailIsTwo') as { states: { reading: { states: object } } };
    const light = { initial: 'off', states: { off: { on: { NOTE: 'on' } }, on: { on: { NOTE: 'off' } } } };
    const workflow = workflowOf({ type: 'parallel', states: { ...states.reading.states, light } });
    expect(told(workflow).map(({ where }) => where)).toEqual([
      '{ mail: reading, order: reading } readMail / readOrder',
    ]);
  });
});

describe('races of events and timers', () => {
  it('are first come, first served between people', () => {
    const workflow = workflowOf({
      initial: 'asking',
      states: {
        asking: { on: { APPROVE: 'approved', CANCEL: 'cancelled' } },
        approved: done,
        cancelled: done,
      },
    });
    expect(told(workflow)).toEqual([
      {
        kind: 'first-wins',
        state: 'asking',
        where: 'asking APPROVE / CANCEL',
        first: 'APPROVE',
        second: 'CANCEL',
        lost: ['APPROVE', 'CANCEL'],
        differs: ['state'],
      },
    ]);
    expect(orders(workflow)).toEqual(['APPROVE', 'CANCEL']);
  });

  it('are none where both lead to the same', () => {
    const workflow = workflowOf({
      initial: 'asking',
      states: { asking: { on: { APPROVE: 'over', CANCEL: 'over' }, after: { 1000: 'over' } }, over: done },
    });
    expect(told(workflow)).toEqual([]);
  });

  it('tell that an answer comes too late for the timer, and the timer too late for the answer', () => {
    const invoke = { id: 'readMail', src: 'readMail', onDone: 'read', onError: 'read' };
    const workflow = workflowOf({
      initial: 'reading',
      states: { reading: { invoke, after: { 1000: 'late' } }, read: done, late: done },
    });
    expect(told(workflow)).toMatchObject([
      {
        kind: 'first-wins',
        where: 'reading after 1000 / readMail',
        lost: ['after 1000', 'readMail → yes'],
      },
      { kind: 'first-wins', where: 'reading after 1000 / readMail', second: 'readMail → failed' },
    ]);
  });

  it('tell which of the two is lost, where only one of them is', () => {
    const invoke = { id: 'readMail', src: 'readMail', onDone: 'read', onError: 'read' };
    const workflow = workflowOf({
      initial: 'reading',
      states: {
        reading: { invoke, on: { NOTE: { actions: 'mailIsOne' } } },
        read: { after: { 1000: 'done' } },
        done,
      },
    });
    expect(told(workflow)).toMatchObject([
      {
        kind: 'first-wins',
        first: 'NOTE',
        second: 'readMail → yes',
        lost: ['NOTE'],
        differs: ['context.mail'],
      },
      { kind: 'first-wins', first: 'NOTE', second: 'readMail → failed', lost: ['NOTE'] },
    ]);
    expect(races(workflow).races[0]?.orders.map(({ name }) => name)).toEqual([
      'NOTE, readMail → yes, after 1000',
      'readMail → yes, after 1000',
    ]);
  });

  it('hold it to be another answer if its actor was started anew meanwhile', () => {
    const workflow = workflowOf({
      initial: 'reading',
      states: {
        reading: {
          invoke: {
            id: 'readMail',
            src: 'readMail',
            onDone: { target: 'read', actions: 'keepMail' },
            onError: 'read',
          },
          on: { AGAIN: { target: 'reading', reenter: true } },
        },
        read: done,
      },
    });
    expect(told(workflow)).toMatchObject([
      { kind: 'first-wins', first: 'AGAIN', second: 'readMail → yes', lost: ['AGAIN', 'readMail → yes'] },
      {
        kind: 'first-wins',
        first: 'AGAIN',
        second: 'readMail → failed',
        lost: ['AGAIN', 'readMail → failed'],
      },
    ]);
  });

  it('hold it to be another timer if it was armed anew meanwhile', () => {
    const workflow = workflowOf({
      initial: 'waiting',
      states: {
        waiting: { on: { AGAIN: { target: 'waiting', reenter: true } }, after: { 1000: 'late' } },
        late: done,
      },
    });
    expect(told(workflow)).toMatchObject([{ kind: 'first-wins', lost: ['AGAIN', 'after 1000'] }]);
  });

  it('are found between a reminder and a note, if they write the same', () => {
    const between = (noted: string): AnyWorkflow =>
      workflowOf({
        initial: 'asking',
        states: {
          asking: {
            on: { NOTE: { actions: noted }, APPROVE: 'done' },
            initial: 'waiting',
            states: {
              waiting: { after: { 1000: { target: 'reminded', actions: 'mailIsOne' } } },
              reminded: {},
            },
          },
          done,
        },
      });
    const ofNote = (workflow: AnyWorkflow) => told(workflow).filter(({ first }) => first === 'NOTE');
    expect(ofNote(between('orderIsOne'))).toEqual([]);
    expect(ofNote(between('mailIsTwo'))).toMatchObject([
      { kind: 'order', where: 'asking.waiting NOTE / after 1000', lost: [], differs: ['context.mail'] },
    ]);
  });

  it('are none between regions that have nothing to do with each other, timers and actors included', () => {
    const invoke = { id: 'readMail', src: 'readMail', onDone: 'read', onError: 'read' };
    const invokeOther = { id: 'readOrder', src: 'readOrder', onDone: 'read', onError: 'read' };
    const workflow = workflowOf({
      type: 'parallel',
      states: {
        one: {
          initial: 'idle',
          states: {
            idle: { on: { APPROVE: 'reading' } },
            reading: { invoke, after: { 500: 'read' } },
            read: {},
          },
        },
        two: {
          initial: 'idle',
          states: {
            idle: { on: { CANCEL: 'reading' } },
            reading: { invoke: invokeOther, after: { 500: 'read' } },
            read: {},
          },
        },
        three: { initial: 'on', states: { on: { after: { 1000: 'off' } }, off: {} } },
      },
    });
    // Within a region, the answer and the timer lead to the same.
    expect(told(workflow)).toEqual([]);
  });

  it('count the event as given just before the timer, so that what it arms waits as long in either order', () => {
    const workflow = workflowOf({
      type: 'parallel',
      states: {
        one: { initial: 'on', states: { on: { after: { 1000: 'off' } }, off: {} } },
        two: {
          initial: 'idle',
          states: {
            idle: { on: { APPROVE: 'soon' } },
            soon: { after: { 10: { target: 'gone' } } },
            gone: {},
          },
        },
      },
    });
    expect(told(workflow)).toEqual([]);
  });

  it('lead over both even if the event arms a timer that is due sooner', () => {
    const workflow = workflowOf({
      type: 'parallel',
      states: {
        one: {
          initial: 'on',
          states: { on: { after: { 1000: { target: 'off', actions: 'mailIsOne' } } }, off: {} },
        },
        two: {
          initial: 'idle',
          states: {
            idle: { on: { APPROVE: { target: 'soon', actions: 'mailIsTwo' } } },
            soon: { after: { 10: 'gone' } },
            gone: {},
          },
        },
      },
    });
    const [race] = races(workflow).races;
    expect(race).toMatchObject({
      kind: 'order',
      first: 'APPROVE',
      second: 'after 1000',
      differs: ['context.mail'],
    });
    expect(race?.orders.map(({ steps }) => steps.slice(1, 3).map(({ name }) => name))).toEqual([
      ['APPROVE (late)', 'after 1000'],
      ['after 1000', 'APPROVE'],
    ]);
  });

  it('try every payload, not only those that lead elsewhere', () => {
    const workflow = workflowOf(
      {
        initial: 'waiting',
        states: {
          waiting: {
            on: { SET: { actions: 'setCount' }, NOTE: { actions: 'count' } },
            after: { 1000: 'done' },
          },
          done,
        },
      },
      { events: { SET: z.object({ value: z.union([z.literal(1), z.literal(7)]) }) } },
    );
    expect(told(workflow)).toMatchObject([
      { kind: 'order', where: 'waiting NOTE / SET', differs: ['context.count'] },
      { kind: 'first-wins', where: 'waiting SET / after 1000', lost: ['SET 7'] },
      { kind: 'first-wins', where: 'waiting NOTE / after 1000', lost: ['NOTE'] },
    ]);
  });

  it('are told of a machine without states too', () => {
    const machine = createMachine({
      id: 'plain',
      context: { x: 0 },
      on: { ONE: { actions: assign({ x: 1 }) }, TWO: { actions: assign({ x: 2 }) } },
    });
    const workflow = defineWorkflow({ machine: machine as never, version: '1' });
    expect(told(workflow)).toMatchObject([{ kind: 'order', state: '(root)', where: '(root) ONE / TWO' }]);
  });
});

describe('a race', () => {
  it('is marked as meant by what the workflow accepts', () => {
    const where = 'reading.{ mail: reading, order: reading } readMail / readOrder';
    const reason = 'The last one holds.';
    const meant = (accepted: readonly object[]) =>
      told(workflowOf(bothRead('mailIsOne', 'mailIsTwo'), { accepted })).map((race) => race.meant);
    expect(meant([{ rule: 'race', where, reason }])).toEqual([reason]);
    expect(meant([{ rule: 'race', reason }])).toEqual([reason]);
    expect(meant([{ rule: 'race', where: 'elsewhere', reason }])).toEqual([undefined]);
    expect(meant([{ rule: 'no-timer', reason }])).toEqual([undefined]);
  });

  it('is not told of where nothing was gone on from', () => {
    const workflow = workflowOf({
      initial: 'first',
      states: {
        first: { after: { 1000: 'asking' } },
        asking: { on: { APPROVE: 'yes', CANCEL: 'no' } },
        yes: done,
        no: done,
      },
    });
    expect(races(workflow, { maxNodes: 2 })).toMatchObject({ races: [], graph: { leftOut: 1 } });
    expect(races(workflow, { maxNodes: 3 }).races).toHaveLength(1);
  });

  it('in which both are taken comes before those in which one is lost', () => {
    const workflow = workflowOf({
      initial: 'waiting',
      states: {
        waiting: {
          on: { APPROVE: 'done', NOTE: { actions: 'mailIsOne' }, CANCEL: { actions: 'mailIsTwo' } },
        },
        done,
      },
    });
    expect(told(workflow).map(({ kind }) => kind)).toEqual(['order', 'first-wins', 'first-wins']);
  });
});
