/**
 * What workers share beside the runs: allowances, slots and cached answers. A store has it, and it reaches as far as the
 * store does: within the process, or across all workers of a Redis. In an SQLite file only the answers are shared by its
 * processes.
 *
 * It goes by real time, also under a virtual clock: the limits that it keeps are those of a world outside.
 *
 * None of it decides what a run does. Losing it, a Redis that was emptied, costs a few calls too many, never a run.
 */

/** So many points within a window of time. */
export interface Allowance {
  /** A positive integer. */
  readonly limit: number;
  /** Length of the window in milliseconds; a positive integer. */
  readonly windowMs: number;
}

export interface Shared {
  /**
   * Take `points`, an integer from 0, from the allowance of `key`. 0 if they were taken; otherwise nothing was, and it is
   * worth asking again after that many milliseconds. More points than the allowance ever has are taken when it is
   * untouched. A window begins with the first points that are taken; another limit or length is another allowance.
   */
  take(key: string, points: number, allowance: Allowance): Promise<number>;

  /**
   * Put points back that were taken and not used, never more than are taken now. They go to the window of now: points
   * that were taken in one that is over are not for giving back.
   */
  giveBack(key: string, points: number, allowance: Allowance): Promise<void>;

  /**
   * Occupy one of the `slots` of `key` until `vacate`, or for `ttlMs` at most, should the holder die. A holder that has
   * one keeps it, and its time begins anew. False if all are taken.
   */
  occupy(key: string, options: SlotOptions): Promise<boolean>;

  /** No effect if the holder has no slot. */
  vacate(key: string, holder: string): Promise<void>;

  /** The text that was cached under `key`, if its time has not run out. */
  cached(key: string): Promise<string | undefined>;

  /** Replaces what was there. Without `ttlMs`, an integer from 1, it stays. */
  cache(key: string, text: string, ttlMs?: number): Promise<void>;
}

export interface SlotOptions {
  /** Unique to the call that occupies it. */
  readonly holder: string;
  /** How many there are; a positive integer. */
  readonly slots: number;
  /** A positive integer. */
  readonly ttlMs: number;
}
