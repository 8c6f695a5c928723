/** The scope of an actor that runs under a plain `createActor`: nothing outlives it, all else is the same. */
import { createInProcessShared } from '../../persistence/in-process-shared.ts';
import type { InvocationScope, OutsideCall } from '../invocation.ts';

/** As far as this process reaches, like the limits that it keeps. */
const shared = createInProcessShared();

export function plainScope(actorId: string, signal: AbortSignal): InvocationScope {
  return scopeOf({ actorId, keeping: new Map(), kept: new Map() }, [], signal);
}

interface Actor {
  readonly actorId: string;
  readonly keeping: Map<string, Promise<unknown>>;
  readonly kept: Map<string, unknown>;
}

function scopeOf(actor: Actor, parts: readonly string[], signal: AbortSignal): InvocationScope {
  const { actorId, keeping, kept } = actor;
  const nameOf = (name: string): string => JSON.stringify([...parts, name]);

  const keep = <T>(name: string, fn: () => Promise<T>): Promise<T> => {
    const known = keeping.get(name);
    if (known) return known as Promise<T>;
    const computed = fn().then(
      (value) => {
        kept.set(name, value);
        return value;
      },
      (error: unknown) => {
        // What failed is not kept, so the next to ask computes it again.
        keeping.delete(name);
        throw error;
      },
    );
    keeping.set(name, computed);
    return computed;
  };

  return {
    runId: actorId,
    workflow: actorId,
    key: [`${actorId}#1`, ...parts].join('/'),
    attempt: 1,
    signal,
    now: Date.now,
    after(ms, fn) {
      const timeout = setTimeout(fn, ms);
      return () => clearTimeout(timeout);
    },
    once: (name, fn) => keep(nameOf(name), fn),
    kept: <T>(name: string) => kept.get(nameOf(name)) as T | undefined,
    cached: (key, fn) => keep(`cached ${key}`, fn),
    within: (part, options) => scopeOf(actor, [...parts, part], options?.signal ?? signal),
    exchange: (call) => made(call, signal),
    partial: () => {},
    shared,
    runs: undefined,
  };
}

async function made<T>(call: OutsideCall<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return call.perform(() => {});
}
