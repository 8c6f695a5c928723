/**
 * What the helpdesk router does in the world, over HTTP: it reads articles, known issues, accounts and the state of the
 * service, opens incidents, sends mails and reminds people. The services' address is read at each call, from
 * HELPDESK_SERVICES_URL.
 *
 * I1. A definite answer, a refusal too, is a tool's output. Anything else is an error, says nothing about what happened,
 *     and is tried again, durably and a bounded number of times.
 * I2. What has an effect carries an `Idempotency-Key` made from the request alone: whoever calls again, and from whichever
 *     run, gets the first call's answer.
 * I3. No text and no model says whose account is read, who is paged or where a mail goes: the account is the sender's own,
 *     the on-call desk knows whom it pages, and the mail goes back to where the request came from.
 */
import { fromTool, type RetryPolicy, SignalboxError } from 'signalbox';
import { z } from 'zod';

import {
  type CallService,
  isRefusal,
  reasonOf,
  serviceClient,
  type ServiceCall,
  succeeded,
} from '../services/call-service.ts';
import { Account, Article, Component, Facts, IncidentReceipt, Issue, MailReceipt } from './schemas.ts';
import { helpdeskServices } from './services/names.ts';

export interface ToolOptions {
  /** How long one call may take. */
  readonly timeoutMs: number;
  readonly reading: RetryPolicy;
  readonly effects: RetryPolicy;
}

const Query = z.object({
  query: z.string().describe('What the problem is, in the words of whoever has it, in any language.'),
});

export function createTools({ timeoutMs, reading, effects }: ToolOptions) {
  const call = serviceClient(helpdeskServices, { timeoutMs });
  // The client gives up by itself; this is for what hangs elsewhere.
  const lastResortMs = 2 * timeoutMs;
  const get = reader(call, 'GET');
  const post = reader(call, 'POST');

  const tools = {
    searchArticles: fromTool({
      name: 'searchArticles',
      timeoutMs: lastResortMs,
      description: 'Searches the help articles: how things are done, policies, whom to write to.',
      input: Query,
      output: Facts.pick({ articles: true }),
      reads: ['articles'],
      retry: worthRepeating(reading),
      run: async (json, { signal }) =>
        z.object({ articles: z.array(Article) }).parse(await post('/articles/search', { json, signal })),
    }),

    searchIssues: fromTool({
      name: 'searchIssues',
      timeoutMs: lastResortMs,
      description: 'Searches the known issues: what does not work, what helps, and how far the mending is.',
      input: Query,
      output: Facts.pick({ issues: true }),
      reads: ['issues'],
      retry: worthRepeating(reading),
      run: async (json, { signal }) =>
        z.object({ issues: z.array(Issue) }).parse(await post('/issues/search', { json, signal })),
    }),

    lookUpAccount: fromTool({
      name: 'lookUpAccount',
      timeoutMs: lastResortMs,
      input: z.object({ account: z.string().nullable(), sender: z.string().nullable() }),
      output: Facts.pick({ account: true }),
      reads: ['accounts'],
      retry: worthRepeating(reading),
      run: async (json, { signal }) =>
        z.object({ account: Account.nullable() }).parse(await post('/accounts/find', { json, signal })),
    }),

    readStatus: fromTool({
      name: 'readStatus',
      timeoutMs: lastResortMs,
      description: 'Reads which components of the service work now, and which do not.',
      input: z.object({}),
      output: Facts.pick({ components: true }),
      reads: ['status'],
      retry: worthRepeating(reading),
      run: async (_, { signal }) =>
        z.object({ components: z.array(Component) }).parse(await get('/status', { signal })),
    }),
  };

  return {
    ...tools,

    /** What an agent says that its answer rests on, looked up again: what it read is in its conversation only. */
    readSources: fromTool({
      name: 'readSources',
      timeoutMs: lastResortMs,
      input: z.object({ sources: z.array(z.string()) }),
      output: Facts,
      reads: ['articles', 'issues', 'status'],
      retry: worthRepeating(reading),
      run: async (json, { signal }) => Facts.parse(await post('/sources/read', { json, signal })),
    }),

    openIncident: fromTool({
      name: 'openIncident',
      timeoutMs: lastResortMs,
      input: z.object({
        requestId: z.string(),
        account: z.string().nullable(),
        subject: z.string(),
        excerpt: z.string(),
      }),
      output: IncidentReceipt,
      irreversible: true,
      idempotencyKey: ({ requestId }) => requestId,
      writes: ['incidents'],
      retry: worthRepeating(effects),
      run: async (json, { signal, idempotencyKey }): Promise<IncidentReceipt> => {
        const answer = await call('/incidents', { method: 'POST', json, idempotencyKey, signal });
        if (isRefusal(answer)) return { status: 'refused', reason: reasonOf(answer) };
        return IncidentReceipt.parse(succeeded(answer));
      },
    }),

    sendReply: fromTool({
      name: 'sendReply',
      timeoutMs: lastResortMs,
      input: z.object({
        requestId: z.string(),
        to: z.email(),
        subject: z.string(),
        body: z.string().min(1),
      }),
      output: MailReceipt,
      irreversible: true,
      idempotencyKey: ({ requestId }) => requestId,
      writes: ['mails'],
      retry: worthRepeating(effects),
      run: async (json, { signal, idempotencyKey }): Promise<MailReceipt> => {
        const answer = await call('/mails', { method: 'POST', json, idempotencyKey, signal });
        if (isRefusal(answer)) return { status: 'refused', reason: reasonOf(answer) };
        return MailReceipt.parse(succeeded(answer));
      },
    }),

    remindDesk: fromTool({
      name: 'remindDesk',
      timeoutMs: lastResortMs,
      input: z.object({ requestId: z.string(), number: z.int() }),
      output: z.object({ reminded: z.literal(true) }),
      idempotencyKey: ({ requestId, number }) => `${requestId}/${number}`,
      writes: ['reminders'],
      run: async (json, { signal, idempotencyKey }) => {
        succeeded(await call('/reminders', { method: 'POST', json, idempotencyKey, signal }));
        return { reminded: true as const };
      },
    }),
  };
}

function reader(call: CallService, method: ServiceCall['method']) {
  return async (path: string, options: Omit<ServiceCall, 'method'>): Promise<unknown> =>
    succeeded(await call(path, { method, ...options }));
}

/** Anything that is no definite answer (I1) is worth another try; what Signalbox itself refuses is not. */
function worthRepeating(policy: RetryPolicy): RetryPolicy {
  return { ...policy, on: (error) => !(error instanceof SignalboxError) };
}
