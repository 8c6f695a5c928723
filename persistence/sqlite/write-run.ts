/** `create`, `commit` and `record`: the calls that write a run's state, log and journal. Each runs in a transaction. */
import type { Commit, CommitResult, NewRun, Recording } from '../store.ts';
import { readNumber, readText, toCell, type Connection } from './connection.ts';
import { appendLog, findHead, setLease, type RunHead } from './held-run.ts';
import { addToListing, removeFromListing, toKind } from './listed-run.ts';
import { hasEnded } from '../run-status.ts';
import { findRun, readInbox } from './rows.ts';

export function createRun(connection: Connection, input: NewRun): 'created' | 'exists' {
  if (findRun(connection, input.id) !== undefined) return 'exists';
  const { id, workflow, version, status, tags, createdAt, lease, log } = input;
  const dueAt = hasEnded(status) ? null : lease ? lease.until : input.wakeAt;
  const row = connection.get(
    `INSERT INTO runs (id, workflow, version, kind, created_at, updated_at, seq, status, token, until, due_at,
       log_length, tags, value, state, input)
     VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING run`,
    toCell(id),
    toCell(workflow),
    toCell(version),
    toKind(input),
    createdAt,
    createdAt,
    status,
    lease ? toCell(lease.token) : null,
    lease ? lease.until : null,
    dueAt,
    log.length,
    JSON.stringify(tags),
    toCell(input.value),
    toCell(input.state),
    toCell(input.input),
  );
  const run = readNumber(row?.['run']);
  appendLog(connection, run, 0, log);
  addToListing(connection, { run, id, workflow, version, createdAt }, status, tags);
  return 'created';
}

export function commitRun(connection: Connection, runId: string, commit: Commit): CommitResult {
  const head = findHead(connection, runId);
  if (!head) return { status: 'missing' };
  if (head.lease?.token !== commit.token) return { status: 'lease-lost' };
  if (head.seq !== commit.seq) return { status: 'sequence' };
  const { run, lastMessage } = head;
  const tags = JSON.stringify(commit.tags);
  connection.run(
    `UPDATE runs SET seq = seq + 1, updated_at = ?, status = ?, log_length = ?, tags = ?, value = ?, state = ?
     WHERE run = ?`,
    commit.now,
    commit.status,
    head.logLength + commit.log.length,
    tags,
    toCell(commit.value),
    toCell(commit.state),
    run,
  );
  appendLog(connection, run, head.logLength, commit.log);
  for (const id of commit.consumed) connection.run('DELETE FROM inbox WHERE run = ? AND id = ?', run, id);
  for (const name of commit.forget) {
    connection.run('DELETE FROM journal WHERE run = ? AND name = ?', run, toCell(name));
  }
  if (commit.status !== head.status || tags !== head.tags) relist(connection, runId, head, commit);
  const inbox = lastMessage > commit.seen ? readInbox(connection, run, commit.seen) : [];
  const released = commit.lease === 'release' && inbox.length === 0;
  const lease =
    typeof commit.lease === 'object' ? { token: commit.token, until: commit.lease.until } : head.lease;
  setLease(connection, head, commit.status, released ? undefined : lease, commit.wakeAt);
  return { status: 'committed', inbox, released };
}

function relist(connection: Connection, id: string, head: RunHead, { status, tags }: Commit): void {
  const row = connection.get('SELECT workflow, version, created_at FROM runs WHERE run = ?', head.run);
  const listed = {
    run: head.run,
    id,
    workflow: readText(row?.['workflow']),
    version: readText(row?.['version']),
    createdAt: readNumber(row?.['created_at']),
  };
  removeFromListing(connection, listed, head.status, JSON.parse(head.tags) as string[]);
  addToListing(connection, listed, status, tags);
}

export function recordRun(
  connection: Connection,
  runId: string,
  { token, log, journal = {} }: Recording,
): boolean {
  const head = findHead(connection, runId);
  if (!head || head.lease?.token !== token) return false;
  if (log.length > 0) {
    appendLog(connection, head.run, head.logLength, log);
    connection.run('UPDATE runs SET log_length = ? WHERE run = ?', head.logLength + log.length, head.run);
  }
  for (const [name, value] of Object.entries(journal)) {
    connection.run(
      'INSERT INTO journal (run, name, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      head.run,
      toCell(name),
      toCell(value),
    );
  }
  return true;
}
