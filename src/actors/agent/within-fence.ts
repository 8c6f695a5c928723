/**
 * What stops an agent wherever it is: its time is over, or the next call could be too much.
 *
 * I1. What is in the journal is gone through however late it is: a limit is asked only before a call to the outside.
 * I2. Once a limit is reached nothing more is called, and what goes on is aborted.
 * I3. No wait is longer than the time that is left.
 */
import { Deferred, type InvocationScope, type OutsideCall } from '../../invocation.ts';
import { endable } from '../policies/endable.ts';
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

  try {
    return await endable(outer, ({ scope: inner, end, endAfter }) => {
      const stop = (limit: keyof AgentLimits): never => {
        const reached = new LimitReached(limit);
        // Aborted, it is no failure that anyone would try again.
        end(reached);
        throw reached;
      };
      let isTimed = deadline === Infinity;
      const startTimer = (): void => {
        if (isTimed) return;
        isTimed = true;
        endAfter(deadline - outer.now(), () => new LimitReached('timeMs'));
      };
      const scope = withExchange(inner, (within) => async <R>(call: OutsideCall<R>) => {
        if (isOver()) stop('timeMs');
        startTimer();
        return within.exchange(call);
      });
      return work({ scope, stop });
    });
  } catch (error) {
    if (outer.signal.aborted) throw error;
    if (error instanceof LimitReached) return error;
    if (!(error instanceof Deferred) || error.until < deadline) throw error;
    if (isOver()) return new LimitReached('timeMs');
    throw new Deferred(deadline, error.message, error);
  }
}
