/** Limits how long an attempt, and all attempts together, may take. */
import { OutcomeUnknown, TimedOut } from '../../errors.ts';
import { Deferred, type DurableActor, type InvocationScope } from '../../invocation.ts';
import { assertOption } from '../option.ts';
import { endable } from './endable.ts';

export interface Timeouts {
  /** For one attempt, in milliseconds, without what it waits while no worker is held. It is aborted, and `TIMED_OUT`. */
  readonly timeoutMs?: number;
  /** For all attempts and all waits, in milliseconds. */
  readonly totalTimeoutMs?: number;
}

export async function timed<T>(
  actor: DurableActor,
  { timeoutMs, totalTimeoutMs }: Timeouts,
  scope: InvocationScope,
  attempt: (scope: InvocationScope) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined && totalTimeoutMs === undefined) return attempt(scope);
  const startedAt = totalTimeoutMs === undefined ? 0 : await scope.once('started', async () => scope.now());
  const deadline = startedAt + (totalTimeoutMs ?? Infinity);
  const totalLeftMs = deadline - scope.now();
  if (totalLeftMs <= 0) throw overBefore(actor, totalTimeoutMs);
  const leftMs = Math.min(timeoutMs ?? Infinity, totalLeftMs);

  try {
    return await endable(scope, ({ scope: within, endAfter }) => {
      endAfter(leftMs, () =>
        leftMs < totalLeftMs ? timedOut(actor, timeoutMs, true) : timedOut(actor, totalTimeoutMs, false),
      );
      return attempt(within);
    });
  } catch (error) {
    if (!(error instanceof Deferred) || error.until <= deadline) throw error;
    throw new Deferred(deadline, error.message, error);
  }
}

/** Of an irreversible actor that was cut short nobody knows whether it took effect. */
function timedOut(
  { name, irreversible, idempotent }: DurableActor,
  timeoutMs: number | undefined,
  retryable: boolean,
): Error {
  const said = `\`${name}\` did not end within ${timeoutMs} ms`;
  if (irreversible && !idempotent) {
    return new OutcomeUnknown(
      `${said}. It is irreversible, so whether it took effect is not known. Look on the other side before anything is repeated.`,
      { details: { actor: name, timeoutMs } },
    );
  }
  return new TimedOut(`${said} and was aborted.`, { details: { actor: name, timeoutMs, retryable } });
}

function overBefore({ name }: DurableActor, timeoutMs: number | undefined): TimedOut {
  return new TimedOut(
    `\`${name}\` was not begun again: the ${timeoutMs} ms that it has in all were over before.`,
    { details: { actor: name, timeoutMs, retryable: false } },
  );
}

export function assertTimeouts({ timeoutMs = 1, totalTimeoutMs = 1 }: Timeouts, of: string): void {
  assertOption(timeoutMs > 0, 'timeoutMs', of, 'a positive number of milliseconds', timeoutMs);
  assertOption(totalTimeoutMs > 0, 'totalTimeoutMs', of, 'a positive number of milliseconds', totalTimeoutMs);
}
