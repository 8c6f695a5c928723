/** What goes wrong during a soak, at random: one thing every second or so, until it is stopped. */
import { setTimeout as pause } from 'node:timers/promises';

export function causeChaos({ workers, workerCount, place, random, leaseMs }) {
  const counts = { kills: 0, freezes: 0, cuts: 0, restarts: 0, slotsMoved: 0 };
  let stopping = false;
  const freezes = new Set();

  async function cause() {
    while (!stopping) {
      await pause(random.between(300, 1_200));
      const slot = Math.floor(random.between(0, workerCount));
      const roll = random.next();
      if (roll < 0.45) {
        workers.kill(slot);
        counts.kills += 1;
      } else if (roll < 0.6) {
        // Past its lease.
        const freeze = workers.freeze(slot, leaseMs + random.between(500, 2_000));
        freezes.add(freeze);
        void freeze.finally(() => freezes.delete(freeze));
        counts.freezes += 1;
      } else if (roll < 0.85 && place.cut) {
        await place.cut();
        counts.cuts += 1;
      } else if (roll >= 0.9 && place.restart) {
        await place.restart();
        counts.restarts += 1;
      }
    }
    await Promise.all(freezes);
  }

  async function moveSlots() {
    while (place.moveSlot && !stopping) {
      if (await place.moveSlot()) counts.slotsMoved += 1;
      await pause(random.between(50, 250));
    }
  }

  const going = Promise.all([cause(), moveSlots()]);
  return {
    counts,
    /** Rejects if something could not be done. */
    going,
    async stop() {
      stopping = true;
      await going;
    },
  };
}
