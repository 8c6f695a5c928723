/**
 * The states that exploring comes to, as @xstate/graph takes them: a snapshot, the events that it can get, and what comes of
 * each, which is found out by `advance` once.
 */
import type { AnyStateMachine, EventObject } from 'xstate';

import { advance, createHostCache, type StateView, viewState } from '../engine/advance.ts';
import type { Advanced, RunState } from '../engine/run-state.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { contendedStates } from './contended.ts';
import { controlKey } from './fold.ts';
import { isTimeCritical, messageOf, type Move, type Moves, timeOf } from './moves.ts';
import type { Trace, Traces } from './traces.ts';
import type { GuardAnswer } from './watch/watch-entry.ts';
import { watchedWorkflow } from './watch/watched-workflow.ts';

export interface Situation {
  // What makes it a snapshot for XState.
  readonly status: 'active';
  readonly output: undefined;
  readonly error: undefined;
  /** Undefined before the start. */
  readonly state: RunState | undefined;
  readonly now: number;
  /** The place: all of the state's key but the context. */
  readonly control: string;
  readonly view: StateView;
}

export interface MoveEvent extends EventObject {
  readonly type: 'move';
  /** Its place among the moves of its situation. */
  readonly name: string;
  readonly move: Move;
}

export interface Led {
  /** The same situation if the move was not accepted. */
  readonly to: Situation;
  readonly trace: Trace;
  /** Undefined if it was not accepted. */
  readonly advanced: Advanced | undefined;
}

/** A guard, by the transition that it guards. */
export interface GuardSeen {
  readonly name: string;
  readonly transition: string;
  readonly passed: boolean;
  readonly failed: boolean;
}

/** As @xstate/graph's adjacency map has it, by key. */
export type Found = ReadonlyArray<
  readonly [
    key: string,
    {
      readonly state: Situation;
      readonly transitions: Readonly<Record<string, { readonly event: MoveEvent }>>;
    },
  ]
>;

export interface Situations {
  readonly origin: Situation;
  movesOf(at: Situation): readonly MoveEvent[];
  follow(at: Situation, event: MoveEvent): Led;
  /** How often `advance` was called. */
  readonly advances: number;
  /** How each guard that was asked has answered. */
  readonly guards: readonly GuardSeen[];
}

/** Where a run stands that is explored from there on. */
export interface StartingPoint {
  readonly state: RunState;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** When runs begin that are only thought of: some Monday. */
export const begin = Date.UTC(2026, 0, 5);

const noView: StateView = { tags: [], accepts: [], questions: [] };

export function createSituations(
  workflow: AnyWorkflow,
  moves: Moves,
  starts: readonly Move[],
  traces: Traces,
  from?: StartingPoint,
): Situations {
  const watched = watchedWorkflow(workflow);
  const contended = contendedStates(workflow.machine as AnyStateMachine);
  const hosts = createHostCache();
  const events = new WeakMap<Situation, readonly MoveEvent[]>();
  const known = new WeakMap<Situation, Map<MoveEvent, Led>>();
  const controls = new Map<string, string>();
  const guards = new Map<string, GuardSeen>();
  let advances = 0;

  /** One text for all that are at one place: there are many of them, and it is long. */
  const controlOf = (state: RunState, now: number): string => {
    const made = controlKey(state, now, contended);
    const known = controls.get(made);
    if (known === undefined) controls.set(made, made);
    return known ?? made;
  };

  const situation = (state: RunState | undefined, now: number): Situation => {
    let view: StateView | undefined;
    return {
      status: 'active',
      output: undefined,
      error: undefined,
      state,
      now,
      control: state ? controlOf(state, now) : 'not started',
      // Most situations are one with another, and never looked at.
      get view() {
        view ??= state ? viewState(watched.workflow, state, hosts) : noView;
        return view;
      },
    };
  };

  const follow = (at: Situation, event: MoveEvent): Led => {
    const led = known.get(at) ?? new Map<MoveEvent, Led>();
    known.set(at, led);
    const before = led.get(event);
    if (before) return before;
    const { move } = event;
    const now = timeOf(move, at.state, at.now);
    const message = messageOf(move, at.state ?? { invocations: [] }, now);
    advances += 1;
    watched.take();
    const advanced = message && advance(watched.workflow, at.state, message, hosts);
    const entries = watched.take();
    for (const entry of entries) if (entry.type === 'guard') noteGuard(entry, guards);
    const trace = traces.trace(entries);
    const made: Led = advanced?.accepted
      ? { trace, to: situation(advanced.state, now), advanced }
      : { trace, to: at, advanced: undefined };
    led.set(event, made);
    return made;
  };

  /** Moves that make a difference if they come late. */
  const lateOf = (at: Situation, events: readonly MoveEvent[]): MoveEvent[] =>
    events.flatMap((event) => {
      const { move, name } = event;
      const { state } = at;
      if (!state?.timers[0] || (move.type !== 'answer' && move.type !== 'event')) return [];
      const led = follow(at, event).advanced;
      if (!led || !isTimeCritical(state, led.state, at.now)) return [];
      return [{ type: 'move', name: `${name} late`, move: { ...move, late: true } }];
    });

  return {
    origin: from ? situation(from.state, from.now) : situation(undefined, begin),
    movesOf(at) {
      const before = events.get(at);
      if (before) return before;
      const moved = (at.state ? moves.of(at.state, at.view) : starts).map((move, index): MoveEvent => ({
        type: 'move',
        name: String(index),
        move,
      }));
      const made = [...moved, ...lateOf(at, moved)];
      events.set(at, made);
      return made;
    },
    follow,
    get advances() {
      return advances;
    },
    get guards() {
      return [...guards.values()];
    },
  };
}

function noteGuard({ use, passed }: GuardAnswer, guards: Map<string, GuardSeen>): void {
  const seen = guards.get(use.transition);
  guards.set(use.transition, {
    ...use,
    passed: passed || seen?.passed === true,
    failed: !passed || seen?.failed === true,
  });
}
