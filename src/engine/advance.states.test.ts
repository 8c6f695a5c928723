import { and, assign, createMachine, not, or, raise, setup, stateIn } from 'xstate';
import { describe, expect, it } from 'vitest';

import { sameEveryWay } from '../../test/support/drive.ts';
import { act, work } from '../../test/support/plain-driver.ts';
import type { Seen } from '../../test/support/seen.ts';

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
                  onDone: {
                    target: 'asked',
                    actions: assign({ got: ({ context, event }) => [...context.got, event.output] }),
                  },
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
                  onDone: {
                    target: 'asked',
                    actions: assign({ got: ({ context, event }) => [...context.got, event.output] }),
                  },
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
      steps: [
        { settle: 'right#1', output: 'r' },
        { settle: 'left#1', output: 'l' },
      ],
    });
    expect(begun?.invocations).toEqual(['left#1', 'right#1']);
    expect(one?.value).toEqual({ both: { left: 'asking', right: 'asked' } });
    expect(two).toMatchObject({ status: 'done', value: 'joined', output: ['r', 'l'] });
  });

  it('are each left and entered on their own', async () => {
    const [, skipped, done] = await sameEveryWay(machine, {
      steps: [{ type: 'SKIP' }, { settle: 'left#1', output: 'l' }],
    });
    expect(skipped).toMatchObject({ stopped: ['right#1'], invocations: ['left#1'] });
    expect(done).toMatchObject({ status: 'done', output: ['l'] });
  });

  it('start again together when the state around them is reentered', async () => {
    const [, , again] = await sameEveryWay(machine, {
      steps: [{ settle: 'left#1', output: 1 }, { type: 'RESET' }],
    });
    expect(again).toMatchObject({
      value: { both: { left: 'asking', right: 'asking' } },
      stopped: ['right#1'],
      invocations: ['left#2', 'right#2'],
    });
  });
});

describe('regions of a parallel state', () => {
  const note = (what: string) =>
    assign({
      order: ({ context }: { context: { order: string[]; ready: boolean } }) => [...context.order, what],
    });
  const machine = createMachine({
    id: 'turns',
    context: { order: [] as string[], ready: false },
    initial: 'on',
    states: {
      on: {
        type: 'parallel',
        on: { READY: { actions: assign({ ready: true }) } },
        states: {
          left: {
            initial: 'a',
            states: {
              a: { on: { MOVE: 'b' } },
              b: {
                always: { guard: ({ context }) => context.ready, target: 'c', actions: note('left') },
                on: { OUT: '#turns.off' },
              },
              c: { on: { OUT: '#turns.off' } },
            },
          },
          right: {
            initial: 'a',
            states: {
              a: {
                always: { guard: ({ context }) => context.ready, target: 'b', actions: note('right') },
                on: { OUT: '#turns.gone' },
              },
              b: { on: { OUT: '#turns.gone' } },
            },
          },
        },
      },
      off: {},
      gone: {},
    },
  });

  it('react in the same order as without a restart, which is not always that of the machine', async () => {
    const [, , ready] = await sameEveryWay(machine, { steps: [{ type: 'MOVE' }, { type: 'READY' }] });
    expect(ready?.context).toMatchObject({ order: ['right', 'left'] });
    const [, other] = await sameEveryWay(machine, { steps: [{ type: 'READY' }] });
    expect(other?.context).toMatchObject({ order: ['right'] });
  });

  it('that cannot both have their way agree on the same one', async () => {
    const ends = [];
    for (const steps of [
      [{ type: 'OUT' }],
      [{ type: 'MOVE' }, { type: 'OUT' }],
      [{ type: 'MOVE' }, { type: 'READY' }, { type: 'OUT' }],
    ]) {
      ends.push((await sameEveryWay(machine, { steps })).at(-1)?.value);
    }
    expect(ends).toHaveLength(3);
    expect(new Set(ends).size).toBeGreaterThan(1);
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
  const steps = [
    { type: 'NEXT' },
    { type: 'NEXT' },
    { type: 'PAUSE' },
    { type: 'LEAVE' },
    { type: 'RESUME' },
  ];

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
    const dotted = createMachine({ ...form('deep').config, id: 'acme.form' } as Parameters<
      typeof createMachine
    >[0]);
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
          always: [
            { guard: ({ context }) => context.count >= 5, target: 'enough' },
            { target: 'counting', reenter: true },
          ],
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
          actions: [
            raise({ type: 'B' }),
            raise({ type: 'C' }),
            assign({ order: ({ context }) => [...context.order, 'a'] }),
          ],
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
      'closed',
      'closed',
      'closed',
      'ajar',
      'closed',
      'closed',
      'closed',
      'closed',
      'wide',
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
            'user.*': {
              actions: assign({ seen: ({ context, event }) => [...context.seen, `user: ${event.type}`] }),
            },
            STAY: undefined,
          },
        },
      },
      on: {
        '*': { actions: assign({ seen: ({ context, event }) => [...context.seen, `any: ${event.type}`] }) },
      },
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
    expect(seen.map(({ actions }) => actions.map(({ type }) => type))).toEqual([
      ['entered'],
      [],
      ['left', 'entered'],
    ]);
  });

  it('that no state takes change nothing', async () => {
    const machine = createMachine({ id: 'deaf', initial: 'a', states: { a: { on: { GO: 'b' } }, b: {} } });
    const [begun, unheard] = await sameEveryWay(machine, { steps: [{ type: 'NOBODY' }] });
    expect(unheard).toEqual({ ...begun, actions: [] });
  });
});
