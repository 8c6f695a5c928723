/** The connection to a server: made when it is needed, shared, made anew when it is lost, and ended. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
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
import { InvalidOption, McpCallFailed, McpToolMismatch, OutcomeUnknown } from '../../errors.ts';
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

function fixture(env: Record<string, string> = {}, ...args: string[]): McpServer {
  return serverOf({
    name: 'fixture',
    stdio: { command: process.execPath, args: [FIXTURE, ...args], env: { CALLS: log.file, ...env } },
    timeoutMs: 10_000,
  });
}

const pidOf = (server: McpServer, irreversible = false) =>
  fromMcp({ server, tool: 'pid', input: z.object({}), output: z.string().transform(Number), irreversible });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // One that has ended stays listed until its parent asks for it.
  const status = `/proc/${pid}/stat`;
  return !existsSync(status) || !readFileSync(status, 'utf8').includes(') Z ');
}

describe('a connection over stdio', () => {
  it('is one for many calls at once', async () => {
    const pid = pidOf(fixture());
    const outputs = await Promise.all(
      Array.from({ length: 20 }, async () => (await performed(pid, {})).output),
    );
    expect(new Set(outputs).size).toBe(1);
  });

  it('is not made before it is needed', async () => {
    const server = serverOf({ name: 'none', stdio: { command: '/no/such/program' } });
    pidOf(server);
    await server.close();
    await expect(server.tools()).rejects.toBeInstanceOf(McpCallFailed);
  });

  it('is made anew after the server was killed between calls', async () => {
    for (const irreversible of [false, true]) {
      const pid = pidOf(fixture(), irreversible);
      const { output: first } = await performed(pid, {});
      process.kill(first as number, 'SIGKILL');
      await vi.waitFor(() => expect(isAlive(first as number)).toBe(false));
      const { output: second } = await vi.waitFor(() => performed(pid, {}));
      expect(second).not.toBe(first);
    }
  });

  it('fails the calls in flight when the server is killed, and the next call makes it anew', async () => {
    const server = fixture();
    const wait = (irreversible: boolean) =>
      fromMcp({ server, tool: 'wait', input: z.object({}), output: z.string(), irreversible });
    const { output: pid } = await performed(pidOf(server), {});
    const calls = [failed(wait(false), {}), failed(wait(true), {})];
    await vi.waitFor(() => expect(log.calls().filter((call) => call === 'wait')).toHaveLength(2));
    process.kill(pid as number, 'SIGKILL');
    const [plain, irreversible] = await Promise.all(calls);
    expect(plain?.error).toBeInstanceOf(McpCallFailed);
    expect(plain?.error.message).toContain('the connection was lost. Its process was ended by SIGKILL.');
    expect(plain?.error.details).toMatchObject({ kind: 'connection', retryable: true });
    expect(irreversible?.error).toBeInstanceOf(OutcomeUnknown);
    expect((await performed(pidOf(server), {})).output).not.toBe(pid);
  });

  it('ends the process when it is closed, and may be used again', async () => {
    const server = fixture();
    const { output: first } = await performed(pidOf(server), {});
    await server.close();
    await server.close();
    expect(isAlive(first as number)).toBe(false);
    const { output: second } = await performed(pidOf(server), {});
    expect(isAlive(second as number)).toBe(true);
  });

  it('ends a process that will not listen', async () => {
    const deaf = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6);`;
    const stubborn = serverOf({
      name: 'stubborn',
      stdio: {
        command: process.execPath,
        args: ['--import', `data:text/javascript,${encodeURIComponent(deaf)}`, FIXTURE],
      },
    });
    const { output: pid } = await performed(pidOf(stubborn), {});
    await stubborn.close();
    await vi.waitFor(() => expect(isAlive(pid as number)).toBe(false));
  });

  it('is given up when it is closed before it was made', async () => {
    const silent = serverOf({
      name: 'silent',
      stdio: { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1e6)'] },
    });
    const listing = silent.tools();
    const outcome = listing.catch((error: unknown) => error);
    await silent.close();
    expect(await outcome).toMatchObject({ code: 'MCP_CALL_FAILED', details: { mayHaveActed: false } });
  });

  it('passes on a few safe variables and those that are named, nothing else', async () => {
    process.env['SIGNALBOX_TEST_SECRET'] = 'hunter2';
    try {
      const server = fixture({ GIVEN: 'yes' });
      const environment = fromMcp({
        server,
        tool: 'environment',
        input: z.object({}),
        output: z.record(z.string(), z.string()),
      });
      const { output } = await performed(environment, {});
      expect(output).toMatchObject({ GIVEN: 'yes', PATH: process.env['PATH'] });
      expect(Object.keys(output as object)).not.toContain('SIGNALBOX_TEST_SECRET');
    } finally {
      delete process.env['SIGNALBOX_TEST_SECRET'];
    }
  });

  it('speaks the protocol of 2026 to a server that knows no other', async () => {
    const server = fixture({}, '--modern');
    expect((await performed(pidOf(server), {})).output).toEqual(expect.any(Number));
    const die = fromMcp({ server, tool: 'die', input: z.object({}), output: z.string() });
    expect((await failed(die, {})).error.details).toMatchObject({ kind: 'connection', retryable: true });
  });

  const broken: [string, string[], { message: string; retryable: boolean }][] = [
    [
      '/no/such/program',
      [],
      { message: 'its program could not be started: spawn /no/such/program ENOENT.', retryable: false },
    ],
    [
      process.execPath,
      ['-e', `console.error('No configuration.'); process.exit(1)`],
      {
        message: 'Its process exited with code 1. The last lines of its standard error:\nNo configuration.',
        retryable: true,
      },
    ],
    [
      process.execPath,
      ['-e', `console.log('Hello!'); setInterval(() => {}, 1e6)`],
      { message: 'within 1500 ms', retryable: true },
    ],
  ];

  it.each(broken)('that cannot be made says why: %s %j', async (command, args, { message, retryable }) => {
    const server = serverOf({ name: 'broken', stdio: { command, args }, timeoutMs: 1_500 });
    const { error } = await failed(pidOf(server, true), {});
    expect(error).toBeInstanceOf(McpCallFailed);
    expect(error.message).toContain('The call to MCP server `broken` failed: ');
    expect(error.message).toContain(message);
    expect(error.details).toMatchObject({ retryable, mayHaveActed: false });
  });

  it('does not keep a process alive, nor outlives it', async () => {
    const script = join(folder, 'once.mjs');
    writeFileSync(
      script,
      `import { processSpawnedBy } from ${JSON.stringify(await compiled('server-process.ts'))};
       import { spawn } from 'node:child_process';
       const { spawned, started } = processSpawnedBy(() => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']));
       spawned.release();
       process.stdout.write(String(started.pid));`,
    );
    const pid = Number(execFileSync(process.execPath, [script], { timeout: 20_000, encoding: 'utf8' }));
    expect(pid).toBeGreaterThan(0);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5_000 });
  });
});

/** Without its types, so that plain Node reads it. */
async function compiled(file: string): Promise<string> {
  const source = await readFile(new URL(file, import.meta.url), 'utf8');
  const { outputText } = transpileModule(source, {
    compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2023 },
  });
  const path = join(folder, file.replace('.ts', '.mjs'));
  writeFileSync(path, outputText);
  return path;
}

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
