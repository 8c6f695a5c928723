/** `ended`: one call for each shard. */
import { compareBytes } from '../../listing.ts';
import type { EndedQuery } from '../../store.ts';
import type { Connection } from '../connection.ts';
import { toBases, toIndexKey } from '../layout.ts';
import { mergeShards } from '../merge-shards.ts';
import { encodeTime, splitTime } from '../terms.ts';

interface EndedRun {
  readonly time: number;
  readonly rest: string;
}

export async function readEnded(
  { layout, call }: Connection,
  { status, before, limit }: EndedQuery,
): Promise<readonly string[]> {
  if (limit < 1) return [];
  const term = `e=${status},`;
  const end = `(${term}${encodeTime(before)}`;
  const found = await mergeShards(toBases(layout), limit, compareEnded, async (base, count) => {
    const key = toIndexKey(base);
    const entries = await call((client) => client.zrange(key, `[${term}`, end, 'BYLEX', 'LIMIT', 0, count));
    return entries.map((entry) => splitTime(entry.slice(term.length)));
  });
  return found.map(({ rest }) => rest);
}

function compareEnded(a: EndedRun, b: EndedRun): number {
  return a.time - b.time || compareBytes(a.rest, b.rest);
}
