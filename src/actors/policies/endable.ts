/** Work that can be ended before it ends by itself, such as when its time is over. */
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { InvocationScope } from '../../invocation.ts';

export interface Ending {
  /** That of the work, under a signal that is aborted when the work is ended too. */
  readonly scope: InvocationScope;
  /** End it for this reason. The first reason stays. */
  end(reason: Error): void;
  /** The same after so many milliseconds, unless it has ended by then. */
  endAfter(ms: number, reasonOf: () => Error): void;
}

/**
 * Gives what the work gives. Once it is ended, an error that it fails with is the reason for that: whoever listens to the
 * signal ends now, with its calls on record; whoever does not is left behind.
 */
export async function endable<T>(outer: InvocationScope, work: (ending: Ending) => Promise<T>): Promise<T> {
  const { signal } = outer;
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();

  let reason: Error | undefined;
  let leave: (why: Error) => void;
  const left = new Promise<never>((_, reject) => (leave = reject));
  const end = (why: Error): void => {
    if (reason) return;
    reason = why;
    controller.abort(why);
    void nextTurn().then(() => leave(why));
  };

  let isOver = false;
  const timers: (() => void)[] = [];
  const endAfter = (ms: number, reasonOf: () => Error): void => {
    if (!isOver) timers.push(outer.after(ms, () => end(reasonOf())));
  };

  try {
    return await Promise.race([work({ scope: outer.under(controller.signal), end, endAfter }), left]);
  } catch (error) {
    throw reason && !signal.aborted ? reason : error;
  } finally {
    isOver = true;
    for (const callOff of timers) callOff();
    signal.removeEventListener('abort', abort);
  }
}
