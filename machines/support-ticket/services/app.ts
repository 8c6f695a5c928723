/**
 * The support desk's other systems over HTTP. Everything that has an effect takes an `Idempotency-Key`: the same key
 * with the same body is answered from the ledger, with another body it is refused with 422.
 */
import { Hono, type Context } from 'hono';
import { z } from 'zod';

import { Refused, type FaultOrder, type Ledger } from './ledger.ts';
import { customerOf, faq, knownIssues } from './records.ts';

const Refund = z.object({
  ticketId: z.string().min(1),
  customer: z.string().min(1),
  amount: z.number().positive(),
  currency: z.string().length(3),
});

const Mail = z.object({
  ticketId: z.string().min(1),
  category: z.string().min(1),
  to: z.string().min(3),
  subject: z.string(),
  body: z.string().min(1),
});

const OutcomeRecord = z.object({
  ticketId: z.string().min(1),
  subject: z.string().min(1),
  handledBy: z.string(),
  refund: z.string(),
  mailId: z.string().nullable(),
});

const Problem = z.object({ subject: z.string(), text: z.string() });

export const FaultOrderBody = z.object({
  target: z.enum(['refunds', 'mails']),
  kind: z.enum(['fail', 'hang', 'die-after-charging', 'hang-after-charging']),
  times: z.int().positive().default(1),
  key: z.string().optional(),
});

export interface AppOptions {
  readonly ledger: Ledger;
  /** Ends the process, as a crash would. */
  die(): void;
}

export function createApp({ ledger, die }: AppOptions): Hono {
  const app = new Hono();

  app.onError((error, context) => {
    if (error instanceof Refused) return context.json({ error: error.message }, error.status);
    if (error instanceof z.ZodError) return context.json({ error: z.prettifyError(error) }, 400);
    if (error instanceof SyntaxError) return context.json({ error: 'Expected a body of JSON.' }, 400);
    return context.json({ error: error.message }, 500);
  });

  app.get('/billing/:customer', (context) => {
    const name = context.req.param('customer');
    const customer = customerOf(name);
    if (!customer) return context.json({ error: `There is no customer ${name}.` }, 404);
    const { currency, charges, cancelledOn = null } = customer;
    const refunds = ledger.refundsOf(name);
    const refundable = ledger.refundable(name) / 100;
    return context.json({ customer: name, currency, charges, refunds, cancelledOn, refundable });
  });

  app.post('/known-issues/search', async (context) => {
    const issues = found(knownIssues, Problem.parse(await context.req.json()));
    return context.json({
      issues: issues.map(({ id, title, steps, status }) => ({ id, title, steps, status })),
    });
  });

  app.post('/faq/search', async (context) => {
    const articles = found(faq, Problem.parse(await context.req.json()));
    return context.json({ articles: articles.map(({ question, answer }) => ({ question, answer })) });
  });

  app.post('/refunds', async (context) => {
    const body = Refund.parse(await context.req.json());
    return withFaults(context, 'refunds', (key) => ledger.refund(key, body));
  });

  app.post('/mails', async (context) => {
    const body = Mail.parse(await context.req.json());
    return withFaults(context, 'mails', (key) => ledger.mail(key, body));
  });

  app.post('/outcomes', async (context) => {
    const body = OutcomeRecord.parse(await context.req.json());
    const key = keyOf(context);
    if (key === undefined) return keyMissing(context);
    return context.json(ledger.outcome(key, body) as object);
  });

  app.get('/ledger', (context) =>
    context.json({
      refunds: ledger.entries('refunds'),
      mails: ledger.entries('mails'),
      outcomes: ledger.entries('outcomes'),
    }),
  );

  app.post('/faults', async (context) => {
    ledger.orderFault(FaultOrderBody.parse(await context.req.json()));
    return context.json({ ordered: true });
  });

  async function withFaults(
    context: Context,
    target: FaultOrder['target'],
    act: (key: string) => unknown,
  ): Promise<Response> {
    const key = keyOf(context);
    if (key === undefined) return keyMissing(context);
    const fault = ledger.takeFault(target, key);
    if (fault === 'fail') return context.json({ error: 'Out of order, as ordered.' }, 503);
    if (fault === 'hang') await hungUp(context);
    const answer = act(key) as object;
    if (fault === 'die-after-charging') die();
    if (fault === 'die-after-charging' || fault === 'hang-after-charging') await hungUp(context);
    return context.json(answer);
  }

  return app;
}

function found<T extends { readonly signs: RegExp }>(
  known: readonly T[],
  { subject, text }: z.infer<typeof Problem>,
): T[] {
  return known.filter(({ signs }) => signs.test(`${subject}\n${text}`)).slice(0, 3);
}

function keyOf(context: Context): string | undefined {
  return context.req.header('idempotency-key') || undefined;
}

function keyMissing(context: Context): Response {
  return context.json({ error: 'Expected a header `Idempotency-Key`.' }, 400);
}

/** Settles only when the caller has had enough. */
async function hungUp(context: Context): Promise<never> {
  const { signal } = context.req.raw;
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  throw new Error('The caller hung up.');
}
