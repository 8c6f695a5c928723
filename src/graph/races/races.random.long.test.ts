/**
 * Races of machines made at random are those that trying both orders of everything finds, without a graph. What a graph folds
 * away is only tried at some of its nodes, so there are fewer of those in which nothing else differs; here, what a run held
 * that has ended.
 */
import { isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';
import type { AnyStateMachine } from 'xstate';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../actors/index.ts';
import { advance, viewState } from '../../engine/advance.ts';
import type { Advanced, Message, RunState } from '../../engine/run-state.ts';
import { type AnyWorkflow, defineWorkflow } from '../../workflow.ts';
import { explore } from '../explore.ts';
import { canonical } from '../fold.ts';
import { createMoves, messageOf, type Move } from '../moves.ts';
import { createRoutes } from '../paths/routes.ts';
import { transitionsTaken, watchedWorkflow } from '../watch/watched-workflow.ts';
import { findRaces } from './find-races.ts';
import { createRacePlace } from './race-place.ts';

describe('races', () => {
  it('are those that trying both orders of everything finds', () => {
    const seen = { order: 0, 'first-wins': 0 };
    fc.assert(
      fc.property(randomMachine, (config) => {
        const workflow = workflowOf(config);
        const graph = explore(workflow, { variants: Infinity });
        const found = findRaces(workflow, graph, createRoutes(graph));
        const told = found.map(({ kind, where }) => `${kind} ${where}`);
        const tried = racesByTrying(workflow);
        expect({
          wrong: told.filter((name) => !tried.all.has(name)),
          missing: [...tried.certain].filter((name) => !told.includes(name)),
        }).toEqual({ wrong: [], missing: [] });
        seen.order += found.filter(({ kind }) => kind === 'order').length;
        seen['first-wins'] += found.filter(({ kind }) => kind === 'first-wins').length;
      }),
      // Always the same machines: of the largest, what is bounded could leave something out.
      { numRuns: 15, seed: 7, endOnFailure: true },
    );
    // Of machines without races nothing would be learned.
    expect(seen.order).toBeGreaterThan(20);
    expect(seen['first-wins']).toBeGreaterThan(50);
  });
});

// --- machines at random: two regions, each with an actor, an event and a timer --------------------------------------------

const names = ['a', 'b'] as const;
const variables = ['x', 'y'] as const;

const write = fc.record({
  to: fc.constantFrom(...variables),
  how: fc.constantFrom('zero', 'one', 'next', 'other'),
});
const transition = fc.record({
  target: fc.option(fc.constantFrom(...names), { nil: undefined }),
  reenter: fc.boolean(),
  guard: fc.option(fc.constantFrom(...variables), { nil: undefined }),
  writes: fc.array(write, { maxLength: 1 }),
});
const maybe = fc.option(transition, { nil: undefined });
const state = fc.record({
  actor: fc.option(fc.record({ done: transition, error: transition }), { nil: undefined }),
  own: maybe,
  shared: maybe,
  timer: maybe,
});
const region = fc.record({ a: state, b: state });
// With two timers that run at the same time, there are many more states than can be tried.
const withoutTimer = region.map(({ a, b }) => ({
  a: { ...a, timer: undefined },
  b: { ...b, timer: undefined },
}));
const randomMachine = fc.record({ one: region, two: withoutTimer });

type Config = typeof randomMachine extends fc.Arbitrary<infer T> ? T : never;
type Region = Config['one'];
type Transition = typeof transition extends fc.Arbitrary<infer T> ? T : never;
type Context = Record<(typeof variables)[number], number>;

const look = fromTool({
  name: 'look',
  input: z.undefined(),
  output: z.object({ seen: z.literal(true) }),
  run: async () => ({ seen: true as const }),
});

function workflowOf({ one, two }: Config): AnyWorkflow {
  const machine = setup({ actors: { look } }).createMachine({
    id: 'random',
    context: { x: 0, y: 1 },
    type: 'parallel',
    // Read everywhere, so that no two states are taken for one that hold something else.
    on: {
      READ: { guard: ({ context }: { context: Context }) => context.x + context.y > 100, target: '.one' },
    },
    states: { one: regionOf('one', one), two: regionOf('two', two) },
  } as never);
  return defineWorkflow({ machine: machine as never, version: '1' });
}

function regionOf(name: string, states: Region): object {
  const entries = Object.entries(states).map(([key, { actor, own, shared, timer }]) => [
    key,
    {
      on: {
        ...(own ? { [name.toUpperCase()]: transitionOf(own) } : {}),
        ...(shared ? { SHARED: transitionOf(shared) } : {}),
      },
      ...(timer ? { after: { 1000: transitionOf(timer) } } : {}),
      ...(actor
        ? {
            invoke: {
              id: `look ${name}`,
              src: 'look',
              input: undefined,
              onDone: transitionOf(actor.done),
              onError: transitionOf(actor.error),
            },
          }
        : {}),
    },
  ]);
  return { initial: 'a', states: Object.fromEntries(entries) as object };
}

function transitionOf({ target, reenter, guard, writes }: Transition): object {
  return {
    ...(target ? { target, reenter } : {}),
    ...(guard ? { guard: ({ context }: { context: Context }) => context[guard] === 1 } : {}),
    actions: writes.map(({ to, how }) =>
      assign({ [to]: ({ context }: { context: Context }) => valueOf(to, how, context) }),
    ),
  };
}

function valueOf(to: keyof Context, how: string, context: Context): number {
  if (how === 'zero') return 0;
  if (how === 'one') return 1;
  return how === 'next' ? (context[to] + 1) % 3 : context[to === 'x' ? 'y' : 'x'];
}

// --- every state, and both orders of every two inputs ---------------------------------------------------------------------

interface At {
  readonly state: RunState;
  readonly now: number;
}

function racesByTrying(given: AnyWorkflow): Record<'all' | 'certain', ReadonlySet<string>> {
  const { workflow, take } = watchedWorkflow(given);
  const place = createRacePlace(given.machine as AnyStateMachine);
  const moves = createMoves(workflow, []);
  const step = (at: RunState, message: Message): Advanced => {
    take();
    return advance(workflow, at, message);
  };
  const first = advance(workflow, undefined, { type: 'start', at: 0 }).state;
  const all = new Map<string, At>([[keyOf({ state: first, now: 0 }), { state: first, now: 0 }]]);
  const races = new Set<string>();
  const certain = new Set<string>();
  for (const { state, now } of all.values()) {
    const due = state.timers[0]?.deadline ?? now;
    const possible = withoutAlike(moves.of(state, viewState(workflow, state)));
    for (const move of possible) {
      const at = move.type === 'timer' ? Math.max(now, due) : now;
      const next = { state: step(state, messageAt(move, state, at)).state, now: at };
      all.set(keyOf(next), all.get(keyOf(next)) ?? next);
    }
    for (const one of possible) {
      for (const other of possible) {
        if (one.name >= other.name) continue;
        const at = one.type === 'timer' || other.type === 'timer' ? Math.max(now, due) : now;
        const forwards = both(state, messageAt(one, state, at), messageAt(other, state, at));
        const backwards = both(state, messageAt(other, state, at), messageAt(one, state, at));
        if (!forwards || !backwards) continue;
        const [end, otherEnd] = [endOf(forwards.state, at), endOf(backwards.state, at)];
        if (isDeepStrictEqual(end, otherEnd)) continue;
        const kind = forwards.isLost || backwards.isLost ? 'first-wins' : 'order';
        const where = place(state.snapshot.value, [...forwards.taken, ...backwards.taken]);
        const name = `${kind} ${where} ${one.name} / ${other.name}`;
        races.add(name);
        const isOver = end.status !== 'active' && otherEnd.status !== 'active';
        const isSeen = !isDeepStrictEqual({ ...end, context: '' }, { ...otherEnd, context: '' });
        if (!isOver || isSeen) certain.add(name);
      }
    }
  }
  return { all: races, certain };

  function both(state: RunState, message: Message, then: Message) {
    const led = step(state, message);
    if (!led.accepted) return undefined;
    const isArmed = (timer: {
      readonly source: string;
      readonly id: string;
      readonly deadline: number;
    }): boolean => led.state.timers.some((one) => one.id === timer.id && one.deadline === timer.deadline);
    const isOff =
      then.type === 'timer' &&
      !state.timers.filter(({ id }) => id === then.id).some((timer) => isArmed(timer));
    const after = isOff ? undefined : step(led.state, then);
    const isLost = after?.accepted !== true;
    return { state: isLost ? led.state : after.state, isLost, taken: transitionsTaken(led.actions) };
  }
}

/** The machines do not look into what an actor answers, nor into how it failed. */
function withoutAlike(possible: readonly Move[]): Move[] {
  return [...new Map(possible.map((move) => [`${move.name} ${'error' in move}`, move])).values()];
}

function messageAt(move: Move, state: RunState, at: number): Message {
  const message = messageOf(move, state, at);
  if (!message) throw new Error('There is no such invocation.');
  return message;
}

function endOf({ snapshot, timers, invocations }: RunState, now: number) {
  return {
    value: snapshot.value,
    status: snapshot.status,
    error: snapshot.error,
    context: snapshot.context,
    timers: timers.map(({ id, deadline }) => `${id} ${deadline - now}`).sort(),
    invocations: invocations.map(({ path, src }) => `${path} ${src}`).sort(),
  };
}

function keyOf({ state, now }: At): string {
  return canonical([endOf(state, now), state.timers.map(({ id, deadline }) => [id, deadline - now])]);
}
