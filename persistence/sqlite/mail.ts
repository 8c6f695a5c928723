/** `send`, and the watch over messages that other processes send. */
import { hasEnded } from '../run-status.ts';
import type { NewMessage, SendResult } from '../store.ts';
import { readNumber, readText, toCell, type Connection } from './connection.ts';
import { findHead } from './held-run.ts';

/** Runs in a transaction. */
export function sendMessage(
  connection: Connection,
  runId: string,
  { at, body, key }: NewMessage,
): SendResult {
  const head = findHead(connection, runId);
  if (!head) return { status: 'missing' };
  const { run, logLength } = head;
  if (key !== undefined) {
    const first = connection.get(
      'SELECT message_id, log_length FROM message_keys WHERE run = ? AND key = ?',
      run,
      toCell(key),
    );
    if (first) {
      return {
        status: 'duplicate',
        messageId: readNumber(first['message_id']),
        logLength: readNumber(first['log_length']),
      };
    }
  }
  if (hasEnded(head.status)) return { status: 'ended' };
  const messageId = head.lastMessage + 1;
  connection.run(
    'INSERT INTO inbox (run, id, at, body) VALUES (?, ?, ?, ?)',
    run,
    messageId,
    at,
    toCell(body),
  );
  if (key !== undefined) {
    connection.run(
      'INSERT INTO message_keys (run, key, message_id, log_length) VALUES (?, ?, ?, ?)',
      run,
      toCell(key),
      messageId,
      logLength,
    );
  }
  const isEarlier = !head.lease && (head.dueAt === null || at < head.dueAt);
  if (isEarlier) {
    connection.run('UPDATE runs SET last_message = ?, due_at = ? WHERE run = ?', messageId, at, run);
  } else {
    connection.run('UPDATE runs SET last_message = ? WHERE run = ?', messageId, run);
  }
  return { status: 'stored', messageId, logLength };
}

export interface MailWatch {
  add(listener: (runId: string) => void): () => void;
  /** Tell of a message that this connection has sent and committed. */
  tell(runId: string): void;
  stop(): void;
}

/**
 * Asks SQLite every `pollMs` whether another connection has written (no disk is touched) and, if so, reads which runs
 * got messages. Only while there are listeners; the timer keeps no process alive.
 */
export function createMailWatch(connection: Connection, pollMs: number): MailWatch {
  const listeners = new Set<(runId: string) => void>();
  let timer: NodeJS.Timeout | undefined;
  let dataVersion = 0;
  let lastMail = 0;

  function tell(runId: string): void {
    for (const listener of listeners) listener(runId);
  }

  function poll(): void {
    for (const runId of readNews()) tell(runId);
  }

  function readNews(): readonly string[] {
    try {
      const version = readDataVersion(connection);
      if (version === dataVersion) return [];
      const rows = connection.all(
        'SELECT mail, runs.id AS id FROM inbox JOIN runs USING (run) WHERE mail > ? ORDER BY mail',
        lastMail,
      );
      dataVersion = version;
      lastMail = readNumber(rows.at(-1)?.['mail'] ?? lastMail);
      return [...new Set(rows.map(({ id }) => readText(id)))];
    } catch {
      // Busy, for one. The next poll reads it: `dataVersion` is still the old one.
      return [];
    }
  }

  function start(): void {
    dataVersion = readDataVersion(connection);
    lastMail = readNumber(
      connection.get('SELECT coalesce(max(seq), 0) AS mail FROM sqlite_sequence')?.['mail'],
    );
    timer = setInterval(poll, pollMs);
    timer.unref();
  }

  function stopIfIdle(): void {
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    add(listener) {
      // A function of its own, so that the same listener can watch twice.
      const watcher = (runId: string): void => listener(runId);
      if (listeners.size === 0) start();
      listeners.add(watcher);
      return () => {
        listeners.delete(watcher);
        stopIfIdle();
      };
    },
    tell,
    stop() {
      listeners.clear();
      stopIfIdle();
    },
  };
}

/** Changes when another connection has committed, and only then. */
function readDataVersion(connection: Connection): number {
  return readNumber(connection.get('PRAGMA data_version')?.['data_version']);
}
