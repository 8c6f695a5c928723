/**
 * What the states of the support ticket are written in: its actors, gates, actions and delays. The states are in
 * machine.ts. Everything here is pure but the actors.
 */
import { ModelCallFailed, type ModelProvider, type Who } from 'signalbox';
import { assertEvent, assign, setup, type EventObject } from 'xstate';

import {
  billingFactsOf,
  editedDecision,
  freshPart,
  partInHand,
  problemOf,
  type Step,
  type TicketContext,
} from './context.ts';
import { createGates } from './gates.ts';
import { createModels } from './models.ts';
import { outputOf } from './output-of.ts';
import { faultsOfGround, faultsOfLimit, faultsOfRefund, faultsOfReply, refundLimits } from './policy.ts';
import type {
  Classification,
  Draft,
  Facts,
  MailReceipt,
  Outcome,
  Refund,
  RefundDecision,
  RefundReceipt,
  Split,
  Ticket,
  TicketEvent,
} from './schemas.ts';
import { createTools } from './tools.ts';

export interface SupportTicketOptions {
  /** Who answers the model calls. Default: the real API if the environment names one, else the stand-in. */
  readonly provider?: ModelProvider;
  /** By currency, in its units: up to this much a refund needs no person. A currency left out always needs one. */
  readonly refundLimits?: Readonly<Record<string, number>>;
  /** Who may decide on a refund that is for a person. Default: anyone. */
  readonly approvers?: Who;
  /** How often the model may repair a draft that may not go out. Default: 2. */
  readonly repairs?: number;
  /** How often a step is tried again after its first failure. */
  readonly retries?: Partial<Record<Step, number>>;
  readonly times?: Partial<Times>;
  /** What the model calls of one ticket may cost. A call that could overrun it is not made: a person answers. Default: 2. */
  readonly budgetUsd?: number;
}

export interface Times {
  /** How long a model may take for one answer. Default: 2 minutes. */
  readonly modelMs: number;
  /** How long one call of a tool may take. Default: 10 seconds. */
  readonly toolMs: number;
  /** The wait before the first retry; each further one is four times as long. Default: 1 second. */
  readonly retryMs: number;
  /** The longest wait before a retry. Default: 5 minutes. */
  readonly longestRetryMs: number;
  /** How long a ticket waits to be sorted by a person. Default: 4 hours. */
  readonly triageMs: number;
  /** How long a reply waits for a person. Default: 4 hours. */
  readonly replyMs: number;
  /** How long a refund waits for approval. Default: 4 hours. */
  readonly approvalMs: number;
  /** How long a payment or mail of unknown outcome waits to be looked up. Default: 8 hours. */
  readonly checkMs: number;
  /** How long a supervisor has, once a question was passed on. Default: 24 hours. */
  readonly supervisorMs: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const defaultTimes: Times = {
  modelMs: 2 * minuteMs,
  toolMs: 10_000,
  retryMs: 1_000,
  longestRetryMs: 5 * minuteMs,
  triageMs: 4 * hourMs,
  replyMs: 4 * hourMs,
  approvalMs: 4 * hourMs,
  checkMs: 8 * hourMs,
  supervisorMs: 24 * hourMs,
};

export const defaultBudgetUsd = 2;

const defaultRetries: Record<Step, number> = {
  classify: 3,
  split: 3,
  facts: 3,
  draft: 3,
  decide: 3,
  refund: 5,
  mail: 5,
  record: 5,
};

/** A person may ask this often for one more try of a payment or a mail. */
const mostRounds = 3;

export function createSetup(options: SupportTicketOptions) {
  const times = { ...defaultTimes, ...options.times };
  const retries = { ...defaultRetries, ...options.retries };
  const limits = options.refundLimits ?? refundLimits;
  const mostRepairs = options.repairs ?? 2;

  return setup({
    types: {
      context: {} as TicketContext,
      events: {} as TicketEvent,
      input: {} as Ticket,
      output: {} as Outcome,
    },

    actors: { ...createModels(options.provider), ...createTools({ timeoutMs: times.toolMs }) },

    delays: {
      modelTime: times.modelMs,
      // Longer every time, and never sooner than the other side asked for.
      retryTime: ({ context }) => {
        const { count, notBeforeMs } = context.failures ?? { count: 1, notBeforeMs: 0 };
        return Math.max(Math.min(times.retryMs * 4 ** (count - 1), times.longestRetryMs), notBeforeMs);
      },
      triageTime: times.triageMs,
      replyTime: times.replyMs,
      approvalTime: times.approvalMs,
      checkTime: times.checkMs,
      supervisorTime: times.supervisorMs,
    },

    guards: {
      ...createGates(limits),
      transient: ({ event }) => isTransient(errorOf(event)),
      mayRetry: ({ context }, step: Step) => failuresOf(context, step) < retries[step],
      mayRepair: ({ context }) => context.repairs < mostRepairs,
      mayGoAnotherRound: ({ context }) => context.rounds < mostRounds,
      oneCategory: ({ context }) => context.categories.length === 1,
      partsGiven: ({ context }) => context.parts.length > 0,
      splitTried: ({ context }) => context.splitTried,
      billingPart: ({ context }) => partInHand(context).category === 'billing',
      technicalPart: ({ context }) => partInHand(context).category === 'technical',
      morePartsLeft: ({ context }) => context.partIndex + 1 < context.parts.length,
      givenUp: ({ context }) => context.closed !== null,
    },

    actions: {
      countFailure: assign({
        failures: ({ context, event }, step: Step) => ({
          of: step,
          count: failuresOf(context, step) + 1,
          notBeforeMs: retryAfterMsOf(errorOf(event)),
        }),
      }),
      /** Say why a person is asked; what went wrong is read from the event. */
      askBecause: assign({
        doubts: ({ event }, what: string) => [`${what} ${causeOf(event)}`.trim()],
      }),

      // Sorting
      keepCategories: assign({
        categories: ({ event }) => outputOf<Classification>(event).categories,
        doubts: [],
      }),
      keepTriage: assign(({ event }) => {
        assertEvent(event, 'CLASSIFY');
        return { categories: event.categories, parts: event.parts ?? [], doubts: [] };
      }),
      keepSplit: assign({ parts: ({ event }) => outputOf<Split>(event).parts }),
      keepWhole: assign({
        parts: ({ context }) => context.categories.map((category) => ({ category, text: null })),
      }),
      noteSplitTried: assign({ splitTried: true }),
      close: assign(({ event }) => {
        assertEvent(event, 'CLOSE');
        return { closed: { by: event.by, reason: event.reason } };
      }),
      closeUntriaged: assign({
        closed: { by: 'nobody', reason: 'Nobody sorted the ticket in time.' },
      }),

      // Facts and reply
      startPart: assign(({ context }) => ({
        doubts: [],
        refund: {
          ...context.refund,
          status: partInHand(context).category === 'billing' ? ('undecided' as const) : ('none' as const),
        },
      })),
      keepFacts: assign({ facts: ({ event }) => outputOf<Facts>(event) }),
      keepDraft: assign(({ context, event }) => {
        const { reply } = outputOf<Draft>(event);
        return { draft: reply, faults: faultsOfReply(reply, problemOf(context)) };
      }),
      countRepair: assign({ repairs: ({ context }) => context.repairs + 1 }),
      takeDraft: assign({ reply: ({ context }) => context.draft, handledBy: 'model', doubts: [] }),
      takeApprovedDraft: assign(({ context, event }) => {
        assertEvent(event, 'APPROVE_REPLY');
        return { reply: context.draft, handledBy: event.by, doubts: [] };
      }),
      takeReply: assign(({ event }) => {
        assertEvent(event, 'REPLY');
        return { reply: event.text, handledBy: event.by, doubts: [] };
      }),

      // Refund
      keepDecision: assign(({ context, event }) => ({
        decision: outputOf<RefundDecision>(event),
        refund: { ...context.refund, decidedBy: 'model' },
      })),
      noteDoubts: assign({
        doubts: ({ context }) => {
          const { decision } = context;
          const faults = faultsOfRefund(decision, billingFactsOf(context));
          if (faults.length > 0 || !decision) return faults;
          return [...faultsOfLimit(decision, limits), ...faultsOfGround(decision, billingFactsOf(context))];
        },
      }),
      approve: assign(({ context, event }) => {
        assertEvent(event, 'APPROVE');
        return { refund: { ...context.refund, decidedBy: event.by }, doubts: [] };
      }),
      edit: assign(({ context, event }) => {
        assertEvent(event, 'EDIT');
        return {
          decision: editedDecision(context, event.amount),
          refund: { ...context.refund, decidedBy: event.by },
          doubts: [],
        };
      }),
      reject: assign(({ context, event }) => {
        assertEvent(event, 'REJECT');
        return {
          refund: { ...context.refund, status: 'rejected' as const, decidedBy: event.by },
          doubts: [],
        };
      }),
      /** Where the records could not be looked at, nobody can say. */
      noteRefundImpossible: assign({
        refund: ({ context }): Refund => {
          const facts = billingFactsOf(context);
          const status = !facts ? 'undecided' : facts.record ? 'notDue' : 'notPossible';
          return { ...context.refund, status };
        },
      }),
      noteUndecided: assign({
        refund: ({ context }): Refund => ({ ...context.refund, status: 'undecided', decidedBy: 'nobody' }),
        doubts: [],
      }),
      noteNotDue: assign({
        refund: ({ context }): Refund => ({ ...context.refund, status: 'notDue', decidedBy: 'model' }),
      }),
      /** The payment service did not answer: the money may have gone back, or not. */
      noteRefundUnknown: assign({ refund: ({ context }): Refund => moved(context, 'unknown', null) }),
      keepRefundReceipt: assign({
        refund: ({ context, event }): Refund => {
          const receipt = outputOf<RefundReceipt>(event);
          return receipt.status === 'refunded'
            ? {
                ...moved(context, 'refunded', receipt.reference),
                amount: receipt.amount,
                currency: receipt.currency,
              }
            : { ...context.refund, status: 'declined', amount: 0 };
        },
        doubts: ({ event }) => {
          const receipt = outputOf<RefundReceipt>(event);
          return receipt.status === 'declined'
            ? [`The payment service declined: ${receipt.reason}`]
            : [`The payment service refunded ${receipt.amount} ${receipt.currency}.`];
        },
      }),
      confirmRefund: assign(({ context, event }) => {
        assertEvent(event, 'CONFIRM');
        const { refund } = context;
        return {
          refund: refund.status === 'refunded' ? refund : moved(context, 'refunded', event.reference),
          doubts: [],
        };
      }),
      abandonRefund: assign(({ context, event }) => {
        assertEvent(event, 'ABANDON');
        if (context.refund.status === 'refunded') return { doubts: [] };
        const refund: Refund = { ...context.refund, status: 'abandoned', amount: 0, decidedBy: event.by };
        return { refund, doubts: [] };
      }),

      // Mail and record
      keepMail: assign({
        mail: ({ event }) => {
          const receipt = outputOf<MailReceipt>(event);
          return receipt.status === 'sent' ? { id: receipt.id } : null;
        },
        doubts: ({ event }) => {
          const receipt = outputOf<MailReceipt>(event);
          return receipt.status === 'refused' ? [`The outbox refused the mail: ${receipt.reason}`] : [];
        },
      }),
      confirmMail: assign(({ event }) => {
        assertEvent(event, 'CONFIRM');
        return { mail: { id: event.reference }, doubts: [] };
      }),
      startRound: assign({ rounds: ({ context }) => context.rounds + 1, failures: null, doubts: [] }),
      keepResult: assign({
        results: ({ context }, { recorded }: { recorded: boolean }) => [
          ...context.results,
          {
            category: partInHand(context).category,
            reply: context.reply,
            handledBy: context.handledBy,
            refund: context.refund,
            mail: context.mail,
            recorded,
          },
        ],
        doubts: [],
      }),
      nextPart: assign(({ context }) => ({
        ...freshPart(),
        partIndex: context.partIndex + 1,
        failures: null,
      })),
    },
  });
}

/** Worth another try as it is: the provider was busy or away. A refused or cut-off answer is not. */
function isTransient(error: unknown): boolean {
  return error instanceof ModelCallFailed && error.details['retryable'] === true;
}

function retryAfterMsOf(error: unknown): number {
  const asked = error instanceof ModelCallFailed ? error.details['retryAfterMs'] : undefined;
  return typeof asked === 'number' ? asked : 0;
}

function failuresOf({ failures }: TicketContext, step: Step): number {
  return failures?.of === step ? failures.count : 0;
}

function moved(
  { refund, decision }: TicketContext,
  status: 'refunded' | 'unknown',
  reference: string | null,
): Refund {
  return {
    ...refund,
    status,
    amount: decision?.amount ?? 0,
    currency: decision?.currency ?? null,
    reference,
  };
}

function errorOf(event: EventObject): unknown {
  return (event as unknown as { error?: unknown }).error;
}

function causeOf(event: EventObject): string {
  if (event.type.startsWith('xstate.after.')) return 'No answer came in time.';
  const error = errorOf(event);
  return error instanceof Error ? error.message : '';
}
