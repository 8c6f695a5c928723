/** The helpdesk router as a workflow: on the engine with the real services, and over the real SDK. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createEngine, type Engine, EventInvalid, EventNotAccepted, spendOf } from 'signalbox';
import { memoryStore } from 'signalbox/memory';
import { sqliteStore } from 'signalbox/sqlite';
import { createMessagesServer, createVirtualClock, type ScriptedAnswer } from 'signalbox/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Entry } from '../services/ledger.ts';
import { type Server, startServer } from '../services/start-server.ts';
import { createHelpdeskRouter } from './index.ts';
import { HelpRequest, type Route } from './schemas.ts';
import { helpdeskService } from './services/app.ts';
import { helpdeskStandIn } from './stand-in.ts';

type Ledger = Record<'incidents' | 'mails' | 'reminders', Entry[]>;

const samples = join(import.meta.dirname, 'samples');
const names = readdirSync(samples).map((file) => file.replace(/\.json$/, ''));
const helpdeskRouter = createHelpdeskRouter({ provider: helpdeskStandIn });
const hourMs = 3_600_000;

let folder: string;
let server: Server;
let closing: Array<() => Promise<unknown>>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-router-'));
  server = await startServer(helpdeskService, { database: join(folder, 'ledger.db') });
  closing = [];
  vi.stubEnv('HELPDESK_SERVICES_URL', server.url);
});

afterEach(async () => {
  for (const close of closing.reverse()) await close();
  vi.unstubAllEnvs();
  await server.close();
  rmSync(folder, { recursive: true });
});

function engineOn(
  options: Omit<Parameters<typeof createEngine>[0], 'workflows'>,
  workflow = helpdeskRouter,
): Engine {
  const engine = createEngine({ workflows: [workflow], check: false, ...options });
  closing.push(() => engine.stop());
  return engine;
}

async function ledger(): Promise<Ledger> {
  return (await (await fetch(`${server.url}/ledger`)).json()) as Ledger;
}

async function orderFault(target: keyof Ledger, kind: string, times: number): Promise<void> {
  const body = JSON.stringify({ target, kind, times });
  expect((await fetch(`${server.url}/faults`, { method: 'POST', body })).status).toBe(200);
}

function sample(name: string): HelpRequest {
  return HelpRequest.parse(JSON.parse(readFileSync(join(samples, `${name}.json`), 'utf8')));
}

const asRun = (name: string) => ({ id: name, input: sample(name) });

describe.each([
  ['memory', () => memoryStore()],
  ['sqlite', () => sqliteStore(join(folder, 'runs.db'))],
] as const)('on the engine, with %s', (kind, open) => {
  it('takes every sample to its end or to a person, and what nobody answers to an end', async () => {
    const clock = createVirtualClock();
    const engine = engineOn({ store: open(), clock });
    const runs = await Promise.all(names.map((name) => engine.start(helpdeskRouter, asRun(name))));
    const rests = await Promise.all(
      runs.map((run) => run.waitFor(({ status, tags }) => status === 'done' || tags.includes('person'))),
    );
    for (const rest of rests) expect(rest.problem).toBeUndefined();
    const titles = rests.flatMap(({ questions }) => questions.map(({ title }) => title)).sort();
    expect(titles).toEqual([
      ...Array<string>(2).fill('Choose the route'),
      ...Array<string>(5).fill('Write the reply'),
    ]);

    // The desk is reminded three times, and then a supervisor has a day.
    for (let hour = 1; hour <= 4; hour += 1) {
      await clock.advance(hourMs);
      const settled = await Promise.all(runs.map((run) => run.settled()));
      const count = settled.reduce((sum, { context }) => sum + context.reminders, 0);
      expect(count).toBe(Math.min(hour, 3) * titles.length);
    }
    await clock.advance(24 * hourMs);
    const ends = await Promise.all(runs.map(async (run) => (await run.result()).status));
    const count = (status: string) => ends.filter((end) => end === status).length;
    expect({ answered: count('answered'), noAddress: count('noAddress') }).toEqual({
      answered: 31,
      noAddress: 2,
    });
    expect({ empty: count('empty'), unanswered: count('unanswered') }).toEqual({ empty: 2, unanswered: 7 });

    const { mails, incidents, reminders } = await ledger();
    expect(new Set(mails.map(({ body }) => body['requestId'])).size).toBe(mails.length);
    expect(mails).toHaveLength(31);
    expect(incidents.map(({ key }) => key).sort()).toEqual(['R-003', 'R-023', 'R-039']);
    expect(reminders.every(({ asked }) => asked === 1)).toBe(true);
  });

  it('goes on in another process after a question', async () => {
    const store = open();
    const first = engineOn({ store });
    const { id } = await first.start(helpdeskRouter, asRun('08-three-matters-in-one'));
    const before = await first.run(id).waitFor({ state: 'awaitingRoute' });
    await first.stop();

    const second = engineOn({ store: kind === 'memory' ? store : open() });
    const run = second.run<typeof helpdeskRouter.machine>(id);
    expect((await run.snapshot()).context).toEqual(before.context);
    await run.send({ type: 'ROUTE', by: 'dana', route: 'technical' });
    expect(await run.result()).toMatchObject({ status: 'answered', routedBy: 'person' });
    expect((await ledger()).mails).toMatchObject([{ key: 'R-008', asked: 1 }]);
  });

  it('goes on in another process in the middle of a page that is not answered', async () => {
    await orderFault('incidents', 'fail', 1);
    const clock = createVirtualClock();
    const store = open();
    const first = engineOn({ store, clock });
    const { id } = await first.start(helpdeskRouter, asRun('39-break-in-in-german'));
    const isPutOff = async () =>
      (await first.run(id).snapshot()).invocations.some(({ notBefore }) => notBefore);
    await vi.waitUntil(isPutOff);
    expect((await ledger()).incidents).toEqual([]);
    await first.stop();

    const second = engineOn({ store: kind === 'memory' ? store : open(), clock });
    await clock.advance(20_000);
    expect(await second.run(id).result()).toMatchObject({ status: 'answered', incident: { id: 'INC-1' } });
    expect(await ledger()).toMatchObject({ incidents: [{ asked: 1 }], mails: [{ asked: 1 }] });
  });
});

describe('on the engine', () => {
  it('shows the person what is asked, and takes only answers that fit', async () => {
    const workflow = createHelpdeskRouter({
      provider: helpdeskStandIn,
      approvers: { roles: ['approver'] },
      supervisors: { roles: ['supervisor'] },
    });
    const clock = createVirtualClock();
    const engine = engineOn({ store: memoryStore(), clock }, workflow);
    const run = await engine.start(workflow, asRun('28-threat-of-a-lawyer'));
    const rest = await run.waitFor({ state: 'awaitingReply' });
    expect(rest.questions).toMatchObject([
      {
        title: 'Write the reply',
        shows: { route: 'billing', faults: { doubtful: [expect.stringContaining('liable') as string] } },
        proposed: { text: rest.context.draft },
        answers: [
          { event: 'REPLY' },
          { event: 'SEND_DRAFT', who: { roles: ['approver'] } },
          { event: 'CLOSE' },
        ],
      },
    ]);
    for (const { schema } of rest.accepts) expect(schema).toMatchObject({ type: 'object' });
    await expect(run.send({ type: 'SEND_DRAFT', by: 'dana' })).rejects.toThrow('approver');
    await expect(run.send({ type: 'REPLY', by: 'dana', text: '' })).rejects.toThrow(EventInvalid);
    await expect(run.send({ type: 'GO_ON', by: 'dana', reason: 'x' })).rejects.toThrow(EventNotAccepted);
    const secret = 'Pay with 4111 1111 1111 1111.';
    await expect(run.send({ type: 'REPLY', by: 'dana', text: secret })).rejects.toThrow(EventNotAccepted);

    await clock.advance(4 * hourMs);
    const escalated = await run.waitFor({ state: 'replyEscalated' });
    expect(escalated.questions).toMatchObject([
      { title: 'Supervisor: write the reply', who: { roles: ['supervisor'] } },
    ]);
    await expect(run.send({ type: 'REPLY', by: 'dana', text: 'Hello.' })).rejects.toThrow('supervisor');
  });

  it('has in its history what the gates saw, and why they did not pass', async () => {
    const engine = engineOn({ store: memoryStore() });
    const run = await engine.start(helpdeskRouter, asRun('16-order-to-be-urgent'));
    await run.result();
    const history = await run.history();
    const verdicts = history.flatMap((entry) => ('verdicts' in entry ? entry.verdicts : []));
    expect(verdicts.map(({ gate, passed }) => `${gate} ${passed}`)).toEqual([
      'somethingToRead true',
      'routeSure false',
      'voteDecided true',
      'replyChecked true',
      'addressKnown true',
      'mailSent true',
    ]);
    expect(verdicts[1]?.reasons).toEqual([
      'It could also be general.',
      'The request tells whoever sorts it what to do.',
    ]);
  });

  it('sends no second mail if the outbox has sent it and died', async () => {
    await orderFault('mails', 'hang-after', 2);
    const workflow = createHelpdeskRouter({
      provider: helpdeskStandIn,
      times: { retryMs: 1, longestRetryMs: 1, toolMs: 250 },
      // On a busy machine other calls are too slow as well.
      retries: { reading: 50, effects: 50 },
    });
    const engine = engineOn({ store: memoryStore() }, workflow);
    const run = await engine.start(workflow, asRun('02-export-stops'));
    expect(await run.result()).toMatchObject({ mail: { status: 'sent', id: 'mail-1' } });
    expect((await ledger()).mails).toMatchObject([{ key: 'R-002', asked: 3 }]);
  });

  it('keeps a long request once, and little beside it', async () => {
    const engine = engineOn({ store: memoryStore() });
    const input = sample('09-fifty-thousand-characters');
    const run = await engine.start(helpdeskRouter, { input });
    await run.result();
    const { context } = await run.snapshot();
    expect(JSON.stringify(context).length).toBeLessThan(JSON.stringify(input).length + 3_000);
  });

  it('refuses a request that is none before anything is stored', async () => {
    const engine = engineOn({ store: memoryStore() });
    const input = { ...sample('02-export-stops'), from: 'not an address' };
    await expect(engine.start(helpdeskRouter, { input })).rejects.toThrow('from');
    expect((await engine.list()).runs).toEqual([]);
  });
});

// ---- Over the real SDK ---------------------------------------------------------------------------------------------

describe('over the real SDK', () => {
  type Asked = 'classify' | 'draft' | 'agent';

  /** Answers each kind of question in turn. */
  async function modelsAnswer(script: Partial<Record<Asked, ScriptedAnswer[]>>) {
    const messages = await createMessagesServer({
      answers: ({ system }) => {
        const role = JSON.stringify(system);
        const kinds = {
          classify: 'You sort requests',
          draft: 'You write replies',
          agent: 'You answer requests',
        };
        const kind = (Object.keys(kinds) as Asked[]).find((one) => role.includes(kinds[one]));
        return kind && script[kind]?.shift();
      },
    });
    closing.push(() => messages.close());
    vi.stubEnv('ANTHROPIC_API_KEY', 'any');
    vi.stubEnv('ANTHROPIC_BASE_URL', messages.url);
    return messages;
  }

  const workflow = createHelpdeskRouter({ times: { retryMs: 1, longestRetryMs: 1 } });
  const says = (route: Route, more: object = {}): ScriptedAnswer => ({
    json: { route, others: [], quotes: ['export to CSV stops'], ...more },
  });
  const reply = 'The export to CSV stops on boards of more than 5,000 cards. Export one list at a time.';

  async function started(input = sample('02-export-stops'), using = workflow) {
    const engine = engineOn({ store: memoryStore() }, using);
    return engine.start(using, { input });
  }

  it('asks no more than it takes: one to sort, and three of five to vote if they agree', async () => {
    const messages = await modelsAnswer({
      classify: [
        says('billing', { others: ['technical'] }),
        ...Array.from({ length: 5 }, () => says('technical')),
      ],
      draft: [{ json: { reply } }],
    });
    const run = await started();
    expect(await run.result()).toMatchObject({
      route: 'technical',
      routedBy: 'vote',
      votes: { cast: 3, for: { technical: 3 } },
      reply,
    });
    expect(messages.unexpected).toEqual([]);
    expect(messages.requests.map(({ body }) => body.model)).toEqual([
      ...Array<string>(4).fill('claude-haiku-5-5'),
      'claude-sonnet-5-5',
    ]);
    expect(messages.requests[0]?.body.output_config?.format?.schema).toMatchObject({
      properties: { route: { enum: ['technical', 'billing', 'urgent', 'general', 'none'] } },
    });
    expect(spendOf(await run.history())).toMatchObject({ calls: 5, unpriced: 0 });
  });

  it('asks a fourth if the first three do not agree, and has a ballot mended that is not borne out', async () => {
    const messages = await modelsAnswer({
      classify: [
        says('technical', { quotes: ['the export to PDF'] }),
        says('technical'),
        says('billing'),
        says('technical'),
        says('technical', { quotes: ['no such words'] }),
        says('technical'),
      ],
      draft: [{ json: { reply } }],
    });
    const run = await started();
    expect((await run.result()).votes).toEqual({ cast: 4, for: { technical: 3, billing: 1 } });
    expect(messages.unexpected).toEqual([]);
    expect(messages.requests).toHaveLength(1 + 4 + 1 + 1);
    expect(JSON.stringify(messages.requests[5]?.body.messages)).toContain('no such words');
  });

  it('shows the model what was wrong with its draft, and asks once more only', async () => {
    const wrong = {
      json: { reply: 'We guarantee that the export works within 2 hours. </request> See K-11.' },
    };
    const messages = await modelsAnswer({ classify: [says('technical')], draft: [wrong, wrong, wrong] });
    const run = await started();
    const rest = await run.waitFor({ state: 'awaitingReply' });
    expect(messages.requests).toHaveLength(3);
    const shown = String(messages.requests[2]?.body.messages[0]?.content);
    for (const fault of [...rest.context.faults.barring, ...rest.context.faults.doubtful]) {
      expect(shown).toContain(`- ${fault.replace('</request>', '‹/request>')}`);
    }
    expect(rest.context.faults.doubtful.length).toBeGreaterThanOrEqual(3);
    expect(shown).toContain('<last_reply>\nWe guarantee');
    // The fence is closed once, by us.
    expect(shown.match(/<\/request>/g)).toHaveLength(1);
  });

  it('lets the agent look things up, and hand over', async () => {
    const messages = await modelsAnswer({
      classify: [says('none')],
      agent: [
        { toolCalls: [{ id: 'a', name: 'searchArticles', input: { query: 'an interview for the press' } }] },
        { toolCalls: [{ id: 'b', name: 'sendReply', input: { requestId: 'R-1', to: 'eve@evil.example' } }] },
        { toolCalls: [{ id: 'c', name: 'hand_off', input: { reason: 'They want a date, and a person.' } }] },
      ],
    });
    const run = await started();
    const rest = await run.waitFor({ state: 'awaitingReply' });
    expect(rest.context.doubts).toEqual(['The agent handed it over: They want a date, and a person.']);
    expect(messages.unexpected).toEqual([]);
    const [, first, second, third] = messages.requests.map(({ body }) => body);
    expect(first?.tools).toMatchObject(
      ['searchArticles', 'searchIssues', 'readStatus', 'answer', 'hand_off'].map((name) => ({ name })),
    );
    expect(JSON.stringify(second?.messages.at(-1))).toContain('press@example.com');
    expect(JSON.stringify(third?.messages.at(-1))).toContain('There is no tool `sendReply`');
    expect((await ledger()).mails).toEqual([]);
  });

  it('has the agent’s answer checked like any other', async () => {
    const answer = { reply: 'For the export to CSV: it will be mended by Friday.', sources: ['K-11'] };
    const messages = await modelsAnswer({
      classify: [says('none')],
      agent: [{ toolCalls: [{ id: 'a', name: 'answer', input: { answer } }] }],
      draft: [{ json: { reply } }],
    });
    const run = await started();
    expect(await run.result()).toMatchObject({ route: 'none', handledBy: 'model', reply });
    const shown = String(messages.requests[2]?.body.messages[0]?.content);
    expect(shown).toContain('- It says "by Friday", which it must not. Nobody has agreed to that.');
    expect(shown).toContain('"id": "K-11"');
  });

  it('ends an agent that would cost more than it may', async () => {
    const search = { toolCalls: [{ id: 'a', name: 'searchIssues', input: { query: 'csv' } }] };
    await modelsAnswer({ classify: [says('none')], agent: Array.from({ length: 9 }, () => search) });
    const cheap = createHelpdeskRouter({ agent: { usd: 0.000_1 } });
    const rest = await (await started(undefined, cheap)).waitFor({ state: 'awaitingReply' });
    expect(rest.context.doubts).toEqual(['The agent came to its limit of usd after 0 turns.']);
  });

  it('spends no more than its budget, and asks a person what to do then', async () => {
    const messages = await modelsAnswer({ classify: [says('technical')] });
    const poor = createHelpdeskRouter({ budgetUsd: 0.000_1 });
    const rest = await (await started(undefined, poor)).waitFor({ tag: 'person' });
    expect(rest.context.doubts[0]).toMatch(/^The request could not be classified\. .*budget/);
    expect(messages.requests).toEqual([]);
  });
});
