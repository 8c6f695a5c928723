/**
 * Writes one leased run: its steps, what is recorded between them, and the lease under which both are allowed.
 *
 * I1. Every write waits out the store's trouble, for as long as the run is this worker's. That the lease has run out
 *     meanwhile takes the run from no worker: the store refuses the write if another worker has it.
 * I2. A write of unknown fate is applied once: a recording keeps its id, and a step is looked up before it is repeated.
 * I3. The lease is renewed with the steps themselves while there are any.
 */
import { randomUUID } from 'node:crypto';

import type { Commit, CommitResult, InboxMessage, Progress, Store } from '../../persistence/store.ts';
import type { Clock } from './clock.ts';
import { encodeEntry, type HistoryEntry } from './history.ts';
import { belongsTo } from './performer.ts';
import { wakeAtOf } from './progress.ts';
import type { RunState } from './run-state.ts';
import type { StoreCalls } from './store-calls.ts';

export interface RunWriterOptions {
  readonly runId: string;
  readonly store: Store;
  readonly calls: StoreCalls;
  readonly clock: Clock;
  readonly token: string;
  readonly leaseMs: number;
  readonly seq: number;
  readonly leaseUntil: number;
  readonly journal: ReadonlyMap<string, string>;
}

/** A step to be written. */
export interface Step {
  readonly next: RunState;
  /** `next` as it is stored. */
  readonly progress: Omit<Progress, 'log'>;
  /** None if nothing happened that is of interest. */
  readonly entry?: HistoryEntry | undefined;
  /** Inbox ids that it consumes. */
  readonly consumed: readonly number[];
  /** Keys of messages that count as never sent. */
  readonly freeKeys: readonly string[];
  /** Keys of the invocations that it ends. */
  readonly over: readonly string[];
  /** The highest inbox id that this worker was handed. */
  readonly seen: number;
  /** Whether the lease may be given up with it. */
  readonly rests: boolean;
}

export type WrittenStep =
  | {
      readonly status: 'written';
      readonly at: number;
      readonly inbox: readonly InboxMessage[];
      readonly released: boolean;
    }
  /** Nothing was written: another worker has the run. */
  | { readonly status: 'lost' }
  /** Nothing was written: the store has the run at an earlier step than it acknowledged, or not at all. */
  | { readonly status: 'rolled-back'; readonly storedSeq: number }
  | { readonly status: 'missing' };

export interface RecordOptions {
  /** It resolves only once it is as safe as the store can make it. */
  readonly durable?: boolean;
}

export interface RunWriter {
  readonly seq: number;
  readonly journal: ReadonlyMap<string, string>;
  step(step: Step): Promise<WrittenStep>;
  /** False: the run is another worker's, and nothing was written. */
  record(
    entries: readonly HistoryEntry[],
    kept?: Readonly<Record<string, string>>,
    options?: RecordOptions,
  ): Promise<boolean>;
  /** Whether another worker may have the run by now. */
  isExpired(): boolean;
  renewed(until: number): void;
}

/** A worker takes its lease to be over this part of it early: it may not know the time as exactly as another. */
const marginPart = 5;

export function createRunWriter(options: RunWriterOptions): RunWriter {
  const { runId, store, calls, clock, token, leaseMs } = options;
  let { seq, leaseUntil } = options;
  const journal = new Map(options.journal);
  /** The end of the lease that the pending write asks for or finds; undefined if it leaves the lease as it is. */
  let granted: number | undefined;

  function leaseAt(now: number): Commit['lease'] {
    return leaseUntil - now < (leaseMs * 2) / 3 ? { until: now + leaseMs } : 'keep';
  }

  function forgettable(over: readonly string[]): string[] {
    if (over.length === 0 || journal.size === 0) return [];
    return [...journal.keys()].filter((name) => over.some((key) => belongsTo(key, name)));
  }

  /** The step may have been applied before: look, and write it only if it was not. */
  async function writeAgain(commit: Commit): Promise<CommitResult> {
    const stored = await store.load(runId);
    if (!stored) return { status: 'missing' };
    if (stored.seq !== commit.seq + 1 || stored.state !== commit.state) return write(commit);
    const isHeld = stored.lease?.token === token;
    if (!isHeld && commit.lease !== 'release') return { status: 'lease-lost' };
    granted = stored.lease?.until;
    const inbox = isHeld ? await store.inbox(runId, commit.seen) : [];
    return { status: 'committed', inbox, released: !isHeld };
  }

  function write(commit: Commit): Promise<CommitResult> {
    granted = typeof commit.lease === 'object' ? commit.lease.until : undefined;
    return store.commit(runId, commit);
  }

  return {
    journal,
    get seq() {
      return seq;
    },
    async step({ next, progress, entry, consumed, freeKeys, over, seen, rests }) {
      const log = entry ? [encodeEntry(entry)] : [];
      // A failed run can be retried, with all that it has paid for.
      const forget = next.snapshot.status === 'error' ? [] : forgettable(over);
      const wakeAt = wakeAtOf(next);
      let commit!: Commit;
      let result = await calls.call((attempt) => {
        // The lease that a repeated step asks for is a new one.
        const now = clock.now();
        const lease = rests ? 'release' : leaseAt(now);
        const { state, status, value, tags } = progress;
        // Listed field by field: an object spread took a tenth of the step.
        commit = {
          state,
          status,
          value,
          tags,
          log,
          token,
          seq,
          now,
          consumed,
          freeKeys,
          forget,
          seen,
          lease,
          wakeAt,
        };
        return attempt === 1 ? write(commit) : writeAgain(commit);
      });
      // An earlier attempt, given up on, was applied after all.
      if (result.status === 'sequence' && result.seq === seq + 1)
        result = await calls.call(() => writeAgain(commit));
      switch (result.status) {
        case 'lease-lost':
          return { status: 'lost' };
        case 'missing':
          return { status: 'missing' };
        case 'sequence':
          return result.seq < seq ? { status: 'rolled-back', storedSeq: result.seq } : { status: 'lost' };
        case 'committed':
          seq += 1;
          for (const name of forget) journal.delete(name);
          leaseUntil = granted ?? leaseUntil;
          return { status: 'written', at: commit.now, inbox: result.inbox, released: result.released };
      }
    },
    async record(entries, kept = {}, { durable = false } = {}) {
      const recording = {
        token,
        id: randomUUID(),
        durable,
        log: entries.map(encodeEntry),
        journal: kept,
      };
      const isHeld = await calls.call(() => store.record(runId, recording));
      if (isHeld) for (const [name, text] of Object.entries(kept)) journal.set(name, text);
      return isHeld;
    },
    isExpired: () => clock.now() >= leaseUntil - leaseMs / marginPart,
    renewed(until) {
      leaseUntil = until;
    },
  };
}
