/**
 * Performs one invocation: calls the actor's own code with its input, an `AbortSignal`, and a scope that keeps what the
 * actor asks to keep. It knows nothing of states or commits; what it may write goes through `PerformerPort`.
 *
 * I1. A value kept with `once` is stored before its promise resolves, and computed once even if asked for twice at a time.
 * I2. What was exchanged with the outside is handed on with the next write, or left on the flight for its result.
 */
import type { AnyActorLogic } from 'xstate';

import { SignalboxError } from '../errors.ts';
import { carried, decode, encode } from './codec.ts';
import { durableActor, type Exchange, type InvocationScope } from './invocation.ts';
import type { Invocation } from './run-state.ts';

/** An invocation that is being performed. */
export interface Flight {
  readonly invocation: Invocation;
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** Not yet on record. */
  exchanges: Exchange[];
  abort(reason: Error): void;
}

export function createFlight(invocation: Invocation, attempt: number): Flight {
  // Most short actors never look at their signal, and making one costs as much as the rest of a step.
  let controller: AbortController | undefined;
  let aborted: Error | undefined;
  return {
    invocation,
    attempt,
    exchanges: [],
    get signal() {
      controller ??= new AbortController();
      if (aborted) controller.abort(aborted);
      return controller.signal;
    },
    abort(reason) {
      aborted ??= reason;
      controller?.abort(aborted);
    },
  };
}

export interface PerformerPort {
  readonly runId: string;
  now(): number;
  /** The journal value of that name, as it was stored. */
  kept(name: string): string | undefined;
  /** Store a journal value and what was exchanged to get it. Rejects if this worker no longer holds the run. */
  keep(flight: Flight, name: string, text: string, value: unknown): Promise<void>;
  /** Values that are being computed, by journal name; shared by the run. */
  readonly computing: Map<string, Promise<unknown>>;
}

export type Outcome =
  | { readonly type: 'output'; readonly output?: unknown }
  | { readonly type: 'error'; readonly error: unknown };

/** Perform the invocation and give what the machine is to be told. Never rejects. */
export async function perform(logic: AnyActorLogic, flight: Flight, port: PerformerPort): Promise<Outcome> {
  const { invocation } = flight;
  try {
    const actor = durableActor(logic);
    const output = actor
      ? await actor.perform(carried(invocation.input), scopeOf(flight, port))
      : await (logic.config as PromiseCreator)({
          input: carried(invocation.input),
          get signal() {
            return flight.signal;
          },
          // Made only for who asks, like the signal.
          get self() {
            return detached(invocation.path).self;
          },
          get system() {
            return detached(invocation.path).system;
          },
          get emit() {
            return detached(invocation.path).emit;
          },
        });
    return output === undefined
      ? { type: 'output' }
      : { type: 'output', output: carried(output, `output of ${invocation.path}`) };
  } catch (error) {
    return { type: 'error', error: carriedError(error) };
  }
}

type PromiseCreator = (args: { input: unknown; signal: AbortSignal } & Detached) => PromiseLike<unknown>;

function scopeOf(flight: Flight, port: PerformerPort): InvocationScope {
  const { invocation, attempt } = flight;

  const keep = <T>(name: string, fn: () => Promise<T>): Promise<T> => {
    const text = port.kept(name);
    if (text !== undefined) return Promise.resolve(decode(text) as T);
    const computed = port.computing.get(name) ?? compute(name, fn);
    port.computing.set(name, computed);
    return computed as Promise<T>;
  };

  const compute = async <T>(name: string, fn: () => Promise<T>): Promise<T> => {
    try {
      const value = await fn();
      flight.signal.throwIfAborted();
      const text = encode(value, `\`${name}\``);
      await port.keep(flight, name, text, value);
      return decode(text) as T;
    } finally {
      port.computing.delete(name);
    }
  };

  return {
    runId: port.runId,
    key: `${port.runId}/${invocation.key}`,
    attempt,
    get signal() {
      return flight.signal;
    },
    now: port.now,
    once: (name, fn) => keep(onceName(invocation.key, name), fn),
    cached: (key, fn) => keep(`cached ${invocation.src} ${key}`, fn),
    exchanged: (exchange) => void flight.exchanges.push(carried(exchange, 'exchange')),
  };
}

/** The journal name of a value that belongs to one invocation; `forgettable` tells them from those of the run. */
export function onceName(invocationKey: string, name: string): string {
  return `once ${invocationKey} ${name}`;
}

/** The journal name that counts a performance of an invocation. */
export function attemptName(invocationKey: string, attempt: number): string {
  return `attempt ${invocationKey} ${attempt}`;
}

/** Whether a journal value is of no use once the invocation has its result. */
export function belongsTo(invocationKey: string, journalName: string): boolean {
  return (
    journalName.startsWith(`once ${invocationKey} `) || journalName.startsWith(`attempt ${invocationKey} `)
  );
}

interface Detached {
  readonly self: unknown;
  readonly system: unknown;
  readonly emit: (event: unknown) => void;
}

/** What stands for `self` and `system` where code runs outside of the machine: they say who they are, and refuse to act. */
export function detached(path: string): Detached {
  const refuse = (what: string) => (): never => {
    throw new SignalboxError(
      'DETACHED_ACTOR',
      'fix-input',
      `\`${what}\` was called by code of \`${path || 'the root'}\` that runs outside of the machine, after the step was stored. Return a value, or send an event with \`run.send\`.`,
    );
  };
  const self = {
    id: path.slice(path.lastIndexOf('/') + 1),
    sessionId: path,
    send: refuse('self.send'),
    getSnapshot: refuse('self.getSnapshot'),
    subscribe: refuse('self.subscribe'),
  };
  return {
    self,
    system: { get: refuse('system.get'), getAll: refuse('system.getAll') },
    emit: refuse('emit'),
  };
}

/** The error as it will come back from the store; if it holds what cannot be stored, what can be said of it. */
function carriedError(error: unknown): unknown {
  try {
    return carried(error, 'error');
  } catch {
    if (!(error instanceof Error)) return new Error(String(error));
    const { name, message, stack } = error;
    const plain = Object.assign(new Error(message), 'code' in error ? { code: String(error.code) } : {});
    Object.defineProperties(plain, {
      name: { value: name, configurable: true, writable: true },
      stack: { value: stack, configurable: true, writable: true },
    });
    return plain;
  }
}
