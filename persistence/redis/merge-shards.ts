/**
 * The first items of all shards together. Runs are spread evenly, so each shard is asked for its share and some more;
 * one that might have more of the wanted items than it gave is asked for all of them.
 */
export async function mergeShards<T>(
  bases: readonly string[],
  wanted: number,
  compare: (a: T, b: T) => number,
  ask: (base: string, count: number) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const share = Math.min(wanted, 4 + 2 * Math.ceil(wanted / bases.length));
  const shares = await Promise.all(bases.map(async (base) => ({ base, items: await ask(base, share) })));
  const lastWanted = merge(shares.map(({ items }) => items))[wanted - 1];
  const parts = await Promise.all(
    shares.map(async ({ base, items }) => {
      const last = items.at(-1);
      const mayHaveMore =
        share < wanted &&
        items.length >= share &&
        last !== undefined &&
        (lastWanted === undefined || compare(last, lastWanted) < 0);
      return mayHaveMore ? ask(base, wanted) : items;
    }),
  );
  return merge(parts).slice(0, wanted);

  function merge(lists: ReadonlyArray<readonly T[]>): T[] {
    return lists.flat().sort(compare);
  }
}
