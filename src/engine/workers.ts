/** Which processes execute runs, as they announce it, and whether any of them lives. */
import type { Lease, Store, Worker } from '../../persistence/store.ts';
import type { Clock } from './clock.ts';
import { isOwnerDead } from './owner.ts';

export interface WorkersPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly token: string;
  readonly leaseMs: number;
  /** `name@version` of the workflows that this process executes. */
  readonly refs: readonly string[];
}

export interface Workers {
  /** Make it known that this process executes runs, if that is not known for long enough. */
  announce(): Promise<void>;
  /** It does so no longer. */
  withdraw(): Promise<void>;
  /** Whether any live process has announced that it executes runs of this `name@version`. */
  serves(ref: string): Promise<boolean>;
  /** Whether the lease has not run out, and its holder is not known to be dead. */
  isLive(lease: Lease | undefined): boolean;
}

/** For so long what is known of a process is not asked again. */
const deathCheckMs = 500;

export function createWorkers({ store, clock, token, leaseMs, refs }: WorkersPorts): Workers {
  let announcedUntil = -Infinity;
  const alive = new Map<string, number>();

  function isDead(owner: string): boolean {
    if (owner === token) return false;
    const now = performance.now();
    if (now - (alive.get(owner) ?? -Infinity) < deathCheckMs) return false;
    if (isOwnerDead(owner)) return true;
    if (alive.size > 1_000) alive.clear();
    alive.set(owner, now);
    return false;
  }

  return {
    async announce() {
      const now = clock.now();
      if (announcedUntil - now > (leaseMs * 2) / 3) return;
      const until = now + leaseMs;
      await store.announce(token, { workflows: refs, until });
      announcedUntil = until;
    },
    async withdraw() {
      if (announcedUntil === -Infinity) return;
      announcedUntil = -Infinity;
      await store.announce(token, null);
    },
    async serves(ref) {
      const workers = await store.workers(clock.now());
      return workers.some((worker: Worker) => worker.workflows.includes(ref) && !isDead(worker.token));
    },
    isLive(lease) {
      return lease !== undefined && lease.until > clock.now() && !isDead(lease.token);
    },
  };
}
