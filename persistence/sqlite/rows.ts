/** A run's texts: state, input, log, inbox, journal, each checked as it is read. Callers are in a transaction. */
import type { InboxMessage, StoredRun } from '../store.ts';
import { Damage, readNumber, readSummed, readText, sumOf } from './checksum.ts';
import { toCell, type Connection } from './connection.ts';
import { leaseOf, toSummary, type Head } from './head.ts';

export function readStored(connection: Connection, head: Head): StoredRun {
  const { run, id, seq, takeovers } = head;
  const state = connection.get('SELECT state, sum FROM states WHERE run = ?', run);
  const input = connection.get('SELECT input, sum FROM inputs WHERE run = ?', run);
  if (!state || !input) throw new Damage(state ? 'inputs' : 'states', id);
  const lease = leaseOf(head);
  return {
    ...toSummary(head),
    seq,
    takeovers,
    input: readSummed(input, 'inputs', 'input', [run, 0], id),
    state: readSummed(state, 'states', 'state', [run, seq], id),
    ...(lease && { lease }),
  };
}

/** A state belongs to its sequence number: one that a commit should have replaced is damage. */
export function writeState(connection: Connection, { run, seq }: Head, state: string): void {
  connection.run(
    `INSERT INTO states (run, state, sum) VALUES (?, ?, ?)
     ON CONFLICT (run) DO UPDATE SET state = excluded.state, sum = excluded.sum`,
    run,
    toCell(state),
    sumOf(state, [run, seq]),
  );
}

export function writeInput(connection: Connection, { run }: Head, input: string): void {
  connection.run(
    'INSERT INTO inputs (run, input, sum) VALUES (?, ?, ?)',
    run,
    toCell(input),
    sumOf(input, [run, 0]),
  );
}

/** Appends to the run's log, from `logLength` on; the caller stores the new length. */
export function appendLog(connection: Connection, { run, logLength }: Head, log: readonly string[]): void {
  for (const [at, entry] of log.entries()) {
    const n = logLength + at;
    connection.run(
      'INSERT INTO log (run, n, entry, sum) VALUES (?, ?, ?, ?)',
      run,
      n,
      toCell(entry),
      sumOf(entry, [run, n]),
    );
  }
}

export function readLog(connection: Connection, head: Head, from: number, limit: number): readonly string[] {
  const { run, id, logLength } = head;
  const rows = connection.all(
    'SELECT n, entry, sum FROM log WHERE run = ? AND n >= ? ORDER BY n LIMIT ?',
    run,
    from,
    limit,
  );
  const isWhole = rows.length === Math.max(0, Math.min(limit, logLength - from));
  if (!isWhole) throw new Damage('log', id);
  return rows.map((row, at) => readSummed(row, 'log', 'entry', [run, from + at], id));
}

/** The run's inbox past `after`, oldest first. */
export function readInbox(connection: Connection, head: Head, after: number): readonly InboxMessage[] {
  const { run, id: runId, inboxSize, lastMessage } = head;
  if (inboxSize === 0 || lastMessage <= after) return [];
  const rows = connection.all(
    'SELECT id, at, key, body, sum FROM inbox WHERE run = ? AND id > ? ORDER BY id',
    run,
    after,
  );
  if (after === 0 && rows.length !== inboxSize) throw new Damage('inbox', runId);
  return rows.map((row) => {
    const id = readNumber(row['id'], 'inbox.id');
    const at = readNumber(row['at'], 'inbox.at');
    const body = readText(row['body'], 'inbox.body');
    const key = row['key'] === null ? undefined : readText(row['key'], 'inbox.key');
    if (row['sum'] !== sumOfMessage(at, body, key, run, id)) throw new Damage('inbox', runId);
    return { id, at, body, ...(key !== undefined && { key }) };
  });
}

export function sumOfMessage(
  at: number,
  body: string,
  key: string | undefined,
  run: number,
  id: number,
): number {
  return sumOf(`${at} ${key === undefined ? '' : JSON.stringify(key)} ${body}`, [run, id]);
}

export function readJournal(connection: Connection, head: Head): ReadonlyMap<string, string> {
  const { run, id, journalSize } = head;
  if (journalSize === 0) return new Map();
  const rows = connection.all('SELECT name, value, sum FROM journal WHERE run = ?', run);
  if (rows.length !== journalSize) throw new Damage('journal', id);
  return new Map(
    rows.map((row) => {
      const name = readText(row['name'], 'journal.name');
      const value = readText(row['value'], 'journal.value');
      if (row['sum'] !== sumOfValue(name, value, run)) throw new Damage('journal', id);
      return [name, value];
    }),
  );
}

export function sumOfValue(name: string, value: string, run: number): number {
  return sumOf(`${JSON.stringify(name)} ${value}`, [run, 0]);
}
