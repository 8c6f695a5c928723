import { assign, createMachine, enqueueActions, raise, setup } from 'xstate';
import { describe, expect, it } from 'vitest';

import { sameEveryWay } from '../../test/support/drive.ts';
import { work } from '../../test/support/plain-driver.ts';

describe('the end of a run', () => {
  it('has the output of the machine, made from that of its final state', async () => {
    const machine = createMachine({
      id: 'ending',
      context: { left: 2 },
      initial: 'working',
      states: {
        working: {
          initial: 'inner',
          states: {
            inner: { on: { END: 'over' } },
            over: { type: 'final', output: ({ context }: { context: { left: number } }) => context.left },
          },
          onDone: { target: 'over', actions: assign({ left: ({ event }) => (event.output as number) + 10 }) },
        },
        over: { type: 'final', output: 'final' },
      },
      output: ({ context, event }) => ({ left: context.left, from: event.output }),
    });
    const [, ended] = await sameEveryWay(machine, { steps: [{ type: 'END' }] });
    expect(ended).toMatchObject({ status: 'done', output: { left: 12, from: 'final' } });
  });

  it('may be reached at the start', async () => {
    const machine = createMachine({
      id: 'brief',
      context: ({ input }) => ({ input: input as unknown }),
      initial: 'over',
      states: { over: { type: 'final' } },
      output: ({ context }) => context.input,
    });
    const [begun] = await sameEveryWay(machine, { input: [1, 2] });
    expect(begun).toMatchObject({ status: 'done', output: [1, 2] });
  });

  it('stops what is at work, and nothing is taken any more', async () => {
    const machine = createMachine({
      id: 'cut',
      invoke: { id: 'p', src: work() },
      initial: 'on',
      states: { on: { on: { END: 'off' }, after: { 1000: 'off' } }, off: { type: 'final' } },
    });
    const [, ended, after] = await sameEveryWay(machine, { steps: [{ type: 'END' }, { type: 'END' }] });
    expect(ended).toMatchObject({ status: 'done', stopped: ['p#1'], invocations: [], timers: [] });
    expect(after).toMatchObject({ status: 'done', stopped: [] });
  });
});

describe('a machine that throws', () => {
  const machine = createMachine({
    id: 'throwing',
    initial: 'on',
    states: {
      on: {
        invoke: { id: 'p', src: work() },
        on: {
          GUARD: {
            guard: () => {
              throw new TypeError('no such field');
            },
            target: 'off',
          },
          ASSIGN: {
            actions: assign(() => {
              throw new TypeError('cannot assign');
            }),
          },
          ENQUEUE: {
            actions: enqueueActions(() => {
              throw new TypeError('cannot enqueue');
            }),
          },
          NOBODY: { actions: raise(() => null as never) },
        },
      },
      off: {},
    },
  });

  for (const [type, message] of [
    ['GUARD', 'no such field'],
    ['ASSIGN', 'cannot assign'],
    ['ENQUEUE', 'cannot enqueue'],
  ] as const) {
    it(`in a ${type.toLowerCase()} fails the run there, with that error`, async () => {
      const [, failed] = await sameEveryWay(machine, { steps: [{ type }] });
      expect(failed).toMatchObject({
        status: 'error',
        value: 'on',
        stopped: ['p#1'],
        invocations: [],
        timers: [],
      });
      expect((failed?.error as Error).message).toContain(message);
    });
  }

  it('in what makes the params of an action fails the run there', async () => {
    const withParams = setup({ actions: { tell: (_args, _params: { to: string }) => {} } }).createMachine({
      id: 'params',
      on: {
        GO: {
          actions: {
            type: 'tell',
            params: () => {
              throw new Error('no params');
            },
          },
        },
      },
    });
    const [, failed] = await sameEveryWay(withParams, { steps: [{ type: 'GO' }] });
    expect(failed).toMatchObject({ status: 'error', error: { message: 'no params' }, actions: [] });
  });

  it('at the start has no first state', async () => {
    const stillborn = createMachine({
      id: 'stillborn',
      context: { a: 1 },
      initial: 'a',
      states: {
        a: {
          entry: assign(() => {
            throw new Error('not even once');
          }),
          invoke: { id: 'p', src: work() },
        },
      },
    });
    const [failed] = await sameEveryWay(stillborn);
    expect(failed).toMatchObject({
      status: 'error',
      error: { message: 'not even once' },
      started: [],
      invocations: [],
    });
  });

  it('never, but goes round in circles, fails instead of spinning', async () => {
    const circling = createMachine({
      id: 'circling',
      initial: 'idle',
      states: { idle: { on: { GO: 'a' } }, a: { always: 'b' }, b: { always: 'a' } },
    });
    const [, failed] = await sameEveryWay(circling, { steps: [{ type: 'GO' }], ways: ['live', 'restored'] });
    expect(failed).toMatchObject({ status: 'error', value: 'idle' });
    expect((failed?.error as Error).message).toMatch(/Infinite loop.*10000/s);
  });

  it('never, but has actors that answer each other for ever, fails instead of spinning', async () => {
    const pong = createMachine({ id: 'pong', on: { PING: { actions: ({ self }) => void self } } });
    const echo = setup({}).createMachine({
      id: 'echo',
      on: { PING: { actions: enqueueActions(({ enqueue }) => enqueue.sendParent({ type: 'PONG' })) } },
    });
    const machine_ = createMachine({
      id: 'pinging',
      invoke: { id: 'echo', src: echo },
      on: {
        GO: { actions: enqueueActions(({ enqueue }) => enqueue.sendTo('echo', { type: 'PING' })) },
        PONG: { actions: enqueueActions(({ enqueue }) => enqueue.sendTo('echo', { type: 'PING' })) },
      },
    });
    void pong;
    const [, failed] = await sameEveryWay(machine_, { steps: [{ type: 'GO' }], ways: ['live', 'restored'] });
    expect(failed).toMatchObject({ status: 'error' });
    expect((failed?.error as Error).message).toMatch(/Infinite loop/);
  });

  it('a bound of its own may set', async () => {
    const bounded = createMachine({
      id: 'bounded',
      options: { maxIterations: 3 },
      initial: 'idle',
      states: { idle: { on: { GO: 'a' } }, a: { always: 'b' }, b: { always: 'a' } },
    } as Parameters<typeof createMachine>[0]);
    const [, failed] = await sameEveryWay(bounded, { steps: [{ type: 'GO' }] });
    expect((failed?.error as Error).message).toMatch(/more than 3 microsteps/);
  });
});
