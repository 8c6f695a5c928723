/** Runs and messages, read from the fields that `layout.ts` describes. */
import type { InboxMessage, Lease, RunSummary, StoredRun } from '../store.ts';
import { decodeOrigin, decodeStanding } from './layout.ts';

/** What HMGET gives for a list of fields. */
export type FieldValues = ReadonlyArray<string | null>;

export const summaryFields = ['c', 'x', 'v', 'u', 'p'] as const;

export const storedFields = [...summaryFields, 'q', 'i', 's', 'l'] as const;

/** `undefined` if there is no such run. */
export function decodeSummary(
  id: string,
  [origin, standing, value, updated, problem]: FieldValues,
): RunSummary | undefined {
  if (origin == null || standing == null) return undefined;
  const { createdAt, workflow, version } = decodeOrigin(origin);
  const { status, tags } = decodeStanding(standing);
  return {
    id,
    workflow,
    version,
    status,
    value: value ?? '',
    tags,
    createdAt,
    updatedAt: Number(updated),
    ...(problem != null && { problem }),
  };
}

export function decodeStored(id: string, fields: FieldValues): StoredRun | undefined {
  const summary = decodeSummary(id, fields);
  if (!summary) return undefined;
  const [seq, input, state, lease] = fields.slice(summaryFields.length);
  return {
    ...summary,
    seq: Number(seq),
    input: input ?? '',
    state: state ?? '',
    ...(lease != null && { lease: decodeLease(lease) }),
  };
}

export function decodeLease(lease: string): Lease {
  const colon = lease.indexOf(':');
  return { token: lease.slice(colon + 1), until: Number(lease.slice(0, colon)) };
}

/** Messages from their ids and values in turn, oldest first. */
export function decodeMail(flat: readonly string[]): readonly InboxMessage[] {
  const messages = Array.from({ length: flat.length / 2 }, (_, n) => {
    const message = flat[2 * n + 1] ?? '';
    const colon = message.indexOf(':');
    return { id: Number(flat[2 * n]), at: Number(message.slice(0, colon)), body: message.slice(colon + 1) };
  });
  return messages.sort((a, b) => a.id - b.id);
}
