/** A server whose address is asked for at each connect. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import {
  createCallLog,
  failed,
  fixtureOverHttp,
  type HttpServer,
  performed,
} from '../../../test/support/mcp-servers.ts';
import { InvalidOption, McpCallFailed } from '../../errors.ts';
import type { McpAddress } from './connection.ts';
import { fromMcp } from './from-mcp.ts';
import { mcpServer, type McpServer } from './mcp-server.ts';

const log = createCallLog();
const open: McpServer[] = [];
let first: HttpServer;
let second: HttpServer;

beforeAll(async () => {
  [first, second] = await Promise.all([fixtureOverHttp({ CALLS: log.file }), fixtureOverHttp({})]);
  await Promise.all([first.start(), second.start()]);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});
afterAll(async () => {
  await Promise.all([first.kill(), second.kill()]);
  log.remove();
});

function serverAt(url: McpAddress, timeoutMs = 5_000): McpServer {
  const server = mcpServer({ name: 'fixture', url, timeoutMs });
  open.push(server);
  return server;
}

function toolOf(server: McpServer, tool: string) {
  return fromMcp({ server, tool, input: z.object({}), output: z.string() });
}

function toolAt(url: McpAddress, tool = 'prose', timeoutMs?: number) {
  return toolOf(serverAt(url, timeoutMs), tool);
}

describe('an address that is asked for', () => {
  it.each([
    ['at once', () => first.url],
    ['later', async () => new URL(first.url)],
  ] as const)('may be given %s', async (_, url) => {
    expect((await performed(toolAt(url), {})).output).toBe('All is well.');
  });

  it('is asked for at each connect, and not before', async () => {
    let asked = 0;
    const prose = toolAt(() => {
      asked += 1;
      return first.url;
    });
    expect(asked).toBe(0);
    await performed(prose, {});
    await performed(prose, {});
    expect(asked).toBe(1);
  });

  it('is asked for again once the server cannot be reached where it was', async () => {
    let where = second.url;
    const pid = toolAt(() => where, 'pid');
    const { output: before } = await performed(pid, {});
    await second.kill();
    where = first.url;
    const { output: after } = await performed(pid, {});
    expect(after).not.toBe(before);
    await second.start();
  });

  it('is not sent a call again that may have been performed, and the next call goes there', async () => {
    let where = second.url;
    const server = serverAt(() => where);
    const prose = toolOf(server, 'prose');
    await performed(prose, {});
    where = first.url;
    const { error } = await failed(toolOf(server, 'die'), {});
    expect(error).toMatchObject({ code: 'MCP_CALL_FAILED', details: { mayHaveActed: true } });
    expect(log.calls()).not.toContainEqual(expect.stringContaining('die'));
    // The other is dead.
    expect((await performed(prose, {})).output).toBe('All is well.');
    await second.start();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('SERVICES_URL is not set.');
      },
      '`url` threw: SERVICES_URL is not set.',
      true,
    ],
    ['rejects', () => Promise.reject(new Error('No route.')), '`url` threw: No route.', true],
    ['gives no URL', () => 'undefined/mcp', 'expected `url` to give an http or https URL', false],
    ['gives another one', () => 'file:///etc/passwd', 'expected `url` to give an http', false],
    ['takes too long', () => new Promise<string>(() => {}), '`url` gave none within 50 ms.', true],
  ])('is a failed call if the function %s', async (_, url, message, retryable) => {
    const { error } = await failed(toolAt(url as McpAddress, 'prose', 50), {});
    expect(error).toBeInstanceOf(McpCallFailed);
    expect(error.message).toContain(message);
    expect(error.details).toMatchObject({
      server: 'fixture',
      kind: 'connection',
      retryable,
      mayHaveActed: false,
    });
  });

  it('may be given after it was not known', async () => {
    let where = '';
    const prose = toolAt(() => where);
    await failed(prose, {});
    where = first.url;
    expect((await performed(prose, {})).output).toBe('All is well.');
  });

  it('ends its wait when the call is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('Gone.');
    const waiting = failed(
      toolAt(() => new Promise<string>(() => {})),
      {},
      { signal: controller.signal },
    );
    controller.abort(reason);
    expect((await waiting).error).toBe(reason);
  });

  it('is refused at once if it is neither a URL nor a function', () => {
    expect(() => mcpServer({ name: 'fixture', url: 7 as unknown as string })).toThrow(InvalidOption);
  });
});
