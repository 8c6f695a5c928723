/** Reading runs from their rows. */
import type { InboxMessage, Lease, RunStatus, RunSummary, StoredRun } from '../store.ts';
import { readNumber, readText, toCell, type Connection } from './connection.ts';
import type { Row } from './driver.ts';

export const summaryColumns = 'id, workflow, version, status, value, tags, created_at, updated_at, problem';

export const storedColumns = `${summaryColumns}, seq, input, state, token, until`;

export function readSummary(row: Row): RunSummary {
  return {
    id: readText(row['id']),
    workflow: readText(row['workflow']),
    version: readText(row['version']),
    status: readText(row['status']) as RunStatus,
    value: readText(row['value']),
    tags: JSON.parse(readText(row['tags'])) as string[],
    createdAt: readNumber(row['created_at']),
    updatedAt: readNumber(row['updated_at']),
    ...(row['problem'] !== null && { problem: readText(row['problem']) }),
  };
}

export function readStored(row: Row): StoredRun {
  const lease = readLease(row);
  return {
    ...readSummary(row),
    seq: readNumber(row['seq']),
    input: readText(row['input']),
    state: readText(row['state']),
    ...(lease && { lease }),
  };
}

export function readLease(row: Row): Lease | undefined {
  if (row['token'] === null) return undefined;
  return { token: readText(row['token']), until: readNumber(row['until']) };
}

/** A run's inbox past `after`, oldest first. */
export function readInbox(connection: Connection, run: number, after: number): readonly InboxMessage[] {
  return connection
    .all('SELECT id, at, body FROM inbox WHERE run = ? AND id > ? ORDER BY id', run, after)
    .map((row) => ({ id: readNumber(row['id']), at: readNumber(row['at']), body: readText(row['body']) }));
}

/** The number that the run's other rows know it by. */
export function findRun(connection: Connection, runId: string): number | undefined {
  const row = connection.get('SELECT run FROM runs WHERE id = ?', toCell(runId));
  return row && readNumber(row['run']);
}
