/**
 * The store port: what the engine asks of a place that keeps runs. Adapters stand beside this file; each passes
 * `conformance.ts`.
 *
 * A store knows nothing of machines. States, log entries, inbox bodies and journal values are opaque strings.
 * Times are milliseconds since the epoch and always the caller's, so that a virtual clock governs leases as well. A
 * caller that has no clock of its own goes by the store's, which all its processes share (`time`).
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
 *     a message sent to a run without a lease makes it due at once; an ended run is never due unless its inbox has
 *     messages. An entry of the index whose run is missing or unreadable leaves the index when `acquire` meets it.
 * I8. A call that rejects with `StoreUnavailable` may have been applied or not; any other rejection was not applied.
 *     If a store retries a call internally, the call is still applied at most once, at any number of calls in flight.
 * I9. A run that was deleted leaves nothing behind: its id is free, and no index, count or listing names it.
 */

import type { Shared } from './shared.ts';

/** `running`: a worker is needed or at work. `waiting`: for an event, a timer or a person. The others are ends. */
export type RunStatus = 'running' | 'waiting' | 'done' | 'failed' | 'cancelled';

/** Why no worker executes a run. */
export interface RunProblem {
  /** The code of the error: `SNAPSHOT_NOT_RESTORABLE`. */
  readonly code: string;
  readonly message: string;
}

/** Names and values to find runs by, given at the start: `{ tenant: 'acme' }`. */
export type Labels = Readonly<Record<string, string>>;

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
  readonly labels: Labels;
  /** The id of the run that started this one; absent if it was started from outside. */
  readonly parent?: string;
  /** Present while no worker executes the run (its state cannot be restored, say); gone with the next commit. */
  readonly problem?: RunProblem;
}

export interface StoredRun extends RunSummary {
  /** How many commits made this state; 1 after `create`. */
  readonly seq: number;
  /** The encoded input that the run was started with. */
  readonly input: string;
  /** The encoded run state. */
  readonly state: string;
  /** How often the run was taken over from a worker that held it, since its last commit. */
  readonly takeovers: number;
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
  readonly labels: Labels;
  readonly parent?: string;
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
  /** The key it was sent with. */
  readonly key?: string;
}

export interface NewMessage {
  readonly at: number;
  readonly body: string;
  /** A second message of the run with the same key is not stored. Remembered as long as the run, or until a commit frees it. */
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
  /** Forget how often the run was taken over: a person wants it tried again. Default: false. */
  readonly forgive?: boolean;
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
  /** Keys of messages that count as never sent: a consumed message was refused, and its key may be used again. */
  readonly freeKeys: readonly string[];
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
  /** Nothing was written: another token holds the run, or there is no such run. */
  | { readonly status: 'lease-lost' | 'missing' }
  /** Nothing was written: `seq` is the stored sequence number. If it is below the caller's, the store has lost commits. */
  | { readonly status: 'sequence'; readonly seq: number };

export interface Recording {
  readonly token: string;
  /** Unique to this recording: made again after a rejection with the same id, it is applied once. */
  readonly id: string;
  /** Resolve only once it is as safe as the store can make it (on its replicas, say). Default: false. */
  readonly durable?: boolean;
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
  /** Shown with the run until its next commit, or a release without one. */
  readonly problem?: RunProblem;
}

/** What a deletion depends on, so that nothing is deleted that its caller did not see. */
export interface Deletion {
  readonly seq: number;
  /** The caller's, if it holds the run. */
  readonly token?: string;
}

/** A process that executes runs, as it announces itself. */
export interface Worker {
  readonly token: string;
  /** `name@version` of the workflows that it executes. */
  readonly workflows: readonly string[];
  /** It counts as gone from then on, unless it has announced itself again. */
  readonly until: number;
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
  /** Runs that have all of these. */
  readonly labels?: Labels;
  /** Runs that this run started; `null`: only those that were started from outside. */
  readonly parent?: string | null;
  /** Only runs with a `problem`. */
  readonly stuck?: true;
  /** At least 1. */
  readonly limit: number;
  /** From the page before. */
  readonly cursor?: string;
}

export interface EndedQuery {
  readonly status: 'done' | 'failed' | 'cancelled';
  /** Runs whose last commit was before this time. */
  readonly before: number;
  readonly limit: number;
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
   * Take the run's lease, if it is free, has run out (`until <= now`), is already this token's, or is `evict`'s. Taking it
   * from another token counts as a takeover. Rejects with `StoreForeign` if what is stored of the run cannot be read;
   * such a run, and one that is `missing`, is due no more (I7).
   */
  acquire(runId: string, options: AcquireOptions): Promise<AcquiredRun | 'held' | 'missing'>;

  /**
   * Apply one step: state, log, consumed messages and lease together, or nothing. It may bring a run back that has ended.
   * Ends `problem` and the count of takeovers.
   */
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

  /** Ids of ended runs, longest unchanged first. */
  ended(query: EndedQuery): Promise<readonly string[]>;

  /**
   * Remove the run with its history, journal, inbox and keys. `held`: it has a lease that is not `token`'s, run out or
   * not. `sequence`: it has changed since. Then nothing was removed.
   */
  delete(runId: string, deletion: Deletion): Promise<'deleted' | 'held' | 'sequence' | 'missing'>;

  /** At most `limit` log entries from index `from` (0 is the first). Empty past the end or for an unknown run. */
  history(runId: string, from: number, limit: number): Promise<readonly string[]>;

  /**
   * Tell `listener` of each run that a message was sent to, by this process or another. Best effort and soon, never
   * the only way: `renew` and `due` tell of what was missed. Returns the way to stop.
   */
  watch(listener: (runId: string) => void): () => void;

  /** Send text to the run's current subscribers, in this process and others. Best effort: it is not stored. */
  publish(runId: string, text: string): void;

  /** Be told of the texts that are published for the run from now on, in order. Returns the way to stop. */
  subscribe(runId: string, listener: (text: string) => void): () => void;

  /** Make it known that this process executes runs, and until when that holds. `null`: no longer. */
  announce(token: string, worker: Omit<Worker, 'token'> | null): Promise<void>;

  /** Those that have announced themselves and whose time is not over at `now`. */
  workers(now: number): Promise<readonly Worker[]>;

  /**
   * The time by a clock that all processes of the store share, in milliseconds since the epoch; it never goes back. Absent
   * where the store has none.
   */
  time?(): Promise<number>;

  /**
   * Call `listener` with problems that no call reports: index entries set aside, a server that may evict runs, a replaced
   * file. Returns the function that removes the listener.
   */
  onProblem(listener: (error: Error) => void): () => void;

  /** What workers share beside the runs, as far as the store reaches. */
  readonly shared: Shared;

  /** Finish what is under way and let go of files and sockets. Calls after this reject with `StoreUnavailable`. */
  close(): Promise<void>;
}
