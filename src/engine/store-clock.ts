/**
 * The store's clock, as this process can tell it between two questions: by the monotonic time that has passed since.
 *
 * All processes of a store go by it, so it does not matter how far their own clocks are apart or when one is set.
 *
 * I1. `now` never goes back.
 * I2. A sample is off by at most half its round trip; one that took longer than a fifth of a lease is not used.
 */
import { setTimeout as pause } from 'node:timers/promises';

import { StoreUnavailable } from '../errors.ts';
import { type Clock, createMonotonicClock } from './clock.ts';

export interface StoreClock extends Clock {
  /** Resolves once the store has told the time; `now` throws before. Rejects if it cannot be asked. */
  ready(): Promise<void>;
  /** Ask again. Rejects if the store cannot be asked; the clock then goes on by what it knows. */
  resample(): Promise<void>;
}

export interface StoreClockOptions {
  time(): Promise<number>;
  readonly leaseMs: number;
}

/** Of so many samples the quickest is used. */
const samplesAtOnce = 3;
const pauseMs = 20;
/** A jump this large moves timers that are armed. */
const jumpMs = 20;

export function createStoreClock({ time, leaseMs }: StoreClockOptions): StoreClock {
  /** The store's time less that of `performance`. */
  let offset: number | undefined;
  let latest = 0;
  let first: Promise<void> | undefined;

  function now(): number {
    if (offset === undefined) throw new StoreUnavailable('The store has not told the time yet.');
    latest = Math.max(latest, Math.floor(offset + performance.now()));
    return latest;
  }

  const clock = createMonotonicClock(now);

  async function resample(): Promise<void> {
    let best: { readonly offset: number; readonly roundTripMs: number } | undefined;
    for (let taken = 0; taken < samplesAtOnce; taken++) {
      const asked = performance.now();
      const told = await time();
      const answered = performance.now();
      const roundTripMs = answered - asked;
      if (roundTripMs > leaseMs / 5 || (best && best.roundTripMs <= roundTripMs)) continue;
      best = { offset: told + roundTripMs / 2 - answered, roundTripMs };
    }
    if (!best) return;
    const before = offset;
    offset = best.offset;
    if (before !== undefined && offset - before > jumpMs) clock.adjusted();
  }

  async function sampleUntilKnown(): Promise<void> {
    for (;;) {
      await resample();
      if (offset !== undefined) return;
      await pause(pauseMs, undefined, { ref: false });
    }
  }

  return {
    ...clock,
    resample,
    ready() {
      if (offset !== undefined) return Promise.resolve();
      first ??= sampleUntilKnown().catch((error: unknown) => {
        // The next caller asks again.
        first = undefined;
        throw error;
      });
      return first;
    },
  };
}
