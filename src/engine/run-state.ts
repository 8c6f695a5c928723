/**
 * The state of a run, as plain data. `advance` takes it and gives the next; stores keep it encoded.
 */
import type { EventObject, StateValue } from 'xstate';

import type { Verdict } from '../gates/verdict.ts';

/** XState's own persisted snapshot of an actor, without its undefined fields, and with what it forgets. */
export interface PersistedActor {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly output?: unknown;
  readonly error?: unknown;
  /** Not that of a pending invocation, which has its own. */
  readonly input?: unknown;
  readonly value?: StateValue;
  readonly context?: unknown;
  readonly children?: Readonly<Record<string, PersistedChild>>;
  readonly historyValue?: Readonly<Record<string, ReadonlyArray<{ readonly id: string }>>>;
  /** Ids of the active states that are final. Left out if none is. */
  readonly finals?: readonly string[];
  /** Ids of the active states in the order in which they take their turns, where that is not the order of the machine. */
  readonly turns?: readonly string[];
}

export interface PersistedChild {
  readonly snapshot: PersistedActor;
  readonly src: string;
  readonly systemId?: string;
  readonly syncSnapshot?: boolean;
  /** No active state invokes it. */
  readonly spawned?: true;
}

export interface RunState {
  readonly snapshot: PersistedActor;
  /** Armed timers, soonest first; equal deadlines in the order in which they were armed. */
  readonly timers: readonly Timer[];
  /** Invocations that were started and have no result yet. */
  readonly invocations: readonly Invocation[];
  /** How often each actor path was entered; without those under an id of the system's that has ended. */
  readonly entries: Readonly<Record<string, number>>;
  /** How many ids were given to actors and timers that have none of their own. */
  readonly ids: number;
  /** Tells whether the machine that is to go on with it is of the shape of the one that stored it. */
  readonly shape?: string;
  /** Of a failed run: the state that the message came to which made it fail, so that it can go on from there. */
  readonly failedFrom?: RunState;
  /** The run's id, if the start told it: the root's `self.id`. */
  readonly runId?: string;
  /** The invocation of another run that started this one, and is told when it ends. */
  readonly parent?: ParentInvocation;
}

export interface ParentInvocation {
  readonly runId: string;
  /** Of the invocation. */
  readonly key: string;
}

/** A delayed event (`after`, `raise` and `sendTo` with a delay). */
export interface Timer {
  /** Path of the actor that armed it; the root's is empty. With `id` it names the timer. */
  readonly source: string;
  readonly id: string;
  /** Path of the actor that the event is for. */
  readonly target: string;
  readonly event: EventObject;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

/** One call of an invoked actor. */
export interface Invocation {
  /** `<path>#<how often the path was entered>`; unique in the run, and the same on every retry. */
  readonly key: string;
  /** The ids of the actor and its parents below the root, joined by `/`. */
  readonly path: string;
  /** Names the logic: the `src`, after those of the machines that it is nested in. */
  readonly src: string;
  readonly input?: unknown;
  /** Present once a performance was put off: not before this time is it performed again. */
  readonly notBefore?: number;
  /** The performance that is next, if it is not the first. Those that a crash cut short are not counted here. */
  readonly attempt?: number;
}

/** What `advance` takes in. `at` is the time of the message, in milliseconds since the epoch. */
export type Message =
  | {
      readonly type: 'start';
      readonly at: number;
      /** What the root goes by as `self.id`, as with `createActor(machine, { id })`. Default: the workflow's name. */
      readonly runId?: string;
      readonly input?: unknown;
      readonly parent?: ParentInvocation;
    }
  | { readonly type: 'event'; readonly at: number; readonly event: EventObject }
  | { readonly type: 'output'; readonly at: number; readonly key: string; readonly output?: unknown }
  | { readonly type: 'error'; readonly at: number; readonly key: string; readonly error: unknown }
  /** The invocation cannot go on now: it is performed again at `until`. The machine is not told. */
  | {
      readonly type: 'deferred';
      readonly at: number;
      readonly key: string;
      readonly until: number;
      readonly reason: string;
      /** The performance that was put off. */
      readonly attempt: number;
    }
  /** What a deferred invocation waits for may have happened: it is performed again at once. */
  | { readonly type: 'wake'; readonly at: number; readonly key: string }
  | { readonly type: 'timer'; readonly at: number; readonly source: string; readonly id: string }
  | { readonly type: 'cancel'; readonly at: number; readonly reason?: string }
  /** End the run with this error, whatever it is at. */
  | { readonly type: 'fail'; readonly at: number; readonly error: unknown }
  /** A failed run is again what it was before the message that made it fail; what it waited for is started again. */
  | { readonly type: 'retry'; readonly at: number };

/** A custom action that a message decided. The engine performs it after the commit, at most once. */
export interface DecidedAction {
  readonly type: string;
  readonly params?: unknown;
  /** Path of the actor that decided it. */
  readonly path: string;
  readonly context: unknown;
  readonly event: EventObject;
  readonly exec?: (args: unknown, params: unknown) => void;
}

export interface Emitted {
  readonly path: string;
  readonly event: EventObject;
}

export interface Advanced {
  readonly state: RunState;
  /** Tags of the root machine's active states. */
  readonly tags: readonly string[];
  /** False if the message changed nothing: no state accepts the event, or the invocation or timer is gone. */
  readonly accepted: boolean;
  readonly started: readonly Invocation[];
  /** Keys of invocations whose actor was stopped before it had a result. */
  readonly stopped: readonly string[];
  readonly actions: readonly DecidedAction[];
  readonly emitted: readonly Emitted[];
  readonly verdicts: readonly Verdict[];
}
