/**
 * The contract between the engine and the actors that it performs: what an actor may declare about itself, and
 * what it is handed while it works. Plain `fromPromise` actors declare nothing and still run durably.
 */
import type { AnyActorLogic } from 'xstate';

/** What an actor is handed while the engine performs one of its invocations. */
export interface InvocationScope {
  readonly runId: string;
  /** `<run id>/<actor path>#<how often the path was entered>`: the same on every retry and after every crash. */
  readonly key: string;
  /** From 1; counts performances of this invocation, those cut short by a crash included. */
  readonly attempt: number;
  /** Aborted when the machine leaves the state, the run is cancelled, or this worker loses or gives up the run. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, by the engine's clock. */
  now(): number;
  /**
   * Compute `fn` at most once in this invocation: a value that it gave is kept before the promise resolves, and
   * given back from then on, crash or not. Names must differ within an invocation. A `fn` that throws is not kept.
   */
  once<T>(name: string, fn: () => Promise<T>): Promise<T>;
  /** Like `once`, but shared by all invocations of this actor in this run under the same `key`. */
  cached<T>(key: string, fn: () => Promise<T>): Promise<T>;
  /** Put an exchange with the outside on record. It is stored with the next thing that is: a `once`, or the result. */
  exchanged(exchange: Exchange): void;
}

/** One call to a model or a tool, as it went over the wire. */
export interface Exchange {
  /** `model`, `tool`, ... as the actor calls itself. */
  readonly kind: string;
  /** Who answered: `anthropic`, `stand-in`, the tool's name. */
  readonly by: string;
  /** True if no real model or service answered, but plain rules. Shown wherever the answer is. */
  readonly standIn?: boolean;
  readonly request: unknown;
  readonly response?: unknown;
  /** Present instead of a response when the call failed. */
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string };
  readonly model?: string;
  readonly usage?: TokenUsage;
  readonly requestId?: string;
  readonly latencyMs: number;
}

export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
}

/** What an actor made here declares about itself; it stands on the logic under the key `signalbox`. */
export interface DurableActor {
  /** Shown to people: `model`, `tool`. Nothing branches on it. */
  readonly kind: string;
  /** Its effect cannot be taken back: its start is recorded before it is performed. */
  readonly irreversible: boolean;
  /**
   * Performing it again with the same key has no second effect. An irreversible actor that is not idempotent is never
   * performed again on its own; the machine gets `OutcomeUnknown` instead.
   */
  readonly idempotent: boolean;
  perform(input: unknown, scope: InvocationScope): Promise<unknown>;
}

export interface DurableLogic {
  readonly signalbox: DurableActor;
}

export function durableActor(logic: AnyActorLogic | DurableLogic): DurableActor | undefined {
  return 'signalbox' in logic ? logic.signalbox : undefined;
}

/** The scope of an actor that runs under a plain `createActor`: nothing is kept, all else is the same. */
export function plainScope(actorId: string, signal: AbortSignal): InvocationScope {
  const kept = new Map<string, Promise<unknown>>();
  const keep = <T>(name: string, fn: () => Promise<T>): Promise<T> => {
    const known = kept.get(name) ?? fn();
    kept.set(name, known);
    // What failed is not kept, so the next to ask computes it again.
    known.catch(() => kept.delete(name));
    return known as Promise<T>;
  };
  return {
    runId: actorId,
    key: `${actorId}#1`,
    attempt: 1,
    signal,
    now: Date.now,
    once: keep,
    cached: (key, fn) => keep(`cached ${key}`, fn),
    exchanged: () => {},
  };
}
