/**
 * Documents whose process is killed by SIGKILL at every one of their writes, and whose MCP servers die as well: each ends as
 * if nothing had happened, its manager is told once, and one reply is saved.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';

import { readyWorkflows } from '../../machines/index.ts';
import type { Outcome } from '../../machines/document-intake/schemas.ts';
import type { Entry } from '../../machines/services/ledger.ts';
import { startChild } from '../fixtures/child.ts';

const intake = readyWorkflows.find(({ workflow }) => workflow.name === 'document-intake')!;
const program = fileURLToPath(
  new URL('../../dist/machines/document-intake/services/main.js', import.meta.url),
);

let folder: string;
let store: { kind: 'sqlite'; path: string };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-intake-crash-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  vi.stubEnv('ANTHROPIC_API_KEY', '');
  vi.stubEnv('ANTHROPIC_BASE_URL', '');
  onTestFinished(() => void vi.unstubAllEnvs());
  store = { kind: 'sqlite', path: join(folder, 'runs.db') };
});

/** A sample as a file of its own: another comment behind its end, and another id. */
function documentOf(sample: string, id: string) {
  const input = JSON.parse(readFileSync(join(intake.samples, sample), 'utf8')) as { pdf: string };
  const pdf = Buffer.concat([Buffer.from(input.pdf, 'base64'), Buffer.from(`% ${id}\n`)]);
  return { ...input, id, pdf: pdf.toString('base64') };
}

async function ledger(url: string): Promise<Record<'notifications' | 'drafts', Entry[]>> {
  const answer = await fetch(`${url}/ledger`, { headers: { connection: 'close' } });
  return (await answer.json()) as Record<'notifications' | 'drafts', Entry[]>;
}

it.each([
  // By way of a repair and the better model.
  ['before', 'each', '20-rough-figures.json', 1],
  // By way of a person.
  ['after', 'every second', '24-customer-twice.json', 2],
] as const)(
  'a document whose process is killed just %s %s of its writes ends as if it had not been: %s',
  async (when, _, sample, step) => {
    const services = await intake.startServices!({
      dataFolder: folder,
      // Now and then they die with the effect made and the answer unsaid, and come back.
      env: { INTAKE_SERVICES_FAULTS: 'notifications:die-after:2:K-4,drafts:die-after:1:K-6' },
    });
    onTestFinished(() => services.close());
    vi.stubEnv('INTAKE_SERVICES_URL', services.url);
    const idOf = (number: number): string => `K-${number}`;

    const whole = startChild('intake-life.mjs', { store, documents: [documentOf(sample, idOf(0))] });
    const { writes, outputs } = (await whole.hears('done')) as { writes: string[]; outputs: Outcome[] };
    expect(await whole.ended).toMatchObject({ code: 0 });
    expect(writes.length).toBeGreaterThan(8);

    const kills = writes.map((__, index) => index + 1).filter((at) => at % step === 0);
    for (const at of kills) {
      const documents = [at - step, at]
        .filter((number) => number > 0)
        .map((number) => documentOf(sample, idOf(number)));
      const life = startChild('intake-life.mjs', { store, documents, death: { id: idOf(at), at, when } });
      expect(await life.ended, `life ${at}`).toMatchObject({ signal: 'SIGKILL' });
    }
    const last = startChild('intake-life.mjs', {
      store,
      documents: kills.map((number) => documentOf(sample, idOf(number))),
    });
    const ends = (await last.hears('done')) as unknown as { outputs: Outcome[] };
    expect(await last.ended).toMatchObject({ code: 0 });

    const numbered = (output: Outcome | undefined, notes: Entry[], drafts: Entry[]) => {
      const of = (entries: Entry[]) => entries.filter(({ key }) => key === output?.documentId);
      const texts = of([...notes, ...drafts]).map(({ body }) => JSON.stringify(body));
      const id = new RegExp(`${output?.documentId}\\b`, 'g');
      return {
        output: {
          ...output,
          documentId: 'K',
          notified: { ...output?.notified, id: of(notes)[0]?.answer['id'] === output?.notified.id },
          draftId: of(drafts)[0]?.answer['id'] === output?.draftId,
        },
        texts: texts.map((text) => text.replaceAll(id, 'K')),
      };
    };
    const { notifications, drafts } = await ledger(services.url);
    const expected = numbered(outputs[0], notifications, drafts);
    expect(expected).toMatchObject({
      output: { status: 'handled', notified: { id: true }, draftId: true },
      texts: [expect.stringContaining('managerId'), expect.stringContaining('subject')],
    });
    for (const [index, output] of ends.outputs.entries()) {
      expect(numbered(output, notifications, drafts), `killed ${when} write ${kills[index]}`).toEqual(
        expected,
      );
    }
    for (const entries of [notifications, drafts]) {
      expect(entries.map(({ key }) => key).sort()).toEqual([0, ...kills].map(idOf).sort());
      // Some were asked for again, by whoever came after one that had been killed.
      expect(entries.some(({ asked }) => asked > 1)).toBe(true);
    }
  },
);

it('a document whose MCP servers are killed with its notice made and not answered for has it made once', async () => {
  let server: ChildProcess;
  const start = async (port: string): Promise<string> => {
    server = spawn(process.execPath, [program, '--db', join(folder, 'services.db'), '--port', port], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(server.stdout!), 'line')) as [string];
    return (JSON.parse(line) as { url: string }).url;
  };
  const kill = async (): Promise<void> => {
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  };
  const url = await start('0');
  onTestFinished(() => kill());
  vi.stubEnv('INTAKE_SERVICES_URL', url);
  for (const target of ['notifications', 'drafts']) {
    const body = JSON.stringify({ target, kind: 'hang-after' });
    await fetch(`${url}/faults`, { method: 'POST', body, headers: { connection: 'close' } });
  }

  const documents = [documentOf('01-an-order.json', 'K-1')];
  const first = startChild('intake-life.mjs', { store, documents });
  await vi.waitUntil(async () => (await ledger(url)).notifications.length === 1);
  await kill();
  await start(new URL(url).port);
  await vi.waitUntil(async () => (await ledger(url)).drafts.length === 1);
  // And now both at once.
  first.signal('SIGKILL');
  await kill();
  await first.ended;
  await start(new URL(url).port);

  const second = startChild('intake-life.mjs', { store, documents });
  const { outputs } = (await second.hears('done')) as unknown as { outputs: Outcome[] };
  expect(outputs).toMatchObject([
    { status: 'handled', notified: { status: 'sent', id: 'note-1' }, draftId: 'draft-2' },
  ]);
  expect(await ledger(url)).toMatchObject({
    notifications: [{ key: 'K-1', asked: 2 }],
    drafts: [{ key: 'K-1', asked: 2 }],
  });
});
