/**
 * The support ticket, from its arrival to the record of how it ended.
 *
 *   sort it → for each part: gather facts → draft and check the reply → refund (billing) → send → record → next part
 *
 * What the model says is judged by a gate before the route goes on; what it cannot say, a person is asked; where
 * nobody answers, a timer takes the ticket to a supervisor and then to an end that says so. Nothing is guessed.
 *
 * Failures wait in a `...Delayed` state with a durable timer and are bounded by `mayRetry`. The two irreversible
 * steps, `refunding` and `sending`, are tried again under the same idempotency key, so a repeat has no second effect.
 */
import { person } from 'signalbox';
import { and } from 'xstate';

import {
  billingFactsOf,
  initialContext,
  outcomeOf,
  outcomeRecordOf,
  partInHand,
  problemOf,
  type TicketContext,
} from './context.ts';
import { classificationFailed, decisionFailed, draftFailed, splitFailed, whenFactsFail } from './failures.ts';
import { composeMail } from './mail.ts';
import {
  approvalAnswers,
  approvalQuestion,
  mailAnswers,
  mailQuestion,
  paymentAnswers,
  paymentQuestion,
  replyAnswers,
  replyQuestion,
  triageAnswers,
  triageQuestion,
} from './people.ts';
import { createSetup, type SupportTicketOptions } from './setup.ts';

export function createSupportTicketMachine(options: SupportTicketOptions = {}) {
  const approvers = options.approvers ? { who: options.approvers } : {};
  return createSetup(options).createMachine({
    id: 'support-ticket',
    description: 'Answers a support ticket: sorted, looked up, replied to, refunded where due, and recorded.',
    context: ({ input }) => initialContext(input),
    output: ({ context }) => outcomeOf(context),
    initial: 'classifying',
    states: {
      // ---- Sort it ----------------------------------------------------------------------------------------
      classifying: {
        description: 'The model names one to three categories. Anything else is for a person.',
        invoke: {
          id: 'classifyTicket',
          src: 'classifyTicket',
          input: ({ context }) => ({ ticket: context.ticket }),
          onDone: [
            { guard: 'classified', target: 'triaged', actions: 'keepCategories' },
            {
              target: 'awaitingTriage',
              actions: { type: 'askBecause', params: 'The model named no usable category.' },
            },
          ],
          onError: classificationFailed.onError,
        },
        after: classificationFailed.after,
      },

      classificationDelayed: {
        description: 'The model was busy or away; it is asked again after a while.',
        after: { retryTime: 'classifying' },
      },

      awaitingTriage: {
        description: 'A person sorts the ticket, or closes it.',
        ...person<TicketContext>({ title: 'Sort the ticket', ...triageQuestion, due: 'triageTime' }),
        on: triageAnswers,
        after: { triageTime: 'triageEscalated' },
      },

      triageEscalated: {
        description: 'Nobody sorted the ticket in time; a supervisor does.',
        ...person<TicketContext>({
          title: 'Supervisor: sort the ticket',
          ...triageQuestion,
          due: 'supervisorTime',
        }),
        on: triageAnswers,
        after: { supervisorTime: { target: 'recordingOutcome', actions: 'closeUntriaged' } },
      },

      triaged: {
        description: 'The categories are known: one is the whole ticket, several have to be told apart.',
        always: [
          { guard: 'partsGiven', target: 'partReady' },
          { guard: 'oneCategory', target: 'partReady', actions: 'keepWhole' },
          { guard: 'splitTried', target: 'partReady', actions: 'keepWhole' },
          { target: 'splitting' },
        ],
      },

      splitting: {
        description:
          "The model says which text belongs to which category; every line must be the ticket's own.",
        entry: 'noteSplitTried',
        invoke: {
          id: 'splitTicket',
          src: 'splitTicket',
          input: ({ context }) => ({ ticket: context.ticket, categories: context.categories }),
          onDone: [
            { guard: 'splitUsable', target: 'partReady', actions: 'keepSplit' },
            {
              target: 'awaitingTriage',
              actions: {
                type: 'askBecause',
                params: 'The model did not split the ticket into its own words.',
              },
            },
          ],
          onError: splitFailed.onError,
        },
        after: splitFailed.after,
      },

      splitDelayed: {
        description: 'The model was busy or away; it is asked again after a while.',
        after: { retryTime: 'splitting' },
      },

      // ---- Gather facts -----------------------------------------------------------------------------------
      partReady: {
        description: 'One part of the ticket is taken up; its category says where to look.',
        entry: 'startPart',
        always: [
          { guard: 'billingPart', target: 'lookingUpBilling' },
          { guard: 'technicalPart', target: 'troubleshooting' },
          { target: 'searchingFaq' },
        ],
      },

      lookingUpBilling: {
        description: "The customer's charges and refunds are looked up.",
        invoke: {
          id: 'lookUpBilling',
          src: 'lookUpBilling',
          input: ({ context }) => ({ customer: context.ticket.customer }),
          onDone: { target: 'drafting', actions: 'keepFacts' },
          onError: whenFactsFail('The billing records could not be read.'),
        },
      },

      troubleshooting: {
        description: 'The known technical issues are searched.',
        invoke: {
          id: 'troubleshoot',
          src: 'troubleshoot',
          input: ({ context }) => problemOf(context),
          onDone: { target: 'drafting', actions: 'keepFacts' },
          onError: whenFactsFail('The known issues could not be searched.'),
        },
      },

      searchingFaq: {
        description: 'The FAQ is searched.',
        invoke: {
          id: 'searchFaq',
          src: 'searchFaq',
          input: ({ context }) => problemOf(context),
          onDone: { target: 'drafting', actions: 'keepFacts' },
          onError: whenFactsFail('The FAQ could not be searched.'),
        },
      },

      factsDelayed: {
        description:
          'A source of facts was away; it is asked again after a while. Without facts a person replies.',
        after: { retryTime: 'partReady' },
      },

      // ---- Draft and check the reply ----------------------------------------------------------------------
      drafting: {
        description:
          'The model reasons in plain language and then writes the reply, or repairs the one before.',
        invoke: {
          id: 'draftReply',
          src: 'draftReply',
          input: ({ context }) => ({
            ...problemOf(context),
            category: partInHand(context).category,
            facts: context.facts,
            previous: context.draft,
            faults: context.faults,
          }),
          onDone: [
            { guard: 'replyChecked', target: 'replyReady', actions: ['keepDraft', 'takeDraft'] },
            {
              guard: 'mayRepair',
              target: 'drafting',
              reenter: true,
              actions: ['keepDraft', 'countRepair'],
            },
            {
              target: 'awaitingReply',
              actions: [
                'keepDraft',
                { type: 'askBecause', params: 'The model could not write a reply that may go out.' },
              ],
            },
          ],
          onError: draftFailed.onError,
        },
        after: draftFailed.after,
      },

      draftDelayed: {
        description: 'The model was busy or away; it is asked again after a while.',
        after: { retryTime: 'drafting' },
      },

      awaitingReply: {
        description: 'A person writes the reply, or lets the draft go out as it is.',
        ...person<TicketContext>({ title: 'Write the reply', ...replyQuestion, due: 'replyTime' }),
        on: replyAnswers,
        after: { replyTime: 'replyEscalated' },
      },

      replyEscalated: {
        description:
          'Nobody wrote the reply in time; a supervisor does. If not, the part is recorded as unanswered.',
        ...person<TicketContext>({
          title: 'Supervisor: write the reply',
          ...replyQuestion,
          due: 'supervisorTime',
        }),
        on: replyAnswers,
        after: { supervisorTime: 'recordingOutcome' },
      },

      replyReady: {
        description: 'The reply may go out. A matter of billing is first looked at for a refund.',
        always: [
          { guard: and(['billingPart', 'refundPossible']), target: 'decidingRefund' },
          { guard: 'billingPart', target: 'sending', actions: 'noteRefundImpossible' },
          { target: 'sending' },
        ],
      },

      // ---- Refund -----------------------------------------------------------------------------------------
      decidingRefund: {
        description:
          'The model proposes a refund, once for a ticket. It decides nothing: gates and people do.',
        invoke: {
          id: 'decideRefund',
          src: 'decideRefund',
          input: ({ context }) => ({
            ticketId: context.ticket.id,
            ...problemOf(context),
            record: billingFactsOf(context)?.record ?? null,
          }),
          onDone: [
            { guard: 'refundNotDue', target: 'sending', actions: ['keepDecision', 'noteNotDue'] },
            {
              guard: and(['refundSane', 'withinLimit', 'borneOut']),
              target: 'refunding',
              actions: 'keepDecision',
            },
            { target: 'awaitingApproval', actions: ['keepDecision', 'noteDoubts'] },
          ],
          onError: decisionFailed.onError,
        },
        after: decisionFailed.after,
      },

      decisionDelayed: {
        description: 'The model was busy or away; it is asked again after a while.',
        after: { retryTime: 'decidingRefund' },
      },

      awaitingApproval: {
        description:
          'A person decides on a refund that is large, not borne out by the record, or without sense.',
        ...person<TicketContext>({
          title: 'Approve the refund',
          ...approvalQuestion,
          ...approvers,
          due: 'approvalTime',
        }),
        on: approvalAnswers,
        after: { approvalTime: 'approvalEscalated' },
      },

      approvalEscalated: {
        description:
          'Nobody decided in time; a supervisor does. If not, the reply goes out without a refund.',
        ...person<TicketContext>({
          title: 'Supervisor: approve the refund',
          ...approvalQuestion,
          ...approvers,
          due: 'supervisorTime',
        }),
        on: approvalAnswers,
        after: { supervisorTime: { target: 'sending', actions: 'noteUndecided' } },
      },

      refunding: {
        description: 'The money goes back, at most once for a ticket.',
        invoke: {
          id: 'issueRefund',
          src: 'issueRefund',
          input: ({ context }) => ({
            ticketId: context.ticket.id,
            customer: context.ticket.customer ?? '',
            amount: context.decision?.amount ?? 0,
            currency: context.decision?.currency ?? '',
          }),
          onDone: [
            { guard: 'refundConfirmed', target: 'sending', actions: 'keepRefundReceipt' },
            { target: 'awaitingPaymentCheck', actions: 'keepRefundReceipt' },
          ],
          onError: [
            {
              guard: { type: 'mayRetry', params: 'refund' },
              target: 'refundDelayed',
              actions: ['noteRefundUnknown', { type: 'countFailure', params: 'refund' }],
            },
            {
              target: 'awaitingPaymentCheck',
              actions: [
                'noteRefundUnknown',
                { type: 'askBecause', params: 'It is not known whether the refund was made.' },
              ],
            },
          ],
        },
      },

      refundDelayed: {
        description:
          'It is not known whether the money went back; the same order is given again after a while.',
        after: { retryTime: 'refunding' },
      },

      awaitingPaymentCheck: {
        description: 'A person finds out whether the refund was made, or why not.',
        ...person<TicketContext>({ title: 'Look up the refund', ...paymentQuestion, due: 'checkTime' }),
        on: paymentAnswers,
        after: { checkTime: 'paymentCheckEscalated' },
      },

      paymentCheckEscalated: {
        description:
          'Nobody found out in time; a supervisor does. If not, the reply says that it is being checked.',
        ...person<TicketContext>({
          title: 'Supervisor: look up the refund',
          ...paymentQuestion,
          due: 'supervisorTime',
        }),
        on: paymentAnswers,
        after: { supervisorTime: 'sending' },
      },

      // ---- Send and record --------------------------------------------------------------------------------
      sending: {
        description:
          'The reply goes out, with a line on what became of the money; once for each part of a ticket.',
        invoke: {
          id: 'sendReply',
          src: 'sendReply',
          input: ({ context }) => ({
            ticketId: context.ticket.id,
            category: partInHand(context).category,
            ...composeMail(context.ticket, context.reply ?? '', context.refund),
          }),
          onDone: [
            { guard: 'mailSent', target: 'recordingOutcome', actions: 'keepMail' },
            { target: 'awaitingMailCheck', actions: 'keepMail' },
          ],
          onError: [
            {
              guard: { type: 'mayRetry', params: 'mail' },
              target: 'mailDelayed',
              actions: { type: 'countFailure', params: 'mail' },
            },
            {
              target: 'awaitingMailCheck',
              actions: { type: 'askBecause', params: 'It is not known whether the reply went out.' },
            },
          ],
        },
      },

      mailDelayed: {
        description:
          'It is not known whether the reply went out; the same mail is handed over again after a while.',
        after: { retryTime: 'sending' },
      },

      awaitingMailCheck: {
        description: 'A person finds out whether the reply went out, or why not.',
        ...person<TicketContext>({ title: 'Look up the mail', ...mailQuestion, due: 'checkTime' }),
        on: mailAnswers,
        after: { checkTime: 'mailCheckEscalated' },
      },

      mailCheckEscalated: {
        description:
          'Nobody found out in time; a supervisor does. If not, the part is recorded as without a mail.',
        ...person<TicketContext>({
          title: 'Supervisor: look up the mail',
          ...mailQuestion,
          due: 'supervisorTime',
        }),
        on: mailAnswers,
        after: { supervisorTime: 'recordingOutcome' },
      },

      recordingOutcome: {
        description: 'How the part ended, or the ticket if it is given up, is put on record.',
        invoke: {
          id: 'recordOutcome',
          src: 'recordOutcome',
          input: ({ context }) => outcomeRecordOf(context),
          onDone: [
            { guard: 'givenUp', target: 'closed' },
            { target: 'partFinished', actions: { type: 'keepResult', params: { recorded: true } } },
          ],
          onError: [
            {
              guard: { type: 'mayRetry', params: 'record' },
              target: 'outcomeDelayed',
              actions: { type: 'countFailure', params: 'record' },
            },
            { guard: 'givenUp', target: 'closed' },
            { target: 'partFinished', actions: { type: 'keepResult', params: { recorded: false } } },
          ],
        },
      },

      outcomeDelayed: {
        description: 'The record could not be written; it is tried again after a while.',
        after: { retryTime: 'recordingOutcome' },
      },

      partFinished: {
        description: 'One part is through; the next is taken up, if there is one.',
        always: [{ guard: 'morePartsLeft', target: 'partReady', actions: 'nextPart' }, { target: 'done' }],
      },

      // ---- Ends -------------------------------------------------------------------------------------------
      done: {
        type: 'final',
        description: 'Every part has been dealt with; the output says how.',
      },

      closed: {
        type: 'final',
        description: 'The ticket was given up: closed by a person, or sorted by nobody in time.',
      },
    },
  });
}
