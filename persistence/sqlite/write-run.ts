/** `create`, `commit`, `record` and `delete`: the calls that write a run's state, log and journal. Each runs in a transaction. */
import { hasEnded } from '../run-status.ts';
import type { Commit, CommitResult, Deletion, NewRun, Recording } from '../store.ts';
import { toCell, type Connection } from './connection.ts';
import {
  deleteHead,
  findHead,
  insertHead,
  leaseOf,
  updateHead,
  withLease,
  writeLabels,
  type Head,
} from './head.ts';
import { appendLog, readInbox, sumOfValue, writeInput, writeState } from './rows.ts';

export function createRun(connection: Connection, input: NewRun): 'created' | 'exists' {
  if (connection.get('SELECT 1 FROM runs WHERE id = ?', toCell(input.id))) return 'exists';
  const { id, workflow, version, status, createdAt, lease, value, labels, parent, log } = input;
  const head = insertHead(connection, {
    id,
    workflow,
    version,
    labels: writeLabels(labels),
    parent: parent ?? null,
    createdAt,
    updatedAt: createdAt,
    seq: 1,
    status,
    token: lease ? lease.token : null,
    until: lease ? lease.until : null,
    dueAt: hasEnded(status) ? null : lease ? lease.until : input.wakeAt,
    takeovers: 0,
    logLength: log.length,
    lastMessage: 0,
    inboxSize: 0,
    journalSize: 0,
    tags: JSON.stringify(input.tags),
    problem: null,
    value,
  });
  writeState(connection, head, input.state);
  writeInput(connection, head, input.input);
  appendLog(connection, { ...head, logLength: 0 }, log);
  return 'created';
}

export function commitRun(connection: Connection, runId: string, commit: Commit): CommitResult {
  const head = findHead(connection, runId);
  if (!head) return { status: 'missing' };
  if (head.token !== commit.token) return { status: 'lease-lost' };
  if (head.seq !== commit.seq) return { status: 'sequence', seq: head.seq };
  const { run } = head;
  appendLog(connection, head, commit.log);
  for (const key of commit.freeKeys) {
    connection.run('DELETE FROM message_keys WHERE run = ? AND key = ?', run, toCell(key));
  }
  const next: Head = {
    ...head,
    seq: head.seq + 1,
    updatedAt: commit.now,
    status: commit.status,
    value: commit.value,
    tags: JSON.stringify(commit.tags),
    problem: null,
    takeovers: 0,
    logLength: head.logLength + commit.log.length,
    inboxSize: head.inboxSize - deleteMessages(connection, run, commit.consumed),
    journalSize: head.journalSize - deleteValues(connection, run, commit.forget),
  };
  writeState(connection, next, commit.state);
  const inbox = readInbox(connection, next, commit.seen);
  const released = commit.lease === 'release' && inbox.length === 0;
  if (released) forgetRecordings(connection, run);
  const { token, lease } = commit;
  const kept = typeof lease === 'object' ? { token, until: lease.until } : leaseOf(head);
  updateHead(connection, head, withLease(next, released ? undefined : kept, commit.wakeAt));
  return { status: 'committed', inbox, released };
}

/** Returns how many there were. */
function deleteMessages(connection: Connection, run: number, ids: readonly number[]): number {
  let deleted = 0;
  for (const id of ids) deleted += connection.run('DELETE FROM inbox WHERE run = ? AND id = ?', run, id);
  return deleted;
}

function deleteValues(connection: Connection, run: number, names: readonly string[]): number {
  let deleted = 0;
  for (const name of names) {
    deleted += connection.run('DELETE FROM journal WHERE run = ? AND name = ?', run, toCell(name));
  }
  return deleted;
}

/**
 * A rejected write was not applied as far as this process can tell, but the log on disk may have it after a failed
 * fsync and a crash. So the ids of recordings are kept while the run is held.
 */
export function recordRun(connection: Connection, runId: string, recording: Recording): boolean {
  const { token, id, log, journal = {} } = recording;
  const head = findHead(connection, runId);
  if (!head || head.token !== token) return false;
  const { run } = head;
  const isNew = connection.run(
    'INSERT INTO recordings (run, id) VALUES (?, ?) ON CONFLICT DO NOTHING',
    run,
    toCell(id),
  );
  if (isNew === 0) return true;
  appendLog(connection, head, log);
  let added = 0;
  for (const [name, value] of Object.entries(journal)) {
    added += connection.run(
      'INSERT INTO journal (run, name, value, sum) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      run,
      toCell(name),
      toCell(value),
      sumOfValue(name, value, run),
    );
  }
  updateHead(connection, head, {
    ...head,
    logLength: head.logLength + log.length,
    journalSize: head.journalSize + added,
  });
  return true;
}

export function forgetRecordings(connection: Connection, run: number): void {
  connection.run('DELETE FROM recordings WHERE run = ?', run);
}

export function deleteRun(
  connection: Connection,
  runId: string,
  { seq, token }: Deletion,
): 'deleted' | 'held' | 'sequence' | 'missing' {
  const head = findHead(connection, runId);
  if (!head) return 'missing';
  if (head.token !== null && head.token !== token) return 'held';
  if (head.seq !== seq) return 'sequence';
  for (const table of ['states', 'inputs', 'log', 'inbox', 'message_keys', 'journal', 'recordings']) {
    connection.run(`DELETE FROM ${table} WHERE run = ?`, head.run);
  }
  deleteHead(connection, head);
  return 'deleted';
}
