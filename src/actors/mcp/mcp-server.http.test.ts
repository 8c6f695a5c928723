/** Servers over streamable HTTP, as processes of their own: sessions that are lost, servers that restart, refusals. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';

import {
  createCallLog,
  everythingOverHttp,
  failed,
  findFreePort,
  fixtureOverHttp,
  performed,
  type HttpServer,
} from '../../../test/support/mcp-servers.ts';
import { McpCallFailed, OutcomeUnknown } from '../../errors.ts';
import { fromMcp } from './from-mcp.ts';
import { mcpServer, type McpServer, type McpServerOptions } from './mcp-server.ts';

const log = createCallLog();
const open: McpServer[] = [];
let http: HttpServer;
let before: readonly string[] = [];

beforeAll(async () => {
  http = await fixtureOverHttp({ CALLS: log.file });
  await http.start();
});
beforeEach(() => (before = log.calls()));
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});
afterAll(async () => {
  await http.kill();
  log.remove();
});

const calls = () => log.calls().slice(before.length);

function serverAt(url: string, more: Partial<McpServerOptions> = {}): McpServer {
  const server = mcpServer({ name: 'fixture', url, timeoutMs: 120_000, ...more } as McpServerOptions);
  open.push(server);
  return server;
}

const prose = (server: McpServer, irreversible = false) =>
  fromMcp({ server, tool: 'prose', input: z.object({}), output: z.string(), irreversible });
const call = (server: McpServer, tool: string, irreversible = false) =>
  fromMcp({ server, tool, input: z.object({}), output: z.string(), irreversible });

describe('a connection over HTTP', () => {
  it('gives structured content, text and failures as over stdio', async () => {
    const server = serverAt(http.url);
    const add = fromMcp({
      server,
      tool: 'add',
      input: z.object({ a: z.number(), b: z.number() }),
      output: z.object({ sum: z.number() }),
    });
    expect((await performed(add, { a: 1, b: 2 })).output).toEqual({ sum: 3 });
    expect((await performed(prose(server), {})).output).toBe('All is well.');
    expect((await failed(call(server, 'refuse'), {})).error).toMatchObject({ code: 'MCP_TOOL_FAILED' });
  });

  it('ends its session when it is closed', async () => {
    const server = serverAt(http.url);
    await performed(prose(server), {});
    await server.close();
    expect(calls()).toEqual(['prose', 'session closed']);
  });

  it('takes a new session when the server has lost the old one, and performs each call once', async () => {
    const server = serverAt(http.url);
    await performed(call(server, 'forget'), {});
    const outputs = await Promise.all(
      [1, 2, 3].map(async () => (await performed(prose(server, true), {})).output),
    );
    expect(outputs).toEqual(['All is well.', 'All is well.', 'All is well.']);
    expect(calls()).toEqual(['forget', 'prose', 'prose', 'prose']);
  });

  it('is made anew after the server restarted', async () => {
    const server = serverAt(http.url);
    await performed(prose(server), {});
    await http.kill();
    const { error } = await failed(prose(server, true), {});
    expect(error).toBeInstanceOf(McpCallFailed);
    expect(error.message).toContain('the server cannot be reached');
    expect(error.details).toMatchObject({ kind: 'connection', retryable: true, mayHaveActed: false });
    await http.start();
    expect((await performed(prose(server, true), {})).output).toBe('All is well.');
  });

  it('fails the calls in flight when the server dies', async () => {
    for (const irreversible of [false, true]) {
      const server = serverAt(http.url);
      const { error } = await failed(call(server, 'die', irreversible), {});
      if (irreversible) expect(error).toBeInstanceOf(OutcomeUnknown);
      else
        expect(error).toMatchObject({
          code: 'MCP_CALL_FAILED',
          details: { kind: 'connection', retryable: true },
        });
      await http.start();
      expect((await performed(prose(server), {})).output).toBe('All is well.');
    }
  });

  it('passes an abort on', async () => {
    const server = serverAt(http.url);
    const controller = new AbortController();
    const reason = new Error('Gone.');
    const waiting = failed(call(server, 'wait'), {}, { signal: controller.signal });
    await vi.waitFor(() => expect(calls()).toContain('wait'));
    controller.abort(reason);
    expect((await waiting).error).toBe(reason);
    await vi.waitFor(() => expect(calls()).toContain('wait was called off'));
  });

  it('times out', async () => {
    const server = serverAt(http.url, { timeoutMs: 500 });
    expect((await failed(call(server, 'wait'), {})).error.details).toMatchObject({
      kind: 'timeout',
      retryable: true,
    });
    expect((await failed(call(server, 'wait', true), {})).error).toBeInstanceOf(OutcomeUnknown);
  });
});

describe('a server of the protocol of 2026', () => {
  it('is spoken to in it, and told of an abort', async () => {
    const modern = await fixtureOverHttp({ CALLS: log.file }, '--modern');
    await modern.start();
    onTestFinished(() => modern.kill());
    const server = serverAt(modern.url);
    expect((await performed(prose(server), {})).output).toBe('All is well.');
    const controller = new AbortController();
    const waiting = failed(call(server, 'wait', true), {}, { signal: controller.signal });
    await vi.waitFor(() => expect(calls()).toContain('wait'));
    controller.abort();
    expect((await waiting).error).toBeInstanceOf(OutcomeUnknown);
    await vi.waitFor(() => expect(calls()).toContain('wait was called off'));
    expect((await failed(call(server, 'die'), {})).error.details).toMatchObject({
      kind: 'connection',
      retryable: true,
    });
  });
});

describe('headers', () => {
  it('are sent with every request, asked for anew if they are a function, and never shown', async () => {
    const SECRET = 'hunter2-hunter2';
    const guarded = await fixtureOverHttp({ CALLS: log.file, SECRET });
    await guarded.start();
    onTestFinished(() => guarded.kill());

    let token = 'expired-token';
    const headers = vi.fn(async () => ({ authorization: `Bearer ${token}` }));
    const server = serverAt(guarded.url, { headers });
    expect((await failed(prose(server), {})).error).toMatchObject({
      details: { status: 401, retryable: false },
    });
    token = SECRET;
    expect((await performed(prose(server), {})).output).toBe('All is well.');

    const wrong = serverAt(guarded.url, { headers: { authorization: 'Bearer wrong-secret' } });
    const { error } = await failed(prose(wrong), {});
    expect(error.message).toContain('401');
    expect(error.message).toContain('Check its `headers`');
    expect(error.message).not.toContain('wrong-secret');
    expect(String(error.cause)).not.toContain('wrong-secret');
  });
});

describe('an answer that is none', () => {
  async function answering(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  }

  const busy: [number, Record<string, string>, Record<string, unknown>][] = [
    [429, { 'retry-after': '7' }, { retryable: true, status: 429, retryAfterMs: 7_000 }],
    [503, {}, { retryable: true, status: 503 }],
    [403, {}, { retryable: false, status: 403 }],
    [404, {}, { retryable: false, status: 404 }],
  ];

  it.each(busy)('is an error with its status: %s', async (status, headers, details) => {
    const url = await answering((_, response) => response.writeHead(status, headers).end('Not now.'));
    const { error } = await failed(prose(serverAt(url), true), {});
    expect(error).toBeInstanceOf(McpCallFailed);
    expect(error.details).toEqual({ server: 'fixture', kind: 'http', mayHaveActed: false, ...details });
  });

  it('to a call leaves its outcome open where the server broke', async () => {
    for (const [status, unknown] of [
      [500, true],
      [429, false],
    ] as const) {
      const url = await answering((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const { method = '', id } = JSON.parse(Buffer.concat(chunks).toString() || '{}') as {
            method?: string;
            id?: number;
          };
          const results: Record<string, unknown> = {
            initialize: {
              protocolVersion: '2025-06-18',
              capabilities: { tools: {} },
              serverInfo: { name: 'breaks', version: '1' },
            },
            'tools/list': { tools: [{ name: 'prose', inputSchema: { type: 'object' } }] },
          };
          if (method === 'tools/call') return response.writeHead(status).end('Broken.');
          if (id === undefined) return response.writeHead(202).end();
          const result = results[method];
          const answer = result ? { result } : { error: { code: -32601, message: 'Unknown' } };
          return response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
        });
      });
      const server = serverAt(url);
      expect((await failed(prose(server), {})).error.details).toMatchObject({
        status,
        retryable: true,
        mayHaveActed: unknown,
      });
      const { error } = await failed(prose(server, true), {});
      if (unknown) expect(error).toBeInstanceOf(OutcomeUnknown);
      else expect(error).toBeInstanceOf(McpCallFailed);
    }
  });

  it('is told from MCP', async () => {
    const url = await answering((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>'),
    );
    const { error } = await failed(prose(serverAt(url)), {});
    expect(error).toMatchObject({
      code: 'MCP_CALL_FAILED',
      details: { kind: 'unreadable', mayHaveActed: false },
    });
  });

  it('at all is a connection that failed', async () => {
    const { error } = await failed(prose(serverAt(`http://127.0.0.1:${await findFreePort()}/mcp`), true), {});
    expect(error).toMatchObject({ details: { kind: 'connection', retryable: true, mayHaveActed: false } });
  });
});

describe('a published server', () => {
  it('works over HTTP, and after a restart: server-everything', async () => {
    const everything = await everythingOverHttp();
    await everything.start();
    onTestFinished(() => everything.kill());
    const server = serverAt(everything.url);
    const echo = fromMcp({
      server,
      tool: 'echo',
      input: z.object({ message: z.string() }),
      output: z.string(),
    });
    const sum = fromMcp({
      server,
      tool: 'get-sum',
      input: z.object({ a: z.number(), b: z.number() }),
      output: z.string(),
      irreversible: true,
    });
    await server.check();
    expect((await performed(echo, { message: 'hello' })).output).toBe('Echo: hello');
    await everything.kill();
    await everything.start();
    expect((await performed(sum, { a: 1, b: 2 })).output).toBe('The sum of 1 and 2 is 3.');
  });
});
