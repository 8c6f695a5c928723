/** `due`: one call for each shard. */
import { compareBytes } from '../../listing.ts';
import type { DueQuery } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toBases, toIndexKey } from '../layout.ts';
import { mergeShards } from '../merge-shards.ts';
import { dueTerm, encodeTime, splitTime } from '../terms.ts';

const script = defineScript(`
-- KEYS[1] index
-- ARGV    1 the first time that is too late, 2 limit, 3... terms
-- Returns for each term { entry, ... }, longest due first
local found = {}
for at = 3, #ARGV do
  local term = ARGV[at] .. ','
  found[at - 2] = redis.call('ZRANGE', KEYS[1], '[' .. term, '(' .. term .. ARGV[1], 'BYLEX', 'LIMIT', 0, ARGV[2])
end
return found
`);

interface DueRun {
  readonly id: string;
  readonly dueAt: number;
  readonly entry: string;
}

export async function readDue(
  { layout, run, findings }: Connection,
  { workflows, now, limit }: DueQuery,
): Promise<readonly string[]> {
  const terms = [...new Set(workflows)].map(dueTerm);
  if (terms.length === 0 || limit < 1) return [];
  const end = encodeTime(Math.floor(now) + 1);
  const found = await mergeShards(toBases(layout), limit, compareDue, async (base, count) => {
    const entries = (await run(script, [toIndexKey(base)], [end, count, ...terms])) as string[][];
    return entries.flat().map(decodeDue).sort(compareDue).slice(0, count);
  });
  for (const { id, entry } of found) findings.add(id, entry);
  return found.map(({ id }) => id);
}

function compareDue(a: DueRun, b: DueRun): number {
  return a.dueAt - b.dueAt || compareBytes(a.id, b.id);
}

function decodeDue(entry: string): DueRun {
  const { time, rest } = splitTime(entry.slice(entry.indexOf(',') + 1));
  return { id: rest, dueAt: time, entry };
}
