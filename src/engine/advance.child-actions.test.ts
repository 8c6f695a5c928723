/** Custom actions and emitted events of children: which there are, and in which order, is as in XState. */
import { describe, expect, it } from 'vitest';
import {
  assign,
  createMachine,
  emit,
  enqueueActions,
  sendParent,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';

import { sameEveryWay } from '../../test/support/drive.ts';
import { act, work } from '../../test/support/plain-driver.ts';

const actions = { tell: act(), own: act(), after: act() };
const grandchild = createMachine({ id: 'grandchild', entry: 'tell', exit: 'after' }, { actions });
const child = createMachine(
  {
    id: 'child',
    invoke: { src: 'grandchild', id: 'grandchild' },
    entry: [{ type: 'tell' }, emit({ type: 'told' }), sendParent({ type: 'HELLO' }), { type: 'after' }],
    exit: 'own',
    on: { SAY: { actions: ['tell', emit({ type: 'said' }), 'after'] } },
  },
  { actions, actors: { grandchild } },
);

const typesOf = (seen: { actions: readonly { path: string; type: string }[] } | undefined): string[] =>
  (seen?.actions ?? []).map(({ path, type }) => `${path} ${type}`.trim());

describe('a child', () => {
  it('decides its entry when it starts, after those above and beside it', async () => {
    const machine = createMachine(
      {
        id: 'parent',
        context: { heard: 0 },
        invoke: { src: 'child', id: 'child' },
        entry: 'own',
        initial: 'first',
        states: { first: { entry: 'tell', always: 'second' }, second: { entry: 'after' } },
        on: {
          HELLO: { actions: [assign({ heard: ({ context }) => context.heard + 1 }), 'own'] },
          AGAIN: { target: '.second', actions: ['own', spawnChild('child', { id: 'other' }), 'after'] },
        },
      },
      { actions, actors: { child } },
    );
    const [begun, again] = await sameEveryWay(machine, { steps: [{ type: 'AGAIN' }] });
    expect(begun).toMatchObject({ context: { heard: 1 } });
    expect(typesOf(again).slice(0, 3)).toEqual(['own', 'after', 'after']);
  });

  it('that is stopped before it starts decides nothing, nor do those below it', async () => {
    const machine = createMachine(
      {
        id: 'parent',
        context: { known: true },
        initial: 'idle',
        states: {
          idle: {
            on: {
              GO: 'asking',
              SPAWN: { actions: [spawnChild('child', { id: 'brief' }), stopChild('brief')] },
            },
          },
          asking: {
            invoke: { src: 'child', id: 'child' },
            entry: 'own',
            exit: 'after',
            always: { guard: ({ context }) => context.known, target: 'decided' },
          },
          decided: { entry: 'tell', on: { BACK: 'idle' } },
        },
      },
      { actions, actors: { child } },
    );
    const [, went, , spawned] = await sameEveryWay(machine, {
      steps: [{ type: 'GO' }, { type: 'BACK' }, { type: 'SPAWN' }],
    });
    expect(typesOf(went)).toEqual(['own', 'after', 'tell']);
    expect(went).toMatchObject({ emitted: [], children: {} });
    expect(spawned).toMatchObject({ actions: [], emitted: [] });
  });

  it('acts in the order of XState among siblings, in reaction to each other', async () => {
    const machine = setup({ actors: { child, ask: work() }, actions }).createMachine({
      id: 'parent',
      type: 'parallel',
      entry: enqueueActions(({ enqueue }) => {
        enqueue('own');
        enqueue.spawnChild('child', { id: 'one' });
        enqueue('after');
        enqueue.spawnChild('child', { id: 'two' });
        enqueue.sendTo('one', { type: 'SAY' });
      }),
      states: {
        left: { invoke: { src: 'child', id: 'three' }, entry: 'tell' },
        right: { invoke: { src: 'ask', id: 'ask', onDone: { actions: ['own', 'tell'] } }, entry: 'tell' },
      },
      on: {
        HELLO: { actions: 'own' },
        SAY: { actions: ['own', ({ system }) => void system] },
        STOP: { actions: [stopChild('one'), 'own'] },
      },
    });
    await sameEveryWay(machine, {
      steps: [{ type: 'SAY' }, { settle: 'ask#1', output: 1 }, { type: 'STOP' }, { cancel: true }],
    });
  });

  it('that is done at once has acted', async () => {
    const brief = createMachine(
      { id: 'brief', entry: 'tell', initial: 'over', states: { over: { entry: 'after', type: 'final' } } },
      { actions },
    );
    const machine = createMachine(
      {
        id: 'parent',
        initial: 'asking',
        states: {
          asking: { invoke: { src: 'brief', id: 'brief', onDone: 'over' }, entry: 'own', exit: 'own' },
          over: { entry: 'after' },
        },
      },
      { actions, actors: { brief } },
    );
    await sameEveryWay(machine);
  });
});
