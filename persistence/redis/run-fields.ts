/** Runs and messages, read from the fields that `layout.ts` describes. */
import { StoreForeign } from '../../src/errors.ts';
import { runStatuses } from '../run-status.ts';
import type { InboxMessage, Lease, NewMessage, RunProblem, RunSummary, StoredRun } from '../store.ts';
import { decodeFixed, decodeOrigin, decodeStatusAndTags, encodeTime, splitTime } from './terms.ts';

/** The values of a list of fields, as HMGET gives them. */
export type FieldValues = ReadonlyArray<string | null>;

export const summaryFields = ['c', 't', 'x', 'v', 'u', 'p'] as const;

export const storedFields = [...summaryFields, 'q', 'i', 's', 'l', 'k'] as const;

/**
 * `undefined` if there is no such run.
 *
 * @throws StoreForeign if fields are missing or damaged.
 */
export function decodeSummary(id: string, fields: FieldValues): RunSummary | undefined {
  const [origin, fixed, statusAndTags, value, updated, problem] = fields;
  if (fields.every((field) => field == null)) return undefined;
  if (origin == null || fixed == null || statusAndTags == null || value == null || updated == null) {
    throw unreadable(id);
  }
  const { createdAt, workflow, version } = decodeOrigin(origin);
  const { status, tags } = decodeStatusAndTags(statusAndTags);
  const updatedAt = Number(updated);
  if (!runStatuses.includes(status) || Number.isNaN(createdAt) || Number.isNaN(updatedAt))
    throw unreadable(id);
  return {
    id,
    workflow,
    version,
    status,
    value,
    tags,
    createdAt,
    updatedAt,
    ...decodeFixed(fixed),
    ...(problem != null && { problem: decodeProblem(id, problem) }),
  };
}

/** Like `decodeSummary`. */
export function decodeStored(id: string, fields: FieldValues): StoredRun | undefined {
  const summary = decodeSummary(id, fields.slice(0, summaryFields.length));
  const [seq, input, state, lease, takeovers] = fields.slice(summaryFields.length);
  if (!summary && seq == null) return undefined;
  if (!summary || !Number.isInteger(Number(seq ?? 'none')) || input == null || state == null) {
    throw unreadable(id);
  }
  return {
    ...summary,
    seq: Number(seq),
    input,
    state,
    takeovers: Number(takeovers ?? 0),
    ...(lease != null && { lease: decodeLease(lease) }),
  };
}

export function unreadable(runId: string, cause?: unknown): StoreForeign {
  return new StoreForeign(
    `Redis holds a run \`${runId}\` that cannot be read: fields are missing or damaged, or another program wrote there. ` +
      'No worker executes it; restore it from a backup.',
    { cause, details: { runId } },
  );
}

export function encodeLease({ token, until }: Lease): string {
  return `${encodeTime(until)}:${token}`;
}

export function decodeLease(lease: string): Lease {
  const { time, rest } = splitTime(lease);
  return { token: rest.slice(1), until: time };
}

export function encodeProblem({ code, message }: RunProblem): string {
  return JSON.stringify([code, message]);
}

function decodeProblem(id: string, text: string): RunProblem {
  try {
    const [code, message] = JSON.parse(text) as [unknown, unknown];
    return { code: String(code), message: String(message) };
  } catch (error) {
    throw unreadable(id, error);
  }
}

export function encodeMessage({ at, body, key }: NewMessage): string {
  return key === undefined ? `${at}::${body}` : `${at}:${key.length}:${key}${body}`;
}

/** Messages from their ids and values in turn, oldest first. */
export function decodeMail(flat: readonly string[]): readonly InboxMessage[] {
  const messages: InboxMessage[] = [];
  for (let at = 0; at < flat.length; at += 2)
    messages.push(decodeMessage(flat[at] ?? '', flat[at + 1] ?? ''));
  return messages.sort((a, b) => a.id - b.id);
}

function decodeMessage(id: string, message: string): InboxMessage {
  const first = message.indexOf(':');
  const second = message.indexOf(':', first + 1);
  const keyLength = message.slice(first + 1, second);
  const bodyAt = second + 1 + Number(keyLength);
  return {
    id: Number(id),
    at: Number(message.slice(0, first)),
    body: message.slice(bodyAt),
    ...(keyLength !== '' && { key: message.slice(second + 1, bodyAt) }),
  };
}
