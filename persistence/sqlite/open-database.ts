/**
 * An SQLite database for a user's own tools and services, by the same library that the store uses; so a workflow's
 * ledger needs no second one.
 */
import { type Driver, openDriver, type Statement } from './driver.ts';

export type { Cell, Driver as Database, Row, Statement } from './driver.ts';

/**
 * Open or create the SQLite file at `path` (`:memory:` for none). The interface is `node:sqlite`'s `DatabaseSync`, of which
 * `prepare`, `exec` and `close` are described here.
 *
 * @param timeoutMs how long a statement waits for another process's lock, in milliseconds. Default: 5,000.
 * @throws InvalidOption `INVALID_OPTION` if this Node has no SQLite and `@photostructure/sqlite` is not installed.
 */
export function openDatabase(
  path: string,
  { timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {},
): Driver {
  const driver = openDriver(path, timeoutMs);
  return {
    prepare(sql) {
      const statement = driver.prepare(sql);
      owners.set(statement, driver);
      return statement;
    },
    exec: (sql) => driver.exec(sql),
    close: () => driver.close(),
  };
}

/** A statement of `@photostructure/sqlite` does not keep its database alive, which would be closed under it. */
const owners = new WeakMap<Statement, Driver>();
