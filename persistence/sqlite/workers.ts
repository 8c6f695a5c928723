/** Processes that execute runs, as they announce themselves. */
import type { Worker } from '../store.ts';
import { readNumber, readText } from './checksum.ts';
import { toCell, type Connection } from './connection.ts';

/** Runs in a transaction. */
export function announceWorker(
  connection: Connection,
  token: string,
  worker: Omit<Worker, 'token'> | null,
): void {
  if (!worker) {
    connection.run('DELETE FROM workers WHERE token = ?', toCell(token));
    return;
  }
  connection.run(
    'INSERT OR REPLACE INTO workers (token, workflows, until) VALUES (?, ?, ?)',
    toCell(token),
    JSON.stringify(worker.workflows),
    worker.until,
  );
}

/** All that there are, also those whose time is over. */
export function readWorkers(connection: Connection): readonly Worker[] {
  return connection.all('SELECT token, workflows, until FROM workers ORDER BY token').map((row) => ({
    token: readText(row['token']),
    workflows: JSON.parse(readText(row['workflows'])) as string[],
    until: readNumber(row['until']),
  }));
}

/** Runs in a transaction. */
export function removeGoneWorkers(connection: Connection, now: number): void {
  connection.run('DELETE FROM workers WHERE until <= ?', now);
}
