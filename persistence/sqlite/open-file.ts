/**
 * Opens a store's file, or refuses it. Invariants:
 *
 * F1. A file that is not a Signalbox store of this format is not written to, not even opened by SQLite (which might
 *     play back a journal): its header is read first. A file of size 0 is a new store.
 * F2. The tables, the application id and the format version come in one transaction with a rollback journal, before
 *     write-ahead logging is switched on; so the header of the file tells the truth from its first byte on.
 * F3. A file that this process has open already is not opened past SQLite: closing it would end SQLite's locks on it
 *     (POSIX), and another process would delete the write-ahead log under us.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { InvalidOption, SignalboxError, StoreForeign, StoreUnavailable } from '../../src/errors.ts';
import { createConnection, isBusy, toStoreError, type Connection } from './connection.ts';
import { openDriver } from './driver.ts';
import { anchorClock, isAnchored, type MachineClock } from './clock.ts';
import { applicationId, formatVersion, schema, tables } from './schema.ts';

/** Opening waits for other processes in place: it happens once. */
const openTimeoutMs = 10_000;

/** How long SQLite itself waits for a lock, with the event loop standing still. More patience is the caller's. */
const lockTimeoutMs = 5;

const headerLength = 100;
const magic = 'SQLite format 3\0';

/** How many connections this process has to each file (F3). */
const openFiles = new Map<string, number>();

export function openFile(givenPath: string, machine: MachineClock): Connection {
  const path = resolvePath(givenPath);
  try {
    assertPath(path);
    if (!openFiles.has(identify(path))) assertOwnHeader(path);
    const driver = openDriver(path, openTimeoutMs);
    try {
      const connection = createConnection(driver, path);
      retryWhileBusy(() => setUp(connection, machine));
      return countOpen(connection);
    } catch (error) {
      driver.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof SignalboxError) throw error;
    if (isSystemError(error)) {
      throw new StoreUnavailable(`The store file \`${path}\` cannot be opened: ${error.message}.`, {
        cause: error,
      });
    }
    throw toStoreError(error, path);
  }
}

function countOpen(connection: Connection): Connection {
  const file = identify(connection.path);
  openFiles.set(file, (openFiles.get(file) ?? 0) + 1);
  return {
    ...connection,
    close() {
      const left = (openFiles.get(file) ?? 1) - 1;
      if (left > 0) openFiles.set(file, left);
      else openFiles.delete(file);
      connection.close();
    },
  };
}

function identify(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats ? `${stats.dev}:${stats.ino}` : '';
}

function resolvePath(givenPath: string): string {
  if (typeof givenPath !== 'string' || givenPath === '' || givenPath === ':memory:') {
    throw new InvalidOption(
      `Expected the path of a file for \`sqliteStore\`, got \`${givenPath}\`. To keep runs in memory use \`memoryStore()\`.`,
    );
  }
  // An absolute path is never read as a URI.
  return resolve(givenPath);
}

function assertPath(path: string): void {
  const folder = dirname(path);
  if (!existsSync(folder)) {
    throw new InvalidOption(
      `The folder \`${folder}\` of the store file \`${path}\` does not exist. Create it first.`,
    );
  }
  if (!statSync(folder).isDirectory()) {
    throw new InvalidOption(`Expected \`${folder}\` to be the folder of a store file, but it is none.`);
  }
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats || stats.isFile()) return;
  // Reading from some of them would never end.
  const what = stats.isDirectory() ? 'a folder. Name a file in it' : 'a device, socket or pipe';
  throw new InvalidOption(`Expected \`${path}\` to be a store file, but it is ${what}.`);
}

function assertOwnHeader(path: string): void {
  if (!existsSync(path)) return;
  const header = Buffer.alloc(headerLength);
  const file = openSync(path, 'r');
  let length: number;
  try {
    length = readSync(file, header, 0, headerLength, 0);
  } finally {
    closeSync(file);
  }
  if (length === 0) return;
  if (length < headerLength || header.toString('latin1', 0, magic.length) !== magic) {
    throw refuse(path, 'it is not an SQLite database');
  }
  const owner = header.readUInt32BE(68);
  if (owner !== applicationId) throw refuse(path, 'it is an SQLite database of another program');
  assertFormat(path, header.readUInt32BE(60));
}

function assertFormat(path: string, version: number): void {
  if (version === formatVersion) return;
  throw refuse(
    path,
    `it has format ${version} and this version of Signalbox reads format ${formatVersion}` +
      (version > formatVersion ? '. Update Signalbox to open it' : ''),
  );
}

function refuse(path: string, reason: string): StoreForeign {
  return new StoreForeign(
    `\`${path}\` is not a store that can be opened: ${reason}. Nothing was written; use another path.`,
    { details: { path } },
  );
}

function setUp(connection: Connection, machine: MachineClock): void {
  connection.exec('PRAGMA synchronous = FULL');
  if (readPragma(connection, 'application_id') === 0) createTables(connection);
  if (readPragma(connection, 'application_id') !== applicationId) {
    throw refuse(connection.path, 'it is an SQLite database of another program');
  }
  assertFormat(connection.path, readPragma(connection, 'user_version'));
  const mode = connection.get('PRAGMA journal_mode')?.['journal_mode'];
  if (mode !== 'wal' && connection.get('PRAGMA journal_mode = WAL')?.['journal_mode'] !== 'wal') {
    throw new StoreUnavailable(
      `The store file \`${connection.path}\` is where SQLite cannot share memory between processes, such as a ` +
        'network drive. Put it on a local disk.',
    );
  }
  // Reads the root page of each table, so that a file that was cut off is refused now.
  for (const table of tables) connection.get(`SELECT 1 FROM ${table} LIMIT 1`);
  if (!isAnchored(connection, machine)) inTransaction(connection, () => anchorClock(connection, machine));
  connection.exec(`PRAGMA busy_timeout = ${lockTimeoutMs}`);
}

function createTables(connection: Connection): void {
  inTransaction(connection, () => {
    // Another process may have been first.
    const isNew =
      readPragma(connection, 'application_id') === 0 && readPragma(connection, 'schema_version') === 0;
    if (!isNew) return;
    connection.exec(schema);
    connection.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion}`);
  });
}

function inTransaction(connection: Connection, change: () => void): void {
  connection.exec('BEGIN IMMEDIATE');
  try {
    change();
    connection.exec('COMMIT');
  } catch (error) {
    connection.exec('ROLLBACK');
    throw error;
  }
}

function readPragma(connection: Connection, name: string): number {
  return Number(connection.get(`PRAGMA ${name}`)?.[name]);
}

/** SQLite does not wait for every lock that switching to write-ahead logging needs. */
function retryWhileBusy(attempt: () => void): void {
  const deadline = Date.now() + openTimeoutMs;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1 + Math.random() * 10);
    }
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
