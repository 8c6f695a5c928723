/** The mail that goes out: the checked reply, and below it what became of the money, said by the ledger and no model. */
import type { Refund, RefundStatus, Ticket } from './schemas.ts';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly body: string;
}

export function composeMail(ticket: Ticket, reply: string, refund: Refund): Mail {
  const line = refundLine(refund);
  return {
    to: ticket.from,
    subject: `Re: ${ticket.subject.trim() || `your message (${ticket.id})`}`,
    body: line === '' ? reply : `${reply}\n\n--\n${line}`,
  };
}

export function refundLine({ status, amount, currency, reference }: Refund): string {
  const lines: Record<RefundStatus, string> = {
    none: '',
    notPossible:
      'Refund: we found no payment to look into. Please tell us the account or the invoice that it is about.',
    notDue: 'Refund: we looked at your payments and found none to give back.',
    refunded: `Refund: ${amount} ${currency} went back to the way you paid. Reference: ${reference}.`,
    rejected: 'Refund: a colleague looked at your payments and decided against one.',
    undecided: 'Refund: this is still with a colleague, who will write to you.',
    declined: 'Refund: this is still with a colleague, who will write to you.',
    abandoned: 'Refund: this is still with a colleague, who will write to you.',
    unknown: 'Refund: we are checking this with our payment service and will write to you.',
  };
  return lines[status];
}
