/** `send`. Runs in a transaction. */
import { hasEnded } from '../run-status.ts';
import type { NewMessage, SendResult } from '../store.ts';
import { readNumber } from './checksum.ts';
import { toCell, type Connection } from './connection.ts';
import { findHead, updateHead } from './head.ts';
import { sumOfMessage } from './rows.ts';

export function sendMessage(
  connection: Connection,
  runId: string,
  { at, body, key }: NewMessage,
): SendResult {
  const head = findHead(connection, runId);
  if (!head) return { status: 'missing' };
  const { run, logLength } = head;
  const first = key === undefined ? undefined : findFirst(connection, run, key);
  if (first) return { status: 'duplicate', ...first };
  if (hasEnded(head.status)) return { status: 'ended' };
  const messageId = head.lastMessage + 1;
  connection.run(
    'INSERT INTO inbox (run, id, at, key, body, sum) VALUES (?, ?, ?, ?, ?, ?)',
    run,
    messageId,
    at,
    key === undefined ? null : toCell(key),
    toCell(body),
    sumOfMessage(at, body, key, run, messageId),
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
  const isEarlier = head.token === null && (head.dueAt === null || at < head.dueAt);
  updateHead(connection, head, {
    ...head,
    lastMessage: messageId,
    inboxSize: head.inboxSize + 1,
    dueAt: isEarlier ? at : head.dueAt,
  });
  return { status: 'stored', messageId, logLength };
}

/** What the first message with the key was told. */
function findFirst(
  connection: Connection,
  run: number,
  key: string,
): { readonly messageId: number; readonly logLength: number } | undefined {
  const row = connection.get(
    'SELECT message_id, log_length FROM message_keys WHERE run = ? AND key = ?',
    run,
    toCell(key),
  );
  return row && { messageId: readNumber(row['message_id']), logLength: readNumber(row['log_length']) };
}
