import { type AnyActorRef, type AnyEventObject, assign, createMachine, emit, enqueueActions, forwardTo, fromTransition, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate';
import { describe, expect, it } from 'vitest';

import { allowConsole } from '../../test/setup/no-leaks.ts';
import { act, sameEveryWay, work } from '../../test/support/drive.ts';

describe('spawned actors', () => {
  const counter = createMachine({
    id: 'counter',
    context: { count: 0 },
    on: {
      INC: { actions: assign({ count: ({ context }) => context.count + 1 }) },
      TELL: { actions: sendParent(({ context }) => ({ type: 'TOLD', count: context.count })) },
    },
  });
  const actors = { counter, fetch: work() };

  it('are kept in context by reference, spawned by assign with an id', async () => {
    const machine = setup({ actors, types: { context: {} as { ref: AnyActorRef; told: unknown } } }).createMachine({
      id: 'spawner',
      context: ({ spawn }) => ({ ref: spawn('counter', { id: 'first' }), told: null }),
      on: {
        INC: { actions: sendTo(({ context }) => context.ref, { type: 'INC' }) },
        TELL: { actions: sendTo(({ context }) => context.ref, { type: 'TELL' }) },
        TOLD: { actions: assign({ told: ({ event }) => event['count'] }) },
      },
    });
    const seen = await sameEveryWay(machine, { steps: [{ type: 'INC' }, { type: 'INC' }, { type: 'TELL' }] });
    expect(seen.at(-1)).toMatchObject({ context: { told: 2 }, children: { first: { context: { count: 2 } } } });
  });

  it('are kept in context without an id, deep in arrays and objects', async () => {
    const machine = setup({ actors, types: { context: {} as { list: { ref: AnyActorRef }[] } } }).createMachine({
      id: 'spawner',
      context: { list: [] },
      on: {
        ADD: { actions: assign({ list: ({ context, spawn }) => [...context.list, { ref: spawn('counter') }] }) },
        INC: { actions: sendTo(({ context, event }) => context.list[event['at']]?.ref as AnyActorRef, { type: 'INC' }) },
        DROP: {
          actions: [
            stopChild(({ context }) => context.list[0]?.ref as never),
            assign({ list: ({ context }) => context.list.slice(1) }),
          ],
        },
      },
    });
    const seen = await sameEveryWay(machine, {
      steps: [{ type: 'ADD' }, { type: 'ADD' }, { type: 'INC', at: 1 }, { type: 'DROP' }, { type: 'ADD' }, { type: 'INC', at: 1 }, { type: 'INC', at: 0 }],
    });
    expect(seen.at(-1)?.children).toMatchObject({
      'made:2': { context: { count: 2 } },
      'made:3': { context: { count: 1 } },
    });
  });

  it('are promises, by assign, spawnChild and enqueueActions, with an id and without', async () => {
    const machine = setup({ actors, types: { context: {} as { got: unknown[]; ref?: AnyActorRef } } }).createMachine({
      id: 'spawner',
      context: { got: [] },
      on: {
        ASSIGN: { actions: assign({ ref: ({ spawn }) => spawn('fetch', { input: 'assigned' }) }) },
        CHILD: { actions: spawnChild('fetch', { input: 'child' }) },
        NAMED: { actions: spawnChild('fetch', { id: 'named', input: 'named' }) },
        ENQUEUE: {
          actions: enqueueActions(({ enqueue }) => enqueue.spawnChild('fetch', { id: 'queued', input: 'queued' })),
        },
        'xstate.done.actor.*': { actions: assign({ got: ({ context, event }) => [...context.got, (event as { output?: unknown }).output] }) },
      },
    });
    const seen = await sameEveryWay(machine, {
      steps: [
        { type: 'ASSIGN' },
        { type: 'CHILD' },
        { type: 'NAMED' },
        { type: 'ENQUEUE' },
        { settle: 'made:2#1', output: 2 },
        { settle: 'queued#1', output: 4 },
        { settle: 'named#1', output: 3 },
        { settle: 'made:1#1', output: 1 },
      ],
    });
    expect(seen[4]?.started).toEqual([{ key: 'queued#1', input: 'queued' }]);
    expect(seen.at(-1)).toMatchObject({ context: { got: [2, 4, 3, 1] }, invocations: [] });
  });

  it('may be spawned twice in a step without an id', async () => {
    const machine = setup({ actors }).createMachine({
      id: 'spawner',
      on: { TWO: { actions: [spawnChild('fetch', { input: 'a' }), spawnChild('fetch', { input: 'b' })] } },
    });
    const [, two, one, none] = await sameEveryWay(machine, {
      steps: [{ type: 'TWO' }, { settle: 'made:1#1', output: 1 }, { settle: 'made:2#1', output: 2 }],
      // XState forgets the first, which then is no child of anybody.
      ways: ['live', 'restored'],
    });
    expect(two?.invocations).toEqual(['made:1#1', 'made:2#1']);
    expect(one?.invocations).toEqual(['made:2#1']);
    expect(none).toMatchObject({ status: 'active', invocations: [] });
  });

  it('may not take the id of one that is at work', async () => {
    const machine = setup({ actors }).createMachine({
      id: 'spawner',
      on: {
        FETCH: { actions: spawnChild('fetch', { id: 'fetch' }) },
        AFRESH: { actions: [stopChild('fetch'), spawnChild('fetch', { id: 'fetch' })] },
      },
    });
    const [, , afresh, done, again] = await sameEveryWay(machine, {
      steps: [{ type: 'FETCH' }, { type: 'AFRESH' }, { settle: 'fetch#2', output: 1 }, { type: 'FETCH' }],
    });
    expect(afresh).toMatchObject({ stopped: ['fetch#1'], started: [{ key: 'fetch#2' }] });
    expect(done).toMatchObject({ invocations: [] });
    expect(again).toMatchObject({ started: [{ key: 'fetch#3' }] });

    const [, , taken] = await sameEveryWay(machine, { steps: [{ type: 'FETCH' }, { type: 'FETCH' }], ways: ['live', 'restored'] });
    expect(taken).toMatchObject({ status: 'error', stopped: ['fetch#1'], error: { name: 'WorkflowInvalid' } });
    expect((taken?.error as Error).message).toContain('`fetch`');
  });

  it('are stopped by stopChild, by id and by reference', async () => {
    const machine = setup({ actors, types: { context: {} as { ref?: AnyActorRef } } }).createMachine({
      id: 'spawner',
      context: {},
      entry: [spawnChild('fetch', { id: 'byId' }), assign({ ref: ({ spawn }) => spawn('fetch', { id: 'byRef' }) })],
      on: { ID: { actions: stopChild('byId') }, REF: { actions: stopChild(({ context }) => context.ref as never) } },
    });
    const [begun, one, two] = await sameEveryWay(machine, { steps: [{ type: 'ID' }, { type: 'REF' }] });
    expect(begun?.invocations).toEqual(['byId#1', 'byRef#1']);
    expect(one).toMatchObject({ stopped: ['byId#1'], invocations: ['byRef#1'] });
    expect(two).toMatchObject({ stopped: ['byRef#1'], invocations: [] });
  });

  it('that were stopped can still be in context, and events to them go nowhere', async () => {
    const machine = setup({ actors, types: { context: {} as { ref: AnyActorRef; selfSent: number } } }).createMachine({
      id: 'spawner',
      context: ({ spawn }) => ({ ref: spawn('counter', { id: 'gone' }), selfSent: 0 }),
      on: {
        STOP: { actions: stopChild('gone') },
        POKE: { actions: sendTo(({ context }) => context.ref, { type: 'INC' }) },
        INC: { actions: assign({ selfSent: ({ context }) => context.selfSent + 1 }) },
      },
    });
    // XState warns of it, in its development build.
    allowConsole();
    const seen = await sameEveryWay(machine, { steps: [{ type: 'STOP' }, { type: 'POKE' }, { type: 'POKE' }] });
    expect(seen.at(-1)).toMatchObject({ status: 'active', context: { selfSent: 0, ref: { id: 'gone' } }, children: {} });
  });

  it('may hold references to their parent, to their root and to each other', async () => {
    const talker = setup({ types: { context: {} as { to: AnyActorRef } } }).createMachine({
      id: 'talker',
      context: ({ input }) => ({ to: (input as { to: AnyActorRef }).to }),
      on: { TALK: { actions: sendTo(({ context }) => context.to, ({ self }) => ({ type: 'HEARD', from: self.id })) } },
    });
    const machine = setup({ actors: { talker, counter }, types: { context: {} as { counter: unknown; heard: unknown[] } } }).createMachine({
      id: 'spawner',
      context: ({ spawn, self }) => {
        const counterRef = spawn('counter', { id: 'counter' });
        spawn('talker', { id: 'upward', input: { to: self } });
        spawn('talker', { id: 'sideways', input: { to: counterRef } });
        return { counter: counterRef, heard: [] };
      },
      on: {
        UP: { actions: sendTo('upward', { type: 'TALK' }) },
        SIDE: { actions: sendTo('sideways', { type: 'TALK' }) },
        HEARD: { actions: assign({ heard: ({ context, event }) => [...context.heard, event['from']] }) },
      },
    });
    const seen = await sameEveryWay(machine, { steps: [{ type: 'UP' }, { type: 'SIDE' }, { type: 'UP' }] });
    expect(seen.at(-1)).toMatchObject({ status: 'active', context: { heard: ['upward', 'upward'] } });
  });

  it('are found by system.get under their systemId', async () => {
    const machine = setup({ actors }).createMachine({
      id: 'systemic',
      initial: 'on',
      states: {
        on: {
          invoke: { id: 'counter', src: 'counter', systemId: 'tally' },
          on: { AGAIN: { target: 'on', reenter: true } },
        },
      },
      on: { INC: { actions: sendTo(({ system }) => system.get('tally'), { type: 'INC' }) } },
    });
    const [, one, two, afresh, three] = await sameEveryWay(machine, {
      steps: [{ type: 'INC' }, { type: 'INC' }, { type: 'AGAIN' }, { type: 'INC' }],
    });
    expect([one, two, afresh, three].map((seen) => (seen?.children as { counter: { context: unknown } }).counter.context)).toEqual([
      { count: 1 },
      { count: 2 },
      { count: 0 },
      { count: 1 },
    ]);
  });
});

describe('transition logic', () => {
  const tally = fromTransition(
    (state: { sum: number }, event: AnyEventObject, { emit: tell }: { emit: (event: AnyEventObject) => void }) => {
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
    expect(two?.children).toMatchObject({ invoked: { context: { sum: 16 } }, spawned: { context: { sum: 106 } } });
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
          actions: assign({ counts: ({ context, event }) => [...context.counts, (event.snapshot as unknown as { context: { count: number } }).context.count] }),
        },
      },
      on: { INC: { actions: forwardTo('child') }, TICK: { actions: assign({ ticks: ({ context }) => context.ticks + 1 }) } },
    });
    const seen = await sameEveryWay(machine, { steps: [{ type: 'TICK' }, { type: 'INC' }, { type: 'TICK' }, { type: 'INC' }] });
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
    expect(gone?.emitted.map(({ event }) => (event as { type: string }).type).toSorted()).toEqual(['forwarded', 'going', 'gone']);
  });
});
