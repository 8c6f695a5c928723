/**
 * Calls to the outside: each is made under the run's budget, can be answered by a recording instead, and is on record
 * whatever comes of it.
 */
import type { Exchange, OutsideCall } from '../invocation.ts';
import { describeError } from '../plain-error.ts';
import { costOf, type PriceTable } from '../prices.ts';
import type { Budget, Reservation } from './budget.ts';
import { untilAborted } from './until-aborted.ts';

/**
 * Stands between the actors and the outside: makes the call, or answers in its stead. What it gives must be what the call
 * would have given. For recordings; see `recordExchanges` and `replayExchanges` of `signalbox/testing`.
 */
export type ExchangeInterceptor = <T>(
  call: OutsideCall<T>,
  perform: () => Promise<T>,
  about: ExchangeContext,
) => Promise<Intercepted<T>>;

export interface ExchangeContext {
  readonly runId: string;
  readonly workflow: string;
  /** Of the invocation, and its part, that calls. */
  readonly key: string;
}

export interface Intercepted<T> {
  readonly answer: T;
  /** True if it is a recording that answered. */
  readonly replayed: boolean;
}

export interface ExchangePorts extends ExchangeContext {
  readonly part: string | undefined;
  readonly signal: AbortSignal;
  now(): number;
  readonly prices: PriceTable;
  /** Undefined if the run has none. */
  readonly budget: Budget | undefined;
  readonly intercept: ExchangeInterceptor | undefined;
  record(exchange: Exchange): void;
}

/** Rejects with what the call rejects with, or with the signal's reason if it was aborted before. */
export async function exchange<T>(call: OutsideCall<T>, ports: ExchangePorts): Promise<T> {
  const { signal, part, prices, budget, intercept } = ports;
  signal.throwIfAborted();
  const reserved = call.standIn === true ? undefined : await reserve(call, budget, signal);
  // A store that is away keeps only those waiting who still want the answer.
  const stored = (write: Promise<void> | undefined): Promise<void> | undefined =>
    write && untilAborted(write, signal);
  let request = call.request;
  const at = ports.now();
  const startedAt = performance.now();
  const record = (outcome: Partial<Exchange>): void =>
    ports.record({
      kind: call.kind,
      by: call.by,
      ...(part === undefined ? {} : { part }),
      ...(call.standIn && { standIn: true }),
      at,
      request,
      ...outcome,
      latencyMs: Math.round(performance.now() - startedAt),
    });

  const perform = (): Promise<T> => call.perform((raw) => (request = raw));
  let made: Intercepted<T>;
  try {
    made = intercept ? await intercept(call, perform, ports) : { answer: await perform(), replayed: false };
  } catch (error) {
    const known = call.describeFailure?.(error) ?? {};
    const charge = known.model !== undefined && known.usage && { model: known.model, usage: known.usage };
    const cost = charge ? costOf(prices, charge) : undefined;
    record({ error: describeError(error), ...known, ...(cost !== undefined && { costUsd: cost }) });
    // Whether a call that failed was charged is not known, unless it says so.
    if (known.model !== undefined && known.usage) await stored(reserved?.settle(known.model, known.usage));
    else await stored(reserved?.release(error));
    throw error;
  }
  const { answer, replayed } = made;
  const described = call.describe(answer);
  const { model, usage } = described;
  const charged = model !== undefined && usage && !call.standIn && !replayed ? { model, usage } : undefined;
  const costUsd = charged && costOf(prices, charged);
  record({ ...described, ...(costUsd !== undefined && { costUsd }), ...(replayed && { replayed }) });
  if (charged) await stored(reserved?.settle(charged.model, charged.usage));
  else await stored(reserved?.free());
  return answer;
}

/** Rejects with the signal's reason, and reserves nothing, if it is aborted meanwhile. */
async function reserve(
  call: OutsideCall<unknown>,
  budget: Budget | undefined,
  signal: AbortSignal,
): Promise<Reservation | undefined> {
  if (!budget) return undefined;
  const reserving = budget.reserve(call);
  try {
    const reserved = await untilAborted(reserving, signal);
    signal.throwIfAborted();
    return reserved;
  } catch (error) {
    if (signal.aborted) void reserving.then((reserved) => reserved?.free()).catch(() => {});
    throw error;
  }
}
