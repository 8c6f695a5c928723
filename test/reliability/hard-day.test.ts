/**
 * One run through all that goes wrong in production, with real parts: the model's API fails, throttles and answers
 * garbage until the better model answers; the MCP server dies; two workers are killed; the person answers late; the
 * payment times out after it has charged. The run ends right, nothing is paid or sent twice, and its history tells it in
 * order.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';

import { sqliteStore } from '../../persistence/sqlite/index.ts';
import { createEngine } from '../../src/engine/engine.ts';
import type { HistoryEntry } from '../../src/engine/history.ts';
import { createMessagesServer, type ScriptedAnswer } from '../../src/testing/messages-server/index.ts';
import { startChild } from '../fixtures/child.ts';
import { createHardDay } from '../fixtures/hard-day.mjs';

const answers: readonly ScriptedAnswer[] = [
  { status: 529 },
  { status: 500 },
  { status: 429, headers: { 'retry-after': '1' } },
  'I would rather chat about the weather.',
  { json: { reply: 'We refund it.', cents: 'plenty' } },
  { json: { reply: 'We refund 42 EUR.', cents: 4_200 } },
];

it('a run on a day on which everything fails ends right, and its history tells how', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-hard-day-'));
  const path = join(folder, 'runs.db');
  const model = await createMessagesServer({ answers });
  const ledger = await createLedger();
  const day = { modelUrl: model.url, ledgerUrl: ledger.url, folder };
  const { workflow, close } = createHardDay(day);
  const store = sqliteStore(path);
  const engine = createEngine({ workflows: [workflow], store, work: 'none' });
  onTestFinished(async () => {
    await engine.stop();
    await close();
    await store.close();
    await Promise.all([model.close(), ledger.close()]);
    rmSync(folder, { recursive: true });
  });
  const startWorker = async () => {
    const worker = startChild('hard-day-worker.mjs', { path, day });
    await worker.hears('ready');
    return worker;
  };
  const kill = async (worker: Awaited<ReturnType<typeof startWorker>>) => {
    worker.signal('SIGKILL');
    await worker.ended;
  };

  const run = await engine.start(workflow, {
    id: 'T-1',
    input: { email: 'ann@example.com', text: 'Charged twice!' },
  });

  // Killed while it keeps away from a model that has asked for that.
  const first = await startWorker();
  await vi.waitUntil(async () => {
    const told = await story(run);
    const at = told.findIndex((line) => line.includes('429'));
    return at >= 0 && told[at + 1] === 'draftReply waits';
  });
  await kill(first);
  expect(model.requests).toHaveLength(3);

  const second = await startWorker();
  await run.waitFor({ state: 'escalated' });
  // Late, and twice, because the button was slow.
  await run.send({ type: 'APPROVE' }, { key: 'approval' });
  await run.send({ type: 'APPROVE' }, { key: 'approval' });

  // Killed after the payment has charged, before it has answered.
  await vi.waitUntil(() => ledger.refunds.length > 0);
  await kill(second);

  const third = await startWorker();
  await expect(run.result()).resolves.toMatchObject({ receipt: 'receipt-1' });
  third.tell({ type: 'stop' });
  expect(await third.ended).toMatchObject({ code: 0, stderr: '' });

  expect(model.requests.map(({ body }) => body.model)).toEqual([
    ...Array.from({ length: 5 }, () => 'claude-haiku-5-5'),
    'claude-sonnet-5-5',
  ]);
  expect(model.unexpected).toEqual([]);
  expect(ledger.refunds).toEqual([
    { account: 'account of ann@example.com', cents: 4_200, key: 'refund:account of ann@example.com' },
  ]);
  expect(ledger.mails).toEqual([{ email: 'ann@example.com', reply: 'We refund 42 EUR.' }]);

  const told = await story(run);
  expect(told.filter((line) => !line.startsWith('reminder'))).toEqual([
    'start → drafting',
    'draftReply: taken over',
    'draftReply: attempt 1 failed: 529',
    'draftReply waits',
    'draftReply: attempt 2 failed: 500',
    'draftReply waits',
    'draftReply: attempt 3 failed: 429',
    'draftReply waits',
    'draftReply: answer 1 refused',
    'draftReply: candidate 0 failed: MODEL_ANSWER_INVALID',
    'draftReply answered → lookingUp',
    'findCustomer: attempt 1 failed: MCP_CALL_FAILED',
    'findCustomer waits',
    'findCustomer answered → awaitingApproval',
    'due → escalated',
    'APPROVE → refunding',
    'refund: taken over',
    'refund: attempt 1 failed: TIMED_OUT',
    'refund waits',
    'refund answered → replying',
    'sendReply: irreversible',
    'sendReply answered → done',
  ]);
  expect(told.filter((line) => line.startsWith('reminder')).length).toBeGreaterThan(0);
  const times = (await run.history()).map(({ at }) => at);
  expect(times).toEqual(times.toSorted((one, other) => one - other));
});

/** What the history says, a line for each entry. */
async function story(run: { history(): Promise<readonly HistoryEntry[]> }): Promise<string[]> {
  return (await run.history()).map(lineOf);
}

function lineOf(entry: HistoryEntry): string {
  switch (entry.type) {
    case 'message': {
      const { message } = entry;
      const led =
        typeof entry.value === 'string' ? ` → ${entry.value}` : ` → ${Object.keys(entry.value ?? {})[0]}`;
      if (message.type === 'timer') return `${message.id.split('.')[2]}${led}`;
      if (message.type === 'event') return message.event.type + led;
      if (message.type === 'deferred') return `${nameOf(message.key)} waits`;
      return 'key' in message ? `${nameOf(message.key)} answered${led}` : message.type + led;
    }
    case 'attempt':
      return `${nameOf(entry.key)}: ${entry.why}`;
    case 'kept': {
      const { error } = entry.value as { error?: { code?: string; message: string } };
      const status = /failed: (\d{3})/.exec(error?.message ?? '')?.[1];
      const why = error ? `: ${status ?? error.code}` : '';
      return `${nameOf(entry.key)}: ${entry.name.split('#1 ')[1]}${why}`;
    }
    default:
      return entry.type;
  }
}

function nameOf(key: string): string {
  return key.slice(0, key.lastIndexOf('#'));
}

/** Takes money once per key, and tells so only when it is asked for the third time. Mails have no key. */
async function createLedger() {
  const refunds: { key: string }[] = [];
  const mails: unknown[] = [];
  let asked = 0;
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as { key: string };
      if (request.url === '/mail') {
        mails.push(body);
        response.end('{"sent":true}');
        return;
      }
      if (!refunds.some(({ key }) => key === body.key)) refunds.push(body);
      if ((asked += 1) > 2) response.end('{"receipt":"receipt-1"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    refunds,
    mails,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
