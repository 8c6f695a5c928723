/** Who is who in a run: keys of invocations, `self.id` and `self.sessionId`. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AnyActorRef,
  type AnyStateMachine,
  assign,
  createActor,
  createMachine,
  enqueueActions,
  type EventObject,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';

import { act, work } from '../../test/support/plain-driver.ts';
import { defineWorkflow } from '../workflow.ts';
import { advance, createHostCache } from './advance.ts';
import { isActive } from './actor-path.ts';
import { decode, encode } from './codec.ts';
import type { Advanced, Message, RunState } from './run-state.ts';

interface Level {
  /** How its invocation is named. */
  readonly invoke: 'by its place' | 'by its id' | 'spawned' | 'spawned by name';
  readonly rounds: number;
}

/** A machine that charges some times over, and can be told to have children of the next level, with and without ids. */
function tree([level, ...below]: readonly Level[], id = 'root'): AnyStateMachine {
  const { invoke, rounds } = level as Level;
  const child = below.length > 0 ? tree(below, 'below') : createMachine({ id: 'leaf' });
  const spawned = invoke.startsWith('spawned');
  return setup({
    types: { context: {} as { round: number } },
    actors: { charge: work(), child },
  }).createMachine({
    id,
    context: { round: 0 },
    initial: 'charging',
    states: {
      charging: {
        ...(spawned
          ? { entry: spawnChild('charge', invoke === 'spawned' ? {} : { id: 'charge' }) }
          : {
              invoke: {
                src: 'charge',
                ...(invoke === 'by its id' ? { id: 'charge' } : {}),
                onDone: [
                  {
                    guard: ({ context }) => context.round < rounds,
                    actions: assign({ round: ({ context }) => context.round + 1 }),
                    target: 'charging',
                    reenter: true,
                  },
                  'over',
                ],
              },
            }),
        exit: invoke === 'spawned by name' ? stopChild('charge') : [],
        on: { AGAIN: { target: 'charging', reenter: true } },
      },
      over: { type: 'final' },
    },
    on: {
      SPAWN: { actions: spawnChild('child') },
      NAMED: { actions: [stopChild('named'), spawnChild('child', { id: 'named' })] },
      STOP: {
        actions: enqueueActions(({ enqueue, self }) => {
          const [first] = Object.keys(self.getSnapshot().children);
          if (first !== undefined) enqueue.stopChild(first);
        }),
      },
      DOWN: {
        actions: enqueueActions(({ enqueue, event, self }) => {
          for (const below of Object.values(self.getSnapshot().children) as AnyActorRef[]) {
            if (isActive(below)) enqueue.sendTo(below, event['inner'] as EventObject);
          }
        }),
      },
    },
  }) as unknown as AnyStateMachine;
}

interface Choice {
  readonly what: number;
  readonly depth: number;
}

/** Every key that the run started, in order, and its last state. */
function keysOf(
  machine: AnyStateMachine,
  choices: readonly Choice[],
  restores: boolean,
): [string[], RunState] {
  const workflow = defineWorkflow({ machine, version: '1' });
  const hosts = createHostCache();
  const keys: string[] = [];
  const send = (state: RunState | undefined, message: Message): Advanced => {
    const led = restores
      ? advance({ ...workflow }, state && (decode(encode(state)) as RunState), message)
      : advance(workflow, state, message, hosts);
    keys.push(...led.started.map(({ key }) => key));
    return led;
  };
  let { state } = send(undefined, { type: 'start', at: 0, runId: 'R' });
  for (const { what, depth } of choices) {
    const pending = state.invocations[what % Math.max(1, state.invocations.length)];
    const type = ['SPAWN', 'NAMED', 'STOP', 'AGAIN', 'SPAWN'][what % 7];
    if (type === undefined) {
      if (pending) ({ state } = send(state, { type: 'output', at: 1, key: pending.key, output: what }));
      continue;
    }
    let event: EventObject = { type };
    for (let level = 0; level < depth; level++) event = { type: 'DOWN', inner: event } as EventObject;
    ({ state } = send(state, { type: 'event', at: 1, event }));
  }
  return [keys, state];
}

const level = fc.record({
  invoke: fc.constantFrom<Level['invoke']>('by its place', 'by its id', 'spawned', 'spawned by name'),
  rounds: fc.nat(2),
});

describe('a key of an invocation', () => {
  it('is its own in the run, at any depth and in any order, and the same live and restored', () => {
    let [many, most] = [0, 0];
    fc.assert(
      fc.property(
        fc.array(level, { minLength: 1, maxLength: 3 }),
        fc.array(fc.record({ what: fc.nat(1000), depth: fc.nat(2) }), { minLength: 10, maxLength: 24 }),
        (levels, choices) => {
          const [live, state] = keysOf(tree(levels), choices, false);
          const [restored, last] = keysOf(tree(levels), choices, true);
          expect(new Set(live).size, live.join(' ')).toBe(live.length);
          expect(restored).toEqual(live);
          expect(last).toEqual(state);
          many += live.length > 5 ? 1 : 0;
          most = Math.max(most, live.length);
        },
      ),
      { numRuns: 60 },
    );
    expect(Math.min(many, most)).toBeGreaterThan(5);
  });

  it('is counted below a child without an id for as long as the child is there, and no longer', () => {
    const named: Level = { invoke: 'by its id', rounds: 1 };
    const workflow = defineWorkflow({
      machine: tree([{ ...named, invoke: 'spawned' }, named]),
      version: '1',
    });
    let { state } = advance(workflow, undefined, { type: 'start', at: 0 });
    for (let round = 0; round < 50; round++) {
      const spawned = advance(workflow, state, { type: 'event', at: 1, event: { type: 'SPAWN' } });
      const [first] = spawned.started;
      const again = advance(workflow, spawned.state, { type: 'output', at: 2, key: first?.key ?? '' });
      expect(again.started.map(({ key }) => key)).toEqual([first?.key.replace(/1$/, '2')]);
      expect(Object.values(again.state.entries)).toEqual([2]);
      ({ state } = advance(workflow, again.state, {
        type: 'output',
        at: 3,
        key: again.started[0]?.key ?? '',
      }));
    }
    expect(state.entries).toEqual({});
  });

  it('cannot be had by an actor that was given an id such as the system makes', () => {
    const machine = setup({ actors: { charge: work() } }).createMachine({
      id: 'forging',
      on: { SPAWN: { actions: [stopChild('x:7'), spawnChild('charge', { id: 'x:7' })] } },
    });
    const workflow = defineWorkflow({ machine, version: '1' });
    const { state } = advance(workflow, undefined, { type: 'start', at: 0 });
    const spawned = advance(workflow, state, { type: 'event', at: 1, event: { type: 'SPAWN' } });
    expect(spawned.state.snapshot).toMatchObject({
      status: 'error',
      error: { code: 'WORKFLOW_INVALID', details: { path: 'x:7' } },
    });
  });
});

describe('self', () => {
  const ids = ({ self }: { self: AnyActorRef }): object => ({ id: self.id, session: self.sessionId });
  const child = createMachine({
    id: 'child',
    context: ({ self }) => ({ made: ids({ self }), later: null as unknown }),
    on: { LOOK: { actions: assign({ later: ids }) } },
  });
  const machine = setup({ actors: { child }, actions: { look: act() } }).createMachine({
    id: 'payment',
    context: ({ self, spawn }) => ({
      made: ids({ self }),
      later: null as unknown,
      ref: spawn('child') as AnyActorRef,
    }),
    invoke: { src: 'child', id: 'a/b' },
    on: {
      LOOK: {
        actions: [
          assign({ later: ids }),
          enqueueActions(({ enqueue, self }) => {
            for (const each of Object.values(self.getSnapshot().children))
              enqueue.sendTo(each as AnyActorRef, { type: 'LOOK' });
          }),
        ],
      },
    },
  });
  const workflow = defineWorkflow({ machine, version: '1' });
  const start = (runId?: string): Advanced =>
    advance(workflow, undefined, { type: 'start', at: 1, ...(runId === undefined ? {} : { runId }) });

  it('has the id of the run, as with `createActor(machine, { id })`', () => {
    expect(start('P-1').state.snapshot.context).toMatchObject({ made: { id: 'P-1', session: 'P-1' } });
    expect(createActor(machine, { id: 'P-1' }).start().getSnapshot().context).toMatchObject({
      made: { id: 'P-1' },
    });
    expect(start().state.snapshot.context).toMatchObject({ made: { id: 'payment', session: 'payment' } });
  });

  it('is the same twice, live and restored, and each actor has its own session', () => {
    expect(start('P-1')).toEqual(start('P-1'));
    const hosts = createHostCache();
    const message: Message = { type: 'event', at: 2, event: { type: 'LOOK' } };
    const { state } = advance(workflow, undefined, { type: 'start', at: 1, runId: 'P-1' }, hosts);
    const restored = advance({ ...workflow }, decode(encode(state)) as RunState, message);
    const live = advance(workflow, state, message, hosts);
    expect(restored.state).toEqual(live.state);
    const { context, children = {} } = live.state.snapshot;
    const all = [context, ...Object.values(children).map(({ snapshot }) => snapshot.context)] as {
      made: { session: string };
      later: unknown;
    }[];
    expect(all).toHaveLength(3);
    for (const { made, later } of all) expect(later).toEqual(made);
    expect(all.map(({ made }) => made.session).sort()).toEqual(['P-1', 'P-1/a~1b', 'P-1/x:0']);
  });

  it('goes on with what the start told, message after message', () => {
    const looked = advance(workflow, start('P-1').state, { type: 'event', at: 2, event: { type: 'LOOK' } });
    expect(looked.state).toMatchObject({ runId: 'P-1', snapshot: { context: { later: { id: 'P-1' } } } });
  });
});
