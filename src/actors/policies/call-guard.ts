/**
 * Policies around each single call to the outside: a circuit breaker, slots that calls share, and an allowance. Slots and
 * allowances reach as far as the engine's store; a breaker is this process's own, since it learns from its own calls.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  isBrokenCircuitError,
} from 'cockatiel';

import { BudgetExceeded, CircuitOpen, TimedOut } from '../../errors.ts';
import { Deferred, type DurableActor, type InvocationScope, type OutsideCall } from '../../invocation.ts';
import { assertOption } from '../option.ts';
import { untilAborted } from '../../engine/until-aborted.ts';
import { isRetryable } from './retry.ts';
import { withExchange } from './with-exchange.ts';

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
  const circuit = breaker && createCircuit(name, breaker);

  const exchangeOf =
    (scope: InvocationScope) =>
    async <T>(call: OutsideCall<T>): Promise<T> => {
      // Limits are those of a world outside.
      if (call.standIn) return scope.exchange(call);
      // Whoever cannot call anyway takes nothing from others.
      circuit?.assertMayCall();
      const make: Make<T> = (outside) =>
        circuit ? circuit.through(scope.signal, () => scope.exchange(outside)) : scope.exchange(outside);
      const limited = (): Promise<T> =>
        rateLimit ? rateLimited(name, rateLimit, scope, call, make) : make(call);
      return concurrencyKey
        ? inSlot(concurrencyKey.key ?? name, concurrencyKey.limit, scope, limited)
        : limited();
    };
  return (scope) => withExchange(scope, exchangeOf);
}

type Make<T> = (call: OutsideCall<T>) => Promise<T>;

interface Circuit {
  /** Throws `CircuitOpen` if no call is made now. */
  assertMayCall(): void;
  through<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T>;
}

/** What an actor under these policies may reject with besides. */
export function guardFailures(
  { name }: Pick<DurableActor, 'name'>,
  { circuitBreaker: breaker }: CallPolicies,
): readonly Error[] {
  return breaker ? [circuitOpen(name, breaker.failures, breaker.openMs)] : [];
}

function circuitOpen(name: string, failures: number, retryAfterMs: number): CircuitOpen {
  return new CircuitOpen(
    `${failures} calls of \`${name}\` in a row have failed, so none is made for ${retryAfterMs} ms.`,
    { details: { actor: name, retryable: true, retryAfterMs } },
  );
}

function createCircuit(name: string, { failures, openMs }: CircuitBreaker): Circuit {
  const circuit = circuitBreaker(
    handleWhen((error) =>
      // A call that was to try whether it works again, and told nothing, is no reason to close the circuit.
      error instanceof Unanswered ? circuit.state === CircuitState.HalfOpen : isRetryable(error),
    ),
    { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(failures) },
  );
  let openedAt = 0;
  circuit.onBreak(() => {
    openedAt = Date.now();
  });
  const isOpen = (): boolean => circuit.state === CircuitState.Open && Date.now() - openedAt < openMs;

  const open = (): CircuitOpen => circuitOpen(name, failures, Math.max(1, openedAt + openMs - Date.now()));

  return {
    assertMayCall() {
      if (isOpen()) throw open();
    },
    async through(signal, call) {
      try {
        return await circuit.execute(async () => {
          try {
            // A call that does not listen must not keep the circuit waiting for what became of it.
            return await untilAborted(call(), signal);
          } catch (error) {
            const timedOut: unknown = signal.aborted ? signal.reason : undefined;
            if (timedOut instanceof TimedOut) throw timedOut;
            if (signal.aborted || error instanceof BudgetExceeded) throw new Unanswered(error);
            throw error;
          }
        });
      } catch (error) {
        if (error instanceof Unanswered) throw error.cause;
        throw isBrokenCircuitError(error) ? open() : error;
      }
    },
  };
}

/** The call ended without saying anything of whom it was for: it was called off. */
class Unanswered extends Error {
  constructor(cause: unknown) {
    super('Called off.', { cause });
  }
}

async function rateLimited<T>(
  name: string,
  { key = name, requestsPerMinute, tokensPerMinute }: RateLimit,
  scope: InvocationScope,
  call: OutsideCall<T>,
  make: Make<T>,
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
      if (requests) await settled(shared.giveBack(requestKey, 1, requests));
      throw error;
    }
  }
  let used = most;
  let wasMade = true;
  const takenAt = Date.now();
  try {
    return await make({
      ...call,
      describe(answer) {
        const described = call.describe(answer);
        used = described.usage ? tokensOf(described.usage) : most;
        return described;
      },
    });
  } catch (error) {
    wasMade = !(error instanceof BudgetExceeded);
    throw error;
  } finally {
    // What was taken from a window that is over is nobody's any more.
    if (Date.now() - takenAt < minuteMs) {
      const unused = wasMade ? most - used : most;
      if (requests && !wasMade) await settled(shared.giveBack(requestKey, 1, requests));
      if (tokens && unused > 0) await settled(shared.giveBack(tokenKey, unused, tokens));
    }
  }
}

/** What could not be given back costs others a wait; the answer that was paid for must not be lost for it. */
async function settled(work: Promise<void>): Promise<void> {
  await work.catch(() => {});
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
    await settled(shared.vacate(key, slot.holder));
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
