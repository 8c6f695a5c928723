/** `load`, `inbox`, `history` and `open`: plain reads. */
import type { InboxMessage, StoredRun } from '../../store.ts';
import type { Connection } from '../connection.ts';
import { toBases, toRunBase } from '../layout.ts';
import { decodeMail, decodeStored, storedFields } from '../run-fields.ts';

export async function readRun({ call, layout }: Connection, runId: string): Promise<StoredRun | undefined> {
  const key = `${toRunBase(layout, runId)}run:${runId}`;
  return decodeStored(runId, await call((client) => client.hmget(key, ...storedFields)));
}

export async function readInbox(
  { call, layout }: Connection,
  runId: string,
  after: number,
): Promise<readonly InboxMessage[]> {
  const key = `${toRunBase(layout, runId)}inbox:${runId}`;
  const messages = await call((client) => client.hgetall(key));
  return decodeMail(Object.entries(messages).flat()).filter(({ id }) => id > after);
}

export async function readHistory(
  { call, layout }: Connection,
  runId: string,
  from: number,
  limit: number,
): Promise<readonly string[]> {
  if (limit < 1) return [];
  const key = `${toRunBase(layout, runId)}log:${runId}`;
  return call((client) => client.lrange(key, from, from + limit - 1));
}

export async function readOpen({ call, layout }: Connection): Promise<ReadonlyMap<string, number>> {
  const shards = await Promise.all(
    toBases(layout).map((base) => call((client) => client.hgetall(`${base}open`))),
  );
  const counts = new Map<string, number>();
  for (const [kind, count] of shards.flatMap((shard) => Object.entries(shard))) {
    counts.set(kind, (counts.get(kind) ?? 0) + Number(count));
  }
  return counts;
}
