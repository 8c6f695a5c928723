/**
 * Where the engine gets the time from. Deadlines, leases and records use it; a virtual one makes them testable.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Call `fn` once at `deadline` or soon after. Returns the way to call it off. Does not keep the process alive. */
  at(deadline: number, fn: () => void): () => void;
}

/** Node's timers overflow past this and would fire at once. */
const longestTimeoutMs = 2 ** 31 - 1;

export const realClock: Clock = {
  now: Date.now,
  at(deadline, fn) {
    let timeout: NodeJS.Timeout;
    const arm = (): void => {
      const left = Math.max(0, deadline - Date.now());
      timeout = setTimeout(left > longestTimeoutMs ? arm : fire, Math.min(left, longestTimeoutMs)).unref();
    };
    // A timeout may fire a millisecond before the clock shows its deadline.
    const fire = (): void => (Date.now() < deadline ? arm() : fn());
    arm();
    return () => clearTimeout(timeout);
  },
};
