/** The tools of a server: which there are, which may be called, and whether they fit. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import {
  createCallLog,
  EVERYTHING,
  failed,
  FILESYSTEM,
  FIXTURE,
  performed,
} from '../../../test/support/mcp-servers.ts';
import { InvalidOption, McpToolMismatch } from '../../errors.ts';
import { fromMcp } from './from-mcp.ts';
import { mcpServer, type McpServer, type McpServerOptions } from './mcp-server.ts';

const log = createCallLog();
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-files-')));
const open: McpServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});
afterAll(() => {
  log.remove();
  rmSync(folder, { recursive: true, force: true });
});

function serverOf(options: McpServerOptions): McpServer {
  const server = mcpServer(options);
  open.push(server);
  return server;
}

function fixture(): McpServer {
  return serverOf({
    name: 'fixture',
    stdio: { command: process.execPath, args: [FIXTURE], env: { CALLS: log.file } },
    timeoutMs: 120_000,
  });
}

const pidOf = (server: McpServer) =>
  fromMcp({ server, tool: 'pid', input: z.object({}), output: z.string().transform(Number) });

describe('the tools of a server', () => {
  it('are asked for again when the server says that they changed', async () => {
    const server = fixture();
    expect((await server.tools()).map(({ name }) => name)).not.toContain('grown');
    await server.call('grow', {});
    await vi.waitFor(async () => expect((await server.tools()).map(({ name }) => name)).toContain('grown'));
    expect(await server.call('grown', {})).toEqual({ content: [{ type: 'text', text: 'grown' }] });
  });

  it('that are not on the allow-list are refused where the actor is defined, and never called', async () => {
    const server = serverOf({
      name: 'fixture',
      stdio: { command: process.execPath, args: [FIXTURE] },
      allow: ['prose', 'add'],
    });
    const define = () => pidOf(server);
    expect(define).toThrow(InvalidOption);
    expect(define).toThrow(
      'Expected `tool` of a call to MCP server `fixture` to be one that its `allow` names (prose, add), got `pid`.',
    );
    await expect(server.call('pid', {})).rejects.toBeInstanceOf(InvalidOption);
    expect((await server.tools()).map(({ name }) => name)).toEqual(['add', 'prose']);
  });

  it('do not have one that is missing', async () => {
    const server = fixture();
    const gone = fromMcp({
      server,
      tool: 'gone',
      input: z.object({}),
      output: z.string(),
      irreversible: true,
    });
    const { error } = await failed(gone, {});
    expect(error).toBeInstanceOf(McpToolMismatch);
    expect(error.message).toMatch(/^MCP server `fixture` has no tool `gone`. It has: add, strict, told, /);
  });
});

describe('schemas', () => {
  const misfit = (server: McpServer) => {
    fromMcp({
      server,
      tool: 'add',
      input: z.object({ a: z.string(), b: z.number().optional() }),
      output: z.object({ total: z.number(), sum: z.string() }),
    });
    return fromMcp({
      server,
      tool: 'strict',
      input: z.object({ kind: z.enum(['c']), more: z.boolean(), deep: z.object({ m: z.int() }) }),
      output: z.string(),
    });
  };

  it('that cannot fit are refused with the first call, which is not made', async () => {
    const server = fixture();
    const calls = log.calls();
    const { error } = await failed(misfit(server), { kind: 'c', more: true, deep: { m: 1 } });
    expect(error).toBeInstanceOf(McpToolMismatch);
    expect(error.message).toContain('Tool `strict` of MCP server `fixture` does not fit its actor: ');
    expect(error.details).toEqual({
      server: 'fixture',
      tool: 'strict',
      issues: [
        { path: ['input', 'kind'], message: 'the tool takes "a" or "b", and the input schema gives "c"' },
        {
          path: ['input', 'more'],
          message: 'the tool takes no such property; take it out of the input schema',
        },
        {
          path: ['input', 'deep', 'n'],
          message:
            'the tool requires it, and the input schema has no such property; add it, or make the arguments with `arguments`',
        },
      ],
    });
    expect(log.calls()).toEqual(calls);
  });

  it('of all actors are held against the server by `check`', async () => {
    const server = fixture();
    misfit(server);
    fromMcp({ server, tool: 'gone', input: z.object({}), output: z.string() });
    fromMcp({ server, tool: 'prose', input: z.object({}), output: z.string() });
    const error = (await server.check().catch((thrown: unknown) => thrown)) as McpToolMismatch;
    expect(error).toBeInstanceOf(McpToolMismatch);
    expect(error.details['tools']).toEqual(['add', 'strict', 'gone']);
    expect(error.details['issues']).toMatchObject([
      {
        path: ['input', 'b'],
        message:
          'the tool requires it, and the input schema lets it be left out; make it required or give it a default',
      },
      { path: ['input', 'a'], message: 'the tool takes number, and the input schema gives string' },
      {
        path: ['output', 'total'],
        message:
          'the output schema requires it, and the tool never gives it; take it out, or make it optional',
      },
      { path: ['output', 'sum'], message: 'the tool gives number, and the output schema takes string' },
      { path: ['input', 'kind'] },
      { path: ['input', 'more'] },
      { path: ['input', 'deep', 'n'] },
    ]);
  });

  it('that fit pass `check`, and a name on the allow-list that is no tool does not', async () => {
    const stdio = { command: process.execPath, args: [FIXTURE] };
    const server = serverOf({ name: 'fixture', stdio, allow: ['prose'] });
    fromMcp({ server, tool: 'prose', input: z.object({}), output: z.string() });
    await expect(server.check()).resolves.toBeUndefined();
    const wrong = serverOf({ name: 'fixture', stdio, allow: ['prose', 'verse'] });
    await expect(wrong.check()).rejects.toThrow('MCP server `fixture` has no tool `verse`. It has: prose.');
  });
});

describe('published servers', () => {
  it('work over stdio: server-everything', async () => {
    const server = serverOf({
      name: 'everything',
      stdio: { command: process.execPath, args: [EVERYTHING, 'stdio'] },
    });
    const weather = fromMcp({
      server,
      tool: 'get-structured-content',
      input: z.object({ location: z.enum(['New York', 'Chicago']) }),
      output: z.object({ temperature: z.number(), conditions: z.string() }),
    });
    const image = fromMcp({
      server,
      tool: 'get-tiny-image',
      input: z.object({}),
      output: z.array(z.string()),
      read: ({ content }) => content.map((block) => (block.type === 'image' ? block.mimeType : block.type)),
    });
    await server.check();
    expect((await performed(weather, { location: 'New York' })).output).toEqual({
      temperature: 33,
      conditions: 'Cloudy',
    });
    expect((await performed(image, {})).output).toEqual(['text', 'image/png', 'text']);
  });

  it('work over stdio: server-filesystem', async () => {
    const server = serverOf({
      name: 'files',
      stdio: { command: process.execPath, args: [FILESYSTEM, folder] },
      allow: ['write_file', 'read_text_file'],
    });
    const path = z.string();
    const write = fromMcp({
      server,
      tool: 'write_file',
      input: z.object({ path, content: z.string() }),
      output: z.string(),
      irreversible: true,
    });
    const read = fromMcp({
      server,
      tool: 'read_text_file',
      input: z.object({ path }),
      output: z.object({ content: z.string() }),
    });
    await server.check();
    await performed(write, { path: join(folder, 'a.txt'), content: 'Kept.' });
    expect((await performed(read, { path: join(folder, 'a.txt') })).output).toEqual({ content: 'Kept.' });
    const { error } = await failed(read, { path: '/etc/passwd' });
    expect(error).toMatchObject({
      code: 'MCP_TOOL_FAILED',
      details: { reason: expect.stringContaining('outside allowed directories') as string },
    });
  });
});

describe('options', () => {
  const stdio = { command: 'node' };

  it.each([
    [{ name: '', stdio }, 'Expected `name` of an MCP server to be a non-empty string'],
    [
      { name: 'a' },
      'Expected `stdio` of MCP server `a` to be given if `url` is not, and the other way round',
    ],
    [{ name: 'a', stdio, url: 'http://a' }, 'Expected `stdio` of MCP server `a` to be given if `url` is not'],
    [
      { name: 'a', url: 'ftp://a' },
      'Expected `url` of MCP server `a` to be an http or https URL, got `ftp://a`.',
    ],
    [
      { name: 'a', url: 'http://a', headers: { authorization: undefined } },
      'Expected `headers.authorization` of MCP server `a` to be a string, got `undefined`.',
    ],
    [
      { name: 'a', stdio: { command: '' } },
      'Expected `stdio.command` of MCP server `a` to be a non-empty string',
    ],
    [
      { name: 'a', stdio: { ...stdio, args: 'x' } },
      'Expected `stdio.args` of MCP server `a` to be an array of strings',
    ],
    [
      { name: 'a', stdio: { ...stdio, env: { TOKEN: undefined } } },
      'Expected `stdio.env.TOKEN` of MCP server `a` to be a string, got `undefined`.',
    ],
    [
      { name: 'a', stdio, allow: 'x' },
      'Expected `allow` of MCP server `a` to be an array of names of tools, got `x`.',
    ],
    [
      { name: 'a', stdio, timeoutMs: 0 },
      'Expected `timeoutMs` of MCP server `a` to be a positive integer up to 2147483647, got `0`.',
    ],
  ])('are refused where they are given: %o', (options, message) => {
    const define = () => mcpServer(options as never);
    expect(define).toThrow(InvalidOption);
    expect(define).toThrow(message);
  });
});
