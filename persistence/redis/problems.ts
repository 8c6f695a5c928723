/** Tells listeners of what the store notices, each problem once. */

/** Tells the store's listeners of a problem, once for each `key`. */
export type Report = (key: string, error: Error) => void;

export interface Problems {
  readonly report: Report;
  /** Returns the way to stop. */
  add(listener: (error: Error) => void): () => void;
}

/** So many problems are remembered; then all are forgotten, and may be told a second time. */
const maxTold = 10_000;

export function createProblems(): Problems {
  const listeners = new Set<(error: Error) => void>();
  const told = new Set<string>();
  return {
    report(key, error) {
      if (told.has(key) || listeners.size === 0) return;
      if (told.size >= maxTold) told.clear();
      told.add(key);
      for (const listener of listeners) listener(error);
    },
    add(listener) {
      const own = (error: Error): void => listener(error);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
}
