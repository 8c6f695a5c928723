/** Whether a summary is borne out by the chunks that it names as its sources. */
import { figuresStandIn, judge } from 'signalbox';

import type { Chunk } from './chunks.ts';
import type { Summary } from './schemas.ts';

export interface Sources {
  readonly title: string;
  readonly text: string;
  readonly chunks: readonly Chunk[];
  /** Numbers of the chunks that the summary does not cover, and so cannot come from. */
  readonly missing: readonly number[];
}

/**
 * The reasons against it, in sentences for a model and for people; none is a yes. A figure of a key point has to stand in
 * a chunk that the point names, one of the summary in a chunk that any of them names, or either in the title.
 */
export function faultsOfDraft(
  { summary, keyPoints }: Summary,
  { title, text, chunks, missing }: Sources,
): string[] {
  const passage = (number: number): string => {
    const chunk = missing.includes(number) ? undefined : chunks[number - 1];
    return chunk ? [chunk.heading ?? '', text.slice(chunk.start, chunk.end)].join('\n') : '';
  };
  const ofPoints = keyPoints.flatMap((point, index) => {
    const name = `Key point ${index + 1}`;
    const unknown = point.chunks.filter((number) => passage(number) === '');
    if (unknown.length > 0) return [`${name} names chunk ${unknown.join(', ')}, which was not summarised.`];
    const where = `chunk ${point.chunks.join(', ')}`;
    return strayFigures([title, ...point.chunks.map(passage)], [point.text]).map(
      (reason) => `${name} (from ${where}): ${reason}`,
    );
  });
  const named = [...new Set(keyPoints.flatMap((point) => point.chunks))];
  const ofSummary = strayFigures([title, ...named.map(passage)], [summary]).map(
    (reason) => `The summary: ${reason} Its sources are the chunks that the key points name.`,
  );
  return [...ofSummary, ...ofPoints];
}

/** Why figures in the texts, each read by itself, do not stand in the source. */
export function strayFigures(source: readonly string[], texts: readonly string[]): string[] {
  const check = figuresStandIn(source);
  return texts.flatMap((text) => judge([check], text).reasons);
}
