import { describe, expect, it } from 'vitest';
import { type AnyActorLogic, assign, createMachine, fromPromise, setup } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../../actors/index.ts';
import { OutcomeUnknown } from '../../../errors.ts';
import { person } from '../../../gates/person.ts';
import { type AnyWorkflow, defineWorkflow } from '../../../workflow.ts';
import { check } from '../check.ts';

interface Doing {
  readonly irreversible?: boolean;
  readonly compensatedBy?: string;
}

function tool(name: string, { irreversible = false, compensatedBy }: Doing = {}) {
  const logic = fromTool({
    name,
    input: z.undefined(),
    output: z.literal('ok'),
    irreversible,
    ...(irreversible ? { idempotencyKey: () => name } : {}),
    run: async () => 'ok' as const,
  });
  return Object.assign(logic, { signalbox: { ...logic.signalbox, compensatedBy } });
}

const unpayByMachine = createMachine({
  id: 'unpaying',
  initial: 'asking',
  states: {
    asking: { invoke: { id: 'ask', src: tool('ask') as AnyActorLogic, onDone: 'asked', onError: 'asked' } },
    asked: { type: 'final' },
  },
});

const payInMachine = createMachine(
  {
    id: 'paying',
    initial: 'asking',
    states: {
      asking: { invoke: { id: 'pay', src: 'pay', onDone: 'asked', onError: 'asked' } },
      asked: { type: 'final' },
    },
  },
  {
    actors: {
      pay: tool('pay', { irreversible: true, compensatedBy: 'unpay' }) as AnyActorLogic,
      unpay: tool('unpay') as AnyActorLogic,
    },
  },
);

const machines = setup({
  types: { context: {} as { rounds: number }, events: {} as { type: 'GIVE_UP' } | { type: 'SEEN' } },
  actors: {
    pay: tool('pay', { irreversible: true, compensatedBy: 'unpay' }),
    reserve: tool('reserve', { compensatedBy: 'release' }),
    release: tool('release'),
    unpay: tool('unpay'),
    lend: tool('lend', { compensatedBy: 'unpayByMachine' }),
    order: tool('order', { compensatedBy: 'cancel' }),
    cancel: tool('cancel'),
    ship: tool('ship'),
    plain: fromPromise(async () => 'ok'),
    unpayByMachine,
    payInMachine,
  },
  guards: {
    isUnknown: ({ event }) => (event as unknown as { error: unknown }).error instanceof OutcomeUnknown,
    few: ({ context }) => context.rounds < 3,
  },
  actions: { count: assign({ rounds: ({ context }) => context.rounds + 1 }) },
});

type Config = Parameters<typeof machines.createMachine>[0];

const invoke = (src: string, onDone: unknown, onError: unknown, rest: object = {}) => ({
  invoke: { id: src, src, onDone, onError },
  ...rest,
});
const failed = { type: 'final', tags: ['failed'] } as const;
const done = { type: 'final' } as const;
const asking = { ...person({ title: 'It could not be undone. Do it by hand.' }), on: { SEEN: 'failed' } };

function workflowOf(states: object): AnyWorkflow {
  const machine = machines.createMachine({
    id: 'effects',
    context: { rounds: 0 },
    initial: Object.keys(states)[0],
    states,
  } as Config);
  return defineWorkflow({ machine: machine as never, version: '1', owner: 'us' });
}

/** Where effects are left standing, and the way there. */
function left(states: object): unknown[] {
  return find(workflowOf(states)).map(({ where, path }) => [where, path]);
}

function find(workflow: AnyWorkflow) {
  return check(workflow)
    .findings.filter(({ rule }) => rule === 'not-compensated')
    .map(({ where, message, witness }) => ({ where, message, path: witness?.name }));
}

const paying = invoke('pay', 'shipping', 'closed');
const undoing = invoke('unpay', 'failed', 'asking');
const right = {
  paying: invoke('pay', 'shipping', [{ guard: 'isUnknown', target: 'undoing' }, { target: 'closed' }]),
  shipping: invoke('ship', 'done', 'undoing'),
  undoing,
  asking,
  closed: done,
  failed,
  done,
};

describe('not-compensated', () => {
  it('finds the shortest way to an end that failed, past the effect, without its compensator', () => {
    expect(find(workflowOf({ ...right, shipping: invoke('ship', 'done', 'failed') }))).toEqual([
      {
        where: 'pay failed',
        message: '`pay` is not undone where the run ends in `failed`: `unpay` was not started.',
        path: 'pay → ok, ship → failed',
      },
    ]);
  });

  it('finds nothing where the compensator has answered, or a person has seen that it could not', () => {
    expect(left(right)).toEqual([]);
  });

  it('takes only ends with the tag `failed`, and errors, for a failure', () => {
    const shipping = invoke('ship', 'done', 'closed');
    expect(left({ ...right, shipping })).toEqual([]);
    const unhandled = { invoke: { id: 'ship', src: 'ship', onDone: 'done' } };
    expect(left({ ...right, shipping: unhandled })).toEqual([['pay shipping', 'pay → ok, ship → failed']]);
    const passed = { tags: ['failed'], after: { 1000: 'over' } };
    expect(left({ ...right, closed: passed, shipping, over: done })).toEqual([]);
  });

  it('does not take the start of the compensator for its answer', () => {
    const found = find(workflowOf({ ...right, undoing: { ...undoing, after: { 1000: 'failed' } } }));
    expect(found).toMatchObject([{ where: 'pay failed', path: 'pay → ok, ship → failed, after 1000' }]);
    const beside = {
      ...right,
      shipping: invoke('ship', 'done', 'both'),
      both: {
        type: 'parallel',
        states: { undo: undoing2('noted'), go: { initial: 'on', states: { on: { after: { 1: '#end' } } } } },
      },
      failed: { ...failed, id: 'end' },
    };
    expect(find(workflowOf(beside))).toMatchObject([{ where: 'pay failed' }]);
  });

  it('finds a compensator that fails, and a run that ends on that', () => {
    expect(find(workflowOf({ ...right, undoing: invoke('unpay', 'failed', 'failed') }))).toEqual([
      {
        where: 'pay failed',
        message:
          '`pay` is not undone where the run ends in `failed`: `unpay` was started and gave no output, and no person was asked after that.',
        path: 'pay → ok, ship → failed, unpay → failed',
      },
    ]);
    expect(left({ ...right, undoing: { invoke: { id: 'unpay', src: 'unpay', onDone: 'failed' } } })).toEqual([
      ['pay undoing', 'pay → ok, ship → failed, unpay → failed'],
    ]);
    // Nobody has answered in time.
    expect(left({ ...right, asking: { ...asking, after: { 1000: 'failed' } } })).toEqual([
      ['pay failed', 'pay → ok, ship → failed, unpay → failed, after 1000'],
    ]);
  });

  it('takes no person who answered before the compensator was tried, and no event that nobody was asked for', () => {
    const shipping = invoke('ship', 'done', 'asking');
    expect(left({ ...right, shipping })).toEqual([['pay failed', 'pay → ok, ship → failed, SEEN']]);
    expect(left({ ...right, asking: { on: { SEEN: 'failed' } } })).toEqual([
      ['pay failed', 'pay → ok, ship → failed, unpay → failed, SEEN'],
    ]);
  });

  it('takes an effect of which nobody knows for one that stands, and one that failed for none', () => {
    const onError = [{ guard: 'isUnknown', target: 'failed' }, { target: 'closed' }];
    expect(left({ ...right, paying: invoke('pay', 'done', onError) })).toEqual([
      ['pay failed', 'pay → outcome unknown'],
    ]);
    const other = [{ guard: 'isUnknown', target: 'undoing' }, { target: 'failed' }];
    // It may be asked again, so that it is cut short does not make its outcome unknown.
    expect(left({ ...right, paying: invoke('pay', 'done', other) })).toEqual([
      ['pay failed', 'pay → timed out'],
    ]);
    const reserving = invoke('reserve', 'done', 'failed');
    expect(left({ reserving, done, failed })).toEqual([]);
  });

  it('takes an irreversible effect that was stopped for one that stands', () => {
    const pay = { ...paying, after: { 1000: 'failed' } };
    expect(left({ paying: pay, shipping: done, closed: done, failed })).toEqual([
      ['pay failed', 'after 1000'],
    ]);
    const reserving = { ...invoke('reserve', 'done', 'failed'), after: { 1000: 'failed' } };
    expect(left({ reserving, done, failed })).toEqual([]);
    // It is stopped and undone in one step.
    expect(left({ ...right, paying: { ...right.paying, after: { 1000: 'undoing' } } })).toEqual([]);
  });

  it('tells of each effect, and of each end', () => {
    const states = {
      reserving: invoke('reserve', 'paying', 'closed'),
      paying: invoke('pay', 'shipping', 'closed'),
      shipping: { ...invoke('ship', 'done', 'failed'), after: { 1000: 'late' } },
      closed: done,
      done,
      failed,
      late: failed,
    };
    expect(left(states)).toEqual([
      ['reserve failed', 'reserve → ok, pay → ok, ship → failed'],
      ['pay failed', 'reserve → ok, pay → ok, ship → failed'],
      ['reserve late', 'reserve → ok, pay → ok, after 1000'],
      ['pay late', 'reserve → ok, pay → ok, after 1000'],
    ]);
  });

  it('counts no compensator that was started before the effect was done', () => {
    const states = {
      both: {
        type: 'parallel',
        states: {
          pay: { initial: 'paying', states: { paying: invoke('pay', 'paid', 'paid'), paid: done } },
          undo: {
            initial: 'undoing',
            states: { undoing: invoke('unpay', 'undone', 'undone'), undone: done },
          },
        },
        onDone: 'failed',
      },
      failed,
    };
    const found = left(states) as string[][];
    expect(found.map(([where]) => where)).toEqual(['pay failed']);
  });

  it('ends for an effect that is repeated, and wants the last of them undone', () => {
    const again = {
      paying: invoke('pay', 'shipping', 'undoing'),
      shipping: invoke('ship', 'done', 'undoing'),
      undoing: invoke('unpay', 'counting', 'asking'),
      counting: { always: [{ guard: 'few', target: 'paying', actions: 'count' }, { target: 'failed' }] },
      asking,
      failed,
      done,
    };
    expect(left(again)).toEqual([]);
    const once = {
      ...again,
      undoing: invoke('unpay', 'counting', 'asking'),
      counting: { always: [{ guard: 'few', target: 'again', actions: 'count' }, { target: 'failed' }] },
      again: invoke('pay', 'failed', 'done'),
    };
    expect(left(once)).toEqual([['pay failed', expect.stringContaining('unpay → ok, pay → ok')]]);
    const endless = {
      paying: { ...invoke('pay', 'shipping', 'undoing'), on: { GIVE_UP: 'undoing' } },
      shipping: { ...invoke('ship', 'paying', 'paying'), on: { GIVE_UP: 'failed' } },
      undoing: right.undoing,
      asking,
      failed,
    };
    expect(left(endless)).toEqual([['pay failed', 'pay → ok, GIVE_UP']]);
  });

  it('finds the effect of a nested machine, and takes a compensator of the machine above', () => {
    const states = {
      paying: invoke('payInMachine', 'shipping', 'undoing'),
      shipping: invoke('ship', 'done', 'undoing'),
      undoing: right.undoing,
      asking,
      failed,
      done,
    };
    expect(left(states)).toEqual([]);
    expect(left({ ...states, shipping: invoke('ship', 'done', 'failed') })).toEqual([
      ['payInMachine/pay failed', expect.stringContaining('ship → failed')],
    ]);
  });

  it('takes a machine for a compensator, once it is done', () => {
    const states = {
      lending: invoke('lend', 'shipping', 'done'),
      shipping: invoke('ship', 'done', 'undoing'),
      undoing: invoke('unpayByMachine', 'failed', 'asking'),
      asking,
      failed,
      done,
    };
    expect(left(states)).toEqual([]);
    const cut = { ...states, undoing: { ...states.undoing, after: { 1000: 'failed' } } };
    expect(left(cut)).toEqual([['lend failed', 'lend → ok, ship → failed, after 1000']]);
  });

  it('finds an effect whose compensator is started nowhere', () => {
    const states = {
      ordering: invoke('order', 'shipping', 'done'),
      shipping: invoke('ship', 'done', 'failed'),
      failed,
      done,
    };
    expect(left(states)).toEqual([['order failed', 'order → ok, ship → failed']]);
  });

  it('holds no answer against anyone that was only guessed', () => {
    const guessing = {
      reserving: invoke('reserve', 'weighing', 'done'),
      weighing: { invoke: { id: 'plain', src: 'plain', onDone: { actions: 'boom' }, onError: 'done' } },
      done,
    };
    const machine = machines
      .createMachine({
        id: 'effects',
        context: { rounds: 0 },
        initial: 'reserving',
        states: guessing,
      } as never)
      .provide({
        actions: {
          boom: assign(() => {
            throw new Error('It holds nothing.');
          }),
        },
      } as never);
    expect(find(defineWorkflow({ machine: machine as never, version: '1' }))).toEqual([]);
  });
});

function undoing2(target: string) {
  return {
    initial: 'going',
    states: { going: invoke('unpay', target, target), [target]: done },
  };
}
