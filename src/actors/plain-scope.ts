/** The scope of an actor that runs under a plain `createActor`: nothing outlives it, all else is the same. */
import { createInProcessShared } from '../../persistence/in-process-shared.ts';
import type { InvocationScope, OutsideCall } from '../invocation.ts';
import { costOf, listPrices } from '../prices.ts';

/** As far as this process reaches, like the limits that it keeps. */
const shared = createInProcessShared();

export function plainScope(actorId: string, signal: AbortSignal): InvocationScope {
  return scopeOf({ actorId, keeping: new Map(), kept: new Map() }, [], signal);
}

interface Actor {
  readonly actorId: string;
  readonly keeping: Map<string, { readonly value: Promise<unknown>; readonly signal: AbortSignal }>;
  readonly kept: Map<string, unknown>;
}

function scopeOf(actor: Actor, parts: readonly string[], signal: AbortSignal): InvocationScope {
  const { actorId, keeping, kept } = actor;
  const nameOf = (name: string): string => JSON.stringify([...parts, name]);

  const keep = <T>(name: string, fn: () => Promise<T>): Promise<T> => {
    const known = keeping.get(name);
    if (known && (kept.has(name) || !known.signal.aborted)) return known.value as Promise<T>;
    const compute = async (): Promise<T> => {
      const value = await fn();
      signal.throwIfAborted();
      kept.set(name, value);
      return value;
    };
    const computation = { value: compute(), signal };
    keeping.set(name, computation);
    // What failed is not kept, so the next to ask computes it again.
    computation.value.catch(() => {
      if (keeping.get(name) === computation) keeping.delete(name);
    });
    return computation.value;
  };

  return {
    runId: actorId,
    workflow: actorId,
    key: [`${actorId}#1`, ...parts].join('/'),
    attempt: 1,
    signal,
    now: Date.now,
    after: startTimer,
    once: (name, fn) => keep(nameOf(name), fn),
    kept: <T>(name: string) => kept.get(nameOf(name)) as T | undefined,
    cached: (key, fn) => keep(`cached ${key}`, fn),
    within: (part, options) => scopeOf(actor, [...parts, part], options?.signal ?? signal),
    under: (other) => scopeOf(actor, parts, other),
    exchange: (call) => made(call, signal),
    costOf: (call) => costOf(listPrices, call),
    partial: () => {},
    shared,
    runs: undefined,
  };
}

/** Node's timers overflow past this and would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Unlike the engine's, it keeps the process alive: nobody else goes on with what it is for. */
function startTimer(ms: number, fn: () => void): () => void {
  const deadline = Date.now() + ms;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const leftMs = deadline - Date.now();
    timer = leftMs > longestTimerMs ? setTimeout(arm, longestTimerMs) : setTimeout(fn, Math.max(0, leftMs));
  };
  arm();
  return () => clearTimeout(timer);
}

async function made<T>(call: OutsideCall<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const answer = await call.perform(() => {});
  // Nobody keeps it here, but whoever limits calls counts by it.
  call.describe(answer);
  return answer;
}
