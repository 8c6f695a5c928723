/** Asks a store for callers that wait: one that never answers must not keep them. */
import { StoreUnavailable } from '../../errors.ts';

/** A store that does not answer for so long is taken to be away. */
const maxAnswerMs = 10_000;

/** What a store is asked while callers wait: one that does not answer counts as away. */
export function answered<T>(asked: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = (): void =>
      reject(new StoreUnavailable(`The store has not answered for ${maxAnswerMs / 1_000} s.`));
    const timer = setTimeout(giveUp, maxAnswerMs);
    asked.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
