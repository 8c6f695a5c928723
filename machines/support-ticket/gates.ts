/**
 * The gates of the support ticket: what a model, a service or a person said is judged here before the route goes on.
 * Their reasons are shown to people, and to the model when it has to repair a draft.
 */
import { gate } from 'signalbox';
import type { EventObject } from 'xstate';

import { billingFactsOf, editedDecision, problemOf, type TicketContext } from './context.ts';
import { outputOf } from './output-of.ts';
import { faultsOfGround, faultsOfLimit, faultsOfRefund, faultsOfReply, faultsOfSplit } from './policy.ts';
import {
  UsableClassification,
  events,
  type Draft,
  type MailReceipt,
  type RefundDecision,
  type RefundReceipt,
  type Split,
  type TicketEvent,
} from './schemas.ts';

const ticketGate = gate<TicketContext, EventObject>;

export function createGates(limits: Readonly<Record<string, number>>) {
  return {
    // A model or a service said it.
    classified: gate('classified', UsableClassification, ({ event }) => outputOf(event)),
    splitUsable: ticketGate('splitUsable', ({ context, event }) =>
      faultsOfSplit(outputOf<Split>(event), context.categories, context.ticket),
    ),
    replyChecked: ticketGate('replyChecked', ({ context, event }) =>
      faultsOfReply(outputOf<Draft>(event).reply, problemOf(context)),
    ),
    refundPossible: ticketGate('refundPossible', ({ context }) => {
      const record = billingFactsOf(context)?.record;
      if (!record) return ['The customer is not known to billing.'];
      return record.refundable > 0 || ['Nothing was charged that could be given back.'];
    }),
    refundNotDue: ticketGate('refundNotDue', ({ event }) => !outputOf<RefundDecision>(event).refund),
    refundSane: ticketGate('refundSane', ({ context, event }) =>
      faultsOfRefund(outputOf(event), billingFactsOf(context)),
    ),
    withinLimit: ticketGate('withinLimit', ({ event }) => faultsOfLimit(outputOf(event), limits)),
    borneOut: ticketGate('borneOut', ({ context, event }) =>
      faultsOfGround(outputOf(event), billingFactsOf(context)),
    ),
    refundConfirmed: ticketGate('refundConfirmed', ({ context, event }) => {
      const receipt = outputOf<RefundReceipt>(event);
      if (receipt.status === 'declined') return [`The payment service declined: ${receipt.reason}`];
      const { amount, currency } = context.decision ?? { amount: 0, currency: '' };
      return (
        (receipt.amount === amount && receipt.currency === currency) || [
          `The payment service refunded ${receipt.amount} ${receipt.currency}, not ${amount} ${currency}.`,
        ]
      );
    }),
    mailSent: ticketGate('mailSent', ({ event }) => {
      const receipt = outputOf<MailReceipt>(event);
      return receipt.status === 'sent' || [`The outbox refused the mail: ${receipt.reason}`];
    }),

    // A person said it.
    triageUsable: gate('triageUsable', events.CLASSIFY, ({ event }) => event),
    replyGiven: gate('replyGiven', events.REPLY, ({ event }) => event),
    draftThere: ticketGate(
      'draftThere',
      ({ context }) => Boolean(context.draft?.trim()) || ['There is no draft to approve.'],
    ),
    decisionSane: ticketGate('decisionSane', ({ context }) =>
      faultsOfRefund(context.decision, billingFactsOf(context)),
    ),
    editSane: ticketGate('editSane', ({ context, event }) => {
      const { amount } = event as Extract<TicketEvent, { type: 'EDIT' }>;
      return faultsOfRefund(editedDecision(context, amount), billingFactsOf(context));
    }),
  };
}
