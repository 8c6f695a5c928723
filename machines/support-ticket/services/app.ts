/** The support desk's other systems over HTTP: billing, known issues, FAQ, payments, outbox and outcomes. */
import type { Hono } from 'hono';
import { z } from 'zod';

import { createServiceApp } from '../../services/service-app.ts';
import type { OpenOptions, Service } from '../../services/service.ts';
import { entryKinds, openRefunds } from './ledger.ts';
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

const faultTargets = ['refunds', 'mails'] as const;

export const supportService: Service = { faultTargets, open: openApp };

function openApp(options: OpenOptions): Hono {
  const { app, entered } = createServiceApp({ ...options, faultTargets, kinds: entryKinds });
  const refunds = openRefunds(options.ledger);

  app.get('/billing/:customer', (context) => {
    const name = context.req.param('customer');
    const customer = customerOf(name);
    if (!customer) return context.json({ error: `There is no customer ${name}.` }, 404);
    const { currency, charges, cancelledOn = null } = customer;
    const refundable = refunds.refundable(name) / 100;
    const given = refunds.refundsOf(name);
    return context.json({ customer: name, currency, charges, refunds: given, cancelledOn, refundable });
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
    const refund = Refund.parse(await context.req.json());
    return entered(context, 'refunds', refunds.entryOf(refund));
  });

  app.post('/mails', async (context) => {
    const body = Mail.parse(await context.req.json());
    return entered(context, 'mails', { body, answer: (id) => ({ status: 'sent', id: `mail-${id}` }) });
  });

  app.post('/outcomes', async (context) => {
    const body = OutcomeRecord.parse(await context.req.json());
    return entered(context, 'outcomes', { body, answer: () => ({ recorded: true }) });
  });

  return app;
}

function found<T extends { readonly signs: RegExp }>(
  known: readonly T[],
  { subject, text }: z.infer<typeof Problem>,
): T[] {
  return known.filter(({ signs }) => signs.test(`${subject}\n${text}`)).slice(0, 3);
}
