import { expect, it } from 'vitest';

import { chunksOf } from './chunks.ts';
import { initialContext, repairInputOf } from './context.ts';
import { listPrices } from 'signalbox';
import { faultsOfDraft } from './sources.ts';

const text = `# One\n\nThere were 4,210 ships.\n\n# Two\n\nThere were 3,987 ships, on 3 March 1911.`;
const chunks = chunksOf(text, { maxTokens: 16 });
const sources = { title: 'Ships of 1911', text, chunks, missing: [] };
const point = (said: string, ...from: number[]) => ({ text: said, chunks: from });

it('finds each figure in the chunks that are named for it', () => {
  expect(chunks).toHaveLength(2);
  const good = {
    summary: 'Of 4,210 ships in 1911.',
    keyPoints: [point('It was on 3 March.', 2), point('4,210 came.', 1)],
  };
  expect(faultsOfDraft(good, sources)).toEqual([]);
});

it('says which figure is nowhere in them, and of what', () => {
  const bad = {
    summary: 'There were 223 more.',
    keyPoints: [point('3,987 ships came.', 1), point('Fine.', 2)],
  };
  expect(faultsOfDraft(bad, sources)).toEqual([
    'The summary: The figure 223 does not stand in the source. Its sources are the chunks that the key points name.',
    'Key point 1 (from chunk 1): The figure 3,987 does not stand in the source.',
  ]);
});

it('lets nothing come from a chunk that is missing, or is none', () => {
  const draft = { summary: 'Ships came.', keyPoints: [point('They did.', 2), point('They did.', 7)] };
  expect(faultsOfDraft(draft, { ...sources, missing: [2] })).toEqual([
    'Key point 1 names chunk 2, which was not summarised.',
    'Key point 2 names chunk 7, which was not summarised.',
  ]);
});

it('shows a repair the passages of the faulty points, and not of others', () => {
  const options = { chunkTokens: 16, fanIn: 8, prices: listPrices, askAboveUsd: 1 };
  const context = initialContext({ title: '', text }, options);
  const keyPoints = Array.from({ length: 11 }, (_, index) => point('So.', index === 10 ? 2 : 1));
  const faults = ['Key point 11 (from chunk 2): The figure 5 does not stand in the source.'];
  const { passages } = repairInputOf({ ...context, draft: { summary: 'So.', keyPoints }, faults });
  expect(passages.map(({ chunk }) => chunk)).toEqual([2]);
});
