/**
 * Says when this process takes up which run, and keeps the leases of those that it holds.
 *
 * It learns of work in four ways, each covering for the others: timers of the runs that it let go, the store's watch,
 * asking the store what is due, and looking for leases of processes that have died. The last three go on in real time, so a virtual
 * clock can jump years without a poll for each moment in between.
 */
import type { Store } from '../../persistence/store.ts';
import type { Clock } from './clock.ts';
import type { HeldRun } from './held-run.ts';
import { isOwnerDead } from './owner.ts';

export interface DispatcherPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly token: string;
  readonly leaseMs: number;
  readonly pollMs: number;
  /** `name@version` of the workflows that this process can work on. */
  readonly refs: readonly string[];
  readonly held: ReadonlyMap<string, HeldRun>;
  /** How many more runs may be held. */
  capacity(): number;
  /** Whether runs are taken up that this process had no hand in. */
  takesAll(): boolean;
  claim(runId: string, evict?: string): Promise<void>;
  problem(error: Error, runId?: string): void;
}

export interface Dispatcher {
  /** Keep the leases of what is held, and if `takesAll`, take up what is due. Calling it again has no further effect. */
  start(options?: { readonly keepAlive?: boolean }): void;
  /** This process let go of a run that needs a worker at `wakeAt`; `null`: not before a message comes. */
  left(runId: string, wakeAt: number | null): void;
  /** Take the run up now, or as soon as there is a place for it. Resolves when it was taken up, or has to wait. */
  want(runId: string): Promise<void>;
  stop(): void;
}

export function createDispatcher(ports: DispatcherPorts): Dispatcher {
  const { store, clock, token, leaseMs, pollMs, refs, held, capacity, takesAll, claim, problem } = ports;
  const intervals: NodeJS.Timeout[] = [];
  const alarms = new Map<string, () => void>();
  /** Runs that found no place. */
  const wanted = new Set<string>();
  let unwatch = (): void => {};
  let stopped = false;

  /** Run `task` every `periodMs`, one at a time, its failures reported. */
  function every(periodMs: number, task: () => Promise<void>): void {
    let busy = false;
    const tick = (): void => {
      if (busy || stopped) return;
      busy = true;
      task()
        .catch((error: unknown) => {
          if (!stopped) problem(error as Error);
        })
        .finally(() => {
          busy = false;
        });
    };
    intervals.push(setInterval(tick, periodMs).unref());
    tick();
  }

  async function takeDue(): Promise<void> {
    for (;;) {
      const limit = capacity();
      if (!takesAll() || limit <= 0 || stopped) return;
      const due = await store.due({ workflows: refs, now: clock.now(), limit });
      await Promise.all(due.map((runId) => claimSafely(runId)));
      // Fewer than there was place for, or none that could be had: there is no more to take.
      if (due.length < limit || !due.some((runId) => held.has(runId))) return;
    }
  }

  async function takeFromTheDead(): Promise<void> {
    if (!takesAll()) return;
    const leases = await store.leases();
    const dead = new Map<string, boolean>();
    const orphans = leases.filter((lease) => {
      if (lease.token === token || !refs.includes(`${lease.workflow}@${lease.version}`)) return false;
      const isDead = dead.get(lease.token) ?? isOwnerDead(lease.token);
      dead.set(lease.token, isDead);
      return isDead;
    });
    if (stopped) return;
    // The others stay due, once their leases have run out.
    const taken = orphans.slice(0, Math.max(0, capacity()));
    await Promise.all(taken.map((lease) => claimSafely(lease.runId, lease.token)));
  }

  async function renew(): Promise<void> {
    const runs = [...held.values()].map(({ id, seen }) => ({ id, seen }));
    if (runs.length === 0) return;
    const until = clock.now() + leaseMs;
    const { lost, mail } = await store.renew({ token, until, runs });
    for (const { id } of runs) if (!lost.includes(id)) held.get(id)?.renewed(until);
    for (const runId of lost) held.get(runId)?.abandon();
    for (const runId of mail) held.get(runId)?.poke();
  }

  async function want(runId: string): Promise<void> {
    if (stopped) return;
    if (capacity() > 0) await claimSafely(runId);
    else wanted.add(runId);
  }

  function calmDown(runId: string): void {
    alarms.get(runId)?.();
    alarms.delete(runId);
    wanted.delete(runId);
  }

  async function claimSafely(runId: string, evict?: string): Promise<void> {
    calmDown(runId);
    try {
      await claim(runId, evict);
    } catch (error) {
      problem(error as Error, runId);
    }
  }

  return {
    start({ keepAlive = false } = {}) {
      if (intervals.length === 0) {
        unwatch = store.watch((runId) => {
          const run = held.get(runId);
          if (run) run.poke();
          else if (takesAll()) void want(runId);
        });
        every(pollMs, takeDue);
        every(Math.ceil(leaseMs / 3), takeFromTheDead);
        every(Math.ceil(leaseMs / 3), renew);
      }
      if (keepAlive) for (const interval of intervals) interval.ref();
    },
    want,
    left(runId, wakeAt) {
      calmDown(runId);
      if (stopped) return;
      if (wakeAt !== null) {
        const wake = (): void => {
          alarms.delete(runId);
          void want(runId);
        };
        alarms.set(runId, clock.at(wakeAt, wake));
      }
      const [next] = wanted;
      if (next !== undefined) void want(next);
    },
    stop() {
      stopped = true;
      unwatch();
      intervals.forEach(clearInterval);
      for (const cancel of alarms.values()) cancel();
      alarms.clear();
      wanted.clear();
    },
  };
}
