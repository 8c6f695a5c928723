/**
 * What the states of the helpdesk router are written in: its actors, gates, actions and delays. The states are in
 * machine.ts. Everything here is pure but the actors.
 */
import { type AgentOutcome, type ModelProvider, type VoteOutcome, type Who } from 'signalbox';
import { assertEvent, assign, setup, type EventObject } from 'xstate';

import { type DeskContext, draftFaultsOf } from './context.ts';
import { createGates, faultsOfAgent, faultsOfVote } from './gates.ts';
import { createModels } from './models.ts';
import { outputOf } from './output-of.ts';
import { noFaults } from './reply-check.ts';
import { doubtsOf } from './routing.ts';
import type {
  AgentAnswer,
  Classification,
  DeskEvent,
  Draft,
  Facts,
  HelpRequest,
  IncidentReceipt,
  MailReceipt,
  Outcome,
  Route,
  Status,
  Votes,
} from './schemas.ts';
import { createTools } from './tools.ts';

export interface HelpdeskRouterOptions {
  /** Who answers the model calls. Default: the real API if the environment names one, else the stand-in. */
  readonly provider?: ModelProvider;
  /** Who may let a draft out that the check has not passed. Default: anyone. */
  readonly approvers?: Who;
  /** Who may answer what the desk has not answered in time. Default: anyone. */
  readonly supervisors?: Who;
  /** How often the model may write a draft again that may not go out. Default: 1. */
  readonly redrafts?: number;
  /** How often a call is repeated after its first failure. */
  readonly retries?: Partial<Retries>;
  /** What the agent may use up on one request. */
  readonly agent?: Partial<AgentFence>;
  readonly times?: Partial<Times>;
  /** In US dollars: what the models of one run may cost in all. Default: 1. */
  readonly budgetUsd?: number;
}

export interface Retries {
  /** Of a model. Default: 3. */
  readonly models: number;
  /** Of a source of facts. Default: 3. */
  readonly reading: number;
  /** Of an incident or a mail. Default: 5. */
  readonly effects: number;
}

export interface AgentFence {
  /** Default: 6. */
  readonly turns: number;
  /** Of all turns, read and written. Default: 60,000. */
  readonly tokens: number;
  /** US dollars of all turns. Default: 0.25. */
  readonly usd: number;
}

export interface Times {
  /** How long a model may take for one answer. Default: 2 minutes. */
  readonly modelMs: number;
  /** How long the agent may take in all. Default: 10 minutes. */
  readonly agentMs: number;
  /** How long one call of a tool may take. Default: 10 seconds. */
  readonly toolMs: number;
  /** The wait before the first retry; each further one is four times as long. Default: 1 second. */
  readonly retryMs: number;
  /** The longest wait before a retry. Default: 2 minutes. */
  readonly longestRetryMs: number;
  /** How long a request waits to be given a route by a person. Default: 4 hours. */
  readonly routeMs: number;
  /** How long a reply waits for a person. Default: 4 hours. */
  readonly replyMs: number;
  /** How long a mail of unknown outcome waits to be looked up. Default: 8 hours. */
  readonly checkMs: number;
  /** Instead of all these, for any question about a request that is urgent. Default: 30 minutes. */
  readonly urgentMs: number;
  /** How often people are reminded of a question. Default: every hour; if it is urgent, three times before it is due. */
  readonly reminderMs: number;
  /** How long a supervisor has, once a question was passed on. Default: 24 hours. */
  readonly supervisorMs: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const defaultTimes: Times = {
  modelMs: 2 * minuteMs,
  agentMs: 10 * minuteMs,
  toolMs: 10_000,
  retryMs: 1_000,
  longestRetryMs: 2 * minuteMs,
  routeMs: 4 * hourMs,
  replyMs: 4 * hourMs,
  checkMs: 8 * hourMs,
  urgentMs: 30 * minuteMs,
  reminderMs: hourMs,
  supervisorMs: 24 * hourMs,
};

const defaultRetries: Retries = { models: 3, reading: 3, effects: 5 };
const defaultFence: AgentFence = { turns: 6, tokens: 60_000, usd: 0.25 };
export const defaultBudgetUsd = 1;

/** A person may have an incident or a mail tried again this often. */
const mostRounds = 3;

export function createSetup(options: HelpdeskRouterOptions) {
  const times = { ...defaultTimes, ...options.times };
  const retries = { ...defaultRetries, ...options.retries };
  const fence = { ...defaultFence, ...options.agent };
  const mostRedrafts = options.redrafts ?? 1;
  const repeated = (count: number) => ({
    attempts: count + 1,
    delayMs: times.retryMs,
    factor: 4,
    maxDelayMs: times.longestRetryMs,
  });
  /** An urgent request is urgent for people too. */
  const within =
    (ms: number) =>
    ({ context }: { readonly context: DeskContext }): number =>
      context.route === 'urgent' ? Math.min(ms, times.urgentMs) : ms;

  const tools = createTools({
    timeoutMs: times.toolMs,
    reading: repeated(retries.reading),
    effects: repeated(retries.effects),
  });
  const models = createModels({
    provider: options.provider,
    retry: repeated(retries.models),
    timeoutMs: times.modelMs,
    agent: {
      // None that takes an account or an address: what a request says could choose whose it is.
      tools: [tools.searchArticles, tools.searchIssues, tools.readStatus],
      timeMs: times.agentMs,
      ...fence,
    },
  });

  return setup({
    types: {
      context: {} as DeskContext,
      events: {} as DeskEvent,
      input: {} as HelpRequest,
      output: {} as Outcome,
    },

    actors: { ...models, ...tools },

    delays: {
      routeTime: within(times.routeMs),
      replyTime: within(times.replyMs),
      checkTime: within(times.checkMs),
      reminderTime: ({ context }) =>
        context.route === 'urgent' ? Math.min(times.reminderMs, times.urgentMs / 4) : times.reminderMs,
      supervisorTime: within(times.supervisorMs),
    },

    guards: {
      ...createGates(),
      routeIs: ({ context }, route: Route) => context.route === route,
      mayRedraft: ({ context }) => context.redrafts < mostRedrafts,
      mayTryAgain: ({ context }) => context.rounds < mostRounds,
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
      startRound: assign({ rounds: ({ context }) => context.rounds + 1, doubts: [] }),
      end: assign({ status: (_, status: Status) => status }),

      // The route
      keepClassification: assign(({ context, event }) => {
        const classification = outputOf<Classification>(event);
        return { classification, doubts: doubtsOf(classification, context.request) };
      }),
      takeClassification: assign(({ event }) => {
        const classification = outputOf<Classification>(event);
        return { classification, route: classification.route, routedBy: 'model' as const };
      }),
      keepVotes: assign(({ context, event }) => {
        const outcome = outputOf<VoteOutcome<Classification>>(event);
        return { votes: votesOf(outcome), doubts: [...context.doubts, ...faultsOfVote(outcome)] };
      }),
      takeVote: assign(({ event }) => {
        const outcome = outputOf<VoteOutcome<Classification>>(event);
        if (!outcome.decided) throw new Error('Expected a vote that was decided.');
        const { answer } = outcome;
        return {
          classification: answer,
          route: answer.route,
          routedBy: 'vote' as const,
          votes: votesOf(outcome),
          doubts: [],
        };
      }),
      takeRoute: assign(({ event }) => {
        assertEvent(event, 'ROUTE');
        return { route: event.route, routedBy: 'person' as const, doubts: [] };
      }),

      // Facts and drafts
      keepFacts: assign({
        facts: ({ context, event }) => ({ ...context.facts, ...outputOf<Facts>(event) }),
      }),
      keepIncident: assign(({ context, event }) => {
        const receipt = outputOf<IncidentReceipt>(event);
        if (receipt.status === 'opened') return opened(context, receipt.id);
        return {
          incident: { status: 'refused' as const, id: null },
          doubts: [`The on-call desk refused the incident: ${receipt.reason}`],
        };
      }),
      /** The on-call desk did not answer: the team may have been paged, or not. */
      noteIncidentUnknown: assign({ incident: { status: 'unknown', id: null } }),
      confirmIncident: assign(({ context, event }) => {
        assertEvent(event, 'CONFIRM');
        return opened(context, event.reference);
      }),
      keepDraft: assign({ draft: ({ event }) => outputOf<Draft>(event).reply, draftedBy: 'model' }),
      keepAgentsDraft: assign(({ event }) => {
        const outcome = outputOf<AgentOutcome<AgentAnswer>>(event);
        if (outcome.outcome !== 'answered') throw new Error('Expected an agent that has answered.');
        return { draft: outcome.answer.reply, sources: outcome.answer.sources, draftedBy: 'agent' as const };
      }),
      askAboutAgent: assign({
        doubts: ({ event }) => faultsOfAgent(outputOf<AgentOutcome<AgentAnswer>>(event)),
      }),
      noteFaults: assign({ faults: ({ context }) => draftFaultsOf(context) }),
      countRedraft: assign({ redrafts: ({ context }) => context.redrafts + 1 }),
      takeDraft: assign(({ context: { draft, draftedBy } }) => taken(draft, draftedBy)),
      takeDraftAsItIs: assign(({ context, event }) => {
        assertEvent(event, 'SEND_DRAFT');
        return taken(context.draft, event.by);
      }),
      takeReply: assign(({ event }) => {
        assertEvent(event, 'REPLY');
        return taken(event.text, event.by);
      }),

      // The mail
      keepMail: assign({
        mail: ({ event }) => {
          const receipt = outputOf<MailReceipt>(event);
          return receipt.status === 'sent'
            ? { status: 'sent' as const, id: receipt.id }
            : { status: 'refused' as const, id: null };
        },
        doubts: ({ event }) => {
          const receipt = outputOf<MailReceipt>(event);
          return receipt.status === 'refused' ? [`The outbox refused the mail: ${receipt.reason}`] : [];
        },
      }),
      /** The outbox did not answer: the mail may have gone out, or not. */
      noteMailUnknown: assign({ mail: { status: 'unknown', id: null } }),
      confirmMail: assign(({ event }) => {
        assertEvent(event, 'CONFIRM');
        return { mail: { status: 'sent' as const, id: event.reference }, doubts: [] };
      }),
    },
  });
}

/** From here on a reply may say so. */
function opened({ facts }: DeskContext, id: string) {
  return { incident: { status: 'opened' as const, id }, facts: { ...facts, incident: { id } }, doubts: [] };
}

/** The reply is there, and what was wrong on the way to it is over. */
function taken(reply: string | null, handledBy: string) {
  return { reply, handledBy, faults: noFaults, rounds: 0, doubts: [] };
}

function votesOf({ ballots }: VoteOutcome<Classification>): Votes {
  const counts: Partial<Record<Route, number>> = {};
  for (const ballot of ballots) {
    if ('answer' in ballot) counts[ballot.answer.route] = (counts[ballot.answer.route] ?? 0) + 1;
  }
  return { cast: ballots.length, for: counts };
}

function whoSent(event: EventObject): string {
  return 'by' in event && typeof event.by === 'string' ? event.by : 'nobody';
}

function reasonGiven(event: EventObject): string {
  return 'reason' in event && typeof event.reason === 'string' ? `: ${event.reason}` : '';
}

function causeOf(event: EventObject): string {
  if (!('error' in event)) return '';
  return event.error instanceof Error ? event.error.message : String(event.error);
}
