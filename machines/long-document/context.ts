/** What a long document's machine remembers: plain data, and how it starts. The text is in it once. */
import { type PriceTable } from 'signalbox';

import { type Chunk, chunksOf, normalized } from './chunks.ts';
import { estimateOf, mostPassages, type Shape } from './estimate.ts';
import { pages } from './prompts.ts';
import type {
  CombineInput,
  Document,
  Estimate,
  Outcome,
  RepairInput,
  SummarizeInput,
  Summary,
} from './schemas.ts';
import { faultsOfDraft } from './sources.ts';

export interface DocumentContext {
  title: string;
  /** Normalized: what the chunks are places in. */
  text: string;
  chunks: Chunk[];
  estimate: Estimate;
  /** In US dollars: over it a person is asked. */
  askAboveUsd: number;
  /** One for each chunk that is summarised, in order; empty again once they are combined. */
  parts: Summary[];
  missing: Missing[];
  /** What the parts were combined to. */
  draft: Summary | null;
  /** What in it is not borne out by the document. */
  faults: string[];
  repairs: number;
  /** How often a person has had something tried again. */
  rounds: number;
  /** Why a person is being asked, in sentences. */
  doubts: string[];
  decisions: { by: string; decided: string }[];
  stopped: { by: string; reason: string } | null;
}

export interface Missing {
  readonly chunk: number;
  readonly why: string;
}

export interface StartOptions extends Required<Shape> {
  readonly prices: PriceTable;
  readonly askAboveUsd: number;
}

export function initialContext(document: Document, options: StartOptions): DocumentContext {
  const { title } = document;
  const text = normalized(document.text);
  const chunks = chunksOf(text, { maxTokens: options.chunkTokens });
  return {
    title,
    text,
    chunks,
    estimate: estimateOf({ title, text }, chunks, options),
    askAboveUsd: document.askAboveUsd ?? options.askAboveUsd,
    parts: [],
    missing: [],
    draft: null,
    faults: [],
    repairs: 0,
    rounds: 0,
    doubts: [],
    decisions: [],
    stopped: null,
  };
}

/** The chunks that are still to be summarised: all, or those that were missing the last time. */
export function chunksToDo({ chunks, missing }: DocumentContext): Chunk[] {
  if (missing.length === 0) return chunks;
  const wanted = new Set(missing.map(({ chunk }) => chunk));
  return chunks.filter(({ number }) => wanted.has(number));
}

export function summarizeInputOf(context: DocumentContext): SummarizeInput {
  const { title, text, chunks } = context;
  return { title, text, of: chunks.length, chunks: chunksToDo(context) };
}

export function combineInputOf({ parts }: DocumentContext): CombineInput {
  return { parts };
}

/** The draft with the chunks that its faulty parts come from, as many as a model can be expected to read. */
export function repairInputOf({ draft, faults, chunks, text }: DocumentContext): RepairInput {
  const given = draft ?? { summary: '', keyPoints: [] };
  const faulty = given.keyPoints.filter((_, index) =>
    faults.some((fault) => fault.startsWith(`Key point ${index + 1} `)),
  );
  const named = (faulty.length > 0 ? faulty : given.keyPoints).flatMap((point) => point.chunks);
  const passages = [...new Set(named)].slice(0, mostPassages).flatMap((number) => {
    const chunk = chunks[number - 1];
    return chunk ? [{ chunk: number, text: text.slice(chunk.start, chunk.end) }] : [];
  });
  return { draft: given, faults, passages };
}

/** `Chunk 7 (pages 19 to 22): the model refused.` */
export function describeMissing({ chunks }: DocumentContext, { chunk, why }: Missing): string {
  const place = chunks[chunk - 1];
  return `Chunk ${chunk}${place ? ` (${pages(place.firstPage, place.lastPage)})` : ''}: ${why}`;
}

/** What people are shown: all of it but the text. */
export function shown({ title, estimate, missing, draft, faults, doubts, ...context }: DocumentContext) {
  return {
    title,
    estimate,
    askAboveUsd: context.askAboveUsd,
    doubts,
    missing: missing.map(({ chunk, why }) => ({ ...placeOf(context.chunks, chunk), why })),
    draft,
    faults,
  };
}

export function draftFaultsOf({ draft, title, chunks, missing, text }: DocumentContext): string[] {
  if (!draft) return [];
  return faultsOfDraft(draft, { title, chunks, text, missing: missing.map(({ chunk }) => chunk) });
}

export function outcomeOf(context: DocumentContext): Outcome {
  const { title, text, chunks, missing, draft, faults, decisions, stopped, estimate } = context;
  const summarized = stopped === null && draft !== null;
  return {
    title,
    status: stopped ? 'stopped' : chunks.length === 0 || text === '' ? 'empty' : 'summarized',
    summary: summarized ? draft.summary : '',
    keyPoints: summarized
      ? draft.keyPoints.map((point) => ({
          text: point.text,
          sources: point.chunks.flatMap((chunk) => (chunks[chunk - 1] ? [placeOf(chunks, chunk)] : [])),
        }))
      : [],
    missing: missing.map(({ chunk, why }) => ({ ...placeOf(chunks, chunk), why })),
    unverified: summarized ? faults : [],
    decisions,
    stopped,
    cost: estimate,
  };
}

function placeOf(chunks: readonly Chunk[], number: number) {
  const chunk = chunks[number - 1];
  if (!chunk) throw new Error(`Expected a chunk ${number}, got ${chunks.length} chunks.`);
  const { firstPage, lastPage, heading } = chunk;
  return { chunk: number, firstPage, lastPage, heading };
}
