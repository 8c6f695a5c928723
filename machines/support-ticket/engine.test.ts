/** The support ticket as a workflow: on the engine, with the real services and stand-in models. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { EventInvalid, EventNotAccepted, createEngine, type Engine } from 'signalbox';
import { memoryStore } from 'signalbox/memory';
import { sqliteStore } from 'signalbox/sqlite';
import { createMessagesServer, createVirtualClock } from 'signalbox/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Entry } from '../services/ledger.ts';
import { type Server, startServer } from '../services/start-server.ts';
import { createSupportTicket } from './index.ts';
import { Ticket } from './schemas.ts';
import { supportService } from './services/app.ts';
import { supportStandIn } from './stand-in.ts';

const samples = join(import.meta.dirname, 'samples');
const supportTicket = createSupportTicket({ provider: supportStandIn });

let folder: string;
let server: Server;
let engines: Engine[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-ticket-'));
  engines = [];
  server = await startServer(supportService, { database: join(folder, 'ledger.db') });
  vi.stubEnv('SUPPORT_SERVICES_URL', server.url);
});

afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.stop()));
  vi.unstubAllEnvs();
  await server.close();
  rmSync(folder, { recursive: true });
});

function engineOn(
  options: Omit<Parameters<typeof createEngine>[0], 'workflows'>,
  workflow = supportTicket,
): Engine {
  const engine = createEngine({ workflows: [workflow], check: false, ...options });
  engines.push(engine);
  return engine;
}

async function ledger(): Promise<Record<'refunds' | 'mails' | 'outcomes', Entry[]>> {
  return (await (await fetch(`${server.url}/ledger`)).json()) as Record<
    'refunds' | 'mails' | 'outcomes',
    Entry[]
  >;
}

function sample(name: string): Ticket {
  return Ticket.parse(JSON.parse(readFileSync(join(samples, `${name}.json`), 'utf8')));
}

describe('on the engine', () => {
  it('takes every sample to its end or to a person', async () => {
    const engine = engineOn({ store: memoryStore() });
    const names = readdirSync(samples).map((file) => file.replace(/\.json$/, ''));
    const ends = await Promise.all(
      names.map(async (name) => {
        const run = await engine.start(supportTicket, { id: name, input: sample(name) });
        const rest = await run.waitFor(({ status, tags }) => status === 'done' || tags.includes('person'));
        expect(rest.problem).toBeUndefined();
        return rest.tags.includes('person')
          ? rest.questions.map(({ title }) => title).join()
          : rest.output?.status;
      }),
    );
    const count = (wanted: string) => ends.filter((end) => end === wanted).length;
    expect(ends).toHaveLength(37);
    expect({ sort: count('Sort the ticket'), write: count('Write the reply') }).toEqual({
      sort: 5,
      write: 1,
    });
    // Two tickets are about one charge: whichever comes second, and wherever the first is then, gets nothing.
    expect(count('Approve the refund')).toBe(5);
    expect(count('answered') + count('Look up the refund')).toBe(26);

    const { refunds, mails } = await ledger();
    expect(new Set(mails.map(({ key }) => key)).size).toBe(mails.length);
    for (const { answer } of refunds) expect(Number(answer['amount'])).toBeLessThan(15_000);
  });

  it('shows the person what is asked and what may be answered', async () => {
    const engine = engineOn({ store: memoryStore() });
    const run = await engine.start(supportTicket, { input: sample('12-order-to-refund-10000') });
    const rest = await run.waitFor({ state: 'awaitingApproval' });
    expect(rest.accepts.map(({ type }) => type).sort()).toEqual(['APPROVE', 'EDIT', 'REJECT']);
    for (const { schema } of rest.accepts) expect(schema).toMatchObject({ type: 'object' });
    await expect(run.send({ type: 'APPROVE', by: 'dana' })).rejects.toThrow(EventNotAccepted);
    await expect(run.send({ type: 'EDIT', by: 'dana', amount: 10_000 })).rejects.toThrow(EventNotAccepted);
    await expect(run.send({ type: 'EDIT', by: 'dana', amount: 0.001 })).rejects.toThrow(EventInvalid);
    await run.send({ type: 'EDIT', by: 'dana', amount: 5 });
    expect((await run.result()).parts[0]?.refund).toMatchObject({ status: 'refunded', amount: 5 });
  });

  it('goes on in another process, where the approval comes', async () => {
    const path = join(folder, 'runs.db');
    const first = engineOn({ store: sqliteStore(path) });
    const { id } = await first.start(supportTicket, { id: 'over', input: sample('20-over-the-limit') });
    const before = await first.run(id).waitFor({ state: 'awaitingApproval' });
    await first.stop();

    const second = engineOn({ store: sqliteStore(path) });
    const run = second.run<typeof supportTicket.machine>(id);
    expect((await run.snapshot()).context).toEqual(before.context);
    await run.send({ type: 'APPROVE', by: 'dana' });
    expect((await run.result()).parts[0]?.refund).toMatchObject({ status: 'refunded', amount: 480 });
    expect((await ledger()).refunds).toMatchObject([{ key: 'T-020', asked: 1 }]);
  });

  it('is passed on when nobody answers in time, and ends undecided', async () => {
    const clock = createVirtualClock();
    const engine = engineOn({ store: memoryStore(), clock });
    const run = await engine.start(supportTicket, { input: sample('20-over-the-limit') });
    await run.waitFor({ state: 'awaitingApproval' });
    await clock.advance(4 * 3_600_000);
    expect((await run.snapshot()).value).toBe('approvalEscalated');
    await clock.advance(24 * 3_600_000);
    expect((await run.result()).parts[0]?.refund.status).toBe('undecided');
  });

  it('records what its gates saw and why they did not pass', async () => {
    const engine = engineOn({ store: memoryStore() });
    const run = await engine.start(supportTicket, { input: sample('01-charged-twice') });
    await run.result();
    const verdicts = (await run.history()).flatMap((entry) => ('verdicts' in entry ? entry.verdicts : []));
    expect(verdicts.filter(({ gate }) => gate === 'replyChecked')).toMatchObject([
      { passed: false, reasons: expect.arrayContaining(['It guarantees something.']) as string[] },
      { passed: true, reasons: [] },
    ]);
    expect(verdicts.map(({ gate }) => gate)).toEqual(
      expect.arrayContaining([
        'classified',
        'refundPossible',
        'refundSane',
        'withinLimit',
        'borneOut',
        'mailSent',
      ]),
    );
  });

  it('stores less than a page a step', async () => {
    const engine = engineOn({ store: memoryStore() });
    const run = await engine.start(supportTicket, { input: sample('01-charged-twice') });
    await run.result();
    expect(JSON.stringify((await run.snapshot()).context).length).toBeLessThan(2_048);
  });
});

describe('on the engine, when services fail', () => {
  it('asks a person to reply when the records are away, and goes on once they are back', async () => {
    const workflow = createSupportTicket({
      provider: supportStandIn,
      times: { retryMs: 1, longestRetryMs: 1 },
    });
    const engine = engineOn({ store: memoryStore() }, workflow);
    vi.stubEnv('SUPPORT_SERVICES_URL', 'http://127.0.0.1:9');
    const run = await engine.start(workflow, { input: sample('01-charged-twice') });
    const rest = await run.waitFor({ state: 'awaitingReply' });
    expect(rest.context.doubts).toEqual([
      'The billing records could not be read. /billing/C-1001 gave no answer: the connection failed.',
    ]);
    vi.stubEnv('SUPPORT_SERVICES_URL', server.url);
    await run.send({ type: 'REPLY', by: 'dana', text: 'I am looking into it.' });
    expect((await run.result()).parts[0]?.refund.status).toBe('undecided');
  });

  it.each(['fail', 'hang', 'hang-after'])('refunds once when payments %s', async (kind) => {
    const workflow = createSupportTicket({
      provider: supportStandIn,
      times: { retryMs: 1, longestRetryMs: 1, toolMs: 200 },
      // On a busy machine other calls are too slow as well.
      retries: { facts: 50, refund: 50, mail: 50, record: 50 },
    });
    const engine = engineOn({ store: memoryStore() }, workflow);
    const body = JSON.stringify({ target: 'refunds', kind, times: 2 });
    await fetch(`${server.url}/faults`, { method: 'POST', body });
    const run = await engine.start(workflow, { input: sample('01-charged-twice') });
    expect((await run.result()).parts[0]?.refund).toMatchObject({ status: 'refunded', amount: 49 });
    expect((await ledger()).refunds).toHaveLength(1);
  });
});

describe('over the real API', () => {
  it('asks the models that it says it asks, and takes their word for nothing', async () => {
    const reply = 'Your card was charged twice, as you say; we see both charges.';
    const messages = await createMessagesServer({
      answers: [
        { status: 529 },
        { json: { categories: ['billing'] } },
        { text: `They were charged twice. Reply: ${reply}` },
        { json: { reply } },
        { json: { refund: true, amount: 10_000, currency: 'EUR', reason: 'They asked.', confidence: 1 } },
      ],
    });
    try {
      vi.stubEnv('ANTHROPIC_API_KEY', '');
      vi.stubEnv('ANTHROPIC_BASE_URL', messages.url);
      const workflow = createSupportTicket({ times: { retryMs: 1 } });
      const engine = engineOn({ store: memoryStore() }, workflow);
      const run = await engine.start(workflow, { input: sample('01-charged-twice') });
      const rest = await run.waitFor({ tag: 'person' });
      expect(rest.value).toBe('awaitingApproval');
      expect(rest.context).toMatchObject({ reply, decision: { amount: 10_000 } });
      expect(messages.unexpected).toEqual([]);
      expect(messages.requests.map(({ body }) => body.model)).toEqual([
        'claude-haiku-5-5',
        'claude-haiku-5-5',
        'claude-sonnet-5-5',
        'claude-sonnet-5-5',
        'claude-sonnet-5-5',
      ]);
      expect(messages.requests[0]?.body.output_config?.format?.schema).toMatchObject({
        properties: { categories: { items: { enum: ['billing', 'technical', 'general'] } } },
      });
    } finally {
      await Promise.all(engines.splice(0).map((engine) => engine.stop()));
      await messages.close();
    }
  });
});
