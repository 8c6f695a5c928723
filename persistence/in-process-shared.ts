/**
 * What is shared as far as this process reaches. It goes by real time, as a provider's limits do, whatever the engine's
 * clock says.
 *
 * Each call does its whole work in one turn of the event loop. What has run out is dropped when it is asked for, and now
 * and then all of it: so there is never more than twice of what is in use.
 */
import type { Allowance, Shared } from './shared.ts';

interface Window {
  readonly endsAt: number;
  used: number;
}

interface Cached {
  readonly text: string;
  /** Infinite if it stays. */
  readonly until: number;
}

export function createInProcessShared(): Shared {
  const windows = createSwept<Window>(({ endsAt }, now) => endsAt <= now);
  /** By key, when each holder loses its slot. */
  const slots = createSwept<Map<string, number>>((holders, now) => !holdersAt(holders, now));
  const answers = createSwept<Cached>(({ until }, now) => until <= now);

  return {
    async take(key, points, allowance) {
      const now = Date.now();
      const name = windowName(key, allowance);
      const window = windows.get(name, now);
      if (!window) {
        windows.set(name, { endsAt: now + allowance.windowMs, used: points }, now);
        return 0;
      }
      if (window.used > 0 && window.used + points > allowance.limit) return window.endsAt - now;
      window.used += points;
      return 0;
    },

    async giveBack(key, points, allowance) {
      const window = windows.get(windowName(key, allowance), Date.now());
      if (window) window.used = Math.max(0, window.used - points);
    },

    async occupy(key, { holder, slots: count, ttlMs }) {
      const now = Date.now();
      const holders = slots.get(key, now) ?? new Map<string, number>();
      if (!holders.has(holder) && holders.size >= count) return false;
      slots.set(key, holders.set(holder, now + ttlMs), now);
      return true;
    },

    async vacate(key, holder) {
      slots.get(key, Date.now())?.delete(holder);
    },

    async cached(key) {
      return answers.get(key, Date.now())?.text;
    },

    async cache(key, text, ttlMs = Infinity) {
      const now = Date.now();
      answers.set(key, { text, until: now + ttlMs }, now);
    },
  };
}

/** Two allowances of one key do not disturb each other. */
function windowName(key: string, { limit, windowMs }: Allowance): string {
  return `${limit}/${windowMs} ${key}`;
}

/** Drops the holders whose time is over; false if none is left. */
function holdersAt(holders: Map<string, number>, now: number): boolean {
  for (const [holder, until] of holders) if (until <= now) holders.delete(holder);
  return holders.size > 0;
}

interface Swept<T> {
  /** What is there and not over. */
  get(key: string, now: number): T | undefined;
  set(key: string, value: T, now: number): void;
}

/** How many entries there are before it is worth looking for those that are over. */
const leastSwept = 1000;

function createSwept<T>(isOver: (value: T, now: number) => boolean): Swept<T> {
  const entries = new Map<string, T>();
  let sweepAt = leastSwept;

  return {
    get(key, now) {
      const value = entries.get(key);
      if (value === undefined || !isOver(value, now)) return value;
      entries.delete(key);
      return undefined;
    },
    set(key, value, now) {
      if (entries.size >= sweepAt) {
        for (const [name, each] of entries) if (isOver(each, now)) entries.delete(name);
        sweepAt = Math.max(leastSwept, entries.size * 2);
      }
      entries.set(key, value);
    },
  };
}
