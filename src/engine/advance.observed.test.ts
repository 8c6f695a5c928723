/** What an actor lets others see of itself: its snapshots, and what it emits. */
import {
  type AnyEventObject,
  assign,
  createMachine,
  emit,
  forwardTo,
  fromTransition,
  setup,
  spawnChild,
} from 'xstate';
import { describe, expect, it } from 'vitest';

import { sameEveryWay } from '../../test/support/drive.ts';
import { act, work } from '../../test/support/plain-driver.ts';

describe('transition logic', () => {
  const tally = fromTransition(
    (
      state: { sum: number },
      event: AnyEventObject,
      { emit: tell }: { emit: (event: AnyEventObject) => void },
    ) => {
      if (event.type !== 'ADD') return state;
      tell({ type: 'added', by: event['by'] });
      return { sum: state.sum + ((event['by'] as number | undefined) ?? 1) };
    },
    ({ input }: { input?: number }) => ({ sum: input ?? 0 }),
  );

  it('runs as it is, invoked and spawned, and what it emits is reported', async () => {
    const machine = setup({ actors: { tally } }).createMachine({
      id: 'tallying',
      entry: spawnChild('tally', { id: 'spawned', input: 100 }),
      invoke: { id: 'invoked', src: 'tally', input: 10 },
      on: { ADD: { actions: [forwardTo('invoked'), forwardTo('spawned')] } },
    });
    const [, one, two] = await sameEveryWay(machine, { steps: [{ type: 'ADD', by: 5 }, { type: 'ADD' }] });
    expect(one?.emitted).toEqual([
      { path: 'invoked', event: { type: 'added', by: 5 } },
      { path: 'spawned', event: { type: 'added', by: 5 } },
    ]);
    expect(two?.children).toMatchObject({
      invoked: { context: { sum: 16 } },
      spawned: { context: { sum: 106 } },
    });
  });
});

describe('onSnapshot', () => {
  it('sees every new snapshot of the child once, and none because it was restored', async () => {
    const child = createMachine({
      id: 'child',
      context: { count: 0 },
      on: { INC: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
    });
    const machine = createMachine({
      id: 'watching',
      context: { counts: [] as unknown[], ticks: 0 },
      invoke: {
        id: 'child',
        src: child,
        onSnapshot: {
          actions: assign({
            counts: ({ context, event }) => [
              ...context.counts,
              (event.snapshot as unknown as { context: { count: number } }).context.count,
            ],
          }),
        },
      },
      on: {
        INC: { actions: forwardTo('child') },
        TICK: { actions: assign({ ticks: ({ context }) => context.ticks + 1 }) },
      },
    });
    const seen = await sameEveryWay(machine, {
      steps: [{ type: 'TICK' }, { type: 'INC' }, { type: 'TICK' }, { type: 'INC' }],
    });
    expect(seen.at(-1)?.context).toEqual({ counts: [0, 1, 2], ticks: 2 });
  });

  it('sees a promise start, and not start again', async () => {
    const machine = createMachine({
      id: 'watching',
      context: { snapshots: 0, done: false },
      invoke: {
        id: 'ask',
        src: work(),
        onSnapshot: { actions: assign({ snapshots: ({ context }) => context.snapshots + 1 }) },
        onDone: { actions: assign({ done: true }) },
      },
      on: { TICK: { actions: act() } },
    });
    const seen = await sameEveryWay(machine, { steps: [{ type: 'TICK' }, { settle: 'ask#1', output: 1 }] });
    expect(seen.at(-1)?.context).toEqual({ snapshots: 1, done: true });
  });
});

describe('emit', () => {
  it('is reported with the path of the actor that emitted, in order', async () => {
    const child = setup({ types: { emitted: {} as { type: string; n: number } } }).createMachine({
      id: 'child',
      entry: emit({ type: 'hello', n: 1 }),
      on: { GO: { actions: [emit({ type: 'going', n: 2 }), emit(() => ({ type: 'gone', n: 3 }))] } },
    });
    const machine = setup({ actors: { child }, types: { emitted: {} as { type: string } } }).createMachine({
      id: 'emitting',
      entry: emit({ type: 'begun' }),
      invoke: { id: 'child', src: 'child' },
      on: { GO: { actions: [forwardTo('child'), emit({ type: 'forwarded' })] } },
    });
    const [begun, gone] = await sameEveryWay(machine, { steps: [{ type: 'GO' }] });
    expect(begun?.emitted).toContainEqual({ path: '', event: { type: 'begun' } });
    expect(begun?.emitted).toContainEqual({ path: 'child', event: { type: 'hello', n: 1 } });
    expect(gone?.emitted.map(({ event }) => (event as { type: string }).type).toSorted()).toEqual([
      'forwarded',
      'going',
      'gone',
    ]);
  });
});
