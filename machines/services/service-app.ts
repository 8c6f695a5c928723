/**
 * What all services have in common over HTTP: `GET /ledger`, `POST /faults`, errors as JSON, and effects that take an
 * `Idempotency-Key`: the same key with the same body is answered from the ledger, with another body it is refused with 422.
 */
import { type Context, Hono } from 'hono';
import { z } from 'zod';

import { faultOrderFor } from './faults.ts';
import { type NewEntry, Refused } from './ledger.ts';
import type { OpenOptions, Service } from './service.ts';
import { OutOfOrder, withFaults } from './with-faults.ts';

export interface ServiceAppOptions extends OpenOptions, Pick<Service, 'faultTargets'> {
  /** The kinds of entries that `GET /ledger` shows. */
  readonly kinds: readonly string[];
}

export interface ServiceApp {
  readonly app: Hono;
  /** Answers with the entry of this kind under the request's key, made now if there is none. */
  entered(context: Context, kind: string, entry: NewEntry): Promise<Response>;
}

export function createServiceApp({ kinds, faultTargets, ...opened }: ServiceAppOptions): ServiceApp {
  const { ledger } = opened;
  const app = new Hono();

  app.onError((error, context) => {
    if (error instanceof Refused) return context.json({ error: error.message }, error.status);
    if (error instanceof z.ZodError) return context.json({ error: z.prettifyError(error) }, 400);
    if (error instanceof SyntaxError) return context.json({ error: 'Expected a body of JSON.' }, 400);
    return context.json({ error: error.message }, error instanceof OutOfOrder ? 503 : 500);
  });

  app.get('/ledger', (context) =>
    context.json(Object.fromEntries(kinds.map((kind) => [kind, ledger.entries(kind)]))),
  );

  app.post('/faults', async (context) => {
    ledger.orderFault(faultOrderFor(faultTargets).parse(await context.req.json()));
    return context.json({ ordered: true });
  });

  return {
    app,
    async entered(context, kind, entry) {
      const key = context.req.header('idempotency-key');
      if (!key) return context.json({ error: 'Expected a header `Idempotency-Key`.' }, 400);
      const { signal } = context.req.raw;
      const act = (): object => ledger.once(kind, key, entry);
      return context.json(await withFaults(opened, { target: kind, key, signal, act }));
    },
  };
}
