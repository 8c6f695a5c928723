import { and, assign, createMachine, enqueueActions, not, or, raise, setup, stateIn } from 'xstate';
import { describe, expect, it } from 'vitest';

import { act, sameEveryWay, type Seen, work } from '../../test/support/drive.ts';

const values = (seen: readonly Seen[]): unknown[] => seen.map(({ value }) => value);

describe('parallel regions', () => {
  const machine = setup({ actors: { left: work(), right: work() } }).createMachine({
    id: 'parallel',
    context: { got: [] as unknown[] },
    initial: 'both',
    states: {
      both: {
        type: 'parallel',
        onDone: 'joined',
        on: { RESET: { target: 'both', reenter: true } },
        states: {
          left: {
            initial: 'asking',
            states: {
              asking: {
                invoke: {
                  id: 'left',
                  src: 'left',
                  onDone: { target: 'asked', actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) },
                },
              },
              asked: { type: 'final' },
            },
          },
          right: {
            initial: 'asking',
            states: {
              asking: {
                invoke: {
                  id: 'right',
                  src: 'right',
                  onDone: { target: 'asked', actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) },
                },
                on: { SKIP: 'asked' },
              },
              asked: { type: 'final' },
            },
          },
        },
      },
      joined: { type: 'final' },
    },
    output: ({ context }) => context.got,
  });

  it('join when all of them are done, in whichever order', async () => {
    const [begun, one, two] = await sameEveryWay(machine, {
      steps: [{ settle: 'right#1', output: 'r' }, { settle: 'left#1', output: 'l' }],
    });
    expect(begun?.invocations).toEqual(['left#1', 'right#1']);
    expect(one?.value).toEqual({ both: { left: 'asking', right: 'asked' } });
    expect(two).toMatchObject({ status: 'done', value: 'joined', output: ['r', 'l'] });
  });

  it('are each left and entered on their own', async () => {
    const [, skipped, done] = await sameEveryWay(machine, { steps: [{ type: 'SKIP' }, { settle: 'left#1', output: 'l' }] });
    expect(skipped).toMatchObject({ stopped: ['right#1'], invocations: ['left#1'] });
    expect(done).toMatchObject({ status: 'done', output: ['l'] });
  });

  it('start again together when the state around them is reentered', async () => {
    const [, , again] = await sameEveryWay(machine, { steps: [{ settle: 'left#1', output: 1 }, { type: 'RESET' }] });
    expect(again).toMatchObject({
      value: { both: { left: 'asking', right: 'asking' } },
      stopped: ['right#1'],
      invocations: ['left#2', 'right#2'],
    });
  });
});

describe('history', () => {
  const form = (history: 'shallow' | 'deep') =>
    createMachine({
      id: 'form',
      initial: 'filling',
      states: {
        filling: {
          initial: 'one',
          on: { PAUSE: 'paused' },
          states: {
            one: { on: { NEXT: 'two' } },
            two: { initial: 'a', states: { a: { on: { NEXT: 'b' } }, b: {} } },
            back: { type: 'history', history, target: 'one' },
          },
        },
        paused: { on: { RESUME: 'filling.back', LEAVE: 'left' } },
        left: { on: { RESUME: 'filling.back' } },
      },
    });
  const steps = [{ type: 'NEXT' }, { type: 'NEXT' }, { type: 'PAUSE' }, { type: 'LEAVE' }, { type: 'RESUME' }];

  it('goes back to the child state, if it is shallow', async () => {
    expect(values(await sameEveryWay(form('shallow'), { steps })).at(-1)).toEqual({ filling: { two: 'a' } });
  });

  it('goes back to the innermost state, if it is deep', async () => {
    expect(values(await sameEveryWay(form('deep'), { steps })).at(-1)).toEqual({ filling: { two: 'b' } });
  });

  it('goes to its default where there is none', async () => {
    const machine = createMachine({
      id: 'fresh',
      initial: 'off',
      states: {
        off: { on: { ON: 'on.back' } },
        on: { initial: 'a', states: { a: {}, b: {}, back: { type: 'history', target: 'b' } } },
      },
    });
    expect(values(await sameEveryWay(machine, { steps: [{ type: 'ON' }] })).at(-1)).toEqual({ on: 'b' });
  });

  it('of parallel regions is kept for each', async () => {
    const region = { initial: 'a', states: { a: { on: { A: 'b' } }, b: {} } } as const;
    const machine = createMachine({
      id: 'regions',
      initial: 'on',
      states: {
        on: {
          type: 'parallel',
          on: { OFF: 'off' },
          states: {
            one: region,
            two: { initial: 'a', states: { a: { on: { B: 'b' } }, b: {} } },
            back: { type: 'history', history: 'deep' },
          },
        },
        off: { on: { ON: 'on.back' } },
      },
    });
    const seen = await sameEveryWay(machine, { steps: [{ type: 'B' }, { type: 'OFF' }, { type: 'ON' }] });
    expect(seen.at(-1)?.value).toEqual({ on: { one: 'a', two: 'b' } });
  });

  it('survives a restart also if there is a dot in the id of the machine', async () => {
    const dotted = createMachine({ ...form('deep').config, id: 'acme.form' } as Parameters<typeof createMachine>[0]);
    const seen = await sameEveryWay(dotted, { steps });
    expect(seen.at(-1)?.value).toEqual({ filling: { two: 'b' } });
  });
});

describe('transitions', () => {
  it('without an event are taken one after another until none is left', async () => {
    const machine = createMachine({
      id: 'chained',
      context: { count: 0 },
      initial: 'idle',
      states: {
        idle: { on: { GO: 'counting' } },
        counting: {
          entry: assign({ count: ({ context }) => context.count + 1 }),
          always: [{ guard: ({ context }) => context.count >= 5, target: 'enough' }, { target: 'counting', reenter: true }],
        },
        enough: { always: { target: 'end', actions: raise({ type: 'NEVER_HEARD' }) } },
        end: { type: 'final' },
      },
      output: ({ context }) => context.count,
    });
    const [, gone] = await sameEveryWay(machine, { steps: [{ type: 'GO' }] });
    expect(gone).toMatchObject({ status: 'done', output: 5 });
  });

  it('may raise events, which are taken before anything else', async () => {
    const machine = createMachine({
      id: 'raising',
      context: { order: [] as string[] },
      on: {
        A: {
          actions: [raise({ type: 'B' }), raise({ type: 'C' }), assign({ order: ({ context }) => [...context.order, 'a'] })],
        },
        B: { actions: assign({ order: ({ context }) => [...context.order, 'b'] }) },
        C: { actions: assign({ order: ({ context }) => [...context.order, 'c'] }) },
      },
    });
    const [, raised] = await sameEveryWay(machine, { steps: [{ type: 'A' }] });
    expect(raised?.context).toEqual({ order: ['a', 'b', 'c'] });
  });

  it('are chosen by guards: named, with params, combined, and by the state of another region', async () => {
    const machine = setup({
      types: { context: {} as { level: number } },
      guards: {
        over: ({ context }, params: { limit: number }) => context.level > params.limit,
        even: ({ context }) => context.level % 2 === 0,
      },
    }).createMachine({
      id: 'guarded',
      type: 'parallel',
      context: { level: 0 },
      states: {
        level: { on: { UP: { actions: assign({ level: ({ context }) => context.level + 1 }) } } },
        door: {
          initial: 'closed',
          states: {
            closed: {
              on: {
                OPEN: [
                  { guard: and(['even', { type: 'over', params: { limit: 3 } }]), target: 'wide' },
                  { guard: or([not('even'), stateIn({ door: 'wide' })]), target: 'ajar' },
                ],
              },
            },
            ajar: { on: { CLOSE: 'closed' } },
            wide: { on: { CLOSE: 'closed' } },
          },
        },
      },
    });
    const up = { type: 'UP' };
    const seen = await sameEveryWay(machine, {
      steps: [{ type: 'OPEN' }, up, { type: 'OPEN' }, { type: 'CLOSE' }, up, up, up, { type: 'OPEN' }],
    });
    expect(values(seen).map((value) => (value as { door: string }).door)).toEqual([
      'closed', 'closed', 'closed', 'ajar', 'closed', 'closed', 'closed', 'closed', 'wide',
    ]);
  });

  it('may take any event, or any of a family', async () => {
    const machine = createMachine({
      id: 'wild',
      context: { seen: [] as string[] },
      initial: 'a',
      states: {
        a: {
          on: {
            'user.*': { actions: assign({ seen: ({ context, event }) => [...context.seen, `user: ${event.type}`] }) },
            STAY: undefined,
          },
        },
      },
      on: { '*': { actions: assign({ seen: ({ context, event }) => [...context.seen, `any: ${event.type}`] }) } },
    });
    const [, , , last] = await sameEveryWay(machine, {
      steps: [{ type: 'user.signed.in' }, { type: 'OTHER' }, { type: 'user' }],
    });
    expect(last?.context).toEqual({ seen: ['user: user.signed.in', 'any: OTHER', 'user: user'] });
  });

  it('may be forbidden by a child state', async () => {
    const machine = createMachine({
      id: 'forbidding',
      initial: 'a',
      on: { GO: '.b' },
      states: { a: { on: { GO: {}, ALLOW: 'open' } }, open: {}, b: {} },
    });
    const seen = await sameEveryWay(machine, { steps: [{ type: 'GO' }, { type: 'ALLOW' }, { type: 'GO' }] });
    expect(values(seen)).toEqual(['a', 'a', 'open', 'b']);
  });

  it('to the state itself leave and enter it only if they reenter', async () => {
    const machine = setup({ actions: { entered: act(), left: act() } }).createMachine({
      id: 'reentering',
      initial: 'a',
      states: {
        a: {
          entry: 'entered',
          exit: 'left',
          on: { STAY: { target: 'a' }, AGAIN: { target: 'a', reenter: true } },
        },
      },
    });
    const seen = await sameEveryWay(machine, { steps: [{ type: 'STAY' }, { type: 'AGAIN' }] });
    expect(seen.map(({ actions }) => actions.map(({ type }) => type))).toEqual([['entered'], [], ['left', 'entered']]);
  });

  it('that no state takes change nothing', async () => {
    const machine = createMachine({ id: 'deaf', initial: 'a', states: { a: { on: { GO: 'b' } }, b: {} } });
    const [begun, unheard] = await sameEveryWay(machine, { steps: [{ type: 'NOBODY' }] });
    expect(unheard).toEqual({ ...begun, actions: [] });
  });
});

describe('the end of a run', () => {
  it('has the output of the machine, made from that of its final state', async () => {
    const machine = createMachine({
      id: 'ending',
      context: { left: 2 },
      initial: 'working',
      states: {
        working: {
          initial: 'inner',
          states: { inner: { on: { END: 'over' } }, over: { type: 'final', output: ({ context }: { context: { left: number } }) => context.left } },
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
      expect(failed).toMatchObject({ status: 'error', value: 'on', stopped: ['p#1'], invocations: [], timers: [] });
      expect((failed?.error as Error).message).toContain(message);
    });
  }

  it('in what makes the params of an action fails the run there', async () => {
    const withParams = setup({ actions: { tell: (_, _params: { to: string }) => {} } }).createMachine({
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
    expect(failed).toMatchObject({ status: 'error', error: { message: 'not even once' }, started: [], invocations: [] });
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
