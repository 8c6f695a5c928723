/**
 * Policies around each single call to the outside: a circuit breaker, slots that calls share, and an allowance. Slots and
 * allowances reach as far as the engine's store; a breaker is this process's own, since it learns from its own calls.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { circuitBreaker, ConsecutiveBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';

import { CircuitOpen } from '../../errors.ts';
import { Deferred, type DurableActor, type InvocationScope, type OutsideCall } from '../../invocation.ts';
import { assertOption } from '../option.ts';
import { isRetryable } from './retry.ts';
import { withScope } from './with-scope.ts';

export interface CallPolicies {
  readonly rateLimit?: RateLimit;
  readonly circuitBreaker?: CircuitBreaker;
  readonly concurrencyKey?: ConcurrencyKey;
}

/** What there may be within a minute; a call that is over it waits. At least one limit. */
export interface RateLimit {
  /** Calls of all actors with the same key count together. Default: the actor's name. */
  readonly key?: string;
  readonly requestsPerMinute?: number;
  /** Input and output. A call counts with the most that it can use until it has ended. */
  readonly tokensPerMinute?: number;
}

/** After so many failures in a row no call is made for a while; then one is tried. */
export interface CircuitBreaker {
  /** Failures that are worth a retry, in a row. From 1. */
  readonly failures: number;
  /** How long it stays open, in milliseconds. */
  readonly openMs: number;
}

/** How many calls with the same key there may be at a time; others wait. */
export interface ConcurrencyKey {
  /** Default: the actor's name. */
  readonly key?: string;
  readonly limit: number;
}

const minuteMs = 60_000;
/** Waits up to this are spent here; longer ones hold no worker. */
const momentMs = 1_000;
/** A slot is renewed while its call goes on, and falls to others if this process dies. */
const slotTtlMs = 30_000;

/** Gives scopes whose calls are guarded. To be made once for an actor, as the breaker has a memory. */
export function createCallGuard(
  { name }: Pick<DurableActor, 'name'>,
  { rateLimit, circuitBreaker: breaker, concurrencyKey }: CallPolicies,
): (scope: InvocationScope) => InvocationScope {
  if (!rateLimit && !breaker && !concurrencyKey) return (scope) => scope;
  const throughCircuit = breaker ? createCircuit(name, breaker) : <T>(call: () => Promise<T>) => call();

  return (scope) => {
    const exchange = <T>(call: OutsideCall<T>): Promise<T> => {
      const limited = (): Promise<T> =>
        rateLimit ? rateLimited(name, rateLimit, scope, call) : scope.exchange(call);
      const slotted = (): Promise<T> =>
        concurrencyKey ? inSlot(concurrencyKey.key ?? name, concurrencyKey.limit, scope, limited) : limited();
      return throughCircuit(slotted);
    };
    return withScope(scope, { exchange });
  };
}

function createCircuit(
  name: string,
  { failures, openMs }: CircuitBreaker,
): <T>(call: () => Promise<T>) => Promise<T> {
  const circuit = circuitBreaker(
    handleWhen((error) => !(error instanceof Deferred) && isRetryable(error)),
    { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(failures) },
  );
  let openedAt = 0;
  circuit.onBreak(() => {
    openedAt = Date.now();
  });
  return async (call) => {
    try {
      return await circuit.execute(call);
    } catch (error) {
      if (!isBrokenCircuitError(error)) throw error;
      const retryAfterMs = Math.max(1, openedAt + openMs - Date.now());
      throw new CircuitOpen(
        `${failures} calls of \`${name}\` in a row have failed, so none is made for ${retryAfterMs} ms.`,
        { details: { actor: name, retryable: true, retryAfterMs } },
      );
    }
  };
}

async function rateLimited<T>(
  name: string,
  { key = name, requestsPerMinute, tokensPerMinute }: RateLimit,
  scope: InvocationScope,
  call: OutsideCall<T>,
): Promise<T> {
  const { shared } = scope;
  const most = tokensOf(call.atMost?.usage);
  const requests = requestsPerMinute && { limit: requestsPerMinute, windowMs: minuteMs };
  const tokens = tokensPerMinute && most > 0 ? { limit: tokensPerMinute, windowMs: minuteMs } : undefined;
  const requestKey = `requests ${key}`;
  const tokenKey = `tokens ${key}`;

  if (requests) await waitUntilTaken(scope, key, () => shared.take(requestKey, 1, requests));
  if (tokens) {
    try {
      await waitUntilTaken(scope, key, () => shared.take(tokenKey, most, tokens));
    } catch (error) {
      if (requests) await shared.giveBack(requestKey, 1, requests);
      throw error;
    }
  }
  if (!tokens) return scope.exchange(call);
  let used = most;
  const takenAt = Date.now();
  try {
    return await scope.exchange({
      ...call,
      describe(answer) {
        const described = call.describe(answer);
        used = described.usage ? tokensOf(described.usage) : most;
        return described;
      },
    });
  } finally {
    // What was taken from a window that is over is nobody's any more.
    const isOver = Date.now() - takenAt >= minuteMs;
    if (used < most && !isOver) await shared.giveBack(tokenKey, most - used, tokens);
  }
}

async function waitUntilTaken(
  scope: InvocationScope,
  key: string,
  take: () => Promise<number>,
): Promise<void> {
  for (;;) {
    const waitMs = await take();
    if (waitMs === 0) return;
    await waitOrDefer(scope, waitMs, `the rate limit of \`${key}\` is reached`);
  }
}

async function inSlot<T>(
  key: string,
  slots: number,
  scope: InvocationScope,
  call: () => Promise<T>,
): Promise<T> {
  const { shared } = scope;
  const slot = { holder: `${scope.key} ${randomUUID()}`, slots, ttlMs: slotTtlMs };
  const waitingSince = Date.now();
  while (!(await shared.occupy(key, slot))) {
    const waitedMs = Date.now() - waitingSince;
    const waitMs = waitedMs < momentMs ? 10 + waitedMs / 4 : 2 * momentMs;
    await waitOrDefer(scope, waitMs, `all ${slots} slots of \`${key}\` are taken`);
  }
  const renewing = setInterval(() => {
    // If it fails, the slot may go to another; the call goes on.
    shared.occupy(key, slot).catch(() => {});
  }, slotTtlMs / 3).unref();
  try {
    return await call();
  } finally {
    clearInterval(renewing);
    await shared.vacate(key, slot.holder);
  }
}

/** Wait here if it is a moment. Others wait for the same, so a part of the wait is left to chance. */
async function waitOrDefer(scope: InvocationScope, waitMs: number, why: string): Promise<void> {
  const spreadMs = waitMs + Math.random() * Math.min(waitMs, momentMs) * 0.2;
  if (waitMs > momentMs) throw new Deferred(scope.now() + Math.ceil(spreadMs), why);
  await pause(spreadMs, undefined, { signal: scope.signal }).catch(() => {});
  scope.signal.throwIfAborted();
}

function tokensOf(
  usage: { readonly inputTokens: number; readonly outputTokens: number } | undefined,
): number {
  return usage ? usage.inputTokens + usage.outputTokens : 0;
}

export function assertCallPolicies(
  { rateLimit, circuitBreaker: breaker, concurrencyKey }: CallPolicies,
  of: string,
): void {
  const positive = (option: string, value: unknown): void =>
    assertOption(
      Number.isSafeInteger(value) && (value as number) > 0,
      option,
      of,
      'a positive integer',
      value,
    );
  if (rateLimit) {
    const { requestsPerMinute, tokensPerMinute } = rateLimit;
    const limited = requestsPerMinute !== undefined || tokensPerMinute !== undefined;
    assertOption(
      limited,
      'rateLimit',
      of,
      '`{ requestsPerMinute, tokensPerMinute }` with at least one',
      rateLimit,
    );
    if (requestsPerMinute !== undefined) positive('rateLimit.requestsPerMinute', requestsPerMinute);
    if (tokensPerMinute !== undefined) positive('rateLimit.tokensPerMinute', tokensPerMinute);
  }
  if (breaker) {
    positive('circuitBreaker.failures', breaker.failures);
    positive('circuitBreaker.openMs', breaker.openMs);
  }
  if (concurrencyKey) positive('concurrencyKey.limit', concurrencyKey.limit);
}
