/**
 * A call that can be given up: by its `timeoutMs`, its `signal`, or when the engine stops.
 *
 * I1. It settles once, as soon as the first of these happens or its work is done, even if the work never settles.
 * I2. Whatever it holds on to is let go of then (`Scope`).
 */
import { EngineStopped, InvalidOption, WaitTimeout } from '../../errors.ts';
import type { Clock } from '../clock.ts';

/** How long a call may wait. */
export interface WaitOptions {
  /** In milliseconds; then it rejects with `WaitTimeout`. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** When it is aborted, the call rejects with its reason. What was stored stays stored. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call tells of itself when it is given up. */
export interface CallFacts {
  readonly runId?: string;
  /** Whether what it sends is stored. */
  stored?: boolean | 'unknown';
  /** As which message. */
  messageId?: number;
}

/** The time of one call. */
export interface Scope {
  readonly isOver: boolean;
  /** Call `fn` when it is over; at once if it is. */
  onOver(fn: () => void): void;
  /** Whether the caller said how long it waits. */
  readonly isLimited: boolean;
}

export interface CallPorts {
  /** For `timeoutMs`. */
  readonly callerClock: Clock;
  /** Calls `fn` when the engine has stopped. Returns the way to call it off. */
  onHalt(fn: () => void): () => void;
}

export function bounded<T>(
  { callerClock, onHalt }: CallPorts,
  options: WaitOptions,
  facts: CallFacts,
  body: (scope: Scope) => Promise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    assertWaitOptions(options);
    const { timeoutMs, signal } = options;
    if (signal?.aborted) throw reasonOf(signal);
    let isOver = false;
    const ends: Array<() => void> = [];
    const finish = (settle: () => void): void => {
      if (isOver) return;
      isOver = true;
      settle();
      for (const end of ends) end();
    };
    const scope: Scope = {
      get isOver() {
        return isOver;
      },
      onOver(fn) {
        if (isOver) fn();
        else ends.push(fn);
      },
      isLimited: timeoutMs !== undefined || signal !== undefined,
    };
    ends.push(onHalt(() => finish(() => reject(new EngineStopped({ ...facts })))));
    if (signal) ends.push(onAbort(signal, () => finish(() => reject(reasonOf(signal)))));
    if (timeoutMs !== undefined && timeoutMs !== Infinity) {
      const expire = (): void => finish(() => reject(timedOut(timeoutMs, facts)));
      ends.push(callerClock.at(callerClock.now() + timeoutMs, expire));
    }
    body(scope).then(
      (value) => finish(() => resolve(value)),
      // It was asked for after the engine had stopped.
      (error: unknown) =>
        finish(() =>
          reject(error instanceof EngineStopped ? new EngineStopped({ ...facts }) : (error as Error)),
        ),
    );
  });
}

export function assertWaitOptions({ timeoutMs, signal }: WaitOptions): void {
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
    throw new InvalidOption(
      `Expected \`timeoutMs\` to be a number of milliseconds, got \`${String(timeoutMs)}\`.`,
    );
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidOption('Expected `signal` to be an `AbortSignal`.');
  }
}

function timedOut(timeoutMs: number, facts: CallFacts): WaitTimeout {
  const about = facts.runId === undefined ? 'The call' : `The call about run \`${facts.runId}\``;
  const stored = facts.stored === true ? ' What it sent is stored and will be applied.' : '';
  return new WaitTimeout(`${about} took longer than ${timeoutMs} ms.${stored}`, { details: { ...facts } });
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason as Error;
}

/** Of each signal, who waits for it: one listener for all, as Node warns of more than ten. */
const abortListeners = new WeakMap<AbortSignal, Set<() => void>>();

function onAbort(signal: AbortSignal, fn: () => void): () => void {
  let all = abortListeners.get(signal);
  if (!all) {
    const made = new Set<() => void>();
    all = made;
    abortListeners.set(signal, made);
    signal.addEventListener('abort', () => {
      for (const each of made) each();
    });
  }
  const listeners = all;
  listeners.add(fn);
  return () => void listeners.delete(fn);
}
