/**
 * A store in one SQLite file: for one machine, with one process or a few. This file puts the calls together and owns
 * the store's life; what each call does is beside it.
 */
import { InvalidOption, StoreUnavailable } from '../../src/errors.ts';
import type { Store } from '../store.ts';
import { isBusy, readText, toCell, toStoreError } from './connection.ts';
import { createGroupCommit } from './group-commit.ts';
import { acquireRun, readLeases, releaseRun, renewRuns } from './lease-run.ts';
import { createMailWatch, sendMessage } from './mail.ts';
import { openFile } from './open-file.ts';
import { readDue, readList, readOpen } from './query-runs.ts';
import { findRun, readInbox, readStored, storedColumns } from './rows.ts';
import { createShared } from './shared.ts';
import { commitRun, createRun, recordRun } from './write-run.ts';

export { type Cell, type Database, openDatabase, type Row, type Statement } from './open-database.ts';

export interface SqliteStoreOptions {
  /** How soon messages that other processes sent are noticed, in milliseconds. From 1. Default: 50. */
  readonly pollMs?: number;
  /** How long a call waits for other processes to finish writing, in milliseconds. From 0. Default: 30,000. */
  readonly patienceMs?: number;
}

/**
 * Keep runs in the SQLite file at `path`, which is created if there is none; its folder must exist.
 *
 * What was acknowledged survives the death of the process and a power cut (write-ahead log, one fsync per group of
 * writes). Several processes of one machine may open one file; a fleet of them, or of machines, wants Redis. They
 * share the runs and the cached answers; rate limits and concurrency keys hold within each process.
 *
 * The file has companions, `-wal` and `-shm`: while it is open copy it with `sqlite3 <file> .backup`, not `cp`.
 *
 * @throws InvalidOption `INVALID_OPTION` if the path cannot be a file, or no SQLite is installed.
 * @throws StoreForeign `STORE_FOREIGN` if the file is damaged, another program's, or of another format. It is left as
 *   it was.
 * @throws StoreUnavailable `STORE_UNAVAILABLE` if it cannot be opened.
 *
 * @example
 * const engine = createEngine({ workflows: [supportTicket], store: sqliteStore('signalbox.db') });
 */
export function sqliteStore(
  path: string,
  { pollMs = 50, patienceMs = 30_000 }: SqliteStoreOptions = {},
): Store {
  assertMilliseconds('pollMs', pollMs, 1);
  assertMilliseconds('patienceMs', patienceMs, 0);
  const connection = openFile(path);
  const group = createGroupCommit(connection, patienceMs);
  const mailWatch = createMailWatch(connection, pollMs);
  let closing: Promise<void> | undefined;

  function assertOpen(): void {
    if (closing) {
      throw new StoreUnavailable(`The store of \`${connection.path}\` is closed; open another one to go on.`);
    }
  }

  async function write<T>(operation: () => T): Promise<T> {
    assertOpen();
    return group.write(operation);
  }

  /** Reads see all that was acknowledged, and never run inside a group's transaction, which ends in the same turn. */
  async function read<T>(operation: () => T): Promise<T> {
    const giveUpAt = performance.now() + patienceMs;
    for (;;) {
      assertOpen();
      try {
        return operation();
      } catch (error) {
        if (!isBusy(error) || performance.now() > giveUpAt) throw toStoreError(error, connection.path);
      }
      await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 10));
    }
  }

  /** Several reads of one moment. */
  function readSnapshot<T>(operation: () => T): Promise<T> {
    return read(() => {
      connection.exec('BEGIN');
      try {
        return operation();
      } finally {
        connection.exec('COMMIT');
      }
    });
  }

  return {
    create: (run) => write(() => createRun(connection, run)),
    acquire: (runId, options) => write(() => acquireRun(connection, runId, options)),
    commit: (runId, commit) => write(() => commitRun(connection, runId, commit)),
    record: (runId, recording) => write(() => recordRun(connection, runId, recording)),
    renew: (renewal) => write(() => renewRuns(connection, renewal)),
    release: (runId, release) => write(() => releaseRun(connection, runId, release)),

    async send(runId, message) {
      const result = await write(() => sendMessage(connection, runId, message));
      if (result.status === 'stored') mailWatch.tell(runId);
      return result;
    },

    load: (runId) =>
      read(() => {
        const row = connection.get(`SELECT ${storedColumns} FROM runs WHERE id = ?`, toCell(runId));
        return row && readStored(row);
      }),

    inbox: (runId, after) =>
      readSnapshot(() => {
        const run = findRun(connection, runId);
        return run === undefined ? [] : readInbox(connection, run, after);
      }),

    history: (runId, from, limit) =>
      read(() =>
        connection
          .all(
            'SELECT entry FROM log JOIN runs USING (run) WHERE runs.id = ? AND n >= ? ORDER BY n LIMIT ?',
            toCell(runId),
            from,
            limit,
          )
          .map(({ entry }) => readText(entry)),
      ),

    due: (query) => readSnapshot(() => readDue(connection, query)),
    leases: () => read(() => readLeases(connection)),
    open: () => read(() => readOpen(connection)),
    list: (query) => readSnapshot(() => readList(connection, query)),

    shared: createShared(connection, { write, read, assertOpen }),

    watch(listener) {
      assertOpen();
      return mailWatch.add(listener);
    },

    close() {
      mailWatch.stop();
      closing ??= group.idle().then(() => connection.close());
      return closing;
    },
  };
}

function assertMilliseconds(name: string, value: number, least: number): void {
  if (Number.isFinite(value) && value >= least) return;
  throw new InvalidOption(
    `Expected \`${name}\` to be a number of milliseconds from ${least}, got \`${value}\`.`,
  );
}
