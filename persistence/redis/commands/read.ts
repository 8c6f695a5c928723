/** `load`, `inbox`, `history` and `open`: each reads one key at a time. */
import type { InboxMessage, StoredRun } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toBases, toIndexKey, toRunKeys } from '../layout.ts';
import { decodeMail, decodeStored, storedFields } from '../run-fields.ts';
import { unescapeTerm } from '../terms.ts';

const countOpen = defineScript(`
-- KEYS[1] index
-- Returns { escaped kind, number of runs that have not ended, ... }
local counts, from = {}, '[o='
while true do
  local first = redis.call('ZRANGE', KEYS[1], from, '(o>', 'BYLEX', 'LIMIT', 0, 1)[1]
  if not first then return counts end
  local term = string.match(first, '^[^,]*')
  counts[#counts + 1] = string.sub(term, 3)
  counts[#counts + 1] = redis.call('ZLEXCOUNT', KEYS[1], '[' .. term .. ',', '(' .. term .. '-')
  from = '[' .. term .. '-'
end
`);

export async function readRun({ call, layout }: Connection, runId: string): Promise<StoredRun | undefined> {
  const key = toRunKeys(layout, runId).run;
  return decodeStored(runId, await call((client) => client.hmget(key, ...storedFields)));
}

export async function readInbox(
  { call, layout }: Connection,
  runId: string,
  after: number,
): Promise<readonly InboxMessage[]> {
  const key = toRunKeys(layout, runId).inbox;
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
  const key = toRunKeys(layout, runId).log;
  return call((client) => client.lrange(key, from, from + limit - 1));
}

export async function readOpen({ run, layout }: Connection): Promise<ReadonlyMap<string, number>> {
  const shards = await Promise.all(toBases(layout).map((base) => run(countOpen, [toIndexKey(base)], [])));
  const counts = new Map<string, number>();
  for (const flat of shards as Array<Array<string | number>>) {
    for (let at = 0; at < flat.length; at += 2) {
      const kind = unescapeTerm(String(flat[at]));
      counts.set(kind, (counts.get(kind) ?? 0) + Number(flat[at + 1]));
    }
  }
  return counts;
}
