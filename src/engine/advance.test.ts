import { assign, createActor, createMachine, enqueueActions, raise, sendParent, sendTo, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { work } from '../../test/support/plain-driver.ts';
import { type AnyWorkflow, defineWorkflow } from '../workflow.ts';
import { advance, canAccept, createHostCache, performerOf, viewState } from './advance.ts';
import { decode, encode } from './codec.ts';
import type { Advanced, Message, RunState } from './run-state.ts';

const child = createMachine({
  id: 'child',
  context: { items: [] as unknown[] },
  initial: 'on',
  states: { on: { invoke: { id: 'p', src: work() }, after: { 100: { target: 'on', reenter: true } } } },
});
const workflow = defineWorkflow({
  version: '1',
  machine: setup({ actors: { child, fetch: work() } }).createMachine({
    id: 'contract',
    context: { list: [{ deep: [1, new Date(0)] }], got: null as unknown },
    invoke: { id: 'child', src: 'child', onError: { actions: () => {} } },
    initial: 'a',
    states: {
      a: {
        invoke: {
          id: 'fetch',
          src: 'fetch',
          input: { deep: { er: 1 } },
          onDone: { target: 'b', actions: assign({ got: ({ event }) => event.output }) },
        },
        on: {
          SPAWN: { actions: enqueueActions(({ enqueue }) => enqueue.spawnChild('fetch')) },
          GO: 'b',
          SOON: { actions: raise({ type: 'GO' }, { delay: 50 }) },
        },
      },
      b: { on: { BACK: 'a' } },
    },
  }),
});

const start = (target: AnyWorkflow = workflow, input?: unknown): Advanced =>
  advance(target, undefined, { type: 'start', at: 1000, ...(input === undefined ? {} : { input }) });
const event = (type: string, at = 1000): Message => ({ type: 'event', at, event: { type } });

/** Every message that means something to the state, and some that do not. */
function messagesFor({ timers, invocations }: RunState): Message[] {
  return [
    ...['SPAWN', 'GO', 'SOON', 'BACK', 'UNKNOWN'].map((type) => event(type)),
    ...timers.map(({ source, id, deadline }): Message => ({ type: 'timer', at: deadline, source, id })),
    ...invocations.flatMap(({ key }): Message[] => [
      { type: 'output', at: 1000, key, output: { answer: [1, 2, 3] } },
      { type: 'error', at: 1000, key, error: new Error('refused') },
    ]),
    { type: 'output', at: 1000, key: 'fetch#99' },
    { type: 'timer', at: 1000, source: 'nowhere', id: 'none' },
    { type: 'cancel', at: 1000 },
  ];
}

describe('advance', () => {
  it('gives equal results for equal states and messages, whatever is advanced in between', () => {
    let states = [start().state];
    for (let depth = 0; depth < 3; depth++) {
      const next: RunState[] = [];
      for (const state of states) {
        for (const message of messagesFor(state)) {
          const first = advance(workflow, state, message);
          advance(workflow, start().state, event('SPAWN'));
          expect(advance(workflow, state, message)).toEqual(first);
          next.push(first.state);
        }
      }
      states = next.filter(({ snapshot }) => snapshot.status === 'active').slice(0, 25);
    }
    expect(states).toHaveLength(25);
  });

  it('gives the same with a host cache, when a state is advanced again, and when it is another run’s', () => {
    const hosts = createHostCache();
    const first = advance(workflow, undefined, { type: 'start', at: 1000 }, hosts);
    const there = advance(workflow, first.state, event('SPAWN'), hosts);
    const again = advance(workflow, first.state, event('SPAWN'), hosts);
    const other = advance(workflow, decode(encode(again.state)) as RunState, event('GO'), hosts);
    expect(again).toEqual(there);
    expect(other).toEqual(advance(workflow, there.state, event('GO')));
    expect(viewState(workflow, other.state, hosts)).toEqual(viewState(workflow, other.state));
    expect(advance(workflow, other.state, event('BACK'), hosts)).toEqual(
      advance(workflow, other.state, event('BACK')),
    );
  });

  it('hosts a state once with a host cache, and anew when its host has gone further', () => {
    const hosts = createHostCache();
    const { state } = advance(workflow, undefined, { type: 'start', at: 1000 }, hosts);
    const host = hosts.take(state);
    expect(host).toBeDefined();
    expect(hosts.take(state)).toBeUndefined();
    if (host) hosts.put(state, host);
    expect(advance(workflow, state, { type: 'cancel', at: 1000 }, hosts).state.snapshot.status).toBe(
      'stopped',
    );
    expect(advance(workflow, state, event('GO'), hosts)).toEqual(advance(workflow, state, event('GO')));
  });

  it('keeps the input of a pending invocation once, and shows it to the machine after a restart', () => {
    const machine = createMachine({
      id: 'asking',
      context: { saw: null as unknown },
      invoke: { id: 'ask', src: work(), input: { question: 'why on earth' } },
      on: {
        LOOK: {
          actions: assign({
            saw: ({ self }) =>
              (self.getSnapshot().children['ask']?.getSnapshot() as { input: unknown }).input,
          }),
        },
      },
    });
    const asking = defineWorkflow({ version: '1', machine });
    const text = encode(start(asking).state);
    expect(text.split('why on earth')).toHaveLength(2);
    const { state } = advance(asking, decode(text) as RunState, event('LOOK'));
    expect(state.snapshot.context).toEqual({ saw: { question: 'why on earth' } });
  });

  it('takes a state to another version of the workflow, and does not use the host of the first', () => {
    const hosts = createHostCache();
    const version = (name: string) =>
      defineWorkflow({
        version: name,
        machine: createMachine({
          id: 'versioned',
          initial: 'a',
          states: { a: { on: { GO: name } }, one: {}, two: {} },
        }),
      });
    const { state } = advance(version('one'), undefined, { type: 'start', at: 0 }, hosts);
    expect(advance(version('two'), state, event('GO'), hosts).state.snapshot.value).toBe('two');
  });

  it('freezes the states that it gives, and leaves the one that it is given as it was', () => {
    const { state } = start();
    expect(isDeepFrozen(state)).toBe(true);
    const stored = decode(encode(state)) as RunState;
    for (const message of messagesFor(state)) advance(workflow, stored, message);
    expect(stored).toEqual(state);
  });

  it('fails a machine that changes its context in place, in the same way restored or not', () => {
    const pushing = defineWorkflow({
      version: '1',
      machine: createMachine({
        id: 'pushing',
        context: { list: [] as number[], count: 0 },
        on: { PUSH: { actions: assign(({ context }) => ({ count: context.list.push(1) })) } },
      }),
    });
    const hosts = createHostCache();
    const { state } = advance(pushing, undefined, { type: 'start', at: 0 }, hosts);
    const stored = decode(encode(state)) as RunState;
    const [live, restored] = [
      advance(pushing, state, event('PUSH'), hosts),
      advance(pushing, stored, event('PUSH')),
    ];
    expect(live.state.snapshot).toMatchObject({
      status: 'error',
      context: { list: [] },
      error: expect.any(TypeError) as unknown,
    });
    expect(restored).toEqual(live);
    expect(stored.snapshot.context).toEqual({ list: [], count: 0 });
  });

  it('is told apart by keys: each invocation in a run has its own', () => {
    const keys = new Set<string>();
    let { state, started } = start();
    let count = 0;
    for (const type of ['SPAWN', 'SPAWN', 'GO', 'BACK', 'SPAWN', 'GO', 'BACK', 'UNKNOWN']) {
      for (const { key } of started) keys.add(key);
      count += started.length;
      ({ state, started } = advance(workflow, state, event(type)));
    }
    expect(count).toBe(7);
    expect(keys.size).toBe(count);
  });

  it('counts the entries of actors that will come again, and not of those with an id that the system made up', () => {
    const spawned = advance(workflow, start().state, event('SPAWN'));
    expect(spawned.started).toMatchObject([{ key: 'x:3#1' }]);
    expect(spawned.state.entries).toEqual({ 'child/p': 1, fetch: 1 });
  });

  it('arms no timer in the past', () => {
    const machine = createMachine({ id: 'past', entry: raise({ type: 'GO' }, { delay: -50 }) });
    expect(start(defineWorkflow({ version: '1', machine })).state.timers).toMatchObject([{ deadline: 1000 }]);
  });

  it('reports nothing of an invocation that was started and stopped by the same message', () => {
    const brief = createMachine({
      id: 'brief',
      initial: 'idle',
      states: {
        idle: { after: { 10: 'busy' } },
        busy: { invoke: { id: 'p', src: work() }, entry: sendParent({ type: 'DONE' }) },
      },
    });
    const restarting = createMachine({
      id: 'restarting',
      initial: 'on',
      states: { on: { invoke: { id: 'brief', src: brief }, on: { DONE: 'off' } }, off: {} },
    });
    const target = defineWorkflow({ version: '1', machine: restarting });
    const { state } = start(target);
    const [timer] = state.timers;
    const led = advance(target, state, { type: 'timer', at: 1010, source: 'brief', id: timer?.id ?? '' });
    expect(led).toMatchObject({
      started: [],
      stopped: [],
      state: { snapshot: { value: 'off' }, invocations: [] },
    });
  });

  it('says whether the message was accepted, and gives the same state back if not', () => {
    const { state } = start();
    for (const message of [
      event('UNKNOWN'),
      event('BACK'),
      { type: 'output', at: 0, key: 'fetch#2' },
      { type: 'error', at: 0, key: 'child#1', error: 1 },
      { type: 'timer', at: 0, source: 'child', id: 'none' },
    ] satisfies Message[]) {
      expect(advance(workflow, state, message)).toEqual({
        state,
        tags: [],
        accepted: false,
        started: [],
        stopped: [],
        actions: [],
        emitted: [],
        verdicts: [],
      });
    }
    for (const message of [event('GO'), event('SPAWN'), { type: 'cancel', at: 0 }] satisfies Message[]) {
      expect(advance(workflow, state, message).accepted).toBe(true);
    }
  });

  it('accepts nothing once the run has ended', () => {
    const { state } = advance(workflow, start().state, { type: 'cancel', at: 0 });
    expect(state).toMatchObject({ snapshot: { status: 'stopped' }, invocations: [], timers: [] });
    for (const message of messagesFor(start().state)) {
      expect(advance(workflow, state, message)).toMatchObject({ accepted: false, state });
    }
    expect(viewState(workflow, state)).toEqual({ tags: [], accepts: [], questions: [] });
    expect(canAccept(workflow, state, { type: 'GO' })).toBe(false);
  });

  it('takes the result of an invocation once', () => {
    const first = start();
    const done = advance(workflow, first.state, { type: 'output', at: 0, key: 'fetch#1', output: 1 });
    expect(done).toMatchObject({ accepted: true, state: { snapshot: { value: 'b', context: { got: 1 } } } });
    expect(advance(workflow, done.state, { type: 'output', at: 0, key: 'fetch#1', output: 2 })).toMatchObject(
      {
        accepted: false,
        state: done.state,
      },
    );
  });

  it('does not take from outside what only the inside can tell', () => {
    const wild = defineWorkflow({
      version: '1',
      machine: createMachine({ id: 'wild', on: { '*': { actions: () => {} } } }),
    });
    const { state } = start(wild);
    expect(advance(wild, state, event('ANYTHING'))).toMatchObject({ accepted: true, actions: [{}] });
    for (const type of [
      'xstate.stop',
      'xstate.init',
      'xstate.done.state.wild',
      'xstate.error.actor.child',
      '*',
    ]) {
      expect(advance(wild, state, event(type))).toMatchObject({ accepted: false, state });
      expect(canAccept(wild, state, { type })).toBe(false);
    }
  });

  it('is started first, and once', () => {
    expect(() => advance(workflow, undefined, event('GO'))).toThrow(
      'The first message of a run is `start`, got `event`.',
    );
    expect(() => advance(workflow, start().state, { type: 'start', at: 0 })).toThrow('A run is started once');
  });

  it('keeps the promise logic of every invocation under its src, nested and inline ones too', () => {
    const { started } = start();
    expect(started.map(({ src }) => src).toSorted()).toEqual(['child/inline:child.on:0', 'fetch']);
    for (const { src } of started) expect(performerOf(workflow, src)).toHaveProperty('config');
    expect(performerOf(workflow, 'unknown')).toBeUndefined();
  });

  it('cannot store actors that belong to no run', () => {
    const foreign = defineWorkflow({
      version: '1',
      machine: setup({ types: { context: {} as { other?: unknown } } }).createMachine({
        id: 'foreign',
        context: {},
        on: { GO: { actions: assign({ other: () => ({ ref: createActor(child) }) }) } },
      }),
    });
    const { snapshot } = advance(foreign, start(foreign).state, event('GO')).state;
    expect((snapshot.error as Error).message).toContain(
      '`context of run.other.ref` holds an instance of Actor',
    );
  });
});

describe('the output of a run', () => {
  const counting = (output: unknown): AnyWorkflow =>
    defineWorkflow({
      version: '1',
      machine: setup({ types: { output: {} as { count: number } } }).createMachine({
        id: 'counting',
        tags: 'counted',
        initial: 'a',
        states: { a: { on: { END: 'end' } }, end: { type: 'final' } },
        output: () => output as { count: number },
      }),
      output: z.object({ count: z.number() }),
    });

  it('is what the schema of the workflow takes', () => {
    const workflow_ = counting({ count: 1 });
    expect(advance(workflow_, start(workflow_).state, event('END')).state.snapshot).toMatchObject({
      status: 'done',
      output: { count: 1 },
    });
  });

  it('fails the run if the schema refuses it', () => {
    const workflow_ = counting({ count: 'one' });
    const { state, accepted } = advance(workflow_, start(workflow_).state, event('END'));
    expect(accepted).toBe(true);
    expect(state.snapshot).toMatchObject({ status: 'error', error: { code: 'ACTOR_VALUE_INVALID' } });
    expect(state.snapshot).not.toHaveProperty('output');
    expect(Object.isFrozen(state) && Object.isFrozen(state.snapshot)).toBe(true);
    expect((state.snapshot.error as Error).message).toContain(
      'count: Invalid input: expected number, received string',
    );
    expect(decode(encode(state))).toStrictEqual(state);
  });
});

describe('tags', () => {
  it('are those of the state that the message led to', () => {
    const tagged = defineWorkflow({
      version: '1',
      machine: createMachine({
        id: 'tagged',
        tags: 'all',
        initial: 'a',
        states: {
          a: { tags: ['x', 'y'], on: { GO: 'b' } },
          b: { entry: sendTo(({ self }) => self, { type: 'NOTHING' }) },
        },
      }),
    });
    const begun = start(tagged);
    expect(begun.tags).toEqual(['all', 'x', 'y']);
    expect(advance(tagged, begun.state, event('GO')).tags).toEqual(['all']);
    expect(advance(tagged, begun.state, event('UNKNOWN')).tags).toEqual(['all', 'x', 'y']);
  });
});

function isDeepFrozen(part: unknown): boolean {
  if (typeof part !== 'object' || part === null || part instanceof Date) return true;
  return Object.isFrozen(part) && Object.values(part).every(isDeepFrozen);
}
