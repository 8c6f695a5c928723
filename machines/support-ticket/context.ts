/** What a support ticket's machine remembers: plain data, and how it starts. */
import { partText } from './policy.ts';
import {
  type BillingFacts,
  type Category,
  type Closure,
  type Facts,
  type Outcome,
  type Part,
  type PartResult,
  type Refund,
  type RefundDecision,
  type Ticket,
} from './schemas.ts';

/** The steps that are tried again when they fail. */
export type Step = 'classify' | 'split' | 'facts' | 'draft' | 'decide' | 'refund' | 'mail' | 'record';

export interface TicketContext extends PartInHand {
  ticket: Ticket;
  categories: Category[];
  parts: Part[];
  partIndex: number;
  /** The model was asked to split the ticket. It is not asked again once a person had to step in. */
  splitTried: boolean;
  /** The step that failed last, how often in a row, and how long the other side asked us to stay away. */
  failures: { of: Step; count: number; notBeforeMs: number } | null;
  /** Why a person is being asked, in sentences. */
  doubts: string[];
  results: PartResult[];
  /** Set when the ticket is given up as a whole. */
  closed: Closure | null;
}

/** What belongs to the part that is worked on, and starts anew with the next. */
interface PartInHand {
  /** `null`: they could not be looked up. */
  facts: Facts | null;
  draft: string | null;
  /** Why the draft may not go out. The next draft is written with these in view. */
  faults: string[];
  repairs: number;
  reply: string | null;
  handledBy: string;
  decision: RefundDecision | null;
  refund: Refund;
  mail: { id: string } | null;
  /** How often a person has asked for one more try. */
  rounds: number;
}

export function initialContext(ticket: Ticket): TicketContext {
  return {
    ticket,
    categories: [],
    parts: [],
    partIndex: 0,
    splitTried: false,
    failures: null,
    doubts: [],
    results: [],
    closed: null,
    ...freshPart(),
  };
}

export function freshPart(): PartInHand {
  return {
    facts: null,
    draft: null,
    faults: [],
    repairs: 0,
    reply: null,
    handledBy: 'nobody',
    decision: null,
    refund: { status: 'none', amount: 0, currency: null, reference: null, decidedBy: 'nobody' },
    mail: null,
    rounds: 0,
  };
}

export function partInHand({ parts, partIndex }: TicketContext): Part {
  const part = parts[partIndex];
  if (!part) throw new Error(`Expected a part ${partIndex} of the ticket, got ${parts.length} parts.`);
  return part;
}

/** The part in hand, as text to look up, answer and check the answer against. */
export function problemOf(context: TicketContext): { subject: string; text: string } {
  return { subject: context.ticket.subject, text: partText(partInHand(context), context.ticket) };
}

export function billingFactsOf({ facts }: TicketContext): BillingFacts | null {
  return facts?.kind === 'billing' ? facts : null;
}

export function editedDecision(context: TicketContext, amount: number): RefundDecision {
  const currency = billingFactsOf(context)?.record?.currency ?? '';
  return { refund: true, amount, currency, reason: 'The amount was set by a person.' };
}

/** What is put on record of the part in hand, or of the whole ticket if it was given up. */
export function outcomeRecordOf(context: TicketContext) {
  const { ticket, closed, handledBy, refund, mail } = context;
  return closed
    ? {
        ticketId: ticket.id,
        subject: 'ticket' as const,
        handledBy: closed.by,
        refund: 'none' as const,
        mailId: null,
      }
    : {
        ticketId: ticket.id,
        subject: partInHand(context).category,
        handledBy,
        refund: refund.status,
        mailId: mail?.id ?? null,
      };
}

export function outcomeOf({ ticket, results, closed }: TicketContext): Outcome {
  const answered = results.length > 0 && results.every(({ mail }) => mail !== null);
  return {
    ticketId: ticket.id,
    status: closed ? 'closed' : answered ? 'answered' : 'incomplete',
    closed,
    parts: results,
  };
}
