/** `acquire`, `renew` and `release`. Each runs in a transaction. */
import type { AcquiredRun, AcquireOptions, Release, Renewal, RenewalResult } from '../store.ts';
import { readNumber, readText, toCell, type Connection } from './connection.ts';
import { findHead, setLease } from './held-run.ts';
import { readInbox, readStored, storedColumns } from './rows.ts';

export function acquireRun(
  connection: Connection,
  runId: string,
  { token, until, now, evict }: AcquireOptions,
): AcquiredRun | 'held' | 'missing' {
  const head = findHead(connection, runId);
  if (!head) return 'missing';
  const holder = head.lease;
  if (holder && holder.until > now && holder.token !== token && holder.token !== evict) return 'held';
  setLease(connection, head, head.status, { token, until }, null);
  connection.run('UPDATE runs SET problem = NULL WHERE run = ? AND problem IS NOT NULL', head.run);
  const row = connection.get(`SELECT ${storedColumns} FROM runs WHERE run = ?`, head.run);
  if (!row) return 'missing';
  const journal = connection.all('SELECT name, value FROM journal WHERE run = ?', head.run);
  return {
    run: readStored(row),
    inbox: head.lastMessage > 0 ? readInbox(connection, head.run, 0) : [],
    journal: new Map(journal.map(({ name, value }) => [readText(name), readText(value)])),
  };
}

export function renewRuns(connection: Connection, { token, until, runs }: Renewal): RenewalResult {
  const lost: string[] = [];
  const mail: string[] = [];
  for (const { id, seen } of runs) {
    const head = findHead(connection, id);
    if (!head || head.lease?.token !== token) {
      lost.push(id);
      continue;
    }
    setLease(connection, head, head.status, { token, until }, null);
    if (head.lastMessage > seen && readInbox(connection, head.run, seen).length > 0) mail.push(id);
  }
  return { lost, mail };
}

export function releaseRun(
  connection: Connection,
  runId: string,
  { token, wakeAt, seen, problem }: Release,
): void {
  const head = findHead(connection, runId);
  if (!head || head.lease?.token !== token) return;
  const unseen = 'SELECT min(at) AS at FROM inbox WHERE run = ? AND id > ?';
  const mail = head.lastMessage > seen ? connection.get(unseen, head.run, seen)?.['at'] : null;
  const mailAt = typeof mail === 'number' ? mail : Infinity;
  const earliest = Math.min(wakeAt ?? Infinity, mailAt);
  setLease(connection, head, head.status, undefined, earliest === Infinity ? null : earliest);
  if (problem !== undefined) {
    connection.run('UPDATE runs SET problem = ? WHERE run = ?', toCell(problem), head.run);
  }
}

/** The leases there are. Outside of a transaction. */
export function readLeases(connection: Connection): Array<{
  runId: string;
  workflow: string;
  version: string;
  token: string;
  until: number;
}> {
  return connection
    .all('SELECT id, workflow, version, token, until FROM runs WHERE token IS NOT NULL ORDER BY run')
    .map((row) => ({
      runId: readText(row['id']),
      workflow: readText(row['workflow']),
      version: readText(row['version']),
      token: readText(row['token']),
      until: readNumber(row['until']),
    }));
}
