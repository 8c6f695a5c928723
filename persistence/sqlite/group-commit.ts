/**
 * Runs writes in groups: what was asked for in one turn of the event loop goes into one transaction, because a
 * transaction's cost is its fsync and one fsync serves them all. Owns the connection's transactions; no other file
 * begins one that writes.
 *
 * Invariants:
 * W1. A write's promise resolves only after its transaction was committed, and writes run in the order they were asked.
 * W2. A write that throws leaves nothing behind and takes nobody with it: the transaction is rolled back and the
 *     others are run again without it. So a write must only depend on the database and its own arguments.
 * W3. While another process holds the database, writes wait without stopping the event loop; none is dropped before
 *     `patienceMs`, and then it was not applied.
 * W4. Nothing is acknowledged that went into a file which is no longer where it was (`around.after`).
 */
import { StoreUnavailable } from '../../src/errors.ts';
import { isBusy, toStoreError, type Connection } from './connection.ts';

export interface GroupCommit {
  /** Run `operation` in the next transaction. */
  write<T>(operation: () => T): Promise<T>;
  /** Resolves once everything asked for so far is committed or has failed. */
  idle(): Promise<void>;
}

interface Write {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  /** Set when the first attempt found the database busy. */
  giveUpAt?: number;
}

export interface Around {
  /** Called at the end of each transaction, within it. */
  before(): void;
  /** Called after its commit. If it throws, all writes of the transaction reject with that. */
  after(): void;
}

const maxGroup = 1000;
const maxPauseMs = 10;

export function createGroupCommit(connection: Connection, patienceMs: number, around: Around): GroupCommit {
  let queue: Write[] = [];
  let scheduled = false;
  let idleWaiters: Array<() => void> = [];

  function schedule(pauseMs: number): void {
    scheduled = true;
    if (pauseMs > 0) setTimeout(flush, pauseMs);
    else setImmediate(flush);
  }

  function flush(): void {
    scheduled = false;
    const busy = commitGroup(connection, queue.splice(0, maxGroup), around);
    queue = [...dropExpired(connection, busy, patienceMs), ...queue];
    if (queue.length > 0) schedule(busy.length > 0 ? 1 + Math.random() * maxPauseMs : 0);
    if (scheduled) return;
    for (const wake of idleWaiters) wake();
    idleWaiters = [];
  }

  return {
    write(operation) {
      return new Promise((resolve, reject) => {
        queue.push({ run: operation, resolve: resolve as (value: unknown) => void, reject });
        if (!scheduled) schedule(0);
      });
    },
    async idle() {
      while (scheduled) await new Promise<void>((resolve) => idleWaiters.push(resolve));
    },
  };
}

/** One transaction with all of the group that does not throw (W2). Returns what has to wait for another process (W3). */
function commitGroup(connection: Connection, group: readonly Write[], around: Around): readonly Write[] {
  let rest = group;
  while (rest.length > 0) {
    let current: Write | undefined;
    try {
      connection.run('BEGIN IMMEDIATE');
      const results: unknown[] = [];
      for (current of rest) results.push(current.run());
      current = undefined;
      around.before();
      connection.run('COMMIT');
      around.after();
      for (const [n, write] of rest.entries()) write.resolve(results[n]);
      return [];
    } catch (error) {
      rollBack(connection);
      if (isBusy(error)) return rest;
      const reason = toStoreError(error, connection.path);
      // Without a current write it was the transaction that failed, not one of its writes.
      for (const write of current ? [current] : rest) write.reject(reason);
      rest = current ? rest.filter((write) => write !== current) : [];
    }
  }
  return [];
}

/** SQLite may have rolled back by itself, or not have begun. */
function rollBack(connection: Connection): void {
  try {
    connection.exec('ROLLBACK');
  } catch {
    // There was no transaction.
  }
}

/** The writes that go on waiting. Those that have waited for too long are rejected. */
function dropExpired(connection: Connection, busy: readonly Write[], patienceMs: number): readonly Write[] {
  const now = performance.now();
  return busy.filter((write) => {
    write.giveUpAt ??= now + patienceMs;
    if (now < write.giveUpAt) return true;
    write.reject(
      new StoreUnavailable(
        `The store file \`${connection.path}\` was locked by another process for ${patienceMs} ms; nothing was ` +
          'written. Find the process that holds it, or use a Redis store for this many writers.',
        { details: { path: connection.path } },
      ),
    );
    return false;
  });
}
