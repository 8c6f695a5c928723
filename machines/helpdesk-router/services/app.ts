/** The helpdesk's other systems over HTTP: articles, known issues, accounts, status, the on-call desk and the outbox. */
import type { Hono } from 'hono';
import { z } from 'zod';

import { createServiceApp } from '../../services/service-app.ts';
import type { OpenOptions, Service } from '../../services/service.ts';
import { accountOf, articles, components, issues, type Signed } from './records.ts';

const Query = z.object({ query: z.string() });
const OwnAccount = z.object({ account: z.string().nullable(), sender: z.string().nullable() });
const Sources = z.object({ sources: z.array(z.string()) });

const Incident = z.object({
  requestId: z.string().min(1),
  account: z.string().nullable(),
  subject: z.string(),
  excerpt: z.string(),
});

const Mail = z.object({
  requestId: z.string().min(1),
  to: z.email(),
  subject: z.string(),
  body: z.string().min(1),
});

const Reminder = z.object({ requestId: z.string().min(1), number: z.int() });

const kinds = ['incidents', 'mails', 'reminders'] as const;

export const helpdeskService: Service = { faultTargets: kinds, open: openApp };

function openApp(options: OpenOptions): Hono {
  const { app, entered } = createServiceApp({ ...options, faultTargets: kinds, kinds });

  app.post('/articles/search', async (context) =>
    context.json({ articles: found(articles, Query.parse(await context.req.json())) }),
  );

  app.post('/issues/search', async (context) =>
    context.json({ issues: found(issues, Query.parse(await context.req.json())) }),
  );

  app.post('/accounts/find', async (context) =>
    context.json({ account: accountOf(OwnAccount.parse(await context.req.json())) }),
  );

  app.get('/status', (context) => context.json({ components }));

  app.post('/sources/read', async (context) => {
    const { sources } = Sources.parse(await context.req.json());
    const isNamed = ({ id }: Signed): boolean => sources.includes(id);
    return context.json({
      articles: articles.filter(isNamed).map(told),
      issues: issues.filter(isNamed).map(told),
      ...(sources.includes('status') && { components }),
    });
  });

  app.post('/incidents', async (context) => {
    const body = Incident.parse(await context.req.json());
    return entered(context, 'incidents', { body, answer: (id) => ({ status: 'opened', id: `INC-${id}` }) });
  });

  app.post('/mails', async (context) => {
    const body = Mail.parse(await context.req.json());
    return entered(context, 'mails', { body, answer: (id) => ({ status: 'sent', id: `mail-${id}` }) });
  });

  app.post('/reminders', async (context) => {
    const body = Reminder.parse(await context.req.json());
    return entered(context, 'reminders', { body, answer: () => ({ reminded: true }) });
  });

  return app;
}

/** The three that a query says most about. */
function found<T extends Signed>(
  known: readonly T[],
  { query }: z.infer<typeof Query>,
): Array<Omit<T, 'signs'>> {
  return known
    .filter(({ signs }) => signs.test(query))
    .slice(0, 3)
    .map(told);
}

function told<T extends Signed>(known: T): Omit<T, 'signs'> {
  const { signs: _, ...rest } = known;
  return rest;
}
