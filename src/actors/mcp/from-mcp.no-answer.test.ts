/** How an actor's call ends when no answer comes: against our own server over stdio, which misbehaves when asked to. */
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z, type ZodType } from 'zod';

import { createCallLog, failed, FIXTURE, performed } from '../../../test/support/mcp-servers.ts';
import { decode, encode } from '../../engine/codec.ts';
import { McpCallFailed, OutcomeUnknown } from '../../errors.ts';
import { fromMcp, type McpActorOptions } from './from-mcp.ts';
import { mcpServer } from './mcp-server.ts';

const log = createCallLog();
const SECRET = 'hunter2-hunter2';

const server = mcpServer({
  name: 'fixture',
  stdio: { command: process.execPath, args: [FIXTURE], env: { CALLS: log.file, SECRET } },
  timeoutMs: 120_000,
});

/** One that gives up soon. */
const hasty = mcpServer({
  name: 'fixture',
  stdio: { command: process.execPath, args: [FIXTURE], env: { CALLS: log.file } },
  timeoutMs: 1_000,
});

let before: readonly string[] = [];
beforeEach(() => (before = log.calls()));
const calls = () => log.calls().slice(before.length);

afterAll(async () => {
  await Promise.all([server.close(), hasty.close()]);
  log.remove();
});

const None = z.object({});

function tool<TOutput extends ZodType>(
  name: string,
  output: TOutput,
  more: Partial<McpActorOptions<typeof None, TOutput>> = {},
) {
  return fromMcp({ server, tool: name, input: None, output, ...more });
}

describe('a call that gives no answer', () => {
  const ends: [string, { server: typeof server; kind: string; message: string }][] = [
    [
      'die',
      { server, kind: 'connection', message: 'the connection was lost. Its process exited with code 3.' },
    ],
    [
      'wait',
      { server: hasty, kind: 'timeout', message: 'no answer, nor a sign of progress, came within 1000 ms' },
    ],
    ['garble', { server, kind: 'unreadable', message: 'what came back is not a result of MCP' }],
    ['babble', { server: hasty, kind: 'timeout', message: 'On the connection: ' }],
  ];

  it.each(ends)('is an error worth a retry when asked to %s', async (name, end) => {
    const { error } = await failed(tool(name, z.string(), { server: end.server }), {});
    expect(error).toBeInstanceOf(McpCallFailed);
    expect(error.message).toContain(end.message);
    expect(error.details).toEqual({ server: 'fixture', kind: end.kind, retryable: true, mayHaveActed: true });
    const restored = decode(encode(error)) as McpCallFailed;
    expect(restored).toBeInstanceOf(McpCallFailed);
    expect(restored.details).toEqual(error.details);
    expect((await performed(tool('prose', z.string(), { server: end.server }), {})).output).toBe(
      'All is well.',
    );
  });

  it.each(ends)('leaves the outcome of an irreversible tool unknown when asked to %s', async (name, end) => {
    const { error } = await failed(tool(name, z.string(), { server: end.server, irreversible: true }), {});
    expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(error.details).toEqual({ actor: name, server: 'fixture' });
    expect(calls().filter((call) => call === name)).toEqual([name]);
    expect(decode(encode(error))).toBeInstanceOf(OutcomeUnknown);
  });

  it('may be repeated if the server honours a key', async () => {
    const keyed = tool('die', z.string(), { irreversible: true, idempotencyKey: () => 'k' });
    const { error } = await failed(keyed, {});
    expect(error).toBeInstanceOf(McpCallFailed);
    expect(keyed.signalbox).toMatchObject({ irreversible: true, idempotent: true });
  });

  it('tells the last words of the server, without its secrets', async () => {
    const { error } = await failed(tool('die', z.string()), {});
    expect(error.message).toContain('The last lines of its standard error:\nThe disk is on fire, [hidden].');
    expect(error.message).not.toContain(SECRET);
  });

  it('goes on while the server tells of progress', async () => {
    const slow = fromMcp({
      server: hasty,
      tool: 'progress',
      input: z.object({ steps: z.int(), everyMs: z.int() }),
      output: z.string(),
    });
    expect((await performed(slow, { steps: 5, everyMs: 300 })).output).toBe('done');
  });
});

describe('an abort', () => {
  it('calls the tool off on the server, and rejects with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('The machine left the state.');
    const call = failed(tool('wait', z.string()), {}, { signal: controller.signal });
    await vi.waitFor(() => expect(calls()).toContain('wait'));
    controller.abort(reason);
    expect((await call).error).toBe(reason);
    await vi.waitFor(() => expect(calls()).toContain('wait was called off'));
  });

  it('leaves the outcome of an irreversible tool unknown', async () => {
    const controller = new AbortController();
    const call = failed(tool('wait', z.string(), { irreversible: true }), {}, { signal: controller.signal });
    await vi.waitFor(() => expect(calls()).toContain('wait'));
    controller.abort();
    expect((await call).error).toBeInstanceOf(OutcomeUnknown);
    await vi.waitFor(() => expect(calls()).toContain('wait was called off'));
  });

  it('of an irreversible tool before it is called says that it was not', async () => {
    const script = `require('node:fs').appendFileSync(process.env.CALLS, 'started\\n'); setInterval(() => {}, 1e6)`;
    const stdio = { command: process.execPath, args: ['-e', script], env: { CALLS: log.file } };
    const silent = mcpServer({ name: 'silent', stdio });
    onTestFinished(() => silent.close());
    const controller = new AbortController();
    const reason = new Error('Gone.');
    const wait = tool('wait', z.string(), { server: silent, irreversible: true });
    const call = failed(wait, {}, { signal: controller.signal });
    await vi.waitFor(() => expect(calls()).toContain('started'));
    controller.abort(reason);
    expect((await call).error).toBe(reason);
  });

  it('by the timeout of an attempt is passed on too', async () => {
    const { error } = await failed(tool('wait', z.string(), { timeoutMs: 200 }), {});
    expect(error).toMatchObject({ code: 'TIMED_OUT' });
    await vi.waitFor(() => expect(calls()).toContain('wait was called off'));
  });
});
