/**
 * Where the engine gets the time from: for deadlines, leases and records. A virtual one makes them testable.
 *
 * I1. The real clock never goes back and never jumps: it takes the time of day once and counts on from there, so a
 *     correction of the machine's clock moves no lease and fires no timer.
 */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Call `fn` once at `deadline` or soon after. Returns the way to call it off. Does not keep the process alive. */
  at(deadline: number, fn: () => void): () => void;
}

/** Node's timers overflow past this and would fire at once. */
const maxTimeoutMs = 2 ** 31 - 1;

const startedAt = Date.now() - performance.now();

export const realClock: Clock = createMonotonicClock(() => Math.floor(startedAt + performance.now()));

export interface MonotonicClock extends Clock {
  /** `now` has jumped forward: timers are set anew. */
  adjusted(): void;
}

/** A clock on `now`, which never goes back. */
export function createMonotonicClock(now: () => number): MonotonicClock {
  const alarms = new Set<() => void>();
  return {
    now,
    at(deadline, fn) {
      let timeout: NodeJS.Timeout | undefined;
      const arm = (): void => {
        clearTimeout(timeout);
        timeout = setTimeout(expire, Math.min(Math.max(0, deadline - now()), maxTimeoutMs)).unref();
      };
      // A timeout may fire a millisecond before the clock shows its deadline.
      const expire = (): void => {
        if (now() < deadline) return arm();
        alarms.delete(arm);
        fn();
      };
      alarms.add(arm);
      arm();
      return () => {
        alarms.delete(arm);
        clearTimeout(timeout);
      };
    },
    adjusted() {
      for (const arm of alarms) arm();
    },
  };
}
