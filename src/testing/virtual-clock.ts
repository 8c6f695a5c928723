/**
 * A clock that moves only when told to, so that a test of a week takes no time.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Clock } from '../engine/clock.ts';
import { InvalidOption } from '../errors.ts';

export interface VirtualClock extends Clock {
  /**
   * Move on by so many milliseconds, firing what is due in the order of its deadlines, each at its own time, and letting
   * what it set off come to rest before the next. Resolves when all of that is done.
   */
  advance(ms: number): Promise<void>;
}

interface Alarm {
  readonly deadline: number;
  readonly fn: () => void;
}

/** How many turns of the event loop are given to what a fired alarm set off: a step on a store with real I/O takes several. */
const turnsToRest = 50;

/** `startAt`: milliseconds since the epoch; default: 2026-01-01 UTC. */
export function createVirtualClock(startAt: number = Date.UTC(2026, 0, 1)): VirtualClock {
  let now = startAt;
  const alarms = new Set<Alarm>();

  const nextDue = (until: number): Alarm | undefined =>
    [...alarms]
      .filter(({ deadline }) => deadline <= until)
      .sort((one, other) => one.deadline - other.deadline)[0];

  return {
    now: () => now,
    at(deadline, fn) {
      const alarm = { deadline, fn };
      alarms.add(alarm);
      return () => alarms.delete(alarm);
    },
    async advance(ms) {
      if (!(ms >= 0))
        throw new InvalidOption(`Expected \`ms\` to be zero or more milliseconds, got \`${String(ms)}\`.`);
      const until = now + ms;
      await rest();
      for (let alarm = nextDue(until); alarm; alarm = nextDue(until)) {
        alarms.delete(alarm);
        now = Math.max(now, alarm.deadline);
        alarm.fn();
        await rest();
      }
      now = until;
    },
  };
}

async function rest(): Promise<void> {
  for (let turn = 0; turn < turnsToRest; turn++) await nextTurn();
}
