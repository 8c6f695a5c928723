/** The server's process is started from what `npm run build` made, as a user's would be. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import type { MessagesServerProcess, MessagesServerProcessOptions } from './messages-server-process.ts';

const built = new URL('../../../dist/src/testing/index.js', import.meta.url).href;
const { startMessagesServerProcess } = (await import(built)) as typeof import('../index.ts');

const hello = {
  model: 'claude-haiku-5-5',
  max_tokens: 10,
  messages: [{ role: 'user' as const, content: 'Hello' }],
};

describe('a messages server in a process of its own', () => {
  it('answers, and tells the process that started it what it has seen', async () => {
    const server = await started({ answers: ['One', { fault: 'cut' }] });
    expect(server.pid).not.toBe(process.pid);
    const client = clientOf(server.url);
    expect((await client.messages.create(hello)).content).toEqual([{ type: 'text', text: 'One' }]);
    await expect(client.messages.stream(hello).finalMessage()).rejects.toThrow('terminated');
    await expect(client.messages.create(hello)).rejects.toThrow('500');
    const [first, second] = await Promise.all([server.seen(), server.seen()]);
    expect(first).toEqual(second);
    expect(first.received).toBe(3);
    expect(first.requests.map(({ body }) => body['stream'] === true)).toEqual([false, true, false]);
    expect(first.unexpected).toEqual([expect.stringContaining('Request 3 was not expected')]);
  });

  it('counts what workers have asked that were killed over it', async () => {
    const server = await started({ answers: [{ fault: 'hang' }, { fault: 'hang' }], keep: 1 });
    for (const received of [1, 2]) {
      const worker = asking(server.url);
      const ended = once(worker, 'exit');
      await vi.waitUntil(async () => (await server.seen()).received === received);
      worker.kill('SIGKILL');
      await ended;
    }
    const { received, requests } = await server.seen();
    expect([received, requests.length]).toEqual([2, 1]);
  });

  it.each([
    ['a function', 'export default (body, index) => `${index}: ${body.messages[0].content}`;'],
    ['a list', "export default ['0: Hello'];"],
  ])('answers by %s in a module', async (_, code) => {
    const server = await started({ script: await module(code) });
    const { content } = await clientOf(server.url).messages.create(hello);
    expect(content).toEqual([{ type: 'text', text: '0: Hello' }]);
  });

  it.each([
    ['has no script', 'export const answers = [];', 'to be a function or a list of answers, got `undefined`'],
    ['throws', "throw new Error('Not today.');", 'Not today.'],
  ])('does not start with a module that %s', async (_, code, why) => {
    const starting = startMessagesServerProcess({ script: await module(code) });
    await expect(starting).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(starting).rejects.toThrow(why);
  });

  it('wants answers or a script', async () => {
    const both = { answers: [], script: new URL('file:///none.mjs') };
    for (const options of [{}, both]) {
      await expect(startMessagesServerProcess(options)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    }
  });

  it('says that it has ended', async () => {
    const server = await started({ answers: [] });
    await server.close();
    await server.close();
    await expect(server.seen()).rejects.toThrow('has ended');
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  });

  it('ends with the process that started it', async () => {
    const code = `
      const { startMessagesServerProcess } = await import(${JSON.stringify(built)});
      const server = await startMessagesServerProcess({ answers: ['Hi'] });
      process.stdout.write(server.url);
    `;
    const starter = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [url] = (await once(starter.stdout, 'data')) as [Buffer];
    const ended = once(starter, 'exit');
    const { status } = await fetch(url.toString());
    expect(status).toBe(400);
    starter.kill('SIGKILL');
    await ended;
    await vi.waitFor(() => expect(fetch(url.toString())).rejects.toThrow('fetch failed'));
  });
});

async function started(options: MessagesServerProcessOptions): Promise<MessagesServerProcess> {
  const server = await startMessagesServerProcess(options);
  onTestFinished(() => server.close());
  return server;
}

async function module(code: string): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-script-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'answers.mjs');
  await writeFile(file, code);
  return pathToFileURL(file);
}

/** A worker that asks the model once. */
function asking(url: string): ChildProcess {
  const body = JSON.stringify(hello);
  const code = `await fetch('${url}/v1/messages', { method: 'POST', body: ${JSON.stringify(body)} });`;
  return spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
}

function clientOf(baseURL: string): Anthropic {
  return new Anthropic({ baseURL, apiKey: 'any', maxRetries: 0, logLevel: 'off' });
}
