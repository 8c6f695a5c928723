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

export interface ToolOptions {
  /** How long one call may take. */
  readonly timeoutMs: number;
}

const Problem = z.object({ subject: z.string(), text: z.string() });

export function createTools({ timeoutMs }: ToolOptions) {
  return {
    lookUpBilling: fromTool({
      name: 'lookUpBilling',
      input: z.object({ customer: z.string().nullable() }),
      output: BillingFacts,
      run: async ({ customer }, { signal }): Promise<BillingFacts> => {
        if (customer === null) return { kind: 'billing', record: null };
        const path = `/billing/${encodeURIComponent(customer)}`;
        const { status, body } = await call(path, { method: 'GET', signal, timeoutMs });
        if (status === 404) return { kind: 'billing', record: null };
        return { kind: 'billing', record: BillingRecord.parse(succeeded(path, status, body)) };
      },
    }),

    troubleshoot: fromTool({
      name: 'troubleshoot',
      input: Problem,
      output: TechnicalFacts,
      run: async (problem, { signal }): Promise<TechnicalFacts> => {
        const path = '/known-issues/search';
        const { status, body } = await call(path, { method: 'POST', json: problem, signal, timeoutMs });
        return { kind: 'technical', ...(succeeded(path, status, body) as Omit<TechnicalFacts, 'kind'>) };
      },
    }),

    searchFaq: fromTool({
      name: 'searchFaq',
      input: Problem,
      output: GeneralFacts,
      run: async (problem, { signal }): Promise<GeneralFacts> => {
        const path = '/faq/search';
        const { status, body } = await call(path, { method: 'POST', json: problem, signal, timeoutMs });
        return { kind: 'general', ...(succeeded(path, status, body) as Omit<GeneralFacts, 'kind'>) };
      },
    }),

    issueRefund: fromTool({
      name: 'issueRefund',
      input: z.object({
        ticketId: z.string(),
        customer: z.string().min(1),
        amount: z.number().positive(),
        currency: z.string().length(3),
      }),
      output: RefundReceipt,
      irreversible: true,
      idempotencyKey: ({ ticketId }) => ticketId,
      run: async (refund, { signal, idempotencyKey }): Promise<RefundReceipt> => {
        const path = '/refunds';
        const { status, body } = await call(path, {
          method: 'POST',
          json: refund,
          idempotencyKey,
          signal,
          timeoutMs,
        });
        if (isRefusal(status)) return { status: 'declined', reason: reasonOf(body, status) };
        return RefundReceipt.parse(succeeded(path, status, body));
      },
    }),

    sendReply: fromTool({
      name: 'sendReply',
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
      run: async (mail, { signal, idempotencyKey }): Promise<MailReceipt> => {
        const path = '/mails';
        const { status, body } = await call(path, {
          method: 'POST',
          json: mail,
          idempotencyKey,
          signal,
          timeoutMs,
        });
        if (isRefusal(status)) return { status: 'refused', reason: reasonOf(body, status) };
        return MailReceipt.parse(succeeded(path, status, body));
      },
    }),

    recordOutcome: fromTool({
      name: 'recordOutcome',
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
      run: async (outcome, { signal, idempotencyKey }) => {
        const path = '/outcomes';
        const { status, body } = await call(path, {
          method: 'POST',
          json: outcome,
          idempotencyKey,
          signal,
          timeoutMs,
        });
        succeeded(path, status, body);
        return { recorded: true as const };
      },
    }),
  };
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly json?: unknown;
  readonly idempotencyKey?: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

async function call(
  path: string,
  { method, json, idempotencyKey, signal, timeoutMs }: Call,
): Promise<{ status: number; body: unknown }> {
  const url = new URL(path, servicesUrl());
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetch(url, {
      method,
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      signal: AbortSignal.any([signal, timeout]),
    });
    return { status: answer.status, body: parsed(await answer.text()) };
  } catch (cause) {
    signal.throwIfAborted();
    const why = timeout.aborted ? `not within ${timeoutMs} ms` : 'the connection failed';
    throw new Error(`${path} gave no answer: ${why}.`, { cause });
  }
}

/** `undefined` if it is not JSON, such as a proxy's error page; its status still counts. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function servicesUrl(): string {
  const url = process.env['SUPPORT_SERVICES_URL'];
  if (!url) {
    throw new Error(
      'Expected SUPPORT_SERVICES_URL to hold the address of the support services. Start them with `node dist/machines/support-ticket/services/main.js` and set it to the URL they print.',
    );
  }
  return url;
}

/** The service understood and said no: nothing happened, and asking again would not help. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429;
}

function succeeded(path: string, status: number, body: unknown): unknown {
  if (status >= 200 && status < 300) return body;
  throw new Error(`${path} answered ${status}: ${reasonOf(body, status)}`);
}

function reasonOf(body: unknown, status: number): string {
  const reason = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  return typeof reason === 'string' ? reason : `HTTP ${status}`;
}
