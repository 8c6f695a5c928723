/** Limits how long an attempt, and all attempts together, may take. */
import { OutcomeUnknown, TimedOut } from '../../errors.ts';
import type { DurableActor, InvocationScope } from '../../invocation.ts';
import { assertOption } from '../option.ts';
import { withScope } from './with-scope.ts';

export interface Timeouts {
  /** For one attempt, in milliseconds. It is aborted, and `TIMED_OUT`. */
  readonly timeoutMs?: number;
  /** For all attempts and the waits between them, in milliseconds. */
  readonly totalTimeoutMs?: number;
}

export async function timed<T>(
  actor: DurableActor,
  { timeoutMs, totalTimeoutMs }: Timeouts,
  scope: InvocationScope,
  attempt: (scope: InvocationScope) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined && totalTimeoutMs === undefined) return attempt(scope);
  const limits = timeoutMs === undefined ? [] : [timeoutMs];
  if (totalTimeoutMs !== undefined) {
    const startedAt = await scope.once('started', async () => scope.now());
    limits.push(startedAt + totalTimeoutMs - scope.now());
  }
  const leftMs = Math.min(...limits);
  if (leftMs <= 0) throw timedOut(actor, totalTimeoutMs);

  const controller = new AbortController();
  const { signal: outer } = scope;
  const abort = (): void => controller.abort(outer.reason);
  outer.addEventListener('abort', abort, { once: true });
  if (outer.aborted) abort();
  let over = (): void => {};
  // Whoever does not listen to its signal is left behind.
  const timeout = new Promise<never>((_, reject) => {
    over = scope.after(leftMs, () => {
      const error = timedOut(actor, leftMs === timeoutMs ? timeoutMs : totalTimeoutMs);
      controller.abort(error);
      reject(error);
    });
  });
  try {
    return await Promise.race([attempt(withScope(scope, { signal: controller.signal })), timeout]);
  } finally {
    over();
    outer.removeEventListener('abort', abort);
  }
}

/** Of an irreversible actor that was cut short nobody knows whether it took effect. */
function timedOut({ name, irreversible, idempotent }: DurableActor, timeoutMs: number | undefined): Error {
  const said = `\`${name}\` did not end within ${timeoutMs} ms`;
  if (irreversible && !idempotent) {
    return new OutcomeUnknown(
      `${said}. It is irreversible, so whether it took effect is not known. Look on the other side before anything is repeated.`,
      { details: { actor: name, timeoutMs } },
    );
  }
  return new TimedOut(`${said} and was aborted.`, { details: { actor: name, timeoutMs } });
}

export function assertTimeouts({ timeoutMs = 1, totalTimeoutMs = 1 }: Timeouts, of: string): void {
  assertOption(timeoutMs > 0, 'timeoutMs', of, 'a positive number of milliseconds', timeoutMs);
  assertOption(totalTimeoutMs > 0, 'totalTimeoutMs', of, 'a positive number of milliseconds', totalTimeoutMs);
}
