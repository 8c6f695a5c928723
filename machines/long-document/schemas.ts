/** The shapes that go in and out of the long document workflow: its input, output and events, and what its actors answer. */
import { z } from 'zod';

const Text = z.string().trim().min(1);
const Name = Text.max(100);
const ChunkNumber = z.int().min(1);

/** About 300 pages, and half as much again. */
export const mostCharacters = 1_500_000;

export const Document = z.object({
  title: z.string().max(300),
  /** The whole text. A form feed ends a page, as in the output of `pdftotext`; without any, 3,000 characters are a page. */
  text: z.string().max(mostCharacters),
  /** In US dollars: if it is estimated to cost more, a person is asked before it starts. Default: the workflow's. */
  askAboveUsd: z.number().min(0).optional(),
});
export type Document = z.infer<typeof Document>;

/** A chunk as the model is shown it. */
export const ChunkInput = z.object({
  title: z.string(),
  number: ChunkNumber,
  of: z.int(),
  firstPage: z.int(),
  lastPage: z.int(),
  heading: z.string().nullable(),
  text: z.string(),
});
export type ChunkInput = z.infer<typeof ChunkInput>;

/** What the model answers about one chunk. Which chunk it was is not for it to say. */
export const ChunkSummary = z.object({
  summary: Text.max(1_500),
  points: z.array(Text.max(400)).min(1).max(6),
});
export type ChunkSummary = z.infer<typeof ChunkSummary>;

export const KeyPoint = z.object({
  text: Text.max(500),
  /** The numbers of the chunks that it comes from. */
  chunks: z
    .array(ChunkNumber)
    .min(1)
    .max(24)
    .transform((numbers) => [...new Set(numbers)].sort((one, other) => one - other)),
});
export type KeyPoint = z.infer<typeof KeyPoint>;

/** A summary of several chunks, and at last of all: on every level of the tree the same form. */
export const Summary = z.object({
  summary: Text.max(4_000),
  keyPoints: z.array(KeyPoint).min(1).max(15),
});
export type Summary = z.infer<typeof Summary>;

/** The chunks to summarise: places in the text, which is there once. */
export const SummarizeInput = z.object({
  title: z.string(),
  text: z.string(),
  of: z.int(),
  chunks: z.array(
    z.object({
      number: ChunkNumber,
      start: z.int(),
      end: z.int(),
      firstPage: z.int(),
      lastPage: z.int(),
      heading: z.string().nullable(),
    }),
  ),
});
export type SummarizeInput = z.infer<typeof SummarizeInput>;

export const CombineInput = z.object({ parts: z.array(Summary) });
export type CombineInput = z.infer<typeof CombineInput>;

export const RepairInput = z.object({
  draft: Summary,
  faults: z.array(z.string()),
  /** The chunks that the faulty parts of the draft name as their sources. */
  passages: z.array(z.object({ chunk: ChunkNumber, text: z.string() })),
});
export type RepairInput = z.infer<typeof RepairInput>;

export const Estimate = z.object({
  pages: z.int(),
  chunks: z.int(),
  /** Of models, if nothing has to be asked twice. */
  calls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  /** US dollars, if nothing has to be asked twice. `null`: the price table does not know a model. */
  usd: z.number().nullable(),
  /** The same if every answer is as long as it may be, is mended once, and every chunk goes to the better model as well. */
  mostUsd: z.number().nullable(),
  /** The day of the price table. */
  pricesAsOf: z.string(),
});
export type Estimate = z.infer<typeof Estimate>;

const Place = z.object({
  chunk: ChunkNumber,
  firstPage: z.int(),
  lastPage: z.int(),
  heading: z.string().nullable(),
});

export const Outcome = z.object({
  title: z.string(),
  /** `summarized` · `empty`: there is nothing to read in the document · `stopped`: by a person, or for want of one. */
  status: z.enum(['summarized', 'empty', 'stopped']),
  /** Empty unless the document is summarized. */
  summary: z.string(),
  keyPoints: z.array(z.object({ text: z.string(), sources: z.array(Place) })),
  /** The chunks that the summary does not cover. */
  missing: z.array(Place.extend({ why: z.string() })),
  /** What in the summary is not borne out by the document; a person accepted it as it is. */
  unverified: z.array(z.string()),
  /** The people who had a say, with what they said. */
  decisions: z.array(z.object({ by: z.string(), decided: z.string() })),
  stopped: z.object({ by: z.string(), reason: z.string() }).nullable(),
  /** As estimated before the first call; what was spent is in the run's history. */
  cost: Estimate,
});
export type Outcome = z.infer<typeof Outcome>;

/** The events that people send, by type; the payloads without the type. */
export const events = {
  GO_AHEAD: z.object({ by: Name }),
  LEAVE_OUT: z.object({ by: Name }),
  TRY_AGAIN: z.object({ by: Name }),
  ACCEPT: z.object({ by: Name }),
  STOP: z.object({ by: Name, reason: Text }),
};

type Payload<TType extends keyof typeof events> = z.infer<(typeof events)[TType]>;

export type DocumentEvent = {
  [TType in keyof typeof events]: { type: TType } & Payload<TType>;
}[keyof typeof events];
