/**
 * A store in one SQLite file: for one machine, with one process or a few. This file puts the calls together and owns
 * the store's life; what each call does is beside it.
 */
import { randomUUID } from 'node:crypto';

import { InvalidOption, StoreForeign, StoreUnavailable } from '../../src/errors.ts';
import { guardNames } from '../names.ts';
import type { Store } from '../store.ts';
import { Damage } from './checksum.ts';
import { createFileClock, thisMachine } from './clock.ts';
import { isBusy, toStoreError } from './connection.ts';
import { createFileIdentity } from './file-identity.ts';
import { createGroupCommit } from './group-commit.ts';
import { findHead } from './head.ts';
import { acquireRun, readLeases, releaseRun, renewRuns } from './lease-run.ts';
import { createListeners } from './listeners.ts';
import { createNews } from './news.ts';
import { openFile } from './open-file.ts';
import { createPublisher } from './published.ts';
import { readDue, readEnded, readList, readOpen } from './query-runs.ts';
import { readInbox, readLog, readStored } from './rows.ts';
import { sendMessage } from './send-message.ts';
import { createShared } from './shared.ts';
import { announceWorker, readWorkers, removeGoneWorkers } from './workers.ts';
import { commitRun, createRun, deleteRun, recordRun } from './write-run.ts';

export { type Cell, type Database, openDatabase, type Row, type Statement } from './open-database.ts';

export interface SqliteStoreOptions {
  /** How soon messages and text that other processes sent are noticed, in milliseconds. From 1. Default: 50. */
  readonly pollMs?: number;
  /** How long a call waits for other processes to finish writing, in milliseconds. From 0. Default: 30,000. */
  readonly patienceMs?: number;
}

/**
 * Keep runs in the SQLite file at `path`, which is created if there is none; its folder must exist.
 *
 * What was acknowledged survives the death of the process and a power cut (write-ahead log, one fsync per group of
 * writes). A full disk, a file that was deleted or replaced while open: calls reject with `StoreUnavailable`, nothing
 * is half done, and calls succeed again once the cause is removed. Every text of a run carries a checksum: damage
 * is `StoreForeign` with `details.run` and `details.column`, never another text.
 *
 * Its clock (`time`) is shared by all processes of the file, and no jump of the wall clock moves it while the machine is
 * up; a wall clock that is set counts from the machine's next start on.
 *
 * Several processes of one machine may open one file; a fleet of them, or of machines, wants Redis. They share the runs
 * and the cached answers; rate limits and concurrency keys hold within each process.
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
  const connection = openFile(path, thisMachine);
  const identity = createFileIdentity(connection.path);
  const clock = createFileClock(
    connection,
    thisMachine,
    (operation) => void group.write(operation).catch(tell),
  );
  const group = createGroupCommit(connection, patienceMs, { before: clock.note, after: checkFile });
  const sender = randomUUID();
  const news = createNews(connection, { pollMs, sender, check: checkNowAndThen, onFailure: tell });
  const publisher = createPublisher(connection, {
    sender,
    pauseMs: pollMs / 2,
    now: clock.now,
    write: group.write,
  });
  const problems = createListeners<Error>();
  let told: string | undefined;
  let isDueMade = false;
  let checkedAt = performance.now();
  let isElsewhere = false;
  let closing: Promise<void> | undefined;

  /** Each problem once, until another comes or all is well. */
  function tell(problem: unknown): void {
    const error = toStoreError(problem, connection.path);
    if (!(error instanceof Error) || error.message === told) return;
    told = error.message;
    problems.tell(error);
  }

  function checkFile(): void {
    checkedAt = performance.now();
    try {
      identity.assertSame();
      isElsewhere = false;
      told = undefined;
    } catch (error) {
      isElsewhere = true;
      tell(error);
      throw error;
    }
  }

  function checkNowAndThen(): void {
    if (performance.now() - checkedAt < checkEveryMs) return;
    try {
      checkFile();
    } catch {
      // Told. The calls that come upon it reject.
    }
  }

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
      if (isElsewhere || performance.now() - checkedAt >= checkEveryMs) checkFile();
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
      connection.run('BEGIN');
      try {
        return operation();
      } finally {
        connection.run('COMMIT');
      }
    });
  }

  return guardNames({
    create: (run) => write(() => createRun(connection, run)),
    commit: (runId, commit) => write(() => commitRun(connection, runId, commit)),
    record: (runId, recording) => write(() => recordRun(connection, runId, recording)),
    renew: (renewal) => write(() => renewRuns(connection, renewal)),
    release: (runId, release) => write(() => releaseRun(connection, runId, release)),
    delete: (runId, deletion) => write(() => deleteRun(connection, runId, deletion)),

    async acquire(runId, options) {
      const result = await write(() => acquireRun(connection, runId, options));
      if (result instanceof Damage) throw toStoreError(result, connection.path);
      return result;
    },

    async send(runId, message) {
      const result = await write(() => sendMessage(connection, runId, message));
      if (result.status === 'stored') news.tellSent(runId);
      return result;
    },

    load: (runId) =>
      readSnapshot(() => {
        const head = findHead(connection, runId);
        return head && readStored(connection, head);
      }),

    inbox: (runId, after) =>
      readSnapshot(() => {
        const head = findHead(connection, runId);
        return head ? readInbox(connection, head, after) : [];
      }),

    history: (runId, from, limit) =>
      readSnapshot(() => {
        const head = findHead(connection, runId);
        return head ? readLog(connection, head, from, limit) : [];
      }),

    async due(query) {
      try {
        return await readSnapshot(() => readDue(connection, query));
      } catch (error) {
        // An index is made from the runs: a damaged one is made again, once.
        if (!(error instanceof StoreForeign) || isDueMade) throw error;
        isDueMade = true;
        await write(() => connection.exec('REINDEX runs_due'));
        tell(error);
        return readSnapshot(() => readDue(connection, query));
      }
    },
    leases: () => readSnapshot(() => readLeases(connection)),
    open: () => read(() => readOpen(connection)),
    ended: (query) => read(() => readEnded(connection, query)),
    list: (query) => readSnapshot(() => readList(connection, query)),

    shared: createShared(connection, { write, read, assertOpen }),

    watch(listener) {
      assertOpen();
      return news.watch(listener);
    },

    publish(runId, text) {
      assertOpen();
      queueMicrotask(() => news.tellPublished(runId, text));
      publisher.publish(runId, text);
    },

    subscribe(runId, listener) {
      assertOpen();
      return news.subscribe(runId, listener);
    },

    announce: (token, worker) => write(() => announceWorker(connection, token, worker)),

    async workers(now) {
      const all = await read(() => readWorkers(connection));
      const here = all.filter(({ until }) => until > now);
      if (here.length < all.length) await write(() => removeGoneWorkers(connection, now));
      return here;
    },

    time: () => read(() => clock.now()),

    onProblem(listener) {
      assertOpen();
      const unlisten = problems.add(listener);
      const stopLooking = news.keepLooking();
      return () => {
        unlisten();
        stopLooking();
      };
    },

    close() {
      closing ??= close();
      return closing;
    },
  });

  async function close(): Promise<void> {
    news.stop();
    problems.clear();
    await publisher.close();
    await group.idle();
    connection.close();
  }
}

/** How long a file may be gone before a read, or a watcher, notices. */
const checkEveryMs = 1000;

function assertMilliseconds(name: string, value: number, least: number): void {
  if (Number.isFinite(value) && value >= least) return;
  throw new InvalidOption(
    `Expected \`${name}\` to be a number of milliseconds from ${least}, got \`${value}\`.`,
  );
}
