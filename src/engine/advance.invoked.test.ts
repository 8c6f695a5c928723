import { type AnyEventObject, assign, createMachine, forwardTo, sendParent, setup } from 'xstate';
import { describe, expect, it } from 'vitest';

import { act, sameEveryWay, work } from '../../test/support/drive.ts';

describe('an invoked promise', () => {
  const asking = setup({ actors: { ask: work() } }).createMachine({
    id: 'asking',
    context: { answer: null as unknown, error: null as unknown },
    initial: 'waiting',
    states: {
      waiting: {
        invoke: {
          id: 'ask',
          src: 'ask',
          input: { question: 'why' },
          onDone: { target: 'answered', actions: assign({ answer: ({ event }) => event.output }) },
          onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) },
        },
        on: { SKIP: 'answered', AGAIN: { target: 'waiting', reenter: true } },
      },
      answered: { on: { ASK: 'waiting' } },
      failed: { on: { ASK: 'waiting' } },
    },
  });

  it('is an invocation with its input, and its output is what the machine goes on with', async () => {
    const [begun, done] = await sameEveryWay(asking, { steps: [{ settle: 'ask#1', output: { because: 42 } }] });
    expect(begun).toMatchObject({
      value: 'waiting',
      started: [{ key: 'ask#1', input: { question: 'why' } }],
      invocations: ['ask#1'],
    });
    expect(done).toMatchObject({ value: 'answered', context: { answer: { because: 42 } }, invocations: [] });
  });

  it('leads to onError with the error that it was settled with', async () => {
    const [, failed] = await sameEveryWay(asking, { steps: [{ settle: 'ask#1', error: new RangeError('too far') }] });
    expect(failed).toMatchObject({ value: 'failed', invocations: [] });
    expect((failed?.context as { error: Error }).error).toMatchObject({ name: 'RangeError', message: 'too far' });
  });

  it('gets a new key each time its state is entered', async () => {
    const seen = await sameEveryWay(asking, {
      steps: [{ settle: 'ask#1', output: 1 }, { type: 'ASK' }, { settle: 'ask#2', output: 2 }, { type: 'ASK' }],
    });
    expect(seen.map(({ invocations }) => invocations)).toEqual([['ask#1'], [], ['ask#2'], [], ['ask#3']]);
  });

  it('is stopped when its state is left, and a late result is not accepted', async () => {
    const [, skipped, late, again, stillLate] = await sameEveryWay(asking, {
      steps: [
        { type: 'SKIP' },
        { settle: 'ask#1', output: 'late' },
        { type: 'ASK' },
        { settle: 'ask#1', output: 'later' },
      ],
    });
    expect(skipped).toMatchObject({ value: 'answered', stopped: ['ask#1'], invocations: [] });
    expect(late).toMatchObject({ value: 'answered', context: { answer: null } });
    expect(again).toMatchObject({ invocations: ['ask#2'] });
    expect(stillLate).toMatchObject({ value: 'waiting', invocations: ['ask#2'] });
  });

  it('is stopped and started with a new key by a reentering transition', async () => {
    const [, again] = await sameEveryWay(asking, { steps: [{ type: 'AGAIN' }] });
    expect(again).toMatchObject({ stopped: ['ask#1'], started: [{ key: 'ask#2' }], invocations: ['ask#2'] });
  });

  it('fails the run with its error if there is no onError', async () => {
    const machine = setup({ actors: { ask: work() } }).createMachine({
      id: 'unhandled',
      initial: 'waiting',
      states: { waiting: { invoke: { id: 'ask', src: 'ask' } } },
    });
    const [, failed] = await sameEveryWay(machine, { steps: [{ settle: 'ask#1', error: new Error('nobody cares') }] });
    expect(failed).toMatchObject({ status: 'error', error: { message: 'nobody cares' }, invocations: [] });
  });

  it('may stand inline, several in one state, without ids', async () => {
    const machine = createMachine({
      id: 'inline',
      context: { got: [] as unknown[] },
      initial: 'both',
      states: {
        both: {
          invoke: [
            { src: work(), input: 'first', onDone: { actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) } },
            { src: work(), input: 'second', onDone: { actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) } },
          ],
          on: { NEXT: 'after' },
        },
        after: {},
      },
    });
    const [begun, one, two, left] = await sameEveryWay(machine, {
      steps: [
        { settle: '1.inline.both#1', output: 'b' },
        { settle: '0.inline.both#1', output: 'a' },
        { type: 'NEXT' },
      ],
    });
    expect(begun?.started).toEqual([
      { key: '0.inline.both#1', input: 'first' },
      { key: '1.inline.both#1', input: 'second' },
    ]);
    expect(one).toMatchObject({ context: { got: ['b'] }, invocations: ['0.inline.both#1'] });
    expect(two).toMatchObject({ context: { got: ['b', 'a'] }, invocations: [] });
    expect(left).toMatchObject({ value: 'after', stopped: [], children: {} });
  });

  it('may have an id with characters that paths are made of', async () => {
    const inner = createMachine({
      id: 'inner',
      initial: 'busy',
      states: { busy: { invoke: { id: 'x/y~1#z', src: work(), onDone: 'free' } }, free: { type: 'final' } },
    });
    const machine = createMachine({
      id: 'outer',
      initial: 'busy',
      states: { busy: { invoke: { id: 'a/b~0', src: inner, onDone: 'free' } }, free: {} },
    });
    const [begun, done] = await sameEveryWay(machine, { steps: [{ settle: 'a~1b~00/x~1y~01#z#1', output: 1 }] });
    expect(begun?.invocations).toEqual(['a~1b~00/x~1y~01#z#1']);
    expect(done?.value).toBe('free');
  });

  it('may be invoked by the root', async () => {
    const machine = createMachine({
      id: 'rooted',
      context: { got: null as unknown },
      invoke: { id: 'always', src: work(), onDone: { actions: assign({ got: ({ event }) => event.output }) } },
      initial: 'a',
      states: { a: { on: { GO: 'b' } }, b: {} },
    });
    const [, moved, done] = await sameEveryWay(machine, { steps: [{ type: 'GO' }, { settle: 'always#1', output: 7 }] });
    expect(moved).toMatchObject({ value: 'b', invocations: ['always#1'] });
    expect(done).toMatchObject({ context: { got: 7 } });
  });

  it('that is left by an always transition in the same step is never started', async () => {
    const machine = createMachine({
      id: 'passing',
      initial: 'a',
      states: { a: { invoke: { id: 'never', src: work() }, always: 'b' }, b: {} },
    });
    const [begun] = await sameEveryWay(machine);
    expect(begun).toMatchObject({ value: 'b', started: [], stopped: [], invocations: [] });
  });
});

describe('nested machines', () => {
  const innermost = setup({ actors: { dig: work() }, types: { context: {} as { depth: number } } }).createMachine({
    id: 'innermost',
    context: ({ input }) => ({ depth: (input as { depth: number }).depth }),
    initial: 'digging',
    states: {
      digging: {
        invoke: { id: 'dig', src: 'dig', input: ({ context }: { context: { depth: number } }) => context.depth, onDone: 'found' },
        after: { 1000: 'gaveUp' },
        on: { POKE: { actions: sendParent({ type: 'POKED' }) } },
      },
      gaveUp: { type: 'final', output: 'nothing' },
      found: { type: 'final', output: ({ event }) => (event as AnyEventObject)['output'] as unknown },
    },
    output: ({ event }) => event.output,
  });
  const middle = setup({ actors: { innermost } }).createMachine({
    id: 'middle',
    context: { pokes: 0, result: null as unknown },
    initial: 'working',
    states: {
      working: {
        invoke: {
          id: 'innermost',
          src: 'innermost',
          input: { depth: 3 },
          onDone: { target: 'done', actions: assign({ result: ({ event }) => event.output }) },
        },
        on: {
          POKE: { actions: forwardTo('innermost') },
          POKED: { actions: [assign({ pokes: ({ context }) => context.pokes + 1 }), sendParent({ type: 'POKED' })] },
        },
      },
      done: { type: 'final' },
    },
    output: ({ context }) => context,
  });
  const outer = setup({ actors: { middle } }).createMachine({
    id: 'outer',
    context: { result: null as unknown },
    initial: 'working',
    states: {
      working: {
        invoke: {
          id: 'middle',
          src: 'middle',
          onDone: { target: 'done', actions: assign({ result: ({ event }) => event.output }) },
        },
        on: { POKE: { actions: forwardTo('middle') }, STOP: 'idle', AGAIN: { target: 'working', reenter: true } },
      },
      idle: { on: { GO: 'working' } },
      done: { type: 'final' },
    },
    output: ({ context }) => context.result,
  });

  it('give their output to the machine above, three deep', async () => {
    const [begun, poked, done] = await sameEveryWay(outer, {
      steps: [{ type: 'POKE' }, { settle: 'middle/innermost/dig#1', output: 'gold' }],
    });
    expect(begun?.started).toEqual([{ key: 'middle/innermost/dig#1', input: 3 }]);
    expect(poked).toMatchObject({ children: { middle: { context: { pokes: 1 } } } });
    expect(done).toMatchObject({ status: 'done', output: { pokes: 1, result: 'gold' }, invocations: [], timers: [] });
  });

  it('are stopped with everything in them, and start afresh', async () => {
    const seen = await sameEveryWay(outer, { steps: [{ type: 'STOP' }, { type: 'GO' }, { type: 'AGAIN' }, { type: 'AGAIN' }] });
    expect(seen.map(({ invocations }) => invocations)).toEqual([
      ['middle/innermost/dig#1'],
      [],
      ['middle/innermost/dig#2'],
      ['middle/innermost/dig#3'],
      ['middle/innermost/dig#4'],
    ]);
    expect(seen.map(({ stopped }) => stopped)).toEqual([
      [],
      ['middle/innermost/dig#1'],
      [],
      ['middle/innermost/dig#2'],
      ['middle/innermost/dig#3'],
    ]);
    expect(seen[1]?.timers).toEqual([]);
  });

  it('keep their own timers', async () => {
    const [, before, due] = await sameEveryWay(outer, { steps: [{ elapse: 999 }, { elapse: 1 }] });
    expect(before?.timers).toMatchObject([{ source: 'middle/innermost', target: 'middle/innermost', in: 1 }]);
    expect(due).toMatchObject({ status: 'done', output: { result: 'nothing' }, stopped: ['middle/innermost/dig#1'] });
  });

  it('are cancelled with the run', async () => {
    const [, cancelled] = await sameEveryWay(outer, { steps: [{ cancel: true }] });
    expect(cancelled).toMatchObject({ status: 'stopped', stopped: ['middle/innermost/dig#1'], timers: [], invocations: [] });
  });

  it('may be invoked inline, and by themselves', async () => {
    const recursive = createMachine(
      {
        id: 'countdown',
        types: { context: {} as { left: number } },
        context: ({ input }) => ({ left: (input as { left: number }).left }),
        initial: 'deciding',
        states: {
          deciding: {
            always: [{ guard: ({ context }) => context.left === 0, target: 'bottom' }, { target: 'deeper' }],
          },
          deeper: {
            invoke: { id: 'next', src: 'countdown', input: ({ context }) => ({ left: context.left - 1 }), onDone: 'end' },
          },
          bottom: { invoke: { id: 'dig', src: work(), onDone: 'end' } },
          end: { type: 'final' },
        },
      },
      { actors: {} as never },
    );
    Object.assign(recursive.implementations.actors, { countdown: recursive });
    const machine = createMachine({
      id: 'top',
      initial: 'on',
      states: { on: { invoke: { id: 'first', src: recursive, input: { left: 2 }, onDone: 'off' } }, off: {} },
    });
    const [begun, done] = await sameEveryWay(machine, { steps: [{ settle: 'first/next/next/dig#1', output: 1 }] });
    expect(begun?.invocations).toEqual(['first/next/next/dig#1']);
    expect(done?.value).toBe('off');
  });

  it('that restart a child while it is at work report the old invocation as stopped, not the new one', async () => {
    const child = createMachine({
      id: 'child',
      invoke: { id: 'p', src: work() },
      initial: 'one',
      states: { one: { after: { 1000: 'two' } }, two: { entry: sendParent({ type: 'RESTART' }) } },
    });
    const machine = createMachine({
      id: 'parent',
      initial: 'on',
      states: { on: { invoke: { id: 'child', src: child }, on: { RESTART: { target: 'on', reenter: true } } } },
    });
    const seen = await sameEveryWay(machine, { steps: [{ elapse: 1000 }, { elapse: 1000 }, { settle: 'child/p#3', output: 1 }] });
    expect(seen.map(({ invocations }) => invocations)).toEqual([['child/p#1'], ['child/p#2'], ['child/p#3'], []]);
    expect(seen.map(({ stopped }) => stopped)).toEqual([[], ['child/p#1'], ['child/p#2'], []]);
  });

  it('that are restarted while a state is being entered never start what that state invokes', async () => {
    const child = createMachine({
      id: 'child',
      initial: 'idle',
      states: {
        idle: { after: { 1000: 'busy' } },
        busy: { entry: sendParent({ type: 'RESTART' }), invoke: { id: 'p', src: work() } },
      },
    });
    const machine = createMachine({
      id: 'parent',
      initial: 'on',
      states: { on: { invoke: { id: 'child', src: child }, on: { RESTART: { target: 'on', reenter: true } } } },
    });
    const [, restarted] = await sameEveryWay(machine, { steps: [{ elapse: 1000 }] });
    expect(restarted).toMatchObject({
      status: 'active',
      children: { child: { value: 'idle' } },
      started: [],
      stopped: [],
      invocations: [],
    });
  });

  it('that fail take what they invoked with them', async () => {
    const child = createMachine({
      id: 'child',
      initial: 'on',
      states: {
        on: {
          invoke: { id: 'p', src: work() },
          after: { 1000: 'off' },
          on: { BREAK: { actions: assign(() => { throw new Error('broken'); }) } },
        },
        off: {},
      },
    });
    const machine = createMachine({
      id: 'parent',
      context: { why: '' },
      initial: 'on',
      states: {
        on: {
          invoke: {
            id: 'child',
            src: child,
            onError: { actions: assign({ why: ({ event }) => (event.error as Error).message }) },
          },
          on: { BREAK: { actions: forwardTo('child') }, LEAVE: 'off', ON: { target: 'on', reenter: true } },
        },
        off: {},
      },
    });
    // XState leaves the promise of a failed actor running, with nobody to tell.
    const [, broken, , left] = await sameEveryWay(machine, {
      steps: [{ type: 'BREAK' }, { elapse: 1000 }, { type: 'LEAVE' }],
      ways: ['live', 'restored'],
    });
    expect(broken).toMatchObject({ status: 'active', context: { why: 'broken' }, stopped: ['child/p#1'], invocations: [], timers: [] });
    expect(left).toMatchObject({ value: 'off', stopped: [], invocations: [], children: {} });

    const [, , again] = await sameEveryWay(machine, { steps: [{ type: 'BREAK' }, { type: 'ON' }], ways: ['live', 'restored'] });
    expect(again).toMatchObject({ started: [{ key: 'child/p#2' }], stopped: [], invocations: ['child/p#2'] });
  });

  it('that fail in their first state tell the machine above, which may stay', async () => {
    const child = createMachine({
      id: 'child',
      context: () => {
        throw new Error('no context');
      },
    });
    const machine = createMachine({
      id: 'parent',
      context: { why: '' },
      invoke: {
        id: 'child',
        src: child,
        onError: { actions: assign({ why: ({ event }) => (event.error as Error).message }) },
      },
      on: { PING: { actions: act() } },
    });
    const [begun, pinged] = await sameEveryWay(machine, { steps: [{ type: 'PING' }, { type: 'PING' }] });
    expect(begun).toMatchObject({ status: 'active', context: { why: 'no context' } });
    expect(pinged).toMatchObject({ children: { child: { status: 'error', error: { message: 'no context' } } } });
  });
});
