import {
  type AnyStateMachine,
  assign,
  createMachine,
  enqueueActions,
  forwardTo,
  fromPromise,
  fromTransition,
  setup,
  spawnChild,
} from 'xstate';
import { describe, expect, it, vi } from 'vitest';

import { work } from '../../test/support/plain-driver.ts';
import { type AnyWorkflow, defineWorkflow } from '../workflow.ts';
import { advance } from './advance.ts';
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

describe('an actor spawned inline', () => {
  const promise = vi.fn(async () => 1);
  const action = vi.fn();
  const inlineLogics = {
    promise: fromPromise(promise),
    machine: createMachine({ id: 'inline', entry: action, invoke: { src: fromPromise(promise) } }),
    transition: fromTransition((state: object) => state, {}),
  };

  for (const [kind, logic] of Object.entries(inlineLogics)) {
    const machine = createMachine({
      id: 'spawning',
      context: { ref: null as unknown },
      invoke: { id: 'p', src: work() },
      on: {
        ASSIGN: {
          actions: assign({ ref: ({ spawn }) => spawn(logic as never, { id: 'a/b' } as never) as unknown }),
        },
        ENQUEUE: {
          actions: enqueueActions(({ enqueue }) =>
            enqueue.spawnChild(logic as never, { id: 'queued' } as never),
          ),
        },
        NAMELESS: { actions: enqueueActions(({ enqueue }) => enqueue.spawnChild(logic as never)) },
      },
    });

    it(`(a ${kind}) fails the run, which names its path, and none of its code runs`, () => {
      const begun = start(machine);
      for (const [type, path] of [
        ['ASSIGN', 'a~1b'],
        ['ENQUEUE', 'queued'],
        ['NAMELESS', 'x:1'],
      ] as const) {
        const led = advance(workflowOf(machine), begun.state, event(type));
        expect(led).toMatchObject({
          state: { snapshot: { status: 'error', error: { code: 'INLINE_SPAWN', details: { path } } } },
          stopped: ['p#1'],
          started: [],
        });
        expect(stored(led.state)).toEqual(led.state);
      }
      expect(promise).not.toHaveBeenCalled();
      expect(action).not.toHaveBeenCalled();
    });
  }

  it('by a nested machine is named with its whole path, and can be handled above', () => {
    const child = createMachine({
      id: 'child',
      on: { GO: { actions: assign({ ref: ({ spawn }) => spawn(inlineLogics.promise, { id: 'p' }) }) } },
    });
    const machine = createMachine({
      id: 'parent',
      initial: 'a',
      states: {
        a: { invoke: { id: 'child', src: child, onError: 'b' }, on: { GO: { actions: forwardTo('child') } } },
        b: {},
      },
    });
    const begun = start(machine);
    expect(advance(workflowOf(machine), begun.state, event('GO')).state.snapshot.value).toBe('b');
    const unhandled = createMachine({
      id: 'parent',
      invoke: { id: 'child', src: child },
      on: { GO: { actions: forwardTo('child') } },
    });
    const { snapshot } = advance(workflowOf(unhandled), start(unhandled).state, event('GO')).state;
    expect(snapshot.error).toMatchObject({ code: 'INLINE_SPAWN', details: { path: 'child/p' } });
  });

  it('at the start leaves the run without a first state', () => {
    const machine = createMachine({
      id: 'early',
      context: ({ spawn }) => ({ ref: spawn(inlineLogics.promise, { id: 'p' }) }),
    });
    expect(start(machine)).toMatchObject({
      state: { snapshot: { status: 'error', error: { code: 'INLINE_SPAWN' } } },
      started: [],
    });
    expect(promise).not.toHaveBeenCalled();
  });

  it('at the start of a nested machine leaves that one without a first state, also after a restart', () => {
    const child = createMachine({
      id: 'child',
      context: ({ spawn }) => ({ ref: spawn(inlineLogics.promise, { id: 'p' }) }),
    });
    const machine = createMachine({
      id: 'parent',
      invoke: { id: 'child', src: child, onError: { actions: () => {} } },
      on: { TOUCH: { actions: assign({}) } },
    });
    const begun = start(machine);
    expect(begun.state.snapshot).toMatchObject({
      status: 'active',
      children: {
        child: {
          snapshot: { status: 'error', error: { code: 'INLINE_SPAWN', details: { path: 'child/p' } } },
        },
      },
    });
    const touched = advance(workflowOf(machine), stored(begun.state), event('TOUCH'));
    expect(touched.state.snapshot).toEqual(begun.state.snapshot);
  });

  it('by name is fine', () => {
    const machine = setup({ actors: { fetch: work() } }).createMachine({
      id: 'named',
      entry: spawnChild('fetch', { id: 'f' }),
    });
    expect(start(machine).started).toMatchObject([{ key: 'f#1' }]);
  });
});
