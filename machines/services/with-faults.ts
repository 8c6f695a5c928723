import type { OpenOptions } from './service.ts';

/** What a call with a fault of the kind `fail` meets. */
export class OutOfOrder extends Error {
  constructor() {
    super('Out of order, as ordered.');
    this.name = 'OutOfOrder';
  }
}

export interface Act<T> {
  readonly target: string;
  readonly key: string;
  /** Aborted once the caller hangs up. */
  readonly signal: AbortSignal;
  /** The effect, and what is answered. */
  act(): T;
}

/** Act, or meet the fault that was ordered for it. A call that hangs rejects once the caller has had enough. */
export async function withFaults<T>(
  { ledger, die }: OpenOptions,
  { target, key, signal, act }: Act<T>,
): Promise<T> {
  const fault = ledger.takeFault(target, key);
  if (fault === 'fail') throw new OutOfOrder();
  if (fault === 'hang') await hungUp(signal);
  const answer = act();
  if (fault === 'die-after') die();
  if (fault === 'die-after' || fault === 'hang-after') await hungUp(signal);
  return answer;
}

async function hungUp(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  throw new Error('The caller hung up.');
}
