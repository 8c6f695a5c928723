import { type AnyEventObject, assign, createMachine, forwardTo, sendParent, setup } from 'xstate';
import { describe, expect, it } from 'vitest';

import { sameEveryWay } from '../../test/support/drive.ts';
import { act, work } from '../../test/support/plain-driver.ts';

describe('nested machines', () => {
  const innermost = setup({
    actors: { dig: work() },
    types: { context: {} as { depth: number } },
  }).createMachine({
    id: 'innermost',
    context: ({ input }) => ({ depth: (input as { depth: number }).depth }),
    initial: 'digging',
    states: {
      digging: {
        invoke: {
          id: 'dig',
          src: 'dig',
          input: ({ context }: { context: { depth: number } }) => context.depth,
          onDone: 'found',
        },
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
          POKED: {
            actions: [assign({ pokes: ({ context }) => context.pokes + 1 }), sendParent({ type: 'POKED' })],
          },
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
        on: {
          POKE: { actions: forwardTo('middle') },
          STOP: 'idle',
          AGAIN: { target: 'working', reenter: true },
        },
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
    expect(done).toMatchObject({
      status: 'done',
      output: { pokes: 1, result: 'gold' },
      invocations: [],
      timers: [],
    });
  });

  it('are stopped with everything in them, and start afresh', async () => {
    const seen = await sameEveryWay(outer, {
      steps: [{ type: 'STOP' }, { type: 'GO' }, { type: 'AGAIN' }, { type: 'AGAIN' }],
    });
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
    expect(due).toMatchObject({
      status: 'done',
      output: { result: 'nothing' },
      stopped: ['middle/innermost/dig#1'],
    });
  });

  it('are cancelled with the run', async () => {
    const [, cancelled] = await sameEveryWay(outer, { steps: [{ cancel: true }] });
    expect(cancelled).toMatchObject({
      status: 'stopped',
      stopped: ['middle/innermost/dig#1'],
      timers: [],
      invocations: [],
    });
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
            invoke: {
              id: 'next',
              src: 'countdown',
              input: ({ context }) => ({ left: context.left - 1 }),
              onDone: 'end',
            },
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
    const [begun, done] = await sameEveryWay(machine, {
      steps: [{ settle: 'first/next/next/dig#1', output: 1 }],
    });
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
      states: {
        on: { invoke: { id: 'child', src: child }, on: { RESTART: { target: 'on', reenter: true } } },
      },
    });
    const seen = await sameEveryWay(machine, {
      steps: [{ elapse: 1000 }, { elapse: 1000 }, { settle: 'child/p#3', output: 1 }],
    });
    expect(seen.map(({ invocations }) => invocations)).toEqual([
      ['child/p#1'],
      ['child/p#2'],
      ['child/p#3'],
      [],
    ]);
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
      states: {
        on: { invoke: { id: 'child', src: child }, on: { RESTART: { target: 'on', reenter: true } } },
      },
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
          on: {
            BREAK: {
              actions: assign(() => {
                throw new Error('broken');
              }),
            },
          },
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
    expect(broken).toMatchObject({
      status: 'active',
      context: { why: 'broken' },
      stopped: ['child/p#1'],
      invocations: [],
      timers: [],
    });
    expect(left).toMatchObject({ value: 'off', stopped: [], invocations: [], children: {} });

    const [, , again] = await sameEveryWay(machine, {
      steps: [{ type: 'BREAK' }, { type: 'ON' }],
      ways: ['live', 'restored'],
    });
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
    expect(pinged).toMatchObject({
      children: { child: { status: 'error', error: { message: 'no context' } } },
    });
  });
});
