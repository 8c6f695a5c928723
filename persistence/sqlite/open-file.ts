/**
 * Opens a store's file, or refuses it. Invariants:
 *
 * F1. A file that is not a Signalbox store of this format is not written to, not even opened by SQLite (which might
 *     play back a journal): its header is read first. A file of size 0 is a new store.
 * F2. The tables, the application id and the format version come in one transaction with a rollback journal, before
 *     write-ahead logging is switched on; so the header of the file tells the truth from its first byte on.
 * F3. A file of this format that was made before a table was added to it gets the table, and loses nothing.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { InvalidOption, SignalboxError, StoreForeign, StoreUnavailable } from '../../src/errors.ts';
import { createConnection, isBusy, toStoreError, type Connection } from './connection.ts';
import { openDriver } from './driver.ts';
import { addedTables, additions, applicationId, formatVersion, schema, tables } from './schema.ts';

/** Opening waits for other processes in place: it happens once. */
const openTimeoutMs = 10_000;

/** How long SQLite itself waits for a lock, with the event loop standing still. More patience is the caller's. */
const lockTimeoutMs = 5;

const headerLength = 100;
const magic = 'SQLite format 3\0';

export function openFile(givenPath: string): Connection {
  const path = assertPath(givenPath);
  try {
    assertOwnHeader(path);
    const driver = openDriver(path, openTimeoutMs);
    try {
      const connection = createConnection(driver, path);
      retryWhileBusy(() => setUp(connection));
      return connection;
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

function assertPath(givenPath: string): string {
  if (typeof givenPath !== 'string' || givenPath === '' || givenPath === ':memory:') {
    throw new InvalidOption(
      `Expected the path of a file for \`sqliteStore\`, got \`${givenPath}\`. To keep runs in memory use \`memoryStore()\`.`,
    );
  }
  // An absolute path is never read as a URI.
  const path = resolve(givenPath);
  if (!existsSync(dirname(path))) {
    throw new InvalidOption(
      `The folder \`${dirname(path)}\` of the store file \`${path}\` does not exist. Create it first.`,
    );
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InvalidOption(
      `Expected \`${path}\` to be a store file, but it is a folder. Name a file in it.`,
    );
  }
  return path;
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

function setUp(connection: Connection): void {
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
  if (!addedTables.every((table) => hasTable(connection, table)))
    inTransaction(connection, () => connection.exec(additions));
  for (const table of addedTables) connection.get(`SELECT 1 FROM ${table} LIMIT 1`);
  connection.exec(`PRAGMA busy_timeout = ${lockTimeoutMs}`);
}

function createTables(connection: Connection): void {
  inTransaction(connection, () => {
    // Another process may have been first.
    const isNew =
      readPragma(connection, 'application_id') === 0 && readPragma(connection, 'schema_version') === 0;
    if (!isNew) return;
    connection.exec(schema);
    connection.exec(additions);
    connection.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion}`);
  });
}

function hasTable(connection: Connection, table: string): boolean {
  return connection.get(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`, table) !== undefined;
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
