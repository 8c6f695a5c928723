/**
 * What stops an agent wherever it is: its time is over, or the next call could be too much.
 *
 * I1. What is in the journal is gone through however late it is: a limit is asked only before a call to the outside.
 * I2. Once a limit is reached nothing more is called, and what goes on is aborted.
 * I3. No wait is longer than the time that is left.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { Deferred, type InvocationScope, type OutsideCall } from '../../invocation.ts';
import { withExchange } from '../policies/with-exchange.ts';
import type { AgentLimits } from './agent.ts';

export class LimitReached extends Error {
  readonly limit: keyof AgentLimits;

  constructor(limit: keyof AgentLimits) {
    super(`The agent has reached its limit of ${limit}.`);
    this.name = 'LimitReached';
    this.limit = limit;
  }
}

export interface Fence {
  /** The invocation's. Its signal is aborted at a limit too. */
  readonly scope: InvocationScope;
  /** End the work at this limit. */
  stop(limit: keyof AgentLimits): never;
}

/** Gives what `work` gives, or the limit at which it was ended. */
export async function withinFence<T>(
  { timeMs }: Pick<AgentLimits, 'timeMs'>,
  outer: InvocationScope,
  work: (fence: Fence) => Promise<T>,
): Promise<T | LimitReached> {
  const deadline =
    timeMs === undefined ? Infinity : (await outer.once('agent begun', async () => outer.now())) + timeMs;
  const isOver = (): boolean => outer.now() >= deadline;

  const controller = new AbortController();
  const abort = (): void => controller.abort(outer.signal.reason);
  outer.signal.addEventListener('abort', abort, { once: true });
  if (outer.signal.aborted) abort();

  let reached: LimitReached | undefined;
  const reach = (limit: keyof AgentLimits): LimitReached => {
    reached ??= new LimitReached(limit);
    // Aborted, it is no failure that anyone would try again.
    controller.abort(reached);
    return reached;
  };

  let callOff: (() => void) | undefined;
  let expire: (reason: LimitReached) => void;
  const expired = new Promise<never>((_, reject) => (expire = reject));
  const startTimer = (): void => {
    if (deadline === Infinity) return;
    callOff ??= outer.after(deadline - outer.now(), () => {
      const reason = reach('timeMs');
      // Whoever listens to its signal ends now, with its calls on record; whoever does not is left behind.
      void nextTurn().then(() => expire(reason));
    });
  };

  const stop = (limit: keyof AgentLimits): never => {
    throw reach(limit);
  };
  const scope = withExchange(outer.under(controller.signal), (within) => async <R>(call: OutsideCall<R>) => {
    if (isOver()) stop('timeMs');
    startTimer();
    return within.exchange(call);
  });

  try {
    return await Promise.race([work({ scope, stop }), expired]);
  } catch (error) {
    if (outer.signal.aborted) throw error;
    if (reached) return reached;
    if (!(error instanceof Deferred) || error.until < deadline) throw error;
    if (isOver()) return new LimitReached('timeMs');
    throw new Deferred(deadline, error.message, error);
  } finally {
    callOff?.();
    outer.signal.removeEventListener('abort', abort);
  }
}
