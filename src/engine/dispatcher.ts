/**
 * Says when this process takes up which run, and keeps the leases of those that it holds.
 *
 * It learns of work in four ways, each covering for the others: timers of the runs that it let go, the store's watch,
 * asking the store what is due, and looking for leases of processes that have died. The last three go on in real time, so a
 * virtual clock can jump years without a poll for each moment in between.
 *
 * I1. Runs that cannot be taken up, for whatever reason, do not keep others from it: they are passed over for a while.
 * I2. What goes wrong again and again is told once, until it has gone well.
 * I3. A process whose event loop stood still for longer than a lease gives up what it holds before anything else.
 */
import type { Store } from '../../persistence/store.ts';
import type { Clock } from './clock.ts';
import type { HeldRun } from './held-run.ts';
import { isOwnerDead } from './owner.ts';
import type { Workers } from './workers.ts';

export interface DispatcherPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly token: string;
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly workers: Workers;
  /** `name@version` of the workflows that this process can work on. */
  readonly refs: readonly string[];
  readonly held: ReadonlyMap<string, HeldRun>;
  /** Resolves once `clock` tells the time. */
  ready(): Promise<void>;
  /** Ask the store for the time again. */
  resample(): Promise<void>;
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

const firstPassMs = 1_000;
const maxPassMs = 60_000;
/** Of so many runs it is remembered that they are passed over. */
const maxPassed = 10_000;

interface Passed {
  readonly until: number;
  readonly forMs: number;
  readonly told: string | undefined;
}

export function createDispatcher(ports: DispatcherPorts): Dispatcher {
  const { store, clock, token, leaseMs, pollMs, refs, held, capacity, takesAll, claim, problem, workers } =
    ports;
  const intervals: NodeJS.Timeout[] = [];
  const alarms = new Map<string, () => void>();
  /** Runs that found no place. */
  const wanted = new Set<string>();
  const passed = new Map<string, Passed>();
  let unwatch = (): void => {};
  /** By the process's time and by the clock's. */
  let lastBeat: { readonly at: number; readonly time: number } | undefined;
  let isReady = false;
  let isKeptAlive = false;
  let stopped = false;

  /** Run `task` every `periodMs`, one at a time, its failures reported. */
  function every(periodMs: number, task: () => Promise<void>): void {
    let busy = false;
    let told: string | undefined;
    const tick = (): void => {
      beat();
      if (busy || stopped) return;
      busy = true;
      ports
        .ready()
        .then(() => {
          isReady = true;
          return stopped ? undefined : task();
        })
        .then(() => {
          told = undefined;
        })
        .catch((error: Error) => {
          if (stopped || told === nameOf(error)) return;
          told = nameOf(error);
          problem(error);
        })
        .finally(() => {
          busy = false;
        });
    };
    const interval = setInterval(tick, periodMs);
    if (!isKeptAlive) interval.unref();
    intervals.push(interval);
    tick();
  }

  /** Another worker may have what was held while the event loop stood still. */
  function beat(): void {
    if (!isReady) return;
    const now = { at: performance.now(), time: clock.now() };
    const stoodStill = lastBeat && now.at - lastBeat.at > leaseMs && now.time - lastBeat.time > leaseMs;
    lastBeat = now;
    if (stoodStill) for (const run of held.values()) run.abandon();
  }

  async function takeDue(): Promise<void> {
    if (!takesAll()) return;
    await workers.announce();
    for (;;) {
      const places = capacity();
      if (!takesAll() || places <= 0 || stopped) return;
      const passedOver = passedNow();
      const limit = places + passedOver.size;
      const due = await store.due({ workflows: refs, now: clock.now(), limit });
      const takeable = due.filter((runId) => !passedOver.has(runId)).slice(0, places);
      await Promise.all(
        takeable.map(async (runId) => {
          await claimSafely(runId);
          // Another has it, perhaps; it is asked for again, but not at once.
          if (!held.has(runId) && !passed.has(runId)) passOver(runId, undefined);
        }),
      );
      if (due.length < limit || takeable.length === 0) return;
    }
  }

  async function takeFromTheDead(): Promise<void> {
    if (!takesAll()) return;
    const leases = await store.leases();
    const dead = new Map<string, boolean>();
    const passedOver = passedNow();
    const orphans = leases.filter((lease) => {
      if (lease.token === token || !refs.includes(`${lease.workflow}@${lease.version}`)) return false;
      const isDead = dead.get(lease.token) ?? isOwnerDead(lease.token);
      dead.set(lease.token, isDead);
      return isDead && !passedOver.has(lease.runId);
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
    const isLost = new Set(lost);
    for (const { id } of runs) if (!isLost.has(id)) held.get(id)?.renewed(until);
    for (const runId of lost) held.get(runId)?.abandon();
    for (const runId of mail) held.get(runId)?.poke();
  }

  async function want(runId: string): Promise<void> {
    if (stopped) return;
    if (capacity() > 0) await claimSafely(runId);
    else wanted.add(runId);
  }

  function takeWanted(): void {
    for (const runId of wanted) {
      if (stopped || capacity() <= 0) return;
      void want(runId);
    }
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
      if (held.has(runId)) passed.delete(runId);
    } catch (error) {
      passOver(runId, error as Error);
    }
  }

  function passOver(runId: string, error: Error | undefined): void {
    const before = passed.get(runId);
    const told = error ? nameOf(error) : before?.told;
    if (error && told !== before?.told) problem(error, runId);
    const forMs = error ? Math.min((before?.forMs ?? firstPassMs / 2) * 2, maxPassMs) : pollMs;
    passed.delete(runId);
    passed.set(runId, { until: performance.now() + forMs, forMs, told });
    const [oldest] = passed.keys();
    if (passed.size > maxPassed && oldest !== undefined) passed.delete(oldest);
  }

  /** Those that it is too early to try again. */
  function passedNow(): Set<string> {
    const now = performance.now();
    const over = new Set<string>();
    for (const [runId, { until, told }] of passed) {
      if (until > now) over.add(runId);
      else if (told === undefined) passed.delete(runId);
    }
    return over;
  }

  return {
    start({ keepAlive = false } = {}) {
      isKeptAlive ||= keepAlive;
      if (intervals.length === 0) {
        unwatch = store.watch((runId) => {
          const run = held.get(runId);
          if (run) run.poke();
          else if (takesAll()) void want(runId);
        });
        every(pollMs, takeDue);
        every(Math.ceil(leaseMs / 3), takeFromTheDead);
        every(Math.ceil(leaseMs / 3), renew);
        every(Math.ceil(leaseMs / 3), () => ports.resample());
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
      takeWanted();
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

function nameOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message;
}
