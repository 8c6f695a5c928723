/**
 * One open database: prepared statements by their text, SQLite's errors as ours, and text that SQLite's own strings
 * cannot carry.
 *
 * Both drivers cut text off at a NUL character, so text that has one is stored as a blob of its UTF-8 bytes. The same
 * text always gives the same cell: equality holds, in keys too.
 */
import { StoreForeign, StoreUnavailable, type SignalboxError } from '../../src/errors.ts';
import { Damage, toForeign } from './checksum.ts';
import { isSqliteError, type Cell, type Driver, type Row, type Statement } from './driver.ts';

export interface Connection {
  readonly path: string;
  exec(sql: string): void;
  /** Returns how many rows changed. */
  run(sql: string, ...parameters: readonly Cell[]): number;
  get(sql: string, ...parameters: readonly Cell[]): Row | undefined;
  all(sql: string, ...parameters: readonly Cell[]): readonly Row[];
  close(): void;
}

export function createConnection(driver: Driver, path: string): Connection {
  const statements = new Map<string, Statement>();

  function prepare(sql: string): Statement {
    let statement = statements.get(sql);
    if (!statement) statements.set(sql, (statement = driver.prepare(sql)));
    return statement;
  }

  return {
    path,
    exec: (sql) => driver.exec(sql),
    run: (sql, ...parameters) => Number(prepare(sql).run(...parameters).changes),
    get: (sql, ...parameters) => prepare(sql).get(...parameters) as Row | undefined,
    all: (sql, ...parameters) => prepare(sql).all(...parameters) as Row[],
    close() {
      moveLogIntoFile(driver);
      statements.clear();
      driver.close();
    },
  };
}

/**
 * Puts all that was written into the one file. SQLite does so by itself when the last connection closes, but with
 * `@photostructure/sqlite` that is not before the garbage collector has found the statements.
 */
function moveLogIntoFile(driver: Driver): void {
  try {
    driver.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // Others are at work, or the disk is full, or the file is damaged: the log stays beside it, as after a crash.
  }
}

/** What a column of text takes. */
export function toCell(text: string): Cell {
  return text.includes('\0') ? Buffer.from(text) : text;
}

const busyCode = 5;
const fullCode = 13;
const damageCodes: ReadonlySet<number> = new Set([11, 26]);

/** Another connection is writing, or a lock of another kind is in the way: the same again may work. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && (error.errcode & 0xff) === busyCode;
}

/** An error of SQLite, or damage that was found, as one of ours; anything else, such as a defect of this folder, as it is. */
export function toStoreError(error: unknown, path: string): unknown {
  if (error instanceof Damage) return toForeign(error, path);
  return isSqliteError(error) ? describeFailure(error, error.errcode & 0xff, path) : error;
}

function describeFailure(cause: Error, code: number, path: string): SignalboxError {
  const details = { cause, details: { path, sqliteCode: code } };
  if (damageCodes.has(code)) {
    return new StoreForeign(
      `The store file \`${path}\` is damaged (${cause.message}). Nothing was written; restore it from a backup, ` +
        'or take what can be read out of it with `sqlite3 <file> .recover`.',
      details,
    );
  }
  const wayOut = code === fullCode ? ' Free some disk space; the store then resumes without a restart.' : '';
  return new StoreUnavailable(
    `The store file \`${path}\` cannot be read or written: ${cause.message}.${wayOut}`,
    details,
  );
}
