/** The intake services over real MCP, each test with a database of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { mcpServer, type McpServer } from 'signalbox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Entry } from '../../services/ledger.ts';
import { type Server, startServer } from '../../services/start-server.ts';
import { createTools } from '../tools.ts';
import { intakeService } from './app.ts';

let folder: string;
let server: Server;
let clients: Record<'crm' | 'notifications' | 'drafts', McpServer>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-intake-services-'));
  server = await startServer(intakeService, { database: join(folder, 'ledger.db') });
  clients = { crm: client('crm'), notifications: client('notifications'), drafts: client('drafts') };
});

afterEach(async () => {
  for (const one of Object.values(clients)) await one.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

function client(name: string): McpServer {
  return mcpServer({ name, url: () => `${server.url}/${name}`, timeoutMs: 500 });
}

async function said(on: keyof typeof clients, tool: string, args: Record<string, unknown>): Promise<unknown> {
  const { structuredContent, isError, content } = await clients[on].call(tool, args as never);
  if (isError) throw new Error(JSON.stringify(content));
  return structuredContent;
}

async function ledger(): Promise<Record<'notifications' | 'drafts' | 'reminders', Entry[]>> {
  return (await (await fetch(`${server.url}/ledger`)).json()) as Awaited<ReturnType<typeof ledger>>;
}

const sha256 = 'a'.repeat(64);
const document = { documentId: 'D-1', sha256, fileName: 'a.pdf' };
const find = (query: object): Promise<unknown> =>
  said('crm', 'find_customers', { customerNumber: null, name: null, contracts: [], ...query });
const notice = { idempotencyKey: 'D-1', documentId: 'D-1', managerId: 'm-1', subject: 'S', text: 'T' };

it('have the tools that the workflow calls, with schemas that fit', async () => {
  const never = { attempts: 1 };
  createTools({
    servers: clients,
    mostPages: 1,
    mostCharacters: 1,
    readMs: 1,
    timeoutMs: 500,
    reading: never,
    effects: never,
  });
  for (const one of Object.values(clients)) await expect(one.check()).resolves.toBeUndefined();
});

describe('the register', () => {
  it('takes a file once, and the same again under its own id', async () => {
    const registered = { status: 'registered', of: null, reason: null };
    expect(await said('crm', 'register_document', document)).toEqual(registered);
    expect(await said('crm', 'register_document', document)).toEqual(registered);
    expect(await said('crm', 'register_document', { ...document, documentId: 'D-2' })).toMatchObject({
      status: 'duplicate',
      of: 'D-1',
    });
  });

  it('refuses an id that was used for another file', async () => {
    await said('crm', 'register_document', document);
    const other = { ...document, sha256: 'b'.repeat(64) };
    expect(await said('crm', 'register_document', other)).toMatchObject({
      status: 'refused',
      reason: 'The id D-1 was used for another file.',
    });
  });

  it('takes a file again once it is released, and releases no other', async () => {
    await said('crm', 'register_document', document);
    const again = { ...document, documentId: 'D-2' };
    await said('crm', 'release_document', { documentId: 'D-1', sha256: 'b'.repeat(64) });
    expect(await said('crm', 'register_document', again)).toMatchObject({ status: 'duplicate' });
    await said('crm', 'release_document', { documentId: 'D-1', sha256 });
    expect(await said('crm', 'register_document', again)).toMatchObject({ status: 'registered' });
  });

  it('is still there when the services are started again', async () => {
    await said('crm', 'register_document', document);
    await clients.crm.close();
    await server.close();
    server = await startServer(intakeService, { database: join(folder, 'ledger.db') });
    expect(await said('crm', 'register_document', { ...document, documentId: 'D-2' })).toMatchObject({
      status: 'duplicate',
    });
  });

  it('takes one of many that come at once', async () => {
    const ids = Array.from({ length: 8 }, (_, index) => `D-${index}`);
    const answers = await Promise.all(
      ids.map((documentId) => said('crm', 'register_document', { ...document, documentId })),
    );
    expect(answers.filter((one) => (one as { status: string }).status === 'registered')).toHaveLength(1);
  });
});

describe('the CRM', () => {
  it.each([
    ['a number in any case', { customerNumber: 'c-1001' }, ['C-1001']],
    ['a name without its accents', { name: 'Muller-Ludenscheidt GmbH' }, ['C-1001']],
    ['a contact, with more around it', { name: 'z. Hd. Anna-Lena Schröder-Weiß, Einkauf' }, ['C-1001']],
    ['a contract', { contracts: ['K-30551'] }, ['C-1002']],
    ['one that was put in twice', { name: 'Brücke Logistik GmbH' }, ['C-1005', 'C-1055']],
    ['any of several', { customerNumber: 'C-1003', contracts: ['K-20417'] }, ['C-1001', 'C-1003']],
    ['nothing', {}, []],
    ['what tries to be more than a value', { name: "' OR 1=1 --", customerNumber: '%' }, []],
  ])('finds %s', async (_, query, numbers) => {
    const found = (await find(query)) as { customers: Array<{ number: string }>; total: number };
    expect(found.customers.map(({ number }) => number)).toEqual(numbers);
    expect(found.total).toBe(numbers.length);
  });

  it('knows contracts, contacts and who looks after a customer', async () => {
    expect(await find({ customerNumber: 'C-1004' })).toMatchObject({
      customers: [
        {
          name: 'Nordbahn AS',
          contacts: ['Ingrid Sæther'],
          contracts: [{ number: 'K-50010', cancelledOn: '2026-01-31' }],
          manager: { id: 'm-1', name: 'Miriam Vogel' },
        },
      ],
    });
  });
});

describe('an effect', () => {
  it('is made once under a key, whoever asks and however often', async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => said('notifications', 'notify_manager', notice)),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify({ status: 'done', reason: null, id: 'note-1' })]),
    );
    expect((await ledger()).notifications).toMatchObject([{ key: 'D-1', asked: 6 }]);
  });

  it('is refused under a key that was used for something else, and to a manager who has left', async () => {
    await said('notifications', 'notify_manager', notice);
    expect(await said('notifications', 'notify_manager', { ...notice, text: 'U' })).toMatchObject({
      status: 'refused',
      reason: 'The key D-1 was used for something else.',
    });
    const gone = { ...notice, idempotencyKey: 'D-2', managerId: 'm-3' };
    expect(await said('notifications', 'notify_manager', gone)).toMatchObject({ status: 'refused' });
    expect((await ledger()).notifications).toHaveLength(1);
  });

  it('needs an address that is one', async () => {
    const draft = { idempotencyKey: 'D-1', documentId: 'D-1', to: 'nobody', subject: 'S', body: 'B' };
    await expect(said('drafts', 'save_draft', draft)).rejects.toThrow(/Invalid arguments/);
    expect((await ledger()).drafts).toEqual([]);
  });
});

describe('a fault', () => {
  const order = (kind: string, more: object = {}) =>
    fetch(`${server.url}/faults`, {
      method: 'POST',
      body: JSON.stringify({ target: 'notifications', kind, ...more }),
    });

  it.each([
    ['fail', 0, /503/],
    ['hang', 0, /no answer/],
    ['hang-after', 1, /no answer/],
  ])('of the kind %s is one of the connection, with %d notices made', async (kind, made, why) => {
    await order(kind);
    await expect(said('notifications', 'notify_manager', notice)).rejects.toThrow(why);
    expect((await ledger()).notifications).toHaveLength(made);
    expect(await said('notifications', 'notify_manager', notice)).toMatchObject({ status: 'done' });
    expect((await ledger()).notifications).toMatchObject([{ asked: made + 1 }]);
  });

  it('meets one key only, if it is ordered so', async () => {
    await order('fail', { key: 'D-2' });
    expect(await said('notifications', 'notify_manager', notice)).toMatchObject({ status: 'done' });
    await expect(
      said('notifications', 'notify_manager', { ...notice, idempotencyKey: 'D-2' }),
    ).rejects.toThrow(/503/);
  });
});

it('serve a request that is no MCP without harm', async () => {
  const answer = await fetch(`${server.url}/crm`, { method: 'POST', body: 'no json' });
  expect(answer.status).toBe(400);
});
