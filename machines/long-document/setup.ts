/**
 * What the states of the long document are written in: its actors, gates, actions and delays. The states are in
 * machine.ts. Everything here is pure but the actors.
 */
import { listPrices, type MapOutcome, type ModelProvider, type PriceTable } from 'signalbox';
import { assign, setup, type EventObject } from 'xstate';

import { type DocumentContext, draftFaultsOf, type StartOptions } from './context.ts';
import { defaultShape, type Shape } from './estimate.ts';
import { createGates, faultsOfCost } from './gates.ts';
import { missingAfter, partsAfter } from './missing.ts';
import { createModels } from './models.ts';
import { outputOf } from './output-of.ts';
import type { ChunkSummary, Document, DocumentEvent, Outcome, Summary } from './schemas.ts';

export interface LongDocumentOptions extends Shape {
  /** Who answers the model calls. Default: the real API if the environment names one, else the stand-in. */
  readonly provider?: ModelProvider;
  /** How many calls are made at a time. Default: 5. */
  readonly concurrency?: number;
  /** In US dollars: a document that is estimated to cost more needs a person's word, unless it has a limit of its own. Default: 0.50. */
  readonly askAboveUsd?: number;
  /** In US dollars: what the calls of one run may cost in all. Default: 5. */
  readonly budgetUsd?: number;
  /** What estimates are made with. Give the engine the same. Default: `listPrices`. */
  readonly prices?: PriceTable;
  /** How often a call is made before it has failed. Default: 6. */
  readonly attempts?: number;
  /** How often the final summary may be repaired. Default: 1. */
  readonly repairs?: number;
  readonly times?: Partial<Times>;
}

export interface Times {
  /** How long a model may take for one answer. Default: 3 minutes. */
  readonly modelMs: number;
  /** The wait before the first retry; each further one is twice as long. Default: 1 second. */
  readonly retryMs: number;
  /** The longest wait before a retry. Default: 2 minutes. */
  readonly longestRetryMs: number;
  /** How long it waits to be started by a person. Default: 3 days. */
  readonly goAheadMs: number;
  /** How long any other question to a person waits. Default: 3 days. */
  readonly decisionMs: number;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const defaultTimes: Times = {
  modelMs: 3 * minuteMs,
  retryMs: 1_000,
  longestRetryMs: 2 * minuteMs,
  goAheadMs: 3 * dayMs,
  decisionMs: 3 * dayMs,
};

export const defaultBudgetUsd = 5;
const defaultAskAboveUsd = 0.5;
/** A person may have something tried again this often. */
const mostRounds = 3;

export function createSetup(options: LongDocumentOptions) {
  const times = { ...defaultTimes, ...options.times };
  const shape = {
    chunkTokens: options.chunkTokens ?? defaultShape.chunkTokens,
    fanIn: options.fanIn ?? defaultShape.fanIn,
  };
  const budgetUsd = options.budgetUsd ?? defaultBudgetUsd;
  const mostRepairs = options.repairs ?? 1;

  return setup({
    types: {
      context: {} as DocumentContext,
      events: {} as DocumentEvent,
      input: {} as Document,
      output: {} as Outcome,
    },

    actors: createModels({
      provider: options.provider,
      concurrency: options.concurrency ?? 5,
      fanIn: shape.fanIn,
      retry: {
        attempts: options.attempts ?? 6,
        delayMs: times.retryMs,
        maxDelayMs: times.longestRetryMs,
      },
      timeoutMs: times.modelMs,
    }),

    delays: { goAheadTime: times.goAheadMs, decisionTime: times.decisionMs },

    guards: {
      ...createGates({ budgetUsd }),
      nothingToRead: ({ context }) => context.chunks.length === 0,
      onePart: ({ context }) => context.parts.length === 1,
      mayRepair: ({ context }) => context.repairs < mostRepairs,
      mayTryAgain: ({ context }) => context.rounds < mostRounds,
    },

    actions: {
      /** Say why a person is asked; what went wrong is read from the event. */
      askBecause: assign({
        doubts: ({ event }, what: string) => [`${what} ${causeOf(event)}`.trim()],
      }),
      noteCost: assign({ doubts: ({ context }) => faultsOfCost(context, budgetUsd) }),
      noteDecision: assign({
        decisions: ({ context, event }, decided: string) => [
          ...context.decisions,
          { by: whoSent(event), decided },
        ],
        doubts: [],
      }),
      stop: assign({
        stopped: ({ event }) => {
          const { reason } = event as unknown as { readonly reason: string };
          return { by: whoSent(event), reason };
        },
      }),
      giveUp: assign({ stopped: (_, reason: string) => ({ by: 'nobody', reason }) }),
      startRound: assign({ rounds: ({ context }) => context.rounds + 1 }),

      keepSummaries: assign(({ context, event }) => {
        const outcome = outputOf<MapOutcome<ChunkSummary>>(event);
        return { parts: partsAfter(context, outcome), missing: missingAfter(context, outcome) };
      }),
      /** The map as a whole failed, so none of what it was to do is done. */
      missAll: assign({
        missing: ({ context, event }) => {
          const asked = context.missing.length > 0 ? context.missing.map(({ chunk }) => chunk) : undefined;
          const numbers = asked ?? context.chunks.map(({ number }) => number);
          return numbers.map((chunk) => ({ chunk, why: causeOf(event) }));
        },
      }),
      takeOnlyPart: assign({ draft: ({ context }) => context.parts[0] ?? null, parts: [] }),
      takeCombined: assign({ draft: ({ event }) => outputOf<Summary>(event), parts: [] }),
      takeRepaired: assign({
        draft: ({ event }) => outputOf<Summary>(event),
        repairs: ({ context }) => context.repairs + 1,
      }),
      noteFaults: assign({ faults: ({ context }) => draftFaultsOf(context) }),
      clearFaults: assign({ faults: [], doubts: [] }),
    },
  });
}

export function startOptions(options: LongDocumentOptions): StartOptions {
  return {
    chunkTokens: options.chunkTokens ?? defaultShape.chunkTokens,
    fanIn: options.fanIn ?? defaultShape.fanIn,
    prices: options.prices ?? listPrices,
    askAboveUsd: options.askAboveUsd ?? defaultAskAboveUsd,
  };
}

function whoSent(event: EventObject): string {
  return 'by' in event && typeof event.by === 'string' ? event.by : 'nobody';
}

function causeOf(event: EventObject): string {
  if (!('error' in event)) return '';
  return event.error instanceof Error ? event.error.message : String(event.error);
}
