import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { mergeShards } from './merge-shards.ts';

it('gives the first items of all shards, however they are spread', async () => {
  const shards = fc.array(fc.array(fc.nat(1000), { maxLength: 60 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(shards, fc.integer({ min: 1, max: 80 }), async (given, wanted) => {
      const sorted = given.map((items) => items.toSorted((a, b) => a - b));
      const bases = sorted.map((_, n) => String(n));
      const merged = await mergeShards(
        bases,
        wanted,
        (a: number, b: number) => a - b,
        async (base, count) => {
          return sorted[Number(base)]?.slice(0, count) ?? [];
        },
      );
      const expected = given.flat().toSorted((a, b) => a - b);
      expect(merged).toEqual(expected.slice(0, wanted));
    }),
  );
});
