/** `acquire`, `renew`, `release` and `leases`. All but the last run in a transaction that writes. */
import type { AcquiredRun, AcquireOptions, HeldLease, Release, Renewal, RenewalResult } from '../store.ts';
import { Damage, readNumber } from './checksum.ts';
import { toCell, type Connection } from './connection.ts';
import { findHead, getHead, leaseOf, updateHead, withLease, type Head } from './head.ts';
import { readInbox, readJournal, readStored } from './rows.ts';
import { forgetRecordings } from './write-run.ts';

/**
 * A run that cannot be read is returned as the damage that it has, not thrown: that it is due no more must be committed
 * (I7).
 */
export function acquireRun(
  connection: Connection,
  runId: string,
  options: AcquireOptions,
): AcquiredRun | 'held' | 'missing' | Damage {
  try {
    return takeRun(connection, runId, options);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    // The checksum is left as it is: the run stays unreadable.
    connection.run('UPDATE runs SET due_at = NULL WHERE id = ?', toCell(runId));
    return error;
  }
}

function takeRun(
  connection: Connection,
  runId: string,
  { token, until, now, evict, forgive = false }: AcquireOptions,
): AcquiredRun | 'held' | 'missing' {
  const head = findHead(connection, runId);
  if (!head) return 'missing';
  const holder = leaseOf(head);
  if (holder && holder.until > now && holder.token !== token && holder.token !== evict) return 'held';
  const isTakeover = holder !== undefined && holder.token !== token;
  const takeovers = forgive ? 0 : head.takeovers + (isTakeover ? 1 : 0);
  const next = withLease({ ...head, takeovers }, { token, until }, null);
  const acquired = {
    run: readStored(connection, next),
    inbox: readInbox(connection, next, 0),
    journal: readJournal(connection, next),
  };
  updateHead(connection, head, next);
  if (isTakeover) forgetRecordings(connection, head.run);
  return acquired;
}

export function renewRuns(connection: Connection, { token, until, runs }: Renewal): RenewalResult {
  const lost: string[] = [];
  const mail: string[] = [];
  for (const { id, seen } of runs) {
    const head = findHead(connection, id);
    if (!head || head.token !== token) {
      lost.push(id);
      continue;
    }
    updateHead(connection, head, withLease(head, { token, until }, null));
    if (hasMailPast(connection, head, seen)) mail.push(id);
  }
  return { lost, mail };
}

function hasMailPast(connection: Connection, { run, inboxSize, lastMessage }: Head, seen: number): boolean {
  if (inboxSize === 0 || lastMessage <= seen) return false;
  return connection.get('SELECT 1 FROM inbox WHERE run = ? AND id > ? LIMIT 1', run, seen) !== undefined;
}

export function releaseRun(
  connection: Connection,
  runId: string,
  { token, wakeAt, seen, problem }: Release,
): void {
  const head = findHead(connection, runId);
  if (!head || head.token !== token) return;
  const unseen = 'SELECT min(at) AS at FROM inbox WHERE run = ? AND id > ?';
  const mail = head.lastMessage > seen ? connection.get(unseen, head.run, seen)?.['at'] : null;
  const mailAt = typeof mail === 'number' ? mail : Infinity;
  const earliest = Math.min(wakeAt ?? Infinity, mailAt);
  const next = { ...head, problem: problem ? JSON.stringify(problem) : null };
  updateHead(connection, head, withLease(next, undefined, earliest === Infinity ? null : earliest));
  forgetRecordings(connection, head.run);
}

/** The leases there are; those of runs that cannot be read are nobody's to take over. */
export function readLeases(connection: Connection): readonly HeldLease[] {
  return connection
    .all('SELECT run FROM runs INDEXED BY runs_leased WHERE token IS NOT NULL ORDER BY run')
    .flatMap((row) => {
      const head = readUndamaged(connection, readNumber(row['run']));
      const lease = head && leaseOf(head);
      return lease ? [{ runId: head.id, workflow: head.workflow, version: head.version, ...lease }] : [];
    });
}

function readUndamaged(connection: Connection, run: number): Head | undefined {
  try {
    return getHead(connection, run);
  } catch (error) {
    if (error instanceof Damage) return undefined;
    throw error;
  }
}
