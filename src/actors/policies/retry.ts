/** Tries again what has failed, later. The failures are in the journal; the wait is the engine's. */
import { TimedOut } from '../../errors.ts';
import { Deferred, type InvocationScope } from '../../invocation.ts';
import { causesOf, describeError, type PlainError } from '../../plain-error.ts';
import { assertOption } from '../option.ts';

export interface RetryPolicy {
  /** In all, the first included. From 1. */
  readonly attempts: number;
  /** The wait after the first failure, in milliseconds. Default: 500. */
  readonly delayMs?: number;
  /** What each wait is to the one before. From 1. Default: 2. */
  readonly factor?: number;
  /** The longest wait, unless the other side asks for more with `retry-after`. Default: 60,000. */
  readonly maxDelayMs?: number;
  /** Which part of each wait is left to chance, from 0 to 1, so that many do not come back at once. Default: 0.5. */
  readonly jitter?: number;
  /**
   * Which errors are worth another attempt. Default: those that say so themselves (`details.retryable`), HTTP 408, 429,
   * 529 and 5xx, and connections that failed; never a refused input.
   */
  readonly on?: (error: unknown) => boolean;
}

/** A failed attempt, as the journal keeps it. */
export interface FailedAttempt {
  readonly attempt: number;
  readonly of: number;
  readonly at: number;
  readonly error: PlainError;
  /** When the next attempt is made, in milliseconds since the epoch. */
  readonly next: number;
}

export async function retried<T>(
  policy: RetryPolicy,
  totalTimeoutMs: number | undefined,
  scope: InvocationScope,
  attempt: () => Promise<T>,
): Promise<T> {
  const { attempts, on = isRetryable } = policy;
  const { made, last } = failuresOf(scope);
  // A part may be performed again on behalf of another, before its own time.
  if (last && last.next > scope.now()) throw new Deferred(last.next, reasonOf(last));
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof Deferred || scope.signal.aborted) throw error;
    const number = made + 1;
    if (number >= attempts || !on(error)) throw error;
    const at = scope.now();
    const next = at + (retryAfterOf(error) ?? delayOf(policy, number));
    if (totalTimeoutMs !== undefined && next >= (scope.kept<number>('started') ?? at) + totalTimeoutMs) {
      throw new TimedOut(
        `It failed, and would be tried again after the ${totalTimeoutMs} ms that it has in all. The last error: ${describeError(error).message}`,
        { cause: error, details: { timeoutMs: totalTimeoutMs, retryable: false } },
      );
    }
    const failed = { attempt: number, of: attempts, at, error: describeError(error), next };
    await scope.once(failureName(number), async () => failed);
    throw new Deferred(next, reasonOf(failed));
  }
}

/** What attempts have failed so far in this invocation, or part of one. */
export function failuresOf(scope: InvocationScope): { made: number; last: FailedAttempt | undefined } {
  let last: FailedAttempt | undefined;
  for (let made = 0; ; made++) {
    const failed = scope.kept<FailedAttempt>(failureName(made + 1));
    if (!failed) return { made, last };
    last = failed;
  }
}

function failureName(attempt: number): string {
  return `attempt ${attempt} failed`;
}

function reasonOf({ attempt, of, error }: FailedAttempt): string {
  return `attempt ${attempt} of ${of} failed: ${error.message}`;
}

/** Exponential, with the upper part left to chance ("equal jitter" at one half). */
export function delayOf(policy: RetryPolicy, failures: number, random = Math.random): number {
  const { delayMs = 500, factor = 2, maxDelayMs = 60_000, jitter = 0.5 } = policy;
  const whole = Math.min(maxDelayMs, delayMs * factor ** (failures - 1));
  return Math.round(whole * (1 - jitter * random()));
}

/** All waits between attempts, none of them cut by chance. `atLeastMs`: what each is at least. */
export function longestWaitsOf(policy: RetryPolicy, atLeastMs: number): number {
  let sumMs = 0;
  for (let failures = 1; failures < policy.attempts; failures++) {
    sumMs += Math.max(
      atLeastMs,
      delayOf(policy, failures, () => 0),
    );
  }
  return sumMs;
}

/** What the other side asks for, where it asks. */
function retryAfterOf(error: unknown): number | undefined {
  const after = detailOf(error, 'retryAfterMs');
  return typeof after === 'number' && Number.isFinite(after) ? Math.max(0, after) : undefined;
}

function detailOf(error: unknown, name: string): unknown {
  const details = (error as { readonly details?: unknown } | undefined)?.details;
  return typeof details === 'object' && details !== null
    ? (details as Record<string, unknown>)[name]
    : undefined;
}

const networkCodes: ReadonlySet<unknown> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
]);

export function isRetryable(error: unknown): boolean {
  const said = detailOf(error, 'retryable');
  if (typeof said === 'boolean') return said;
  if (typeof error === 'object' && error !== null && 'remedy' in error) return error.remedy === 'retry-later';
  const status = (error as { readonly status?: unknown } | undefined)?.status ?? detailOf(error, 'status');
  if (typeof status === 'number') return status === 408 || status === 429 || status >= 500;
  return [...causesOf(error)].some((cause) => networkCodes.has(describeError(cause).code));
}

export function assertRetry(retry: RetryPolicy, of: string): void {
  const { attempts, delayMs = 0, factor = 1, maxDelayMs = 0, jitter = 0, on } = retry;
  const assert = (holds: boolean, option: string, expected: string, got: unknown): void =>
    assertOption(holds, `retry.${option}`, of, expected, got);
  assert(Number.isSafeInteger(attempts) && attempts >= 1, 'attempts', 'a positive integer', attempts);
  assert(delayMs >= 0, 'delayMs', 'a number of milliseconds', delayMs);
  assert(factor >= 1, 'factor', 'a number from 1', factor);
  assert(maxDelayMs >= 0, 'maxDelayMs', 'a number of milliseconds', maxDelayMs);
  assert(jitter >= 0 && jitter <= 1, 'jitter', 'a number from 0 to 1', jitter);
  assert(on === undefined || typeof on === 'function', 'on', 'a function', on);
}
