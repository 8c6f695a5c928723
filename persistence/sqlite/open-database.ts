/**
 * An SQLite database for a user's own tools and services, by the same library that the store uses; so a workflow's
 * ledger needs no second one.
 */
import { type Driver, openDriver } from './driver.ts';

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
  return openDriver(path, timeoutMs);
}
