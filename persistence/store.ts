/**
 * The store port: what the engine asks of a place that keeps runs. Adapters stand beside this file; each passes
 * `conformance.ts`.
 *
 * A store knows nothing of machines. States, log entries, inbox bodies and journal values are opaque strings.
 * Times are milliseconds since the epoch and always the caller's, so that a virtual clock governs leases as well.
 *
 * Invariants that every adapter holds:
 *
 * I1. Each call is atomic: its writes are all there or none is, whoever dies when, and readers never see half.
 * I2. What a resolved promise acknowledged survives the death of the process (and, where the adapter's durability
 *     options promise it, of the machine).
 * I3. `commit` applies only if the caller's lease token holds the run and `seq` is the stored one. It adds one to `seq`.
 * I4. `record`, `renew` and `release` apply only if the caller's lease token holds the run. Expiry alone takes a lease
 *     from nobody: a token holds until another token has acquired the run.
 * I5. A message is stored once per `key`. It leaves the inbox only in the commit that consumed it.
 * I6. A run is released only if its inbox has nothing that its worker has not been handed; so no wake-up is lost.
 * I7. `due` names a run if and only if its `wakeAt` has come. A leased run's `wakeAt` is the end of its lease;
 *     a message sent to a run without a lease makes it due at once; an ended run is never due unless it has mail.
 */

import type { Shared } from './shared.ts';

/** `running`: a worker is needed or at work. `waiting`: for an event, a timer or a person. The others are ends. */
export type RunStatus = 'running' | 'waiting' | 'done' | 'failed' | 'cancelled';

/** What a list shows of a run. */
export interface RunSummary {
  readonly id: string;
  readonly workflow: string;
  readonly version: string;
  readonly status: RunStatus;
  /** The state value as JSON text, such as `"drafting"` or `{"parts":"billing"}`. */
  readonly value: string;
  /** The tags of the active states. */
  readonly tags: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Why no worker can go on with this run, if none can (its state cannot be restored, say). */
  readonly problem?: string;
}

export interface StoredRun extends RunSummary {
  /** How many commits made this state; 1 after `create`. */
  readonly seq: number;
  /** The encoded input that the run was started with. */
  readonly input: string;
  /** The encoded run state. */
  readonly state: string;
  readonly lease?: Lease;
}

export interface Lease {
  /** Names the worker that holds the run. */
  readonly token: string;
  /** When others may take the run over. */
  readonly until: number;
}

export interface HeldLease extends Lease {
  readonly runId: string;
  readonly workflow: string;
  readonly version: string;
}

/** What changes with every commit, and `create` sets first. */
export interface Progress {
  readonly state: string;
  readonly status: RunStatus;
  readonly value: string;
  readonly tags: readonly string[];
  /** Entries to append to the history, in order. */
  readonly log: readonly string[];
}

export interface NewRun extends Progress {
  readonly id: string;
  readonly workflow: string;
  readonly version: string;
  readonly input: string;
  readonly createdAt: number;
  /** With a lease the creator works on the run; without one it is due at `wakeAt`. */
  readonly lease?: Lease;
  /** When the run needs a worker next; `null`: not before a message comes. Ignored with a lease. */
  readonly wakeAt: number | null;
}

export interface InboxMessage {
  /** Grows by one per message of the run, from 1. */
  readonly id: number;
  readonly at: number;
  readonly body: string;
}

export interface NewMessage {
  readonly at: number;
  readonly body: string;
  /** A second message of the run with the same key is not stored. Remembered as long as the run. */
  readonly key?: string;
}

export type SendResult =
  /**
   * `logLength` is the length of the history when the message was stored. A duplicate is told what the first was told,
   * also after the run has ended.
   */
  | { readonly status: 'stored' | 'duplicate'; readonly messageId: number; readonly logLength: number }
  /** The run has ended, or there is none: nothing was stored. */
  | { readonly status: 'ended' | 'missing' };

export interface AcquireOptions extends Lease {
  readonly now: number;
  /** Take the run even though this token's lease has not run out: its worker is known to be dead. */
  readonly evict?: string;
}

export interface AcquiredRun {
  readonly run: StoredRun;
  /** All that is in the inbox, oldest first. */
  readonly inbox: readonly InboxMessage[];
  readonly journal: ReadonlyMap<string, string>;
}

export interface Commit extends Progress {
  readonly token: string;
  /** The sequence number that this commit was computed from. */
  readonly seq: number;
  readonly now: number;
  /** Ids of the inbox messages that this commit consumes. */
  readonly consumed: readonly number[];
  /** Journal names that are no longer needed. */
  readonly forget: readonly string[];
  /** The highest inbox id that the worker has been handed; 0 if none. */
  readonly seen: number;
  /** The lease after this commit: a new end for it, unchanged, or given up if I6 allows. */
  readonly lease: { readonly until: number } | 'keep' | 'release';
  /** When the run needs a worker next, if it is released; `null`: not before a message comes. */
  readonly wakeAt: number | null;
}

export type CommitResult =
  | {
      readonly status: 'committed';
      /** Messages past `seen`, oldest first. */
      readonly inbox: readonly InboxMessage[];
      /** Whether the lease was given up. False if it was not asked for, or if `inbox` is not empty. */
      readonly released: boolean;
    }
  /** Nothing was written: another token holds the run, another commit was first, or there is no such run. */
  | { readonly status: 'lease-lost' | 'sequence' | 'missing' };

export interface Recording {
  readonly token: string;
  readonly log: readonly string[];
  /** Names and values to keep until a commit forgets them; a name that is there already keeps its first value. */
  readonly journal?: Readonly<Record<string, string>>;
}

export interface Renewal {
  readonly token: string;
  readonly until: number;
  /** The runs, each with the highest inbox id that the worker has been handed. */
  readonly runs: ReadonlyArray<{ readonly id: string; readonly seen: number }>;
}

export interface RenewalResult {
  /** Runs that another token holds, or that are not held any more. */
  readonly lost: readonly string[];
  /** Runs, still held, whose inbox has messages past `seen`. */
  readonly mail: readonly string[];
}

export interface Release {
  readonly token: string;
  /** When the run needs a worker next; `null`: not before a message comes. */
  readonly wakeAt: number | null;
  /** The highest inbox id that the worker has been handed; a message past it makes the run due at once. */
  readonly seen: number;
  /** Shown with the run until it is acquired again. */
  readonly problem?: string;
}

export interface DueQuery {
  /** `name@version` of the workflows that the caller can work on. */
  readonly workflows: readonly string[];
  readonly now: number;
  readonly limit: number;
}

export interface ListQuery {
  readonly workflow?: string;
  readonly status?: RunStatus;
  readonly tag?: string;
  /** At least 1. */
  readonly limit: number;
  /** From the page before. */
  readonly cursor?: string;
}

export interface RunPage {
  /** Newest first by `createdAt`, then by id descending. */
  readonly runs: readonly RunSummary[];
  /** Present if there are more. */
  readonly cursor?: string;
}

export interface Store {
  /** `exists` if there is a run with that id; then nothing is written. */
  create(run: NewRun): Promise<'created' | 'exists'>;

  load(runId: string): Promise<StoredRun | undefined>;

  /**
   * Take the run's lease, if it is free, has run out (`until <= now`), is already this token's, or is `evict`'s.
   * Clears `problem`.
   */
  acquire(runId: string, options: AcquireOptions): Promise<AcquiredRun | 'held' | 'missing'>;

  /** Apply one step: state, log, consumed messages and lease together, or nothing. */
  commit(runId: string, commit: Commit): Promise<CommitResult>;

  /** Append to the log and keep journal values without a step. `false`: the lease is another's, nothing was written. */
  record(runId: string, recording: Recording): Promise<boolean>;

  renew(renewal: Renewal): Promise<RenewalResult>;

  /** Give up a lease without a step; no effect if it is not this token's. */
  release(runId: string, release: Release): Promise<void>;

  send(runId: string, message: NewMessage): Promise<SendResult>;

  /** Messages with an id above `after`, oldest first. */
  inbox(runId: string, after: number): Promise<readonly InboxMessage[]>;

  /** Ids of runs that need a worker now, longest due first. */
  due(query: DueQuery): Promise<readonly string[]>;

  /** Every lease there is, those that have run out included. */
  leases(): Promise<readonly HeldLease[]>;

  /** How many runs have not ended, by `name@version`. */
  open(): Promise<ReadonlyMap<string, number>>;

  list(query: ListQuery): Promise<RunPage>;

  /** At most `limit` log entries from index `from` (0 is the first). Empty past the end or for an unknown run. */
  history(runId: string, from: number, limit: number): Promise<readonly string[]>;

  /**
   * Tell `listener` of each run that a message was sent to, by this process or another. Best effort and soon, never
   * the only way: `renew` and `due` tell of what was missed. Returns the way to stop.
   */
  watch(listener: (runId: string) => void): () => void;

  /** What workers share beside the runs, as far as the store reaches. */
  readonly shared: Shared;

  /** Finish what is under way and let go of files and sockets. Calls after this reject with `StoreUnavailable`. */
  close(): Promise<void>;
}
