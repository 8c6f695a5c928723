/**
 * What the states of the document intake are written in: its actors, gates, actions and delays. The states are in
 * machine.ts. Everything here is pure but the actors.
 */
import { editOf, type ModelProvider, type Who } from 'signalbox';
import { assertEvent, assign, setup, type EventObject } from 'xstate';
import type { ZodType } from 'zod';

import { hasText, type IntakeContext, isHandled, readOf } from './context.ts';
import { createGates, describeProblem, faultsOfReceipt, faultsOfRegistration, matchIn } from './gates.ts';
import { createModels } from './models.ts';
import { outputOf } from './output-of.ts';
import {
  type Document,
  Draft,
  Extraction,
  type Found,
  type IntakeEvent,
  type Outcome,
  type Reading,
  type Receipt,
  type Registration,
} from './schemas.ts';
import { createTools, type IntakeServers } from './tools.ts';

export interface DocumentIntakeOptions {
  /** Who answers the model calls. Default: the real API if the environment names one, else the stand-in. */
  readonly provider?: ModelProvider;
  /** MCP servers of your own, each instead of the one at INTAKE_SERVICES_URL. */
  readonly servers?: Partial<IntakeServers>;
  /** Who may answer questions. Default: anyone. */
  readonly clerks?: Who;
  /** Who may answer what nobody has answered in time. Default: anyone. */
  readonly supervisors?: Who;
  /** How often a model may mend an answer that its check refuses. Default: 1. */
  readonly repairs?: number;
  /** How often a call is repeated after its first failure. */
  readonly retries?: Partial<Retries>;
  /** Files with more pages are for a person. Default: 100. */
  readonly mostPages?: number;
  /** Text beyond this is left out, and the output says so. Default: 200,000. */
  readonly mostCharacters?: number;
  readonly times?: Partial<Times>;
  /** In US dollars: what the models of one run may cost in all. Default: 5. */
  readonly budgetUsd?: number;
}

export interface Retries {
  /** Of a model. Default: 3. */
  readonly models: number;
  /** Of a look-up. Default: 3. */
  readonly reading: number;
  /** Of what has an effect: always under the same key. Default: 5. */
  readonly effects: number;
}

export interface Times {
  /** How long it may take to read the file. Default: 1 minute. */
  readonly readMs: number;
  /** How long a model may take for one answer. Default: 3 minutes. */
  readonly modelMs: number;
  /** How long one call through MCP may take. Default: 10 seconds. */
  readonly toolMs: number;
  /** The wait before the first retry; each further one is four times as long. Default: 1 second. */
  readonly retryMs: number;
  /** The longest wait before a retry. Default: 2 minutes. */
  readonly longestRetryMs: number;
  /** How long a question waits for a clerk. Default: 24 hours. */
  readonly answerMs: number;
  /** How often the clerk is reminded of it. Default: every 4 hours. */
  readonly reminderMs: number;
  /** How long a supervisor has, once a question was passed on. Default: 48 hours. */
  readonly supervisorMs: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const defaultTimes: Times = {
  readMs: minuteMs,
  modelMs: 3 * minuteMs,
  toolMs: 10_000,
  retryMs: 1_000,
  longestRetryMs: 2 * minuteMs,
  answerMs: 24 * hourMs,
  reminderMs: 4 * hourMs,
  supervisorMs: 48 * hourMs,
};

const defaultRetries: Retries = { models: 3, reading: 3, effects: 5 };
export const defaultBudgetUsd = 5;

/** People may have something tried again this often, of one document. */
const mostRounds = 5;

export function createSetup(options: DocumentIntakeOptions) {
  const times = { ...defaultTimes, ...options.times };
  const retries = { ...defaultRetries, ...options.retries };
  const repeated = (count: number) => ({
    attempts: count + 1,
    delayMs: times.retryMs,
    factor: 4,
    maxDelayMs: times.longestRetryMs,
  });
  const mayTryAgain = ({ context }: { readonly context: IntakeContext }): boolean =>
    context.rounds < mostRounds;

  return setup({
    types: {
      context: {} as IntakeContext,
      events: {} as IntakeEvent,
      input: {} as Document,
      output: {} as Outcome,
    },

    actors: {
      ...createModels({
        provider: options.provider,
        repairs: options.repairs ?? 1,
        retry: repeated(retries.models),
        timeoutMs: times.modelMs,
      }),
      ...createTools({
        servers: options.servers,
        mostPages: options.mostPages ?? 100,
        mostCharacters: options.mostCharacters ?? 200_000,
        readMs: times.readMs,
        timeoutMs: times.toolMs,
        reading: repeated(retries.reading),
        effects: repeated(retries.effects),
      }),
    },

    delays: {
      answerTime: times.answerMs,
      reminderTime: times.reminderMs,
      supervisorTime: times.supervisorMs,
    },

    guards: {
      ...createGates(),
      isDuplicate: ({ event }) => outputOf<Registration>(event).status === 'duplicate',
      isScan: ({ context }) => context.problem === 'no-text',
      hasBytes: ({ context }) => context.sha256 !== null,
      isHandled: ({ context }) => isHandled(context),
      mayTryAgain,
      mayExtractAgain: ({ context }) => hasText(context) && mayTryAgain({ context }),
    },

    actions: {
      /** Say why a person is asked; what went wrong is read from the event. */
      askBecause: assign({
        doubts: ({ event }, what: string) => [`${what} ${causeOf(event)}`.trim()],
      }),
      noteDecision: assign({
        decisions: ({ context, event }, decided: string) => [
          ...context.decisions,
          { by: whoSent(event), decided: `${decided}${reasonGiven(event)}` },
        ],
        doubts: [],
      }),
      countReminder: assign({ reminders: ({ context }) => context.reminders + 1 }),
      startRound: assign(({ context, event }) => ({
        rounds: context.rounds + 1,
        decisions: [...context.decisions, { by: whoSent(event), decided: 'to try again' }],
        doubts: [],
      })),
      reject: assign(({ event }) => {
        assertEvent(event, 'REJECT');
        return { closed: { by: event.by, reason: event.reason } };
      }),
      giveUp: assign({ closed: (_, reason: string) => ({ by: 'nobody', reason }) }),

      // The file
      keepReading: assign(({ event }) => readOf(outputOf<Reading>(event))),
      noteDuplicate: assign({ duplicateOf: ({ event }) => outputOf<Registration>(event).of }),
      noteRefused: assign({
        closed: ({ event }) => ({ by: 'crm', reason: faultsOfRegistration(outputOf(event)).join(' ') }),
      }),
      noteReleased: assign({ released: (_, { released }: { released: boolean }) => released }),
      dropBytes: assign({ document: ({ context }) => ({ ...context.document, pdf: '' }) }),
      askAboutProblem: assign({
        doubts: ({ context: { problem } }) => (problem === null ? [] : [describeProblem(problem)]),
      }),

      // What it says
      keepEntities: assign({
        entities: ({ event }) => outputOf<Extraction>(event),
        checkedBy: 'document',
        doubts: [],
      }),
      keepProposed: assign({ proposed: ({ event }) => outputOf<Extraction>(event) }),
      /** What the last model said before it was refused is a start for a person; if none said anything, what was there. */
      keepRefused: assign({
        proposed: ({ context, event }) => refusedOutput(event, Extraction) ?? context.proposed,
      }),
      confirmEntities: assign(({ context, event }) => ({
        entities: context.proposed,
        checkedBy: 'person' as const,
        decisions: [...context.decisions, { by: whoSent(event), decided: 'that the model is right' }],
        doubts: [],
      })),
      correctEntities: assign(({ context, event }) => {
        assertEvent(event, 'CORRECT_ENTITIES');
        const { changes } = editOf(context.proposed ?? undefined, event.entities);
        return {
          entities: event.entities,
          checkedBy: 'person' as const,
          decisions: [...context.decisions, { by: event.by, decided: 'what the document says' }],
          corrections: context.proposed
            ? [...context.corrections, { by: event.by, of: 'entities' as const, changes: [...changes] }]
            : context.corrections,
          doubts: [],
        };
      }),

      // The customer
      takeCustomer: assign(({ context, event }) => ({
        customer: matchIn(context, outputOf<Found>(event)).customer,
        found: [],
        doubts: [],
      })),
      keepFound: assign(({ context, event }) => {
        const found = outputOf<Found>(event);
        return {
          // What a pick did not find takes nothing away from what was found before.
          found: found.customers.length > 0 ? found.customers : context.found,
          picked: null,
          doubts: [...matchIn(context, found).reasons],
        };
      }),
      pickCustomer: assign(({ context, event }) => {
        assertEvent(event, 'PICK_CUSTOMER');
        const decided = `that it is from ${event.customerNumber}`;
        return {
          picked: event.customerNumber,
          // In the place of "to try again".
          decisions: [...context.decisions.slice(0, -1), { by: event.by, decided }],
        };
      }),

      // The notice
      keepNotice: assign(({ event }) => {
        const receipt = outputOf<Receipt>(event);
        return {
          notified: {
            status: receipt.status === 'done' ? ('sent' as const) : ('none' as const),
            id: receipt.id,
          },
          doubts: faultsOfReceipt('notice', receipt),
        };
      }),
      noteNoticeUnknown: assign({ notified: { status: 'unknown', id: null } }),
      confirmNotice: assign(({ context, event }) => {
        assertEvent(event, 'CONFIRM_DONE');
        return {
          notified: { status: 'confirmed' as const, id: event.reference },
          decisions: [...context.decisions, { by: event.by, decided: 'that the manager knows' }],
          doubts: [],
        };
      }),
      skipNotice: assign({
        notified: ({ context: { notified } }) =>
          notified.status === 'none' ? { status: 'skipped', id: null } : notified,
      }),

      // The reply
      keepDraft: assign({ draft: ({ event }) => outputOf<Draft>(event) }),
      keepRefusedDraft: assign({
        draft: ({ context, event }) => refusedOutput(event, Draft) ?? context.draft,
      }),
      takeDraft: assign({ reply: ({ context }) => context.draft, repliedBy: 'model', doubts: [] }),
      approveDraft: assign(({ context, event }) => ({
        reply: context.draft,
        repliedBy: whoSent(event),
        decisions: [...context.decisions, { by: whoSent(event), decided: 'to save the draft as it is' }],
        doubts: [],
      })),
      takeReply: assign(({ context, event }) => {
        assertEvent(event, 'WRITE_REPLY');
        const reply = { subject: event.subject, body: event.body };
        const { changes } = editOf(context.draft ?? undefined, reply);
        return {
          reply,
          repliedBy: event.by,
          decisions: [...context.decisions, { by: event.by, decided: 'what the reply says' }],
          corrections: context.draft
            ? [...context.corrections, { by: event.by, of: 'reply' as const, changes: [...changes] }]
            : context.corrections,
          doubts: [],
        };
      }),
      keepSaved: assign(({ event }) => {
        const receipt = outputOf<Receipt>(event);
        return { draftId: receipt.id, doubts: faultsOfReceipt('draft', receipt) };
      }),
      confirmDraft: assign(({ context, event }) => {
        assertEvent(event, 'CONFIRM_DONE');
        return {
          draftId: event.reference,
          decisions: [...context.decisions, { by: event.by, decided: 'that the reply is saved' }],
          doubts: [],
        };
      }),
    },
  });
}

function whoSent(event: EventObject): string {
  return 'by' in event && typeof event.by === 'string' ? event.by : 'nobody';
}

function reasonGiven(event: EventObject): string {
  return 'reason' in event && typeof event.reason === 'string' ? `: ${event.reason}` : '';
}

/** What a model said that a gate refused, if it has the form of an answer. */
function refusedOutput<TOutput>(event: EventObject, schema: ZodType<TOutput>): TOutput | null {
  const error = 'error' in event ? event.error : undefined;
  const details =
    typeof error === 'object' && error !== null && 'details' in error ? error.details : undefined;
  const output =
    typeof details === 'object' && details !== null && 'output' in details ? details.output : undefined;
  const { success, data } = schema.safeParse(output);
  return success ? data : null;
}

function causeOf(event: EventObject): string {
  if (!('error' in event)) return '';
  return event.error instanceof Error ? event.error.message : String(event.error);
}
