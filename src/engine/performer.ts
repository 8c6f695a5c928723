/**
 * Performs one invocation: calls the actor's own code with its input, an `AbortSignal`, and a scope that keeps what the
 * actor asks to keep. It knows nothing of states or commits; what it may write goes through `PerformerPort`.
 *
 * I1. A value kept with `once` is stored before its promise resolves, and computed once even if asked for twice at a time.
 * I2. What was exchanged with the outside is handed on with the next write, or left on the flight for its result.
 * I3. A part of an invocation keeps its values under its own name, so no two parts share one.
 */
import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { AnyActorLogic } from 'xstate';

import { SignalboxError } from '../errors.ts';
import {
  type CacheOptions,
  type ChildRuns,
  Deferred,
  durableActor,
  type Exchange,
  type InvocationScope,
  type StoppedScope,
} from '../invocation.ts';
import { idAt, sessionIdOf } from './actor-path.ts';
import { carriedError } from './carried-error.ts';
import { carried, decode, encode } from './codec.ts';
import type { Shared } from '../../persistence/shared.ts';
import { costOf } from '../prices.ts';
import type { Clock } from './clock.ts';
import { exchange, type ExchangePorts } from './exchanging.ts';
import type { Invocation } from './run-state.ts';
import { untilAborted } from './until-aborted.ts';
import { runUserCode, type UserCode } from './user-code.ts';

/** An invocation that is being performed. */
export interface Flight {
  readonly invocation: Invocation;
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** Not yet on record. */
  exchanges: Exchange[];
  /** It has its outcome; what goes on all the same, because it does not listen to its signal, is not waited for. */
  landed: boolean;
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
    landed: false,
    get signal() {
      if (!controller) {
        controller = new AbortController();
        // Each value that is being computed listens to it.
        setMaxListeners(0, controller.signal);
      }
      if (aborted) controller.abort(aborted);
      return controller.signal;
    },
    abort(reason) {
      aborted ??= reason;
      controller?.abort(aborted);
    },
  };
}

export interface PerformerPort extends Pick<
  ExchangePorts,
  'runId' | 'workflow' | 'prices' | 'budget' | 'intercept'
> {
  /** Of the workflow. */
  readonly version: string;
  readonly clock: Clock;
  readonly shared: Shared;
  /** Runs that the invocation starts, for its end to be told to. */
  runsOf(invocation: Invocation): ChildRuns;
  /** Text that is not yet an answer. */
  partial(flight: Flight, part: string | undefined, text: string): void;
  /** The journal value of that name, as it was stored. */
  kept(name: string): string | undefined;
  /**
   * Store a journal value and what was exchanged to get it. Waits out the store's trouble; never settles if this worker
   * no longer has the run.
   */
  keep(flight: Flight, name: string, text: string, value: unknown): Promise<void>;
  /** Put on record what a flight exchanged that has landed. */
  discard(flight: Flight): void;
  /** Waits out the trouble of the store, wherever `make` meets it. */
  outlast<T>(make: () => Promise<T>): Promise<T>;
  /** Resolves when what is being written or asked of the store now is answered; undefined if that is nothing. */
  untilAnswered(): Promise<void> | undefined;
  /** The run fails with this error, which the code of the invocation let escape. */
  escaped(error: Error): void;
  /** Values that are being computed, by journal name; shared by the run. */
  readonly computing: Map<string, Computation>;
  /** Values that were computed and are being stored, by journal name; shared by the run. */
  readonly storing: Map<string, Promise<unknown>>;
}

export interface Computation {
  readonly value: Promise<unknown>;
  /** Of whoever began it. Once it is aborted, the value will not be kept. */
  readonly signal: AbortSignal;
}

export type Outcome =
  | { readonly type: 'output'; readonly output?: unknown }
  | { readonly type: 'error'; readonly error: unknown }
  /** To be performed again at `until`. */
  | { readonly type: 'deferred'; readonly until: number; readonly reason: string };

/** Perform the invocation and give what the machine is to be told. Never rejects. */
export async function perform(logic: AnyActorLogic, flight: Flight, port: PerformerPort): Promise<Outcome> {
  const { invocation } = flight;
  const { path } = invocation;
  const code: UserCode = { runId: port.runId, path, isOver: false, fail: port.escaped };
  try {
    const actor = durableActor(logic);
    const output = await runUserCode(code, () =>
      actor
        ? actor.perform(carried(invocation.input), scopeOf(flight, port, []))
        : (logic.config as PromiseCreator)({
            input: carried(invocation.input),
            get signal() {
              return flight.signal;
            },
            // Made only for who asks, like the signal.
            get self() {
              return detached(path, code).self;
            },
            get system() {
              return detached(path, code).system;
            },
            get emit() {
              return detached(path, code).emit;
            },
          }),
    );
    return output === undefined
      ? { type: 'output' }
      : { type: 'output', output: carried(output, `output of ${invocation.path}`) };
  } catch (error) {
    if (error instanceof Deferred) return { type: 'deferred', until: error.until, reason: error.message };
    return { type: 'error', error: carriedError(error) };
  } finally {
    code.isOver = true;
  }
}

type PromiseCreator = (args: { input: unknown; signal: AbortSignal } & Detached) => PromiseLike<unknown>;

/** The scope of the invocation, or of the part of it that `parts` lead to. */
function scopeOf(
  flight: Flight,
  port: PerformerPort,
  parts: readonly string[],
  signalOf: () => AbortSignal = () => flight.signal,
): InvocationScope {
  const { invocation, attempt } = flight;
  const { clock, runId, workflow, version } = port;
  const part = parts.length > 0 ? parts.join('/') : undefined;
  const key = [`${runId}/${invocation.key}`, ...parts].join('/');

  const nameOf = (name: string): string => onceName(invocation.key, [...parts, escaped(name)].join('/'));

  const keep = <T>(name: string, fn: () => Promise<T>): Promise<T> => {
    const text = port.kept(name);
    if (text !== undefined) return Promise.resolve(decode(text) as T);
    const stored = port.storing.get(name);
    // It was computed for an attempt that has been given up since, and is not computed again.
    if (stored)
      return untilAborted(
        stored.then(() => keep(name, fn)),
        signalOf(),
      );
    return single(name, () => compute(name, fn));
  };

  /** One computation at a time under a name. One whose owner was stopped counts for nothing. */
  const single = async <T>(name: string, fn: () => Promise<T>): Promise<T> => {
    const { computing } = port;
    for (;;) {
      const other = computing.get(name);
      if (!other || other.signal.aborted) break;
      try {
        return (await other.value) as T;
      } catch (error) {
        if (!other.signal.aborted || signalOf().aborted) throw error;
      }
    }
    const signal = signalOf();
    let stop = (): void => {};
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason as Error);
    });
    signal.addEventListener('abort', stop, { once: true });
    const value = Promise.race([fn(), stopped]);
    const computation = { value, signal };
    computing.set(name, computation);
    try {
      return await value;
    } finally {
      signal.removeEventListener('abort', stop);
      if (computing.get(name) === computation) computing.delete(name);
    }
  };

  const compute = async <T>(name: string, fn: () => Promise<T>): Promise<T> => {
    const value = await fn();
    signalOf().throwIfAborted();
    const text = encode(value, `\`${name}\``);
    const stored = port.keep(flight, name, text, value);
    port.storing.set(name, stored);
    const isStored = (): void => void port.storing.delete(name);
    stored.then(isStored, isStored);
    await stored;
    return decode(text) as T;
  };

  const outlast = <T>(make: () => Promise<T>): Promise<T> => untilAborted(port.outlast(make), signalOf());
  // Made only for who asks: most actors share nothing and start no runs.
  let shared: Shared | undefined;
  const sharing = (): Shared => (shared ??= outlasting(port.shared, outlast));

  const cached = <T>(
    name: string,
    fn: () => Promise<T>,
    { per = 'run', ttlMs }: CacheOptions = {},
  ): Promise<T> => {
    if (per === 'workflow') {
      return cachedForAll(`${workflow}@${version}/${invocation.src}/${name}`, fn, ttlMs);
    }
    const journalName = `cached ${invocation.src} ${name}`;
    if (ttlMs === undefined) return keep(journalName, fn);
    return cachedFor(ttlMs, journalName, fn);
  };

  /** The journal keeps the first value of a name, so each that replaces one that is too old has a name of its own. */
  const cachedFor = async <T>(ttlMs: number, journalName: string, fn: () => Promise<T>): Promise<T> => {
    for (let generation = 1; ; generation++) {
      const { at, value } = await keep(`${journalName} ${generation}`, async () => ({
        value: await fn(),
        at: clock.now(),
      }));
      if (clock.now() - at < ttlMs) return value;
    }
  };

  const cachedForAll = <T>(name: string, fn: () => Promise<T>, ttlMs: number | undefined): Promise<T> =>
    single(`shared ${name}`, async () => {
      const known = await sharing().cached(name);
      if (known !== undefined) return decode(known) as T;
      const text = encode(await fn(), `\`${name}\``);
      await sharing().cache(name, text, ttlMs);
      return decode(text) as T;
    });

  return {
    runId,
    workflow,
    key,
    attempt,
    get signal() {
      return signalOf();
    },
    now: () => clock.now(),
    after: (ms, fn) => afterAnswers(ms, fn, port),
    once: (name, fn) => keep(nameOf(name), fn),
    kept<T>(name: string) {
      const text = port.kept(nameOf(name));
      return text === undefined ? undefined : (decode(text) as T);
    },
    cached,
    within: (name, { signal } = {}) =>
      scopeOf(flight, port, [...parts, escaped(name)], signal ? () => signal : signalOf),
    under: (signal) => scopeOf(flight, port, parts, () => signal),
    exchange: (call) =>
      exchange(call, {
        ...port,
        key,
        part,
        get signal() {
          return signalOf();
        },
        now: () => clock.now(),
        record(made) {
          flight.exchanges.push(carried(made, 'exchange'));
          if (flight.landed) port.discard(flight);
        },
      }),
    costOf: (call) => costOf(port.prices, call),
    partial: (text) => port.partial(flight, part, text),
    get shared() {
      return sharing();
    },
    get runs() {
      return outlastingRuns(port.runsOf(invocation), outlast);
    },
  };
}

/** The time in which the store has not answered counts against nobody: what waits for its answer is given it first. */
function afterAnswers(ms: number, fn: () => void, { clock, untilAnswered }: PerformerPort): () => void {
  let isCalledOff = false;
  const cancel = clock.at(clock.now() + ms, () => {
    const answered = untilAnswered();
    if (!answered) return fn();
    void answered.then(nextTurn).then(() => isCalledOff || fn());
  });
  return () => {
    isCalledOff = true;
    cancel();
  };
}

type Outlast = <T>(make: () => Promise<T>) => Promise<T>;

/** What could not be given back costs others a wait, so that alone is not waited for. */
function outlasting(shared: Shared, outlast: Outlast): Shared {
  return {
    take: (...args) => outlast(() => shared.take(...args)),
    giveBack: (...args) => shared.giveBack(...args),
    occupy: (...args) => outlast(() => shared.occupy(...args)),
    vacate: (...args) => shared.vacate(...args),
    cached: (...args) => outlast(() => shared.cached(...args)),
    cache: (...args) => outlast(() => shared.cache(...args)),
  };
}

function outlastingRuns(runs: ChildRuns, outlast: Outlast): ChildRuns {
  return {
    start: (...args) => outlast(() => runs.start(...args)),
    outcome: (...args) => outlast(() => runs.outcome(...args)),
    cancel: (...args) => outlast(() => runs.cancel(...args)),
  };
}

export function stoppedScopeOf(
  runId: string,
  invocationKey: string,
  runs: ChildRuns,
  parts: readonly string[] = [],
): StoppedScope {
  return {
    runId,
    key: [`${runId}/${invocationKey}`, ...parts].join('/'),
    within: (part) => stoppedScopeOf(runId, invocationKey, runs, [...parts, escaped(part)]),
    runs,
  };
}

/** Parts are joined by `/`, so none may hold one. */
function escaped(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2F');
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
  return journalName.startsWith(`once ${invocationKey} `) || isAttemptOf(invocationKey, journalName);
}

export function isAttemptOf(invocationKey: string, journalName: string): boolean {
  return journalName.startsWith(`attempt ${invocationKey} `);
}

interface Detached {
  readonly self: unknown;
  readonly system: unknown;
  readonly emit: (event: unknown) => void;
}

/**
 * What stands for `self` and `system` where code runs outside of the machine: they say who they are, and refuse to act. Once
 * the code is over, nobody is left to catch what they throw: then the run fails.
 */
export function detached(path: string, code: UserCode): Detached {
  const refusal = (what: string): SignalboxError =>
    new SignalboxError(
      'DETACHED_ACTOR',
      'fix-input',
      `\`${what}\` was called by code of \`${path || 'the root'}\` that runs outside of the machine, after the step was stored. Return a value, use a delayed transition (\`after\`), or send an event with \`run.send\`.`,
      { details: { runId: code.runId, path } },
    );
  const refuse = (what: string) => (): never => {
    throw refusal(what);
  };
  const refuseEffect = (what: string) => (): void => {
    if (!code.isOver) throw refusal(what);
    code.fail(refusal(what));
  };
  const self = {
    id: path === '' ? code.runId : idAt(path),
    sessionId: sessionIdOf(code.runId, path),
    send: refuseEffect('self.send'),
    getSnapshot: refuse('self.getSnapshot'),
    subscribe: refuse('self.subscribe'),
  };
  return {
    self,
    system: { get: refuse('system.get'), getAll: refuse('system.getAll') },
    emit: refuseEffect('emit'),
  };
}
