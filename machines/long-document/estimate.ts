/** What a document will cost, before the first call: pure arithmetic over its chunks, the prompts and a price table. */
import { costOf, listPrices, type PriceTable } from 'signalbox';

import { type Chunk, chunksOf, normalized, pageCount, tokensOf } from './chunks.ts';
import * as prompts from './prompts.ts';
import type { Document, Estimate } from './schemas.ts';

/** Reading every page is the bulk of the work and easy; what the reader sees, and what failed its check, is for the better model. */
export const cheap = 'claude-haiku-5-5';
export const better = 'claude-sonnet-5-5';

export const mostAnswerTokens = { chunk: 1_024, merge: 4_096 };

/** What answers are like as a rule. */
const usualAnswerTokens = { chunk: 350, merge: 900 };
/** The frame of a request, with the schema of its answer. */
const requestTokens = 400;
/** Of the chunks that a repair of the final summary is shown. */
export const mostPassages = 6;

export interface Shape {
  /** The most tokens of a chunk. Default: 3,000, about four pages. */
  readonly chunkTokens?: number;
  /** How many summaries are merged into one. Default: 8. */
  readonly fanIn?: number;
}

export const defaultShape: Required<Shape> = { chunkTokens: 3_000, fanIn: 8 };

/**
 * Calls, tokens and dollars for a document.
 *
 * @example
 * ```ts
 * estimate({ title: 'Annual report', text }); // { pages: 300, chunks: 93, calls: 107, usd: 0.24, ... }
 * ```
 */
export function estimate(
  document: Pick<Document, 'title' | 'text'>,
  options: Shape & { readonly prices?: PriceTable } = {},
): Estimate {
  const { chunkTokens = defaultShape.chunkTokens } = options;
  const text = normalized(document.text);
  return estimateOf({ ...document, text }, chunksOf(text, { maxTokens: chunkTokens }), options);
}

/** The same where the chunks are known. */
export function estimateOf(
  { title, text }: Pick<Document, 'title' | 'text'>,
  chunks: readonly Chunk[],
  {
    chunkTokens = defaultShape.chunkTokens,
    fanIn = defaultShape.fanIn,
    prices = listPrices,
  }: Shape & { readonly prices?: PriceTable } = {},
): Estimate {
  const asked = chunks.map((chunk) => {
    const prompt = prompts.chunkPrompt({
      ...chunk,
      title,
      of: chunks.length,
      text: text.slice(chunk.start, chunk.end),
    });
    return requestTokens + tokensOf(prompts.chunkSystem) + tokensOf(prompt);
  });
  const merges = mergesOf(chunks.length, fanIn);
  const mergeInput = (answers: number): number => requestTokens + tokensOf(prompts.mergeSystem) + answers;

  const chunkInput = sum(asked);
  const usualMerges = merges.map(({ parts, level }) =>
    mergeInput(parts * (level === 1 ? usualAnswerTokens.chunk : usualAnswerTokens.merge)),
  );
  const mostMerges = merges.map(({ parts, level }) =>
    mergeInput(parts * (level === 1 ? mostAnswerTokens.chunk : mostAnswerTokens.merge)),
  );
  const repair =
    chunks.length === 0
      ? 0
      : 2 * requestTokens + mostAnswerTokens.merge + Math.min(mostPassages, chunks.length) * chunkTokens;
  const inputTokens = chunkInput + sum(usualMerges);
  const outputTokens = chunks.length * usualAnswerTokens.chunk + merges.length * usualAnswerTokens.merge;

  const price = (calls: readonly (readonly [model: string, input: number, output: number])[]) =>
    sumOfKnown(
      calls.map(([model, input, output]) =>
        costOf(prices, { model, usage: { inputTokens: input, outputTokens: output } }),
      ),
    );
  // A mended answer is one more call, with the answer before it in its prompt.
  const mended = (model: string, input: number, output: number) =>
    [
      [model, input, output],
      [model, input + 2 * output, output],
    ] as const;
  return {
    pages: pageCount(text),
    chunks: chunks.length,
    calls: chunks.length + merges.length,
    inputTokens,
    outputTokens,
    usd: price([
      ...asked.map((input) => [cheap, input, usualAnswerTokens.chunk] as const),
      ...usualMerges.map((input) => [better, input, usualAnswerTokens.merge] as const),
    ]),
    mostUsd: price([
      ...[cheap, better].flatMap((model) =>
        asked.flatMap((input) => mended(model, input, mostAnswerTokens.chunk)),
      ),
      ...mostMerges.flatMap((input) => mended(better, input, mostAnswerTokens.merge)),
      ...(repair > 0 ? mended(better, repair, mostAnswerTokens.merge) : []),
    ]),
    pricesAsOf: prices.asOf,
  };
}

/** The merges that it takes to get from so many summaries to one: how many parts each has, and on which level. */
function mergesOf(parts: number, fanIn: number): { readonly parts: number; readonly level: number }[] {
  if (parts < 2) return [];
  const merges = groupsOf(Array.from({ length: parts }), fanIn).map(({ length }) => ({
    parts: length,
    level: 1,
  }));
  let width = merges.length;
  for (let level = 2; width > 1; level++) {
    const groups = Math.ceil(width / fanIn);
    for (let group = 0; group < groups; group++) {
      const size = Math.min(fanIn, width - group * fanIn);
      // What is left over goes up as it is.
      if (size > 1) merges.push({ parts: size, level });
    }
    width = groups;
  }
  return merges;
}

/** Neighbours in groups of nearly the same size, of at most `fanIn`. */
export function groupsOf<T>(values: readonly T[], fanIn: number): T[][] {
  const groups = Math.ceil(values.length / fanIn);
  return Array.from({ length: groups }, (_, index) =>
    values.slice(
      Math.floor((index * values.length) / groups),
      Math.floor(((index + 1) * values.length) / groups),
    ),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** To a hundredth of a cent. */
function sumOfKnown(costs: readonly (number | undefined)[]): number | null {
  const known = costs.filter((cost) => cost !== undefined);
  return known.length < costs.length ? null : Math.round(sum(known) * 10_000) / 10_000;
}
