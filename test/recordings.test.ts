/** Whole runs recorded, and replayed with nothing there to be called. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createEngine, type ExchangeInterceptor, type RunSnapshot } from 'signalbox';
import { createSupportTicket } from 'signalbox/machines';
import { memoryStore } from 'signalbox/memory';
import { createMessagesServer, recordExchanges, replayExchanges, type Script } from 'signalbox/testing';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { type Server, startServer } from '../machines/services/start-server.ts';
import { supportService } from '../machines/support-ticket/services/app.ts';
import { supportStandIn } from '../machines/support-ticket/stand-in.ts';
import type { Ticket } from '../machines/support-ticket/schemas.ts';
import { startChild } from './fixtures/child.ts';
import { riddle } from './fixtures/riddle.mjs';

const samples = join(import.meta.dirname, '../machines/support-ticket/samples');
const names = ['01-charged-twice', '02-two-problems-in-one', '12-order-to-refund-10000', '17-only-emoji'];

let folder: string;
let fixtures: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-recordings-'));
  fixtures = join(folder, 'fixtures');
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function sample(name: string): Ticket {
  return JSON.parse(readFileSync(join(samples, `${name}.json`), 'utf8')) as Ticket;
}

async function withServices<T>(body: (server: Server) => Promise<T>): Promise<T> {
  const server = await startServer(supportService, { database: join(folder, 'ledger.db') });
  vi.stubEnv('SUPPORT_SERVICES_URL', server.url);
  try {
    return await body(server);
  } finally {
    await server.close();
  }
}

/** How the runs stand when each has ended or waits for a person, by ticket. */
async function endsOf(
  workflow: ReturnType<typeof createSupportTicket>,
  exchanges: ExchangeInterceptor,
): Promise<object> {
  const engine = createEngine({ workflows: [workflow], store: memoryStore(), exchanges });
  const isAtRest = ({ status, tags }: RunSnapshot): boolean => status === 'done' || tags.includes('person');
  try {
    const ends = await Promise.all(
      names.map(async (name) => {
        const run = await engine.start(workflow, { input: sample(name) });
        const { value, status, context, output } = await run.waitFor(isAtRest);
        return [name, { value, status, context, output }];
      }),
    );
    return Object.fromEntries(ends) as object;
  } finally {
    await engine.stop();
  }
}

/** Any connection from here on fails the test. */
function withoutNetwork(): void {
  const connect = vi.fn(() => {
    throw new Error('A connection was made.');
  });
  vi.stubGlobal('fetch', connect);
  onTestFinished(() => {
    vi.unstubAllGlobals();
    expect(connect).not.toHaveBeenCalled();
  });
}

const answers: Script = ({ output_config: asked, messages }) => {
  const fields = Object.keys((asked?.format?.schema['properties'] as object | undefined) ?? {});
  const text = JSON.stringify(messages);
  if (fields.includes('categories')) {
    const categories = /charged/.test(text) ? ['billing', ...(/export/.test(text) ? ['technical'] : [])] : [];
    return { json: { categories } };
  }
  if (fields.includes('parts')) {
    return {
      json: {
        parts: [
          { category: 'billing', text: 'first, you charged me twice for the Starter plan on 4 March.' },
          {
            category: 'technical',
            text: 'Second, the export to CSV stops with an error as soon as the project is large. I need that file for our accountants.',
          },
        ],
      },
    };
  }
  if (fields.includes('reply')) return { json: { reply: 'We have looked at what you were charged twice.' } };
  if (fields.includes('refund')) {
    return { json: { refund: true, amount: 49, currency: 'EUR', reason: 'Charged twice.', confidence: 1 } };
  }
  return 'I think about it, and reply.';
};

describe('support-ticket, recorded', () => {
  it('ends the same with its services down, and makes no connection', async () => {
    const workflow = createSupportTicket({ provider: supportStandIn, times: { retryMs: 1 } });
    const recorded = await withServices(() => endsOf(workflow, recordExchanges(fixtures)));
    withoutNetwork();
    const replay = replayExchanges(fixtures);
    expect(await endsOf(workflow, replay)).toEqual(recorded);
    expect(replay.missed()).toEqual([]);
    expect(replay.unused()).toEqual([]);
  });

  it('through the real SDK, ends the same without the API', async () => {
    const server = await createMessagesServer({ answers });
    vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
    vi.stubEnv('ANTHROPIC_API_KEY', 'sk-very-secret');
    const workflow = createSupportTicket({ times: { retryMs: 1 } });
    const recorded = await withServices(() => endsOf(workflow, recordExchanges(fixtures)));
    expect(server.unexpected).toEqual([]);
    const { received } = server;
    expect(received).toBeGreaterThan(8);

    // The server is still there, to see that nobody comes.
    const replay = replayExchanges(fixtures);
    expect(await endsOf(workflow, replay)).toEqual(recorded);
    expect(server.received).toBe(received);
    await server.close();
    withoutNetwork();
    expect(await endsOf(workflow, replay)).toEqual(recorded);
    expect(replay.missed()).toEqual([]);
    expect(replay.unused()).toEqual([]);

    const files = readdirSync(fixtures).map((name) => readFileSync(join(fixtures, name), 'utf8'));
    expect(files.join('\n')).not.toMatch(/sk-very-secret|authorization|x-api-key|user-agent/i);
    expect(JSON.parse(files[0] ?? '')).toMatchObject({
      kind: 'model',
      by: 'anthropic',
      actor: 'classifyTicket',
      described: { usage: { inputTokens: expect.any(Number) }, requestId: expect.stringMatching(/^req_/) },
    });
  });

  it('with another prompt, says which words are not those that were recorded', async () => {
    const workflow = createSupportTicket({ provider: supportStandIn, times: { retryMs: 1 } });
    await withServices(() => endsOf(workflow, recordExchanges(fixtures)));
    withoutNetwork();
    const replay = replayExchanges(fixtures);
    const engine = createEngine({ workflows: [workflow], store: memoryStore(), exchanges: replay });
    const ticket = sample('01-charged-twice');
    const body = ticket.body.replace('49 EUR', '94 EUR');
    const run = await engine.start(workflow, { input: { ...ticket, body } });
    await run.waitFor({ tag: 'person' });
    await engine.stop();
    const [miss] = replay.missed();
    expect(miss?.message).toMatch(
      /^`classifyTicket` \(model `stand-in`\) made a request that is not recorded/,
    );
    expect(miss?.details).toMatchObject({
      actor: 'classifyTicket',
      path: 'messages[0].content',
      recorded: expect.stringContaining('Team plan, 49 EUR'),
      asked: expect.stringContaining('Team plan, 94 EUR'),
    });
  });
});

describe('recorded by several processes', () => {
  const store = () => ({ kind: 'sqlite', path: join(folder, 'runs.db') });

  async function modelServer(): Promise<Awaited<ReturnType<typeof createMessagesServer>>> {
    const server = await createMessagesServer({ answers: (_, index) => `answer ${index}` });
    vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
    onTestFinished(server.close);
    return server;
  }

  async function replayed(ids: readonly string[]) {
    const replay = replayExchanges(fixtures);
    const engine = createEngine({ workflows: [riddle], store: memoryStore(), exchanges: replay });
    const outputs = await Promise.all(
      ids.map(async (id) => (await engine.start('riddle', { id, input: { subject: id } })).result()),
    );
    await engine.stop();
    return { outputs, replay };
  }

  it('one of which died with an answer that was never stored: the one that counted is replayed', async () => {
    const server = await modelServer();
    const life = { store: store(), fixtures, runs: ['R-1'] };
    const killed = startChild('recording-life.mjs', { ...life, at: 2 });
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(readdirSync(fixtures)).toEqual([expect.stringMatching(/^0001-model-askRiddle/)]);
    const { outputs } = await startChild('recording-life.mjs', life).hears('done');
    expect(outputs).toEqual([{ text: 'answer 1', guess: 'answer 2' }]);
    expect(server.received).toBe(3);
    expect(readdirSync(fixtures)).toHaveLength(3);

    const again = await replayed(['R-1']);
    expect(again.outputs).toEqual(outputs);
    expect(again.replay.fixtures).toHaveLength(2);
    expect(again.replay.unused()).toEqual([]);
    expect(server.received).toBe(3);
  });

  it('at a time, into one folder: no file is lost or written twice', async () => {
    const server = await modelServer();
    const ids = Array.from({ length: 3 }, (_, process) =>
      Array.from({ length: 20 }, (__, run) => `R-${process}-${run}`),
    );
    const told = await Promise.all(
      ids.map((runs) => startChild('recording-life.mjs', { store: store(), fixtures, runs }).hears('done')),
    );
    expect(server.received).toBe(120);
    const files = readdirSync(fixtures).sort();
    expect(told.flatMap(({ written }) => written as string[]).sort()).toEqual(files);
    expect(files.map((name) => Number(name.slice(0, 4)))).toEqual(
      Array.from({ length: 120 }, (_, at) => at + 1),
    );
    const again = await replayed(ids.flat());
    expect(again.outputs).toEqual(told.flatMap(({ outputs }) => outputs));
    expect(again.replay.unused()).toEqual([]);
  });
});
