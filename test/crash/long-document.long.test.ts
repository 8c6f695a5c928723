/**
 * 300 pages, and a process that is killed again and again while it summarises them: nothing that is on record is paid for
 * again, and what was under way at a kill is at most as many calls as there are at a time.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';

import { estimateLongDocument } from '../../machines/index.ts';
import type { Outcome } from '../../machines/long-document/schemas.ts';
import { sqliteStore } from '../../persistence/sqlite/index.ts';
import { decode } from '../../src/engine/codec.ts';
import type { HistoryEntry } from '../../src/engine/history.ts';
import { exchangesOf } from '../../src/engine/spend.ts';
import { createMessagesServer } from '../../src/testing/index.ts';
import { startChild } from '../fixtures/child.ts';
import { answerOf, type DocumentQuestion, questionOf } from '../support/document-script.ts';
import { reportText } from '../support/report-text.ts';

const concurrency = 6;

it('pays for no chunk twice, whenever it is killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-long-document-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const text = reportText({ pages: 300 });
  const file = join(folder, 'document.txt');
  writeFileSync(file, text);
  const { chunks, calls } = estimateLongDocument({ title: 'The yards', text });
  expect(chunks).toBeGreaterThan(80);

  /** What was asked, by name: `chunk 17`, or the whole prompt of a merge. */
  const asked: string[] = [];
  const nameOf = (question: DocumentQuestion): string =>
    question.kind === 'chunk' ? `chunk ${question.number}` : question.prompt;
  const server = await createMessagesServer({
    answers: async (body) => {
      const question = questionOf(body);
      asked.push(nameOf(question));
      return { ...answerOf(question), delayMs: 10 };
    },
  });
  onTestFinished(() => server.close());
  vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
  vi.stubEnv('ANTHROPIC_API_KEY', 'any');
  onTestFinished(() => void vi.unstubAllEnvs());

  const store = { kind: 'sqlite', path: join(folder, 'runs.db') };
  const child = () => startChild('document-life.mjs', { store, id: 'yards', file, concurrency });
  const reader = sqliteStore(store.path);
  onTestFinished(() => reader.close());
  /** What is on record, by the same names, and how often. */
  const recorded = async (): Promise<string[]> => {
    const entries = (await reader.history('yards', 0, 10_000)).map((entry) => decode(entry) as HistoryEntry);
    return entries.flatMap(exchangesOf).map(({ request }) => nameOf(questionOf(request as never)));
  };

  // At once; with some on record; in the middle; at the end of the chunks; at the first and at the last of the merges.
  const killedAt = [1, 9, 41, 70, chunks - 2, chunks + 4, chunks + 11];
  /** What was on record at each kill, and how many calls had been made by then. */
  const kills: Array<{ readonly safe: ReadonlySet<string>; readonly before: number }> = [];
  for (const count of killedAt) {
    // What was under way at earlier kills is asked again, so it counts from there.
    const from = new Set(asked).size;
    const wanted = Math.max(count, from + 1);
    const life = child();
    await vi.waitUntil(() => new Set(asked).size >= wanted);
    life.signal('SIGKILL');
    expect(await life.ended).toMatchObject({ signal: 'SIGKILL' });
    kills.push({ safe: new Set(await recorded()), before: asked.length });
  }
  const last = child();
  const { output } = (await last.hears('done')) as unknown as { output: Outcome };
  expect(await last.ended).toMatchObject({ code: 0 });

  for (const [index, { safe, before }] of kills.entries()) {
    const again = asked.slice(before).filter((name) => safe.has(name));
    expect(again, `after kill ${index + 1}`).toEqual([]);
  }
  expect(server.unexpected).toEqual([]);
  expect(output).toMatchObject({
    status: 'summarized',
    missing: [],
    unverified: [],
    cost: { chunks, calls },
  });
  expect(new Set(asked).size).toBe(calls);
  expect(new Set(asked.filter((name) => name.startsWith('chunk'))).size).toBe(chunks);
  expect(asked.length - calls).toBeLessThanOrEqual(concurrency * kills.length);
  // Each call that was paid for and known of is on record once.
  const paid = await recorded();
  expect(paid.sort()).toEqual([...new Set(asked)].sort());
});
