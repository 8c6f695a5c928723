/** `due`: one call for each shard. */
import { compareBytes } from '../../listing.ts';
import type { DueQuery } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toBases } from '../layout.ts';

const script = defineScript(`
-- KEYS    wake indexes
-- ARGV    1 now, 2 limit
-- Returns { id, due, ... }
local found = {}
for _, key in ipairs(KEYS) do
  for _, part in ipairs(redis.call('ZRANGE', key, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2], 'WITHSCORES')) do
    found[#found + 1] = part
  end
end
return found
`);

export async function readDue(
  connection: Connection,
  { workflows, now, limit }: DueQuery,
): Promise<readonly string[]> {
  const kinds = [...new Set(workflows)];
  if (kinds.length === 0) return [];
  const replies = await Promise.all(
    toBases(connection.layout).map((base) =>
      connection.run(
        script,
        kinds.map((kind) => `${base}wake:${kind}`),
        [now, limit],
      ),
    ),
  );
  const found = (replies as string[][]).flatMap((flat) =>
    Array.from({ length: flat.length / 2 }, (_, n) => ({
      id: flat[2 * n] ?? '',
      dueAt: Number(flat[2 * n + 1]),
    })),
  );
  found.sort((a, b) => a.dueAt - b.dueAt || compareBytes(a.id, b.id));
  return found.slice(0, limit).map(({ id }) => id);
}
