/**
 * What workers share. Cached answers are in the file, for all its processes. Allowances and slots reach as far as this
 * process: many processes that share a provider's limits want Redis.
 */
import { guardShared } from '../guard-shared.ts';
import { createInProcessShared } from '../in-process-shared.ts';
import type { Shared } from '../shared.ts';
import { readText } from './checksum.ts';
import { toCell, type Connection } from './connection.ts';

export interface SharedPorts {
  write<T>(operation: () => T): Promise<T>;
  read<T>(operation: () => T): Promise<T>;
  assertOpen(): void;
}

/** How many answers whose time is over a new one takes out, at most. */
const maxSwept = 100;

export function createShared(connection: Connection, { write, read, assertOpen }: SharedPorts): Shared {
  return {
    ...guardShared(createInProcessShared(), assertOpen),

    cached: (key) =>
      read(() => {
        const row = connection.get(
          'SELECT text FROM cache WHERE key = ? AND (until IS NULL OR until > ?)',
          toCell(key),
          Date.now(),
        );
        return row && readText(row['text']);
      }),

    cache: (key, text, ttlMs) =>
      write(() => {
        const now = Date.now();
        connection.run(
          'DELETE FROM cache WHERE rowid IN (SELECT rowid FROM cache WHERE until <= ? LIMIT ?)',
          now,
          maxSwept,
        );
        connection.run(
          'INSERT OR REPLACE INTO cache (key, text, until) VALUES (?, ?, ?)',
          toCell(key),
          toCell(text),
          ttlMs === undefined ? null : now + ttlMs,
        );
      }),
  };
}
