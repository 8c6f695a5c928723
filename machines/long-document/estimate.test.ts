import { costOf, listPrices } from 'signalbox';
import { describe, expect, it } from 'vitest';

import { reportText } from '../../test/support/report-text.ts';
import { chunksOf, normalized, tokensOf } from './chunks.ts';
import { better, cheap, estimate, groupsOf, mostAnswerTokens } from './estimate.ts';

describe('an estimate', () => {
  it('of nothing is nothing', () => {
    expect(estimate({ title: '', text: ' \n' })).toMatchObject({
      chunks: 0,
      calls: 0,
      inputTokens: 0,
      outputTokens: 0,
      usd: 0,
      mostUsd: 0,
    });
  });

  it('is the same each time, and grows with the document', () => {
    const of = (pages: number) => estimate({ title: 'The yards', text: reportText({ pages }) });
    expect(of(40)).toEqual(of(40));
    const costs = [1, 10, 40, 160, 300].map((pages) => of(pages).usd ?? 0);
    expect(costs).toEqual([...costs].sort((one, other) => one - other));
    // Three hundred pages for less than half a dollar.
    expect(costs.at(-1)).toBeLessThan(0.5);
  });

  it('counts every chunk and every merge of the tree', () => {
    const text = normalized(reportText({ pages: 40 }));
    const calls = (chunkTokens: number, fanIn: number) => {
      const { calls: all, chunks } = estimate({ title: '', text }, { chunkTokens, fanIn });
      expect(chunks).toBe(chunksOf(text, { maxTokens: chunkTokens }).length);
      return all - chunks;
    };
    expect(calls(100_000, 8)).toBe(0);
    expect(calls(20_000, 8)).toBe(1);
    const { chunks } = estimate({ title: '', text }, { chunkTokens: 3_000 });
    expect(chunks).toBe(12);
    // Two at a time: 6, 3, 1 and one that goes up as it is, 1.
    expect(calls(3_000, 2)).toBe(6 + 3 + 1 + 1);
    // At most eight at a time: two of six, and one of two.
    expect(calls(3_000, 8)).toBe(3);
  });

  it('has the prices of the table, and says of which day', () => {
    const document = { title: '', text: 'A short note.' };
    const { inputTokens, outputTokens, usd, mostUsd, pricesAsOf } = estimate(document);
    expect(usd).toBeCloseTo(
      costOf(listPrices, { model: cheap, usage: { inputTokens, outputTokens } }) ?? 0,
      3,
    );
    expect(mostUsd).toBeGreaterThan(usd ?? 0);
    expect(pricesAsOf).toBe(listPrices.asOf);
    const { [better]: _, ...models } = listPrices.models;
    expect(estimate(document, { prices: { ...listPrices, models } })).toMatchObject({ mostUsd: null });
    expect(estimate(document, { prices: { ...listPrices, models: {} } })).toMatchObject({ usd: null });
  });

  it('has a token for each letter of scripts that have no spaces', () => {
    expect(tokensOf('港湾委員会')).toBe(5);
    expect(tokensOf('a harbour board')).toBe(4);
    expect(mostAnswerTokens.chunk).toBeLessThan(mostAnswerTokens.merge);
  });
});

it.each([
  [9, 8, [4, 5]],
  [8, 8, [8]],
  [17, 8, [5, 6, 6]],
  [2, 2, [2]],
  [3, 2, [1, 2]],
])('groups %i neighbours, at most %i together, evenly', (count, fanIn, sizes) => {
  const values = Array.from({ length: count }, (_, index) => index);
  const groups = groupsOf(values, fanIn);
  expect(groups.flat()).toEqual(values);
  expect(groups.map(({ length }) => length)).toEqual(sizes);
});
