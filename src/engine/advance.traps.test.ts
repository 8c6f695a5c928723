/** What XState alone does not say when a state is kept and restored, and Signalbox must. */
import {
  type AnyStateMachine,
  assign,
  createMachine,
  enqueueActions,
  forwardTo,
  fromPromise,
  raise,
  setup,
  spawnChild,
} from 'xstate';
import { describe, expect, it, vi } from 'vitest';

import { allowConsole } from '../../test/setup/no-leaks.ts';
import { work } from '../../test/support/plain-driver.ts';
import { SnapshotNotRestorable, ValueNotCarriable } from '../errors.ts';
import { type AnyWorkflow, defineWorkflow } from '../workflow.ts';
import { advance, viewState } from './advance.ts';
import { decode, encode } from './codec.ts';
import type { Advanced, Message, RunState } from './run-state.ts';

const workflowOf = (machine: AnyStateMachine): AnyWorkflow => defineWorkflow({ version: '1', machine });
const start = (machine: AnyStateMachine, input?: unknown): Advanced =>
  advance(workflowOf(machine), undefined, { type: 'start', at: 0, input });
const event = (type: string, payload: object = {}): Message => ({
  type: 'event',
  at: 0,
  event: { type, ...payload },
});

/** As a store gives it back, in another process. */
const stored = (state: RunState): RunState => decode(encode(state, 'state')) as RunState;

function thrown(body: () => unknown): SnapshotNotRestorable {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(SnapshotNotRestorable);
    return error as SnapshotNotRestorable;
  }
  throw new Error('Expected it to throw.');
}

describe('a timer', () => {
  it('that was armed before a restart fires at its original deadline', () => {
    const machine = createMachine({
      id: 'waiting',
      initial: 'a',
      states: { a: { after: { 60_000: 'b' }, on: { TOUCH: { actions: assign({}) } } }, b: {} },
    });
    let { state } = advance(workflowOf(machine), undefined, { type: 'start', at: 1_000 });
    state = advance(workflowOf(machine), stored(state), { ...event('TOUCH'), at: 50_000 }).state;
    expect(state.timers).toMatchObject([{ deadline: 61_000, source: '', target: '' }]);
    const [timer] = stored(state).timers;
    const due = advance(workflowOf(machine), stored(state), {
      type: 'timer',
      at: 61_000,
      source: '',
      id: timer?.id ?? '',
    });
    expect(due.state).toMatchObject({ snapshot: { value: 'b' }, timers: [] });
  });
});

describe('a promise in flight', () => {
  it('is not run again when its run is restored', () => {
    const create = vi.fn(async () => 1);
    const machine = createMachine({
      id: 'flying',
      invoke: { id: 'p', src: fromPromise(create), onDone: { actions: assign({}) } },
      on: { TOUCH: { actions: assign({}) } },
    });
    const { state } = start(machine);
    const touched = advance(workflowOf(machine), stored(state), event('TOUCH'));
    viewState(workflowOf(machine), stored(touched.state));
    expect(touched).toMatchObject({ started: [], state: { invocations: [{ key: 'p#1' }] } });
    expect(create).not.toHaveBeenCalled();
  });
});

describe('a state that its workflow no longer has', () => {
  const before = createMachine({
    id: 'changing',
    initial: 'a',
    states: { a: { on: { GO: 'b' } }, b: { invoke: { id: 'p', src: work() }, on: { BACK: 'a' } } },
  });
  const after = createMachine({ id: 'changing', initial: 'a', states: { a: {} } });

  it('is refused, and left as it was', () => {
    const state = stored(advance(workflowOf(before), start(before).state, event('GO')).state);
    const copy = stored(state);
    for (const body of [
      () => advance(workflowOf(after), state, event('BACK')),
      () => viewState(workflowOf(after), state),
    ]) {
      expect(thrown(body)).toMatchObject({
        code: 'SNAPSHOT_NOT_RESTORABLE',
        details: { misfits: [{ kind: 'state', actor: '', id: 'changing.b' }] },
      });
    }
    expect(state).toEqual(copy);
    expect(advance(workflowOf(before), state, event('BACK')).state.snapshot.value).toBe('a');
  });

  it('is named, if it is the state itself', () => {
    const plain = createMachine({
      id: 'changing',
      initial: 'a',
      states: { a: { on: { GO: 'b' } }, b: { on: { BACK: 'a' } } },
    });
    const { state } = advance(workflowOf(plain), start(plain).state, event('GO'));
    expect(thrown(() => advance(workflowOf(after), stored(state), event('BACK')))).toMatchObject({
      code: 'SNAPSHOT_NOT_RESTORABLE',
      details: { misfits: [{ kind: 'state', id: 'changing.b' }] },
    });
  });

  it('is refused in nested machines too, with their path', () => {
    const around = (inner: AnyStateMachine): AnyStateMachine =>
      createMachine({
        id: 'outer',
        invoke: {
          id: 'mid',
          src: createMachine({
            id: 'mid',
            invoke: { id: 'in/ner', src: inner },
            on: { GO: { actions: forwardTo('in/ner') } },
          }),
        },
        on: { GO: { actions: forwardTo('mid') } },
      });
    const { state } = advance(workflowOf(around(before)), start(around(before)).state, event('GO'));
    expect(thrown(() => advance(workflowOf(around(after)), stored(state), event('GO')))).toMatchObject({
      code: 'SNAPSHOT_NOT_RESTORABLE',
      details: { misfits: [{ kind: 'state', actor: 'mid/in~1ner', id: 'changing.b' }] },
    });
  });

  it('is refused if only history remembers it', () => {
    const remembering = (states: object): AnyStateMachine =>
      createMachine({
        id: 'remembering',
        initial: 'on',
        states: {
          on: { initial: 'a', states: { ...states, back: { type: 'history' } }, on: { OFF: 'off' } },
          off: { on: { ON: 'on.back' } },
        },
      } as Parameters<typeof createMachine>[0]);
    const had = remembering({ a: { always: 'b' }, b: {} });
    const { state } = advance(workflowOf(had), start(had).state, event('OFF'));
    const changed = workflowOf(remembering({ a: {} }));
    expect(thrown(() => advance(changed, stored(state), event('ON')))).toMatchObject({
      code: 'SNAPSHOT_NOT_RESTORABLE',
      details: { misfits: [{ kind: 'history', id: 'remembering.on.back' }] },
    });
  });
});

describe('a child whose src is no longer there', () => {
  it('is named', () => {
    const had = setup({ actors: { fetch: work() } }).createMachine({
      id: 'spawning',
      on: { SPAWN: { actions: spawnChild('fetch', { id: 'f' }) } },
    });
    const has = setup({ actors: { get: work() } }).createMachine({
      id: 'spawning',
      on: { SPAWN: { actions: () => {} } },
    });
    const { state } = advance(workflowOf(had), start(had).state, event('SPAWN'));
    expect(thrown(() => advance(workflowOf(has), stored(state), event('SPAWN')))).toMatchObject({
      code: 'SNAPSHOT_NOT_RESTORABLE',
      details: { misfits: [{ kind: 'child', id: 'f' }] },
    });
  });

  it('fails the run if it never was there', () => {
    // XState warns of it, in its development build.
    allowConsole();
    const machine = createMachine({
      id: 'typo',
      on: { SPAWN: { actions: enqueueActions(({ enqueue }) => enqueue.spawnChild('fecth' as never)) } },
    });
    const { snapshot } = advance(workflowOf(machine), start(machine).state, event('SPAWN')).state;
    expect(snapshot.error).toMatchObject({ code: 'WORKFLOW_INVALID', details: { src: 'fecth', path: '' } });
  });
});

describe('what machines may hold', () => {
  const values = {
    date: new Date(1234),
    map: new Map<unknown, unknown>([[{ key: 1 }, new Set([1n, NaN])]]),
    bigint: 2n ** 70n,
    numbers: [NaN, -0, Infinity, -Infinity],
    nothing: undefined,
    error: Object.assign(new TypeError('wrong', { cause: new Error('deeper') }), { code: 'E_WRONG' }),
    bytes: { nested: [new Uint8Array([1, 2, 3]), new Float64Array([NaN, -0])] },
    regexp: /a+/giu,
    sparse: [1, , 3], // oxlint-disable-line no-sparse-arrays -- holes come back as holes
  };
  const holding = setup({
    actors: { think: work() },
    types: { context: {} as { input: unknown; got?: unknown }, input: {} as unknown },
  }).createMachine({
    id: 'holding',
    context: ({ input }) => ({ input }),
    initial: 'a',
    states: {
      a: {
        invoke: {
          id: 'p',
          src: 'think',
          input: ({ context }: { context: { input: unknown } }) => context.input,
          onDone: { target: 'b', actions: assign({ got: ({ event: done }) => done.output }) },
        },
      },
      b: { on: { END: 'c' } },
      c: { type: 'final' },
    },
    output: ({ context }) => context,
  });

  it('comes back equal in context, input and output, after any number of restarts', () => {
    const workflow = workflowOf(holding);
    const begun = start(holding, values);
    expect(begun.started).toStrictEqual([{ key: 'p#1', path: 'p', src: 'think', input: values }]);
    const given = advance(workflow, stored(begun.state), {
      type: 'output',
      at: 0,
      key: 'p#1',
      output: values,
    });
    const ended = advance(workflow, stored(stored(given.state)), event('END'));
    expect(stored(ended.state).snapshot.output).toStrictEqual({ input: values, got: values });
    expect(stored(ended.state)).toStrictEqual(ended.state);
  });

  class Money {
    readonly amount = 1;
  }
  for (const [what, value, found] of [
    ['a function', () => {}, 'a function'],
    ['a symbol', Symbol('s'), 'a symbol'],
    ['an instance of a class', new Money(), 'an instance of Money'],
    ['an instance of a class in a map', new Map([['k', new Money()]]), 'an instance of Money'],
  ] as const) {
    it(`is not ${what}: not in context`, () => {
      const machine = createMachine({
        id: 'refusing',
        context: { deep: { list: [] as unknown[] } },
        invoke: { id: 'p', src: work() },
        on: { PUT: { actions: assign({ deep: () => ({ list: [0, value] }) }) } },
      });
      const begun = start(machine);
      const { state, stopped, accepted } = advance(workflowOf(machine), begun.state, event('PUT'));
      expect(state.snapshot).toMatchObject({
        status: 'error',
        context: { deep: { list: [] } },
        error: expect.any(ValueNotCarriable) as unknown,
      });
      expect((state.snapshot.error as Error).message).toMatch(
        new RegExp(`^\`context of run\\.deep\\.list\\[1\\].*\` holds ${found}`),
      );
      expect({ stopped, accepted, invocations: state.invocations }).toEqual({
        stopped: ['p#1'],
        accepted: true,
        invocations: [],
      });
      expect(stored(state)).toEqual(state);
    });

    it(`is not ${what}: not in output, nor in the event of a timer, nor in the context of a child`, () => {
      const child = createMachine({
        id: 'child',
        context: { a: null as unknown },
        on: { PUT: { actions: assign({ a: () => value }) } },
      });
      const machine = createMachine({
        id: 'refusing',
        invoke: { id: 'child', src: child },
        initial: 'a',
        states: {
          a: {
            on: {
              END: 'b',
              TIMER: { actions: raise(() => ({ type: 'LATER', value }), { delay: 5, id: 'later' }) },
              PUT: { actions: forwardTo('child') },
            },
          },
          b: { type: 'final' },
        },
        output: () => ({ result: value }),
      });
      const begun = start(machine);
      const message = (type: string): string =>
        (advance(workflowOf(machine), begun.state, event(type)).state.snapshot.error as Error).message;
      expect(message('END')).toContain('`output of run.result');
      expect(message('TIMER')).toContain('`event of timer later.value');
      expect(message('PUT')).toContain('`context of child.a');
    });

    it(`is not ${what}: not at the start`, () => {
      const machine = createMachine({ id: 'refusing', context: { a: value as unknown } });
      const { state, started } = start(machine);
      expect(state.snapshot).toMatchObject({ status: 'error', error: { code: 'VALUE_NOT_CARRIABLE' } });
      expect(started).toEqual([]);
    });
  }

  it('is input of an actor only if it can be carried; the machine is told as of any other error of the actor', () => {
    const machine = createMachine({
      id: 'refusing',
      initial: 'a',
      context: { why: '' },
      states: {
        a: {
          invoke: {
            id: 'p',
            src: work(),
            input: { fn: () => {} },
            onError: {
              target: 'b',
              actions: assign({ why: ({ event: failed }) => (failed.error as Error).message }),
            },
          },
        },
        b: {},
      },
    });
    const { state, started } = start(machine);
    expect(state.snapshot).toMatchObject({
      value: 'b',
      context: { why: expect.stringContaining('`input of p.fn` holds a function') as unknown },
    });
    expect(started).toEqual([]);
  });

  it('may go round in circles', () => {
    const machine = createMachine({
      id: 'circular',
      context: () => {
        const node: { self?: unknown } = {};
        node.self = node;
        return { node };
      },
      on: { TOUCH: { actions: assign({}) } },
    });
    const { state } = advance(workflowOf(machine), stored(start(machine).state), event('TOUCH'));
    const { node } = stored(state).snapshot.context as { node: { self: unknown } };
    expect(node.self).toBe(node);
  });
});
