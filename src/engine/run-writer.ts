/**
 * Writes one held run: its steps, what is recorded between them, and the lease under which both are allowed.
 *
 * I1. Nothing is written after a write was refused, and a write of unknown fate is looked up before it is repeated.
 * I2. The lease is renewed with the steps themselves while there are any.
 */
import { setTimeout as pause } from 'node:timers/promises';

import type { Commit, CommitResult, InboxMessage, Store } from '../../persistence/store.ts';
import type { Clock } from './clock.ts';
import { encodeEntry, type HistoryEntry } from './history.ts';
import { belongsTo } from './performer.ts';
import { progressOf, wakeAtOf } from './progress.ts';
import type { RunState } from './run-state.ts';

export interface RunWriterOptions {
  readonly runId: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly token: string;
  readonly leaseMs: number;
  readonly seq: number;
  readonly leaseUntil: number;
  readonly journal: ReadonlyMap<string, string>;
  /** The store failed, and is tried again. */
  failing(error: Error): void;
}

/** A step to be written. */
export interface Step {
  readonly next: RunState;
  readonly tags: readonly string[];
  /** None if nothing happened that is of interest. */
  readonly entry?: HistoryEntry;
  /** Inbox ids that it consumes. */
  readonly consumed: readonly number[];
  /** Keys of the invocations that it ends. */
  readonly over: readonly string[];
  /** The highest inbox id that this worker was handed. */
  readonly seen: number;
  /** Whether the lease may be given up with it. */
  readonly rests: boolean;
}

export interface WrittenStep {
  readonly at: number;
  readonly inbox: readonly InboxMessage[];
  readonly released: boolean;
}

export interface RunWriter {
  readonly seq: number;
  readonly journal: ReadonlyMap<string, string>;
  /** `undefined`: it was refused, because the run is another worker's. Throws if the store could not be asked in time. */
  step(step: Step): Promise<WrittenStep | undefined>;
  /** False: the run is another worker's, and nothing was written. */
  record(entries: readonly HistoryEntry[], kept?: Readonly<Record<string, string>>): Promise<boolean>;
  /** Whether another worker may have the run by now. */
  isExpired(): boolean;
  renewed(until: number): void;
}

const firstRetryMs = 20;
const longestRetryMs = 1_000;

export function createRunWriter(options: RunWriterOptions): RunWriter {
  const { runId, store, clock, token, leaseMs, failing } = options;
  let { seq, leaseUntil } = options;
  const journal = new Map(options.journal);

  function leaseAt(now: number): Commit['lease'] {
    return leaseUntil - now < (leaseMs * 2) / 3 ? { until: now + leaseMs } : 'keep';
  }

  function forgettable(over: readonly string[]): string[] {
    if (over.length === 0) return [];
    return [...journal.keys()].filter((name) => over.some((key) => belongsTo(key, name)));
  }

  /** The commit may or may not have been applied: look, and try again until the lease has run out. */
  async function settle(commit: Commit, failure: unknown): Promise<CommitResult> {
    let error = failure;
    let waitMs = firstRetryMs;
    while (clock.now() + waitMs < leaseUntil) {
      failing(error as Error);
      await pause(waitMs);
      waitMs = Math.min(waitMs * 2, longestRetryMs);
      try {
        const stored = await store.load(runId);
        if (stored?.seq !== commit.seq + 1 || stored.state !== commit.state)
          return await store.commit(runId, commit);
        const inbox = await store.inbox(runId, commit.seen);
        return { status: 'committed', inbox, released: stored.lease?.token !== token };
      } catch (again) {
        error = again;
      }
    }
    throw error;
  }

  return {
    journal,
    get seq() {
      return seq;
    },
    async step({ next, tags, entry, consumed, over, seen, rests }) {
      const now = clock.now();
      const commit: Commit = {
        ...progressOf(next, tags),
        log: entry ? [encodeEntry(entry)] : [],
        token,
        seq,
        now,
        consumed,
        forget: forgettable(over),
        seen,
        lease: rests ? 'release' : leaseAt(now),
        wakeAt: wakeAtOf(next),
      };
      let result: CommitResult;
      try {
        result = await store.commit(runId, commit);
      } catch (error) {
        result = await settle(commit, error);
      }
      if (result.status !== 'committed') return undefined;
      seq += 1;
      for (const name of commit.forget) journal.delete(name);
      if (typeof commit.lease === 'object') leaseUntil = commit.lease.until;
      return { at: now, inbox: result.inbox, released: result.released };
    },
    async record(entries, kept = {}) {
      const held = await store.record(runId, { token, log: entries.map(encodeEntry), journal: kept });
      if (held) for (const [name, text] of Object.entries(kept)) journal.set(name, text);
      return held;
    },
    isExpired: () => clock.now() >= leaseUntil,
    renewed(until) {
      leaseUntil = until;
    },
  };
}
