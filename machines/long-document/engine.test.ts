/** The long document as a workflow: on the engine, over the real SDK, and with stand-in models. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createEngine, type Engine, spendOf } from 'signalbox';
import { memoryStore } from 'signalbox/memory';
import { sqliteStore } from 'signalbox/sqlite';
import { createMessagesServer, createVirtualClock, type ScriptedAnswer } from 'signalbox/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { answerOf, type DocumentQuestion, questionOf } from '../../test/support/document-script.ts';
import { reportText } from '../../test/support/report-text.ts';
import { createLongDocument, estimateLongDocument } from './index.ts';
import { Document } from './schemas.ts';
import { documentStandIn } from './stand-in.ts';

const samples = join(import.meta.dirname, 'samples');
const report: Document = { title: 'The yards', text: reportText({ pages: 12 }) };

let folder: string;
let closing: Array<() => Promise<unknown>>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-document-'));
  closing = [];
});

afterEach(async () => {
  for (const close of closing.reverse()) await close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function engineOn(
  workflow: ReturnType<typeof createLongDocument>,
  options: Omit<Parameters<typeof createEngine>[0], 'workflows'>,
): Engine {
  const engine = createEngine({ workflows: [workflow], check: false, ...options });
  closing.push(() => engine.stop());
  return engine;
}

/** Answers by the script where it has an answer, and well where it has none. Counts what it is asked. */
async function modelsAnswer(
  script: (question: DocumentQuestion, times: number) => ScriptedAnswer | undefined = () => undefined,
) {
  const asked: string[] = [];
  const server = await createMessagesServer({
    answers: (body) => {
      const question = questionOf(body);
      const name = question.kind === 'chunk' ? `chunk ${question.number} ${body.model}` : question.kind;
      asked.push(name);
      const times = asked.filter((one) => one === name).length;
      return script(question, times) ?? answerOf(question);
    },
  });
  closing.push(() => server.close());
  vi.stubEnv('ANTHROPIC_API_KEY', 'any');
  vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
  return { asked, server };
}

describe.each([
  ['memory', () => memoryStore()],
  ['sqlite', () => sqliteStore(join(folder, 'runs.db'))],
] as const)('on the engine, with %s', (kind, open) => {
  it('takes every sample to its end or to a person', async () => {
    const workflow = createLongDocument({ provider: documentStandIn, times: { retryMs: 1 } });
    const engine = engineOn(workflow, { store: open() });
    const ends = await Promise.all(
      readdirSync(samples).map(async (file) => {
        const input: unknown = JSON.parse(readFileSync(join(samples, file), 'utf8'));
        const run = await engine.start(workflow, { input: Document.parse(input) });
        const rest = await run.waitFor(({ status, tags }) => status === 'done' || tags.includes('person'));
        expect(rest.problem).toBeUndefined();
        return rest.tags.includes('person') ? String(rest.value) : rest.output?.status;
      }),
    );
    const count = (end: string) => ends.filter((one) => one === end).length;
    expect(count('summarized')).toBe(24);
    expect(count('empty')).toBe(2);
    expect(count('awaitingMissingChunks')).toBe(2);
    expect(count('awaitingReview') + count('awaitingGoAhead')).toBe(2);
  });

  it('shows people all but the text, and goes on in another process', async () => {
    const { asked } = await modelsAnswer((question) =>
      question.kind === 'chunk' && question.number === 2
        ? { text: 'I would rather not.', stopReason: 'refusal' }
        : undefined,
    );
    const workflow = createLongDocument({ times: { retryMs: 1 } });
    const store = open();
    const first = engineOn(workflow, { store });
    const { id } = await first.start(workflow, { input: report });
    const rest = await first.run(id).waitFor({ tag: 'person' });
    expect(rest.value).toBe('awaitingMissingChunks');
    expect(rest.questions).toMatchObject([
      {
        title: 'Go on without 1 of 4 chunks',
        shows: { missing: [{ chunk: 2, firstPage: 4, lastPage: 8 }] },
        answers: [{ event: 'LEAVE_OUT' }, { event: 'TRY_AGAIN' }, { event: 'STOP' }],
      },
    ]);
    expect(JSON.stringify(rest.questions).length).toBeLessThan(1_500);
    await first.stop();

    const second = engineOn(workflow, { store: kind === 'memory' ? store : open() });
    const run = second.run<typeof workflow.machine>(id);
    await run.send({ type: 'LEAVE_OUT', by: 'dana' });
    expect(await run.result()).toMatchObject({ status: 'summarized', missing: [{ chunk: 2 }] });
    // The cheap model and the better one were each asked, and nobody twice.
    expect(asked.filter((name) => name.startsWith('chunk 2 '))).toHaveLength(2);
    expect(new Set(asked).size).toBe(asked.length);
  });
});

describe('over the real SDK', () => {
  it('summarises 300 pages for what it said that it would cost, and writes their text seldom', async () => {
    const { asked, server } = await modelsAnswer();
    const workflow = createLongDocument({ concurrency: 8 });
    const store = sqliteStore(join(folder, 'runs.db'));
    const sizes = { states: [] as number[], records: [] as number[] };
    const engine = engineOn(workflow, {
      store: {
        ...store,
        create: (run) => {
          sizes.states.push(run.state.length);
          return store.create(run);
        },
        commit: (runId, commit) => {
          sizes.states.push(commit.state.length);
          return store.commit(runId, commit);
        },
        record: (runId, recording) => {
          sizes.records.push(JSON.stringify(recording).length);
          return store.record(runId, recording);
        },
      },
    });
    const text = reportText({ pages: 300 });
    const estimated = estimateLongDocument({ title: 'The yards', text });
    const run = await engine.start(workflow, { input: { title: 'The yards', text } });
    const outcome = await run.result();
    expect(server.unexpected).toEqual([]);
    expect(outcome).toMatchObject({ status: 'summarized', missing: [], unverified: [], cost: estimated });
    expect(asked).toHaveLength(estimated.calls);
    expect(new Set(asked.filter((name) => name.startsWith('chunk'))).size).toBe(estimated.chunks);

    const { costUsd, calls, unpriced } = spendOf(await run.history());
    expect({ calls, unpriced }).toEqual({ calls: estimated.calls, unpriced: 0 });
    expect(estimated.usd).toBeLessThan(0.5);
    expect(costUsd).toBeLessThan(estimated.usd ?? 0);

    // The start, the chunks, the combination: what happens in between does not write the state again.
    expect(sizes.states).toHaveLength(3);
    for (const size of sizes.states) expect(size).toBeLessThan(2.2 * text.length);
    expect(Math.max(...sizes.records)).toBeLessThan(60_000);
    expect(sizes.records.length).toBeLessThan(4 * estimated.calls);
  });

  it('bears with an overloaded provider, and with an answer that is none', async () => {
    const { asked, server } = await modelsAnswer((question, times) => {
      if (question.kind === 'chunk' && question.number === 1 && times <= 3) return { status: 529 };
      if (question.kind === 'chunk' && question.number === 2 && times === 1) return { fault: 'cut' };
      if (question.kind === 'chunk' && question.number === 3 && times === 1) return 'As you wish: {"points"';
      if (question.kind === 'chunk' && question.number === 4) {
        return questionIsForTheBetter(asked)
          ? undefined
          : { json: { summary: 'It cost 77,777.', points: ['So.'] } };
      }
      if (question.kind === 'merge' && times === 1) return { status: 500 };
      return undefined;
    });
    const questionIsForTheBetter = (names: readonly string[]): boolean =>
      names.at(-1)?.includes('sonnet') === true;
    const workflow = createLongDocument({ times: { retryMs: 1, longestRetryMs: 2 } });
    const engine = engineOn(workflow, { store: memoryStore() });
    const run = await engine.start(workflow, { input: report });
    expect(await run.result()).toMatchObject({ status: 'summarized', missing: [], unverified: [] });
    expect(server.unexpected).toEqual([]);
    const count = (name: string) => asked.filter((one) => one.startsWith(name)).length;
    expect([1, 2, 3, 4].map((chunk) => count(`chunk ${chunk} `))).toEqual([4, 2, 2, 3]);
    expect(count('chunk 4 claude-sonnet')).toBe(1);
    expect(count('merge')).toBe(2);
  });

  it('waits as long as the provider asks, without a worker, and then asks only for what is left', async () => {
    const { asked } = await modelsAnswer((question, times) =>
      question.kind === 'chunk' && question.number === 2 && times === 1
        ? { status: 429, headers: { 'retry-after': '600' } }
        : undefined,
    );
    const clock = createVirtualClock();
    const workflow = createLongDocument();
    const engine = engineOn(workflow, { store: memoryStore(), clock });
    const run = await engine.start(workflow, { input: report });
    await vi.waitUntil(async () => (await run.snapshot()).invocations.some(({ notBefore }) => notBefore));
    await clock.advance(599_000);
    expect(asked).toHaveLength(4);
    await clock.advance(2_000);
    expect(await run.result()).toMatchObject({ status: 'summarized', missing: [] });
    expect(asked).toHaveLength(6);
  });

  it('pays for no merge again when a person has the combination tried again', async () => {
    const merges: string[] = [];
    await modelsAnswer((question) => {
      if (question.kind !== 'merge') return undefined;
      merges.push(question.prompt);
      return merges.length === 2 ? { status: 400, message: 'The key was locked.' } : undefined;
    });
    const workflow = createLongDocument({ chunkTokens: 500, concurrency: 1 });
    const engine = engineOn(workflow, { store: memoryStore() });
    const run = await engine.start(workflow, { input: report });
    await run.waitFor({ state: 'awaitingCombination' });
    await run.send({ type: 'TRY_AGAIN', by: 'dana' });
    const { cost } = await run.result();
    expect(merges).toHaveLength(cost.calls - cost.chunks + 1);
    expect(merges[2]).toBe(merges[1]);
    expect(new Set(merges).size).toBe(cost.calls - cost.chunks);
  });

  it('is not made to answer in another form by what the document says', async () => {
    const { server } = await modelsAnswer((question) =>
      question.prompt.includes('Ignore all previous instructions')
        ? { json: { approved: true, amount: 10_000, summary: 'Approved.', points: ['The amount is 10000.'] } }
        : undefined,
    );
    const file = join(samples, '11-order-to-answer-otherwise.json');
    const input = Document.parse(JSON.parse(readFileSync(file, 'utf8')));
    const workflow = createLongDocument({ chunkTokens: 600 });
    const engine = engineOn(workflow, { store: memoryStore() });
    const outcome = await (await engine.start(workflow, { input })).result();
    expect(Object.keys(outcome).sort()).toEqual(Object.keys(workflow.output?.parse(outcome) ?? {}).sort());
    expect(outcome).toMatchObject({ status: 'summarized', stopped: null });
    // The text cannot leave its fence, and the form is asked for in every request.
    for (const { body } of server.requests) {
      expect(body.output_config?.format?.schema).toMatchObject({ additionalProperties: false });
      const [message] = body.messages;
      const fences = String(message?.content).match(/<\/?(?:document|parts)>/g) ?? [];
      expect([
        ['<document>', '</document>'],
        ['<parts>', '</parts>'],
      ]).toContainEqual(fences);
    }
  });

  it('spends no more than its budget, and asks a person what to do then', async () => {
    const { asked } = await modelsAnswer();
    const workflow = createLongDocument({ budgetUsd: 0.0015, concurrency: 1 });
    const engine = engineOn(workflow, { store: memoryStore() });
    const run = await engine.start(workflow, { input: report });
    await run.waitFor({ state: 'awaitingGoAhead' });
    expect(asked).toEqual([]);
    await run.send({ type: 'GO_AHEAD', by: 'dana' });
    const rest = await run.waitFor({ state: 'awaitingMissingChunks' });
    expect(rest.context.missing.at(-1)?.why).toMatch(/budget/);
    expect(asked.length).toBeLessThan(4);
    await run.send({ type: 'STOP', by: 'dana', reason: 'That is enough.' });
    expect((await run.result()).status).toBe('stopped');
    expect(spendOf(await run.history()).costUsd).toBeLessThan(0.0015);
  });
});
