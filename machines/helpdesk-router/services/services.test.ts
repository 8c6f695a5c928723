/** The helpdesk services over real HTTP, each test with a ledger of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { type Server, startServer } from '../../services/start-server.ts';
import { startServices } from '../index.ts';
import { helpdeskService } from './app.ts';

let folder: string;
let server: Server;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-services-'));
  server = await startServer(helpdeskService, { database: join(folder, 'ledger.db') });
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

async function entries(kind: string): Promise<Array<Record<string, unknown>>> {
  return (await get('/ledger')).body[kind] as Array<Record<string, unknown>>;
}

const incident = { requestId: 'R-1', account: 'AC-303', subject: 'Down', excerpt: 'Nobody can work.' };
const mail = { requestId: 'R-1', to: 'ana@example.com', subject: 'Re: Down', body: 'We see it.' };
const reminder = { requestId: 'R-1', number: 1 };

describe.each([
  ['incidents', incident, { status: 'opened', id: 'INC-1' }, { excerpt: 'Something else.' }],
  ['mails', mail, { status: 'sent', id: 'mail-1' }, { to: 'eve@evil.example' }],
  ['reminders', reminder, { reminded: true }, { number: 2 }],
])('%s', (kind, body, said, change) => {
  it('are made once under one key, and have the same answer', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(`/${kind}`, body, 'R-1')));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toEqual({ status: 200, body: said });
    expect(await entries(kind)).toMatchObject([{ key: 'R-1', asked: 8, body }]);
  });

  it('are refused under a key that was used for something else', async () => {
    await post(`/${kind}`, body, 'R-1');
    expect((await post(`/${kind}`, { ...body, ...change }, 'R-1')).status).toBe(422);
    expect(await entries(kind)).toHaveLength(1);
  });

  it('need a key, and all that belongs to them', async () => {
    expect((await post(`/${kind}`, body)).status).toBe(400);
    expect((await post(`/${kind}`, { ...body, requestId: '' }, 'R-1')).status).toBe(400);
    expect((await post(`/${kind}`, 'no json', 'R-1')).status).toBe(400);
    expect(await entries(kind)).toEqual([]);
  });

  it('are still there when the services are started again', async () => {
    await post(`/${kind}`, body, 'R-1');
    await server.close();
    server = await startServer(helpdeskService, { database: join(folder, 'ledger.db'), port: server.port });
    expect((await post(`/${kind}`, body, 'R-1')).body).toEqual(said);
    expect(await entries(kind)).toMatchObject([{ asked: 2 }]);
  });

  it.each([
    ['fail', 0],
    ['hang', 0],
    ['hang-after', 1],
  ])('can be ordered to %s, with %i made', async (fault, made) => {
    await post('/faults', { target: kind, kind: fault });
    if (fault === 'fail') expect((await post(`/${kind}`, body, 'R-1')).status).toBe(503);
    else await expect(post(`/${kind}`, body, 'R-1', AbortSignal.timeout(500))).rejects.toThrow('timeout');
    expect(await entries(kind)).toHaveLength(made);
    expect((await post(`/${kind}`, body, 'R-1')).status).toBe(200);
  });
});

it('sends no mail to what is no address', async () => {
  expect((await post('/mails', { ...mail, to: 'ana@example.com, eve@evil.example' }, 'R-1')).status).toBe(
    400,
  );
});

describe('what is looked up', () => {
  const find = async (account: unknown, sender: unknown) =>
    (await post('/accounts/find', { account, sender })).body['account'];

  it('has an account only for one of its own people', async () => {
    expect(await find('AC-301', 'ANA@example.com')).toMatchObject({ id: 'AC-301', currency: 'EUR' });
    expect(await find('AC-301', 'jonas@example.de')).toBe(null);
    expect(await find('AC-301', null)).toBe(null);
    expect(await find('AC-301', '')).toBe(null);
    expect(await find(null, 'ana@example.com')).toBe(null);
    expect(await find('constructor', 'ana@example.com')).toBe(null);
  });

  it('tells nobody whose account it is', async () => {
    expect(JSON.stringify(await find('AC-301', 'ana@example.com'))).not.toContain('@');
  });

  it('has at most three issues or articles, by what a query says, in any language', async () => {
    const issues = async (query: string) => (await post('/issues/search', { query })).body['issues'];
    expect(await issues('APP CRASHES ON START')).toMatchObject([{ id: 'K-15' }]);
    expect(await issues('Anmeldung')).toMatchObject([{ id: 'K-12' }]);
    expect(await issues('What is the meaning of life?')).toEqual([]);
    const all = 'csv sign in sync 502 crash notification';
    expect(await issues(all)).toHaveLength(3);
    const { articles } = (await post('/articles/search', { query: 'wie kann ich Kollegen einladen' })).body;
    expect(articles).toEqual([
      {
        id: 'A-1',
        title: 'Invite colleagues',
        text: expect.any(String) as string,
        link: 'https://help.example.com/a-1',
      },
    ]);
  });

  it('has sources by their ids, and nothing for what is none', async () => {
    const { body } = await post('/sources/read', { sources: ['A-9', 'K-11', 'status', 'A-99', '__proto__'] });
    expect(body).toMatchObject({ articles: [{ id: 'A-9' }], issues: [{ id: 'K-11' }] });
    expect(body['components']).toEqual((await get('/status')).body['components']);
    expect((await post('/sources/read', { sources: [] })).body).toEqual({ articles: [], issues: [] });
  });

  it('takes texts of any length', async () => {
    expect((await post('/articles/search', { query: 'x'.repeat(100_000) })).status).toBe(200);
  });
});

it('is a process of its own, found by its address, that may be killed and keeps what it has', async () => {
  const services = await startServices({
    dataFolder: folder,
    env: { HELPDESK_SERVICES_FAULTS: 'mails:die-after:1' },
  });
  try {
    expect(services.env).toEqual({ HELPDESK_SERVICES_URL: services.url });
    const order = async () => {
      const headers = { 'idempotency-key': 'R-1' };
      const answer = await fetch(`${services.url}/mails`, {
        method: 'POST',
        headers,
        body: JSON.stringify(mail),
      });
      return (await answer.json()) as unknown;
    };
    await expect(order()).rejects.toThrow('fetch failed');
    const again = await vi.waitFor(order);
    expect(again).toEqual({ status: 'sent', id: 'mail-1' });
  } finally {
    await services.close();
  }
});
