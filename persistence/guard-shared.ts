/** What is shared, for as long as the store is open that gives access to it. */
import type { Shared } from './shared.ts';

/** `assertOpen` throws once the store is closed. */
export function guardShared(shared: Shared, assertOpen: () => void): Shared {
  const guarded =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      assertOpen();
      return call(...args);
    };
  return {
    take: guarded(shared.take),
    giveBack: guarded(shared.giveBack),
    occupy: guarded(shared.occupy),
    vacate: guarded(shared.vacate),
    cached: guarded(shared.cached),
    cache: guarded(shared.cache),
  };
}
