/** The shapes that go in and out of the support ticket workflow: its input, output and events, and what its actors answer. */
import { z } from 'zod';

export const categories = ['billing', 'technical', 'general'] as const;

export const Category = z.enum(categories);
export type Category = z.infer<typeof Category>;

const Text = z.string().trim().min(1);
/** Who answered: it goes on record with the answer. */
const Name = Text.max(100);
/** An amount of money in units of its currency, in whole hundredths. */
const Amount = z.number().positive().multipleOf(0.01);

export const Ticket = z.object({
  /** Names the ticket in every system; a refund is made at most once under it. */
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'Expected letters, digits, - and _'),
  /** The account that the ticket was written from; `null` if the sender has none or it is not known. */
  customer: z.string().min(1).max(64).nullable(),
  /** Where the reply goes. */
  from: z.email(),
  subject: z.string().max(500),
  body: z.string().max(100_000),
});
export type Ticket = z.infer<typeof Ticket>;

/** What the classifier may answer. How many categories make sense is the gate's to judge. */
export const Classification = z.object({ categories: z.array(Category) });
export type Classification = z.infer<typeof Classification>;

/** What passes as classified: one to three categories, no two the same. */
export const UsableClassification = z.object({
  categories: z
    .array(Category)
    .min(1, 'No category was named.')
    .max(3, 'More than three categories were named.')
    .refine((named) => new Set(named).size === named.length, 'A category was named twice.'),
});

/** What one category's part of a ticket is: `text: null` is the whole ticket. */
export interface Part {
  readonly category: Category;
  readonly text: string | null;
}

export const Split = z.object({ parts: z.array(z.object({ category: Category, text: z.string() })) });
export type Split = z.infer<typeof Split>;

export const BillingRecord = z.object({
  customer: z.string(),
  currency: z.string().regex(/^[A-Z]{3}$/),
  charges: z.array(
    z.object({ id: z.string(), date: z.iso.date(), amount: z.number(), description: z.string() }),
  ),
  refunds: z.array(z.object({ reference: z.string(), amount: z.number() })),
  /** The day on which the customer's subscription ended; `null` while it runs. */
  cancelledOn: z.iso.date().nullable(),
  /** The most that can still be given back: all charges less all refunds. */
  refundable: z.number(),
});
export type BillingRecord = z.infer<typeof BillingRecord>;

/** What is known about one part of a ticket. Nothing found is a fact too, and said as such. */
export const BillingFacts = z.object({
  kind: z.literal('billing'),
  /** `null`: there is no such customer. */
  record: BillingRecord.nullable(),
});
export type BillingFacts = z.infer<typeof BillingFacts>;

export const TechnicalFacts = z.object({
  kind: z.literal('technical'),
  issues: z.array(
    z.object({ id: z.string(), title: z.string(), steps: z.array(z.string()), status: z.string() }),
  ),
});
export type TechnicalFacts = z.infer<typeof TechnicalFacts>;

export const GeneralFacts = z.object({
  kind: z.literal('general'),
  articles: z.array(z.object({ question: z.string(), answer: z.string() })),
});
export type GeneralFacts = z.infer<typeof GeneralFacts>;

export const Facts = z.discriminatedUnion('kind', [BillingFacts, TechnicalFacts, GeneralFacts]);
export type Facts = z.infer<typeof Facts>;

// What the model is asked with.

export const ClassifyInput = z.object({ ticket: Ticket });
export type ClassifyInput = z.infer<typeof ClassifyInput>;

export const SplitInput = z.object({ ticket: Ticket, categories: z.array(Category) });
export type SplitInput = z.infer<typeof SplitInput>;

export const DraftInput = z.object({
  category: Category,
  subject: z.string(),
  text: z.string(),
  facts: Facts.nullable(),
  /** The draft before, if there is one, and why it may not go out. */
  previous: z.string().nullable(),
  faults: z.array(z.string()),
});
export type DraftInput = z.infer<typeof DraftInput>;

export const DecideInput = z.object({
  ticketId: z.string(),
  subject: z.string(),
  text: z.string(),
  record: BillingRecord.nullable(),
});
export type DecideInput = z.infer<typeof DecideInput>;

export const Draft = z.object({ reply: z.string() });
export type Draft = z.infer<typeof Draft>;

export const RefundDecision = z.object({
  refund: z.boolean(),
  /** In units of `currency`; 0 if nothing is to be refunded. */
  amount: z.number(),
  currency: z.string(),
  reason: z.string(),
  /** How sure the model says it is. Nothing reads it: a sure model does not get past a limit. */
  confidence: z.number().optional(),
});
export type RefundDecision = z.infer<typeof RefundDecision>;

/** What the payment service said. Silence, a crash and a 5xx are no answer: they are errors, and the outcome is unknown. */
export const RefundReceipt = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('refunded'),
    reference: z.string(),
    amount: z.number(),
    currency: z.string(),
  }),
  z.object({ status: z.literal('declined'), reason: z.string() }),
]);
export type RefundReceipt = z.infer<typeof RefundReceipt>;

export const MailReceipt = z.discriminatedUnion('status', [
  z.object({ status: z.literal('sent'), id: z.string() }),
  z.object({ status: z.literal('refused'), reason: z.string() }),
]);
export type MailReceipt = z.infer<typeof MailReceipt>;

export const OutcomeReceipt = z.object({ recorded: z.literal(true) });

/**
 * How the refund of a part ended.
 * `none`: not a matter of billing · `notPossible`: no such customer · `notDue`: nothing is left that could go back, or
 * the model proposes none · `refunded` · `rejected`: by a person · `undecided`: nobody decided in time · `declined`: by the payment service ·
 * `abandoned`: a person gave it up after the payment failed · `unknown`: the payment service never said, and nobody
 * found out in time.
 */
export const RefundStatus = z.enum([
  'none',
  'notPossible',
  'notDue',
  'refunded',
  'rejected',
  'undecided',
  'declined',
  'abandoned',
  'unknown',
]);
export type RefundStatus = z.infer<typeof RefundStatus>;

export const Refund = z.object({
  status: RefundStatus,
  /** What was given back, or, if the status is `unknown`, what may have been; else 0. */
  amount: z.number(),
  currency: z.string().nullable(),
  reference: z.string().nullable(),
  /** Who decided: `model`, a person's name, or `nobody`. */
  decidedBy: z.string(),
});
export type Refund = z.infer<typeof Refund>;

export const PartResult = z.object({
  category: Category,
  /** The reply as it was checked; `null` if nobody wrote one in time. */
  reply: z.string().nullable(),
  /** `model`, or the name of the person who wrote or approved the reply, or `nobody`. */
  handledBy: z.string(),
  refund: Refund,
  /** The mail that went out; `null` if none did, or if nobody knows. */
  mail: z.object({ id: z.string() }).nullable(),
  /** False if the outcome could not be put on record. */
  recorded: z.boolean(),
});
export type PartResult = z.infer<typeof PartResult>;

export const Closure = z.object({ by: z.string(), reason: z.string() });
export type Closure = z.infer<typeof Closure>;

export const Outcome = z.object({
  ticketId: z.string(),
  /** `answered`: every part has its mail · `incomplete`: some part has not · `closed`: by a person, or for want of one. */
  status: z.enum(['answered', 'incomplete', 'closed']),
  closed: Closure.nullable(),
  parts: z.array(PartResult),
});
export type Outcome = z.infer<typeof Outcome>;

/** The events that people send, by type; the payloads without the type. */
export const events = {
  CLASSIFY: z
    .object({
      by: Name,
      categories: UsableClassification.shape.categories,
      /** Which text belongs to which category. Left out, a ticket of several categories is split by the model. */
      parts: z.array(z.object({ category: Category, text: Text })).optional(),
    })
    .refine(
      ({ categories: named, parts }) =>
        !parts ||
        (parts.length === named.length &&
          named.every((one) => parts.some(({ category }) => category === one))),
      { path: ['parts'], message: 'Expected one part for each category, or no parts at all.' },
    ),
  CLOSE: z.object({ by: Name, reason: Text }),
  REPLY: z.object({ by: Name, text: Text }),
  APPROVE_REPLY: z.object({ by: Name }),
  APPROVE: z.object({ by: Name }),
  REJECT: z.object({ by: Name, reason: Text }),
  EDIT: z.object({ by: Name, amount: Amount }),
  CONFIRM: z.object({ by: Name, reference: Text }),
  RETRY: z.object({ by: Name }),
  ABANDON: z.object({ by: Name, reason: Text }),
};

type Payload<TType extends keyof typeof events> = z.infer<(typeof events)[TType]>;

export type TicketEvent = {
  [TType in keyof typeof events]: { type: TType } & Payload<TType>;
}[keyof typeof events];
