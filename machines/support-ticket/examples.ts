/** A ticket to think of, and what may be answered on its way: what paths are made of beside what the schemas tell. */
import type { WorkflowExample } from 'signalbox';

import type { BillingFacts, Draft, RefundDecision, RefundReceipt, Split, Ticket } from './schemas.ts';

const charged = 'My card was charged twice for the Team plan on 2 March.';
const crashing = 'The export to CSV stops with an error.';

const ticket: Ticket = {
  id: 'T-1',
  customer: 'C-1001',
  from: 'ana@example.com',
  subject: 'Two things',
  body: `${charged}\n${crashing}`,
};

/** Charged twice on one day: once within the limit for a refund without a person, once over it. */
const chargedTwice: BillingFacts = {
  kind: 'billing',
  record: {
    customer: 'C-1001',
    currency: 'EUR',
    charges: [
      { id: 'ch-1', date: '2026-03-02', amount: 49, description: 'Team plan, March' },
      { id: 'ch-2', date: '2026-03-02', amount: 49, description: 'Team plan, March' },
      { id: 'ch-3', date: '2026-03-03', amount: 120, description: 'Storage, March' },
      { id: 'ch-4', date: '2026-03-03', amount: 120, description: 'Storage, March' },
    ],
    refunds: [],
    cancelledOn: null,
    refundable: 338,
  },
};

/** No word of the ticket is left out, and none is added. */
const split: Split = {
  parts: [
    { category: 'billing', text: charged },
    { category: 'technical', text: crashing },
  ],
};

/** It uses the words of both parts of the ticket. */
const draft: Draft = { reply: 'Both charges are there, and the export to CSV does stop on large projects.' };

/** Whether money goes back is not for the model to say. */
const forbidden: Draft = { reply: 'We will refund both charges.' };

const withinLimit: RefundDecision = {
  refund: true,
  amount: 49,
  currency: 'EUR',
  reason: 'The record shows the same charge twice on one day.',
};

/** What the record shows to be charged wrongly, and more than may go back without a person. */
const overLimit: RefundDecision = { ...withinLimit, amount: 120 };

const notDue: RefundDecision = { refund: false, amount: 0, currency: 'EUR', reason: 'Nothing is wrong.' };

const receipt: RefundReceipt = { status: 'refunded', reference: 'rf-1', amount: 49, currency: 'EUR' };

export const examples: ReadonlyArray<WorkflowExample<Ticket>> = [
  {
    name: 'charged twice, and the export stops',
    input: ticket,
    outputs: {
      classifyTicket: [{ categories: ['billing', 'technical'] }],
      splitTicket: [split],
      lookUpBilling: [chargedTwice],
      draftReply: [draft, forbidden],
      decideRefund: [withinLimit, overLimit, notDue],
      issueRefund: [receipt],
    },
    events: {
      // Without saying which text belongs where, so the model is to split it, or has tried before.
      CLASSIFY: [{ by: 'dana', categories: ['billing', 'technical'] }],
    },
  },
];
