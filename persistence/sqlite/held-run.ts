/**
 * What a writing call needs to know of its run, read inside its transaction, and the way to change its lease: the one
 * place that decides what `due_at` is (I7).
 */
import { hasEnded } from '../run-status.ts';
import type { Lease, RunStatus } from '../store.ts';
import { readNumber, readText, toCell, type Connection } from './connection.ts';
import { readLease } from './rows.ts';

export interface RunHead {
  readonly run: number;
  readonly seq: number;
  readonly status: RunStatus;
  /** JSON, as it is stored. */
  readonly tags: string;
  readonly lease: Lease | undefined;
  readonly dueAt: number | null;
  readonly logLength: number;
  /** The id of the last message ever sent; 0 if there was none. */
  readonly lastMessage: number;
}

const headColumns = 'run, seq, status, tags, token, until, due_at, log_length, last_message';

export function findHead(connection: Connection, runId: string): RunHead | undefined {
  const row = connection.get(`SELECT ${headColumns} FROM runs WHERE id = ?`, toCell(runId));
  if (!row) return undefined;
  return {
    run: readNumber(row['run']),
    seq: readNumber(row['seq']),
    status: readText(row['status']) as RunStatus,
    tags: readText(row['tags']),
    lease: readLease(row),
    dueAt: row['due_at'] === null ? null : readNumber(row['due_at']),
    logLength: readNumber(row['log_length']),
    lastMessage: readNumber(row['last_message']),
  };
}

/** Stores the lease, or that there is none, and when the run is due. Writes only what is not so already. */
export function setLease(
  connection: Connection,
  head: RunHead,
  status: RunStatus,
  lease: Lease | undefined,
  wakeAt: number | null,
): void {
  const isQuiet = hasEnded(status) && !hasMail(connection, head);
  const dueAt = isQuiet ? null : lease ? lease.until : wakeAt;
  const isSame =
    lease?.token === head.lease?.token && lease?.until === head.lease?.until && dueAt === head.dueAt;
  if (isSame) return;
  connection.run(
    'UPDATE runs SET token = ?, until = ?, due_at = ? WHERE run = ?',
    lease ? toCell(lease.token) : null,
    lease ? lease.until : null,
    dueAt,
    head.run,
  );
}

function hasMail(connection: Connection, { run, lastMessage }: RunHead): boolean {
  return lastMessage > 0 && connection.get('SELECT 1 FROM inbox WHERE run = ? LIMIT 1', run) !== undefined;
}

/** Appends to the run's log. `from` is its length so far; the caller stores the new one. */
export function appendLog(connection: Connection, run: number, from: number, log: readonly string[]): void {
  for (const [n, entry] of log.entries()) {
    connection.run('INSERT INTO log (run, n, entry) VALUES (?, ?, ?)', run, from + n, toCell(entry));
  }
}
