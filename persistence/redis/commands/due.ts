/** `due`: one call for each shard. */
import { compareBytes } from '../../listing.ts';
import type { DueQuery } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toBases } from '../layout.ts';
import { mergeShards } from '../merge-shards.ts';

const script = defineScript(`
-- KEYS    wake indexes
-- ARGV    1 now, 2 limit
-- Returns { id, due, ... } of this shard, longest due first
local limit = tonumber(ARGV[2])
local found = {}
for _, key in ipairs(KEYS) do
  local entries = redis.call('ZRANGE', key, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
  for at = 1, #entries, 2 do
    found[#found + 1] = { id = entries[at], due = entries[at + 1], time = tonumber(entries[at + 1]) }
  end
end
if #KEYS > 1 then table.sort(found, function(a, b) return a.time < b.time end) end
local flat = {}
for at = 1, math.min(#found, limit) do
  flat[2 * at - 1] = found[at].id
  flat[2 * at] = found[at].due
end
return flat
`);

interface DueRun {
  readonly id: string;
  readonly dueAt: number;
}

export async function readDue(
  { layout, run }: Connection,
  { workflows, now, limit }: DueQuery,
): Promise<readonly string[]> {
  const kinds = [...new Set(workflows)];
  if (kinds.length === 0 || limit < 1) return [];
  const found = await mergeShards(toBases(layout), limit, compareDue, async (base, count) => {
    const keys = kinds.map((kind) => `${base}wake:${kind}`);
    return decodeDue((await run(script, keys, [now, count])) as string[]);
  });
  return found.map(({ id }) => id);
}

function compareDue(a: DueRun, b: DueRun): number {
  return a.dueAt - b.dueAt || compareBytes(a.id, b.id);
}

function decodeDue(flat: readonly string[]): readonly DueRun[] {
  return Array.from({ length: flat.length / 2 }, (_, n) => ({
    id: flat[2 * n] ?? '',
    dueAt: Number(flat[2 * n + 1]),
  }));
}
