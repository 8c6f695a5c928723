/**
 * Does work for each of a list, some at a time, in order of the list.
 *
 * What is deferred meanwhile is tried again here while others are at work; once all that is left waits, so does the
 * whole: `Deferred` until the first of them may go on. The first failure stops the others and is thrown.
 */
import { Deferred, type InvocationScope } from '../invocation.ts';

export interface TogetherOptions {
  readonly concurrency: number;
  readonly scope: Pick<InvocationScope, 'signal' | 'now' | 'after'>;
}

export async function runTogether<TItem, TResult>(
  items: readonly TItem[],
  work: (item: TItem, index: number, signal: AbortSignal) => Promise<TResult>,
  { concurrency, scope }: TogetherOptions,
): Promise<TResult[]> {
  if (items.length === 0) return [];
  const controller = new AbortController();
  const { signal: outer } = scope;
  const abort = (): void => controller.abort(outer.reason);
  outer.addEventListener('abort', abort, { once: true });
  if (outer.aborted) abort();
  const alarms: (() => void)[] = [];

  try {
    return await new Promise<TResult[]>((resolve, reject) => {
      const results: TResult[] = Array.from({ length: items.length });
      const queue = [...items.keys()];
      const deferred = new Map<number, Deferred>();
      let running = 0;
      let done = 0;

      const stop = (error: unknown): void => {
        controller.abort(error);
        reject(error as Error);
      };

      const settle = (): void => {
        if (done === items.length) resolve(results);
        else if (running === 0 && queue.length === 0) {
          const waits = [...deferred.values()];
          const soonest = waits.reduce((one, other) => (other.until < one.until ? other : one));
          const more = waits.length > 1 ? ` (${waits.length} wait)` : '';
          reject(new Deferred(soonest.until, `${soonest.message}${more}`));
        }
      };

      const putOff = (index: number, wait: Deferred): void => {
        deferred.set(index, wait);
        alarms.push(
          scope.after(Math.max(0, wait.until - scope.now()), () => {
            if (!deferred.delete(index) || controller.signal.aborted) return;
            queue.push(index);
            proceed();
          }),
        );
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
        while (running < concurrency && !controller.signal.aborted) {
          const index = queue.shift();
          if (index === undefined) break;
          start(index);
        }
        settle();
      };

      outer.addEventListener('abort', () => stop(outer.reason), { once: true, signal: controller.signal });
      if (outer.aborted) stop(outer.reason);
      else proceed();
    });
  } finally {
    for (const cancel of alarms) cancel();
    outer.removeEventListener('abort', abort);
  }
}
