/** What the models are asked about a long document, and the maps that ask it of all chunks. */
import { createHash } from 'node:crypto';

import {
  type AnswerChecks,
  fromMap,
  fromModel,
  modelFromEnvironment,
  type ModelProvider,
  type RetryPolicy,
} from 'signalbox';

import { better, cheap, groupsOf, mostAnswerTokens } from './estimate.ts';
import * as prompts from './prompts.ts';
import { ChunkInput, ChunkSummary, CombineInput, RepairInput, SummarizeInput, Summary } from './schemas.ts';
import { strayFigures } from './sources.ts';
import { documentStandIn } from './stand-in.ts';

export interface ModelOptions {
  readonly provider?: ModelProvider | undefined;
  readonly concurrency: number;
  readonly fanIn: number;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
}

/** Every figure that is said of a chunk stands in the chunk. */
const figuresOfChunk: AnswerChecks<ChunkSummary, ChunkInput> = ({ summary, points }, { input }) =>
  strayFigures([input.text, input.heading ?? '', input.title], [summary, ...points]);

/** Key points name chunks that the model was given, and no others. */
const sourcesGiven: AnswerChecks<Summary, readonly Summary[]> = ({ keyPoints }, { input }) => {
  const given = new Set(input.flatMap((part) => part.keyPoints.flatMap(({ chunks }) => chunks)));
  return keyPoints.flatMap(({ chunks }, index) => {
    const unknown = chunks.filter((chunk) => !given.has(chunk));
    if (unknown.length === 0) return [];
    return [
      `Key point ${index + 1} names chunk ${unknown.join(', ')}, which none of these parts comes from.`,
    ];
  });
};

export function createModels({
  provider = modelFromEnvironment({ standIn: documentStandIn }),
  concurrency,
  fanIn,
  retry,
  timeoutMs,
}: ModelOptions) {
  const summarizeChunkBetter = fromModel({
    ...chunkQuestion('summarizeChunkBetter', better),
    accept: figuresOfChunk,
    provider,
    retry,
    timeoutMs,
  });

  const summarizeChunk = fromModel({
    ...chunkQuestion('summarizeChunk', cheap),
    accept: figuresOfChunk,
    provider,
    retry,
    timeoutMs,
    fallback: [summarizeChunkBetter],
  });

  const mergeSummaries = fromModel({
    name: 'mergeSummaries',
    model: better,
    input: CombineInput.shape.parts,
    output: Summary,
    system: prompts.mergeSystem,
    prompt: prompts.mergePrompt,
    maxTokens: mostAnswerTokens.merge,
    accept: sourcesGiven,
    // When a person has it tried again, only what failed is asked again.
    cache: { key: (parts) => createHash('sha256').update(JSON.stringify(parts)).digest('hex') },
    provider,
    retry,
    timeoutMs,
  });

  return {
    summarizeChunks: fromMap({
      name: 'summarizeChunks',
      input: SummarizeInput,
      items: ({ title, text, of, chunks }) =>
        chunks.map(({ start, end, ...chunk }): ChunkInput => ({
          ...chunk,
          title,
          of,
          text: text.slice(start, end),
        })),
      each: summarizeChunk,
      concurrency,
      // What could not be summarised is for a person to decide on, be it all of it.
      onFailure: { atMost: Number.MAX_SAFE_INTEGER },
    }),

    // The first level of the tree is the map, the levels above it the reduction.
    combineSummaries: fromMap({
      name: 'combineSummaries',
      input: CombineInput,
      items: ({ parts }) => groupsOf(parts, fanIn),
      each: mergeSummaries,
      concurrency,
      reduce: { by: mergeSummaries, fanIn },
    }),

    repairSummary: fromModel({
      name: 'repairSummary',
      model: better,
      input: RepairInput,
      output: Summary,
      system: prompts.repairSystem,
      prompt: prompts.repairPrompt,
      maxTokens: mostAnswerTokens.merge,
      provider,
      retry,
      timeoutMs,
    }),
  };
}

function chunkQuestion(name: string, model: string) {
  return {
    name,
    model,
    input: ChunkInput,
    output: ChunkSummary,
    system: prompts.chunkSystem,
    prompt: prompts.chunkPrompt,
    maxTokens: mostAnswerTokens.chunk,
  };
}
