/**
 * The gates of the helpdesk router: what a model, an agent, a service or a person said is judged here before the route
 * goes on. Their reasons are shown to people, and to the model when it has to write again.
 */
import { type AgentOutcome, gate, type VoteOutcome } from 'signalbox';
import type { EventObject } from 'xstate';

import { type DeskContext, draftFaultsOf } from './context.ts';
import { outputOf } from './output-of.ts';
import { allFaults, faultsOfOwnReply } from './reply-check.ts';
import { doubtsOf } from './routing.ts';
import {
  type AgentAnswer,
  type Classification,
  events,
  type IncidentReceipt,
  type MailReceipt,
} from './schemas.ts';
import { isBlank, wholeText } from './words.ts';

const deskGate = gate<DeskContext, EventObject>;

export function createGates() {
  return {
    // The request by itself.
    somethingToRead: deskGate(
      'somethingToRead',
      ({ context: { request } }) => !isBlank(wholeText(request)) || ['There is nothing to read in it.'],
    ),
    addressKnown: deskGate(
      'addressKnown',
      ({ context: { request } }) => request.from !== null || ['There is no address to send the reply to.'],
    ),

    // A model, an agent or a service said it.
    routeSure: deskGate('routeSure', ({ context, event }) =>
      doubtsOf(outputOf<Classification>(event), context.request),
    ),
    voteDecided: deskGate('voteDecided', ({ event }) => faultsOfVote(outputOf(event))),
    agentAnswered: deskGate('agentAnswered', ({ event }) => faultsOfAgent(outputOf(event))),
    replyChecked: deskGate('replyChecked', ({ context }) => allFaults(draftFaultsOf(context))),
    incidentOpened: deskGate('incidentOpened', ({ event }) => {
      const receipt = outputOf<IncidentReceipt>(event);
      return receipt.status === 'opened' || [`The on-call desk refused the incident: ${receipt.reason}`];
    }),
    mailSent: deskGate('mailSent', ({ event }) => {
      const receipt = outputOf<MailReceipt>(event);
      return receipt.status === 'sent' || [`The outbox refused the mail: ${receipt.reason}`];
    }),

    // A person said it.
    routeGiven: gate('routeGiven', events.ROUTE, ({ event }) => event),
    replyFit: gate<DeskContext, EventObject, void, { text: string }>(
      'replyFit',
      [events.REPLY, ({ text }, { context }) => faultsOfOwnReply(text, context.request)],
      ({ event }) => event,
    ),
    draftMayGo: deskGate('draftMayGo', ({ context }) =>
      context.draft === null ? ['There is no draft to send.'] : draftFaultsOf(context).barring,
    ),
  };
}

/** Why a vote has chosen no route. */
export function faultsOfVote(outcome: VoteOutcome<Classification>): string[] {
  if (outcome.decided) return [];
  const said = outcome.ballots.map((ballot) =>
    'answer' in ballot ? ballot.answer.route : 'no usable answer',
  );
  const counts = [...new Set(said)].map((one) => `${one} ${said.filter((other) => other === one).length}`);
  return [`The vote was split: ${counts.join(', ')}.`];
}

/** Why an agent has left it to a person. */
export function faultsOfAgent(outcome: AgentOutcome<AgentAnswer>): string[] {
  switch (outcome.outcome) {
    case 'answered':
      return [];
    case 'handed-off':
      return [`The agent handed it over: ${outcome.reason}`];
    case 'limit':
      return [`The agent came to its limit of ${outcome.limit} after ${outcome.turns} turns.`];
  }
}
