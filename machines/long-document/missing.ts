/** What a round over chunks has come to. */
import type { MapOutcome } from 'signalbox';

import { chunksToDo, type DocumentContext, type Missing } from './context.ts';
import type { ChunkSummary, Summary } from './schemas.ts';

/** The chunks that failed for good, and why. */
export function missingAfter(context: DocumentContext, { failures }: MapOutcome<ChunkSummary>): Missing[] {
  const asked = chunksToDo(context);
  return failures.flatMap(({ index, error }) => {
    const chunk = asked[index];
    return chunk ? [{ chunk: chunk.number, why: error.message }] : [];
  });
}

/** The chunks that are summarised by now, in order. Which chunk a point comes from is known here, not by the model. */
export function partsAfter(context: DocumentContext, { outputs }: MapOutcome<ChunkSummary>): Summary[] {
  const asked = chunksToDo(context);
  const fresh = outputs.flatMap((output, index): Summary[] => {
    const chunk = asked[index];
    if (!output || !chunk) return [];
    const keyPoints = output.points.map((text) => ({ text, chunks: [chunk.number] }));
    return [{ summary: output.summary, keyPoints }];
  });
  const placeOf = ({ keyPoints }: Summary): number => keyPoints[0]?.chunks[0] ?? 0;
  return [...context.parts, ...fresh].sort((one, other) => placeOf(one) - placeOf(other));
}
