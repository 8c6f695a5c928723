/**
 * Does work for each of a list, some at a time, in order of the list.
 *
 * What is deferred meanwhile is tried again here while others are at work; once all that is left waits for more than a
 * moment, so does the whole: `Deferred` until the first of them may go on. What a deferred one waits for may be under way
 * elsewhere; then it keeps its place among those at work. The first failure stops the others and is thrown.
 */
import { setMaxListeners } from 'node:events';

import { Deferred, type InvocationScope } from '../invocation.ts';

export interface TogetherOptions {
  readonly concurrency: number;
  readonly scope: Pick<InvocationScope, 'signal' | 'now' | 'after'>;
}

/** Waits up to this are spent here: to begin anew costs a look at every item. */
const momentMs = 1_000;

export async function runTogether<TItem, TResult>(
  items: readonly TItem[],
  work: (item: TItem, index: number, signal: AbortSignal) => Promise<TResult>,
  { concurrency, scope }: TogetherOptions,
): Promise<TResult[]> {
  if (items.length === 0) return [];
  const controller = new AbortController();
  // Each of those at work may listen to it.
  setMaxListeners(0, controller.signal);
  const { signal: outer } = scope;
  const alarms = new Map<number, () => void>();
  let abort = (): void => {};

  try {
    return await new Promise<TResult[]>((resolve, reject) => {
      const results: TResult[] = Array.from({ length: items.length });
      /** Those whose wait is over, before those that were never begun. */
      const again: number[] = [];
      let begun = 0;
      const deferred = new Map<number, Deferred>();
      let running = 0;
      let elsewhere = 0;
      let done = 0;

      const stop = (error: unknown): void => {
        controller.abort(error);
        reject(error as Error);
      };

      const settle = (): void => {
        if (done === items.length) return resolve(results);
        if (running > 0) return;
        let soonest: Deferred | undefined;
        for (const wait of deferred.values()) if (!soonest || wait.until < soonest.until) soonest = wait;
        if (!soonest || soonest.until - scope.now() <= momentMs) return;
        const { until, message } = soonest;
        const more = deferred.size > 1 ? ` (${deferred.size} wait)` : '';
        reject(new Deferred(until, `${message}${more}`, { goesOn: elsewhere > 0 }));
      };

      const putOff = (index: number, wait: Deferred): void => {
        deferred.set(index, wait);
        if (wait.goesOn) elsewhere++;
        const goOn = (): void => {
          alarms.delete(index);
          deferred.delete(index);
          if (wait.goesOn) elsewhere--;
          again.push(index);
          proceed();
        };
        alarms.set(index, scope.after(Math.max(0, wait.until - scope.now()), goOn));
      };

      const start = (index: number): void => {
        running++;
        work(items[index] as TItem, index, controller.signal).then(
          (result) => {
            running--;
            done++;
            results[index] = result;
            proceed();
          },
          (error: unknown) => {
            running--;
            if (!(error instanceof Deferred)) return stop(error);
            putOff(index, error);
            proceed();
          },
        );
      };

      const proceed = (): void => {
        if (controller.signal.aborted) return;
        while (running + elsewhere < concurrency) {
          const index = again.shift() ?? (begun < items.length ? begun++ : undefined);
          if (index === undefined) break;
          start(index);
        }
        settle();
      };

      abort = () => stop(outer.reason);
      outer.addEventListener('abort', abort, { once: true });
      if (outer.aborted) abort();
      else proceed();
    });
  } finally {
    for (const cancel of alarms.values()) cancel();
    outer.removeEventListener('abort', abort);
  }
}
