/** The support services over real HTTP, each test with a ledger of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type Server, startServer } from '../../services/start-server.ts';
import { supportService } from './app.ts';

let folder: string;
let server: Server;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-services-'));
  server = await startServer(supportService, { database: join(folder, 'ledger.db') });
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

interface Said {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function get(path: string): Promise<Said> {
  const answer = await fetch(`${server.url}${path}`);
  return { status: answer.status, body: (await answer.json()) as Said['body'] };
}

async function post(path: string, body: unknown, key?: string, signal?: AbortSignal): Promise<Said> {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });
  return { status: answer.status, body: (await answer.json()) as Said['body'] };
}

async function refunds(): Promise<Array<Record<string, unknown>>> {
  return (await get('/ledger')).body['refunds'] as Array<Record<string, unknown>>;
}

const refund = { ticketId: 'T-1', customer: 'C-1001', amount: 49, currency: 'EUR' };

describe('a refund', () => {
  it('is answered with a reference', async () => {
    const said = { status: 'refunded', reference: 'rf-1', amount: 49, currency: 'EUR' };
    expect(await post('/refunds', refund, 'T-1')).toEqual({ status: 200, body: said });
  });

  it('has the same answer under the same key, and is made once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('/refunds', refund, 'T-1')));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await refunds()).toMatchObject([{ key: 'T-1', asked: 8, body: refund }]);
  });

  it('is refused under a key that was used for something else', async () => {
    await post('/refunds', refund, 'T-1');
    expect((await post('/refunds', { ...refund, amount: 48 }, 'T-1')).status).toBe(422);
    expect(await refunds()).toHaveLength(1);
  });

  it.each([
    ['more than was charged', { amount: 98.01 }, 409],
    ['in another currency', { currency: 'USD' }, 409],
    ['to nobody', { customer: 'C-9999' }, 409],
    ['to what every object has', { customer: 'constructor' }, 409],
    ['of nothing', { amount: 0 }, 400],
    ['of less', { amount: -1 }, 400],
  ])('is refused if it is %s', async (_, change, status) => {
    expect((await post('/refunds', { ...refund, ...change }, 'T-1')).status).toBe(status);
    expect(await refunds()).toEqual([]);
  });

  it('is refused when earlier ones left too little', async () => {
    await post('/refunds', refund, 'T-1');
    await post('/refunds', refund, 'T-2');
    expect((await post('/refunds', { ...refund, amount: 0.01 }, 'T-3')).status).toBe(409);
    expect((await get('/billing/C-1001')).body).toMatchObject({
      refundable: 0,
      refunds: [
        { reference: 'rf-1', amount: 49 },
        { reference: 'rf-2', amount: 49 },
      ],
    });
  });

  it('may be ordered again after it was refused', async () => {
    await post('/refunds', { ...refund, amount: 980 }, 'T-1');
    expect((await post('/refunds', refund, 'T-1')).status).toBe(200);
  });

  it('needs a key', async () => {
    expect((await post('/refunds', refund)).status).toBe(400);
  });

  it('is still there when the services are started again', async () => {
    await post('/refunds', refund, 'T-1');
    await server.close();
    server = await startServer(supportService, { database: join(folder, 'ledger.db'), port: server.port });
    expect((await post('/refunds', refund, 'T-1')).body['reference']).toBe('rf-1');
    expect(await refunds()).toMatchObject([{ asked: 2 }]);
  });

  it('is made once when two processes share the ledger', async () => {
    const other = await startServer(supportService, { database: join(folder, 'ledger.db') });
    try {
      const order = async (url: string): Promise<unknown> => {
        const headers = { 'idempotency-key': 'T-1' };
        return (
          await fetch(`${url}/refunds`, { method: 'POST', headers, body: JSON.stringify(refund) })
        ).json();
      };
      const urls = Array.from({ length: 10 }, (_, index) => (index % 2 ? server : other).url);
      const answers = await Promise.all(urls.map(order));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(await refunds()).toMatchObject([{ asked: 10 }]);
    } finally {
      await other.close();
    }
  });
});

describe('what is looked up', () => {
  it('is a 404 for a customer who is not known', async () => {
    expect((await get('/billing/nobody')).status).toBe(404);
    expect((await get('/billing/__proto__')).status).toBe(404);
  });

  it('has accounts without number for tests under load', async () => {
    expect((await get('/billing/L-4711')).body).toMatchObject({ currency: 'EUR', cancelledOn: null });
    expect((await get('/billing/L-0')).status).toBe(404);
  });

  it('finds issues and articles by what a ticket says, and nothing where nothing fits', async () => {
    const found = await post('/known-issues/search', { subject: 'APP CRASHES', text: '' });
    expect(found.body['issues']).toMatchObject([{ id: 'K-21' }]);
    const articles = await post('/faq/search', { subject: '', text: 'What is the meaning of life?' });
    expect(articles.body).toEqual({ articles: [] });
  });

  it('takes texts of any length', async () => {
    expect((await post('/faq/search', { subject: '', text: 'x'.repeat(100_000) })).status).toBe(200);
  });
});

describe('a fault', () => {
  const ordered = (kind: string, more: object = {}) => post('/faults', { target: 'refunds', kind, ...more });

  it('fails as often as ordered, and nothing is refunded', async () => {
    await ordered('fail', { times: 2 });
    const statuses = [];
    for (let call = 0; call < 3; call += 1) statuses.push((await post('/refunds', refund, 'T-1')).status);
    expect(statuses).toEqual([503, 503, 200]);
    expect(await refunds()).toMatchObject([{ asked: 1 }]);
  });

  it('meets one key only, if it is ordered so', async () => {
    await ordered('fail', { key: 'T-2' });
    expect((await post('/refunds', refund, 'T-1')).status).toBe(200);
    expect((await post('/refunds', refund, 'T-2')).status).toBe(503);
  });

  it.each([
    ['hang', 0],
    ['hang-after', 1],
  ])('of the kind %s never answers, with %d refunds made', async (kind, made) => {
    await ordered(kind);
    await expect(post('/refunds', refund, 'T-1', AbortSignal.timeout(500))).rejects.toThrow('timeout');
    expect(await refunds()).toHaveLength(made);
    expect((await post('/refunds', refund, 'T-1')).status).toBe(200);
    expect(await refunds()).toMatchObject([{ asked: made + 1 }]);
  });

  it('is refused if it is not one', async () => {
    expect((await ordered('explode')).status).toBe(400);
    expect((await post('/faults', 'no json')).status).toBe(400);
  });
});
