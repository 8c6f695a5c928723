/**
 * What the support ticket does in the world, over HTTP: it reads billing records, known issues and the FAQ, refunds,
 * sends mails and records outcomes. The services' address is read at each call, from SUPPORT_SERVICES_URL.
 *
 * I1. A definite answer, a refusal too, is a tool's output. Anything else is an error, and says nothing about what happened.
 * I2. An irreversible call carries an `Idempotency-Key` made from the ticket alone: whoever calls again, and from
 *     whichever run, gets the first call's answer.
 */
import { fromTool } from 'signalbox';
import { z } from 'zod';

import { isRefusal, reasonOf, serviceClient, succeeded } from '../services/call-service.ts';
import {
  BillingFacts,
  BillingRecord,
  Category,
  GeneralFacts,
  MailReceipt,
  OutcomeReceipt,
  RefundReceipt,
  RefundStatus,
  TechnicalFacts,
} from './schemas.ts';
import { supportServices } from './services/names.ts';

export interface ToolOptions {
  /** How long one call may take. */
  readonly timeoutMs: number;
}

const Problem = z.object({ subject: z.string(), text: z.string() });

export function createTools(options: ToolOptions) {
  const call = serviceClient(supportServices, options);
  // The client gives up by itself; this is for what hangs elsewhere.
  const lastResortMs = 2 * options.timeoutMs;
  return {
    lookUpBilling: fromTool({
      name: 'lookUpBilling',
      timeoutMs: lastResortMs,
      input: z.object({ customer: z.string().nullable() }),
      output: BillingFacts,
      reads: ['billing'],
      run: async ({ customer }, { signal }): Promise<BillingFacts> => {
        if (customer === null) return { kind: 'billing', record: null };
        const answer = await call(`/billing/${encodeURIComponent(customer)}`, { method: 'GET', signal });
        if (answer.status === 404) return { kind: 'billing', record: null };
        return { kind: 'billing', record: BillingRecord.parse(succeeded(answer)) };
      },
    }),

    troubleshoot: fromTool({
      name: 'troubleshoot',
      timeoutMs: lastResortMs,
      input: Problem,
      output: TechnicalFacts,
      reads: ['known issues'],
      run: async (problem, { signal }): Promise<TechnicalFacts> => {
        const answer = await call('/known-issues/search', { method: 'POST', json: problem, signal });
        return { kind: 'technical', ...(succeeded(answer) as Omit<TechnicalFacts, 'kind'>) };
      },
    }),

    searchFaq: fromTool({
      name: 'searchFaq',
      timeoutMs: lastResortMs,
      input: Problem,
      output: GeneralFacts,
      reads: ['faq'],
      run: async (problem, { signal }): Promise<GeneralFacts> => {
        const answer = await call('/faq/search', { method: 'POST', json: problem, signal });
        return { kind: 'general', ...(succeeded(answer) as Omit<GeneralFacts, 'kind'>) };
      },
    }),

    issueRefund: fromTool({
      name: 'issueRefund',
      timeoutMs: lastResortMs,
      input: z.object({
        ticketId: z.string(),
        customer: z.string().min(1),
        amount: z.number().positive(),
        currency: z.string().length(3),
      }),
      output: RefundReceipt,
      irreversible: true,
      idempotencyKey: ({ ticketId }) => ticketId,
      writes: ['refunds'],
      run: async (refund, { signal, idempotencyKey }): Promise<RefundReceipt> => {
        const answer = await call('/refunds', {
          method: 'POST',
          json: refund,
          idempotencyKey,
          signal,
        });
        if (isRefusal(answer)) return { status: 'declined', reason: reasonOf(answer) };
        return RefundReceipt.parse(succeeded(answer));
      },
    }),

    sendReply: fromTool({
      name: 'sendReply',
      timeoutMs: lastResortMs,
      input: z.object({
        ticketId: z.string(),
        category: Category,
        to: z.string(),
        subject: z.string(),
        body: z.string().min(1),
      }),
      output: MailReceipt,
      irreversible: true,
      idempotencyKey: ({ ticketId, category }) => `${ticketId}/${category}`,
      writes: ['mails'],
      run: async (mail, { signal, idempotencyKey }): Promise<MailReceipt> => {
        const answer = await call('/mails', {
          method: 'POST',
          json: mail,
          idempotencyKey,
          signal,
        });
        if (isRefusal(answer)) return { status: 'refused', reason: reasonOf(answer) };
        return MailReceipt.parse(succeeded(answer));
      },
    }),

    recordOutcome: fromTool({
      name: 'recordOutcome',
      timeoutMs: lastResortMs,
      input: z.object({
        ticketId: z.string(),
        /** A part of the ticket, or the ticket as a whole if it was given up. */
        subject: z.union([Category, z.literal('ticket')]),
        handledBy: z.string(),
        refund: RefundStatus,
        mailId: z.string().nullable(),
      }),
      output: OutcomeReceipt,
      idempotencyKey: ({ ticketId, subject }) => `${ticketId}/${subject}`,
      writes: ['outcomes'],
      run: async (outcome, { signal, idempotencyKey }) => {
        const answer = await call('/outcomes', {
          method: 'POST',
          json: outcome,
          idempotencyKey,
          signal,
        });
        succeeded(answer);
        return { recorded: true as const };
      },
    }),
  };
}
