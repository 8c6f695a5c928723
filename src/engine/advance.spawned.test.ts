import {
  type AnyActorRef,
  assign,
  createMachine,
  enqueueActions,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import { describe, expect, it } from 'vitest';

import { allowConsole } from '../../test/setup/no-leaks.ts';
import { sameEveryWay } from '../../test/support/drive.ts';
import { work } from '../../test/support/plain-driver.ts';

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
    const machine = setup({
      actors,
      types: { context: {} as { ref: AnyActorRef; told: unknown } },
    }).createMachine({
      id: 'spawner',
      context: ({ spawn }) => ({ ref: spawn('counter', { id: 'first' }), told: null }),
      on: {
        INC: { actions: sendTo(({ context }) => context.ref, { type: 'INC' }) },
        TELL: { actions: sendTo(({ context }) => context.ref, { type: 'TELL' }) },
        TOLD: { actions: assign({ told: ({ event }) => event['count'] }) },
      },
    });
    const seen = await sameEveryWay(machine, { steps: [{ type: 'INC' }, { type: 'INC' }, { type: 'TELL' }] });
    expect(seen.at(-1)).toMatchObject({
      context: { told: 2 },
      children: { first: { context: { count: 2 } } },
    });
  });

  it('are kept in context without an id, deep in arrays and objects', async () => {
    const machine = setup({
      actors,
      types: { context: {} as { list: { ref: AnyActorRef }[] } },
    }).createMachine({
      id: 'spawner',
      context: { list: [] },
      on: {
        ADD: {
          actions: assign({ list: ({ context, spawn }) => [...context.list, { ref: spawn('counter') }] }),
        },
        INC: {
          actions: sendTo(({ context, event }) => context.list[event['at']]?.ref as AnyActorRef, {
            type: 'INC',
          }),
        },
        DROP: {
          actions: [
            stopChild(({ context }) => context.list[0]?.ref as never),
            assign({ list: ({ context }) => context.list.slice(1) }),
          ],
        },
      },
    });
    const seen = await sameEveryWay(machine, {
      steps: [
        { type: 'ADD' },
        { type: 'ADD' },
        { type: 'INC', at: 1 },
        { type: 'DROP' },
        { type: 'ADD' },
        { type: 'INC', at: 1 },
        { type: 'INC', at: 0 },
      ],
    });
    expect(seen.at(-1)?.children).toMatchObject({
      'made:2': { context: { count: 2 } },
      'made:3': { context: { count: 1 } },
    });
  });

  it('are promises, by assign, spawnChild and enqueueActions, with an id and without', async () => {
    const machine = setup({
      actors,
      types: { context: {} as { got: unknown[]; ref?: AnyActorRef } },
    }).createMachine({
      id: 'spawner',
      context: { got: [] },
      on: {
        ASSIGN: { actions: assign({ ref: ({ spawn }) => spawn('fetch', { input: 'assigned' }) }) },
        CHILD: { actions: spawnChild('fetch', { input: 'child' }) },
        NAMED: { actions: spawnChild('fetch', { id: 'named', input: 'named' }) },
        ENQUEUE: {
          actions: enqueueActions(({ enqueue }) =>
            enqueue.spawnChild('fetch', { id: 'queued', input: 'queued' }),
          ),
        },
        'xstate.done.actor.*': {
          actions: assign({
            got: ({ context, event }) => [...context.got, (event as { output?: unknown }).output],
          }),
        },
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

    const [, , taken] = await sameEveryWay(machine, {
      steps: [{ type: 'FETCH' }, { type: 'FETCH' }],
      ways: ['live', 'restored'],
    });
    expect(taken).toMatchObject({
      status: 'error',
      stopped: ['fetch#1'],
      error: { name: 'WorkflowInvalid' },
    });
    expect((taken?.error as Error).message).toContain('`fetch`');
  });

  it('are stopped by stopChild, by id and by reference', async () => {
    const machine = setup({ actors, types: { context: {} as { ref?: AnyActorRef } } }).createMachine({
      id: 'spawner',
      context: {},
      entry: [
        spawnChild('fetch', { id: 'byId' }),
        assign({ ref: ({ spawn }) => spawn('fetch', { id: 'byRef' }) }),
      ],
      on: {
        ID: { actions: stopChild('byId') },
        REF: { actions: stopChild(({ context }) => context.ref as never) },
      },
    });
    const [begun, one, two] = await sameEveryWay(machine, { steps: [{ type: 'ID' }, { type: 'REF' }] });
    expect(begun?.invocations).toEqual(['byId#1', 'byRef#1']);
    expect(one).toMatchObject({ stopped: ['byId#1'], invocations: ['byRef#1'] });
    expect(two).toMatchObject({ stopped: ['byRef#1'], invocations: [] });
  });

  it('that were stopped can still be in context, and events to them go nowhere', async () => {
    const machine = setup({
      actors,
      types: { context: {} as { ref: AnyActorRef; selfSent: number } },
    }).createMachine({
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
    const seen = await sameEveryWay(machine, {
      steps: [{ type: 'STOP' }, { type: 'POKE' }, { type: 'POKE' }],
    });
    expect(seen.at(-1)).toMatchObject({
      status: 'active',
      context: { selfSent: 0, ref: { id: 'gone' } },
      children: {},
    });
  });

  it('that were stopped are not mistaken for others of their id', async () => {
    const machine = setup({ actors, types: { context: {} as { ref: AnyActorRef } } }).createMachine({
      id: 'spawner',
      context: ({ spawn }) => ({ ref: spawn('counter', { id: 'same' }) }),
      on: {
        AFRESH: { actions: [stopChild('same'), spawnChild('counter', { id: 'same' })] },
        REF: { actions: sendTo(({ context }) => context.ref, { type: 'INC' }) },
        ID: { actions: sendTo('same', { type: 'INC' }) },
      },
    });
    // XState itself knows no more than the id, and warns of events to the one that was stopped.
    allowConsole();
    const seen = await sameEveryWay(machine, {
      steps: [{ type: 'REF' }, { type: 'AFRESH' }, { type: 'REF' }, { type: 'ID' }, { type: 'REF' }],
    });
    const counts = seen.map(
      ({ children }) => (children as { same: { context: { count: number } } }).same.context.count,
    );
    expect(counts).toEqual([0, 1, 0, 0, 1, 1]);
  });

  it('may hold references to their parent, to their root and to each other', async () => {
    const talker = setup({ types: { context: {} as { to: AnyActorRef } } }).createMachine({
      id: 'talker',
      context: ({ input }) => ({ to: (input as { to: AnyActorRef }).to }),
      on: {
        TALK: {
          actions: sendTo(
            ({ context }) => context.to,
            ({ self }) => ({ type: 'HEARD', from: self.id }),
          ),
        },
      },
    });
    const machine = setup({
      actors: { talker, counter },
      types: { context: {} as { counter: unknown; heard: unknown[] } },
    }).createMachine({
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
    expect(
      [one, two, afresh, three].map(
        (seen) => (seen?.children as { counter: { context: unknown } }).counter.context,
      ),
    ).toEqual([{ count: 1 }, { count: 2 }, { count: 0 }, { count: 1 }]);
  });
});
