/** The connection to a server: made when it is needed, shared, made anew when it is lost, and ended. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import { createCallLog, failed, FIXTURE, performed } from '../../../test/support/mcp-servers.ts';
import { McpCallFailed, OutcomeUnknown } from '../../errors.ts';
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
    timeoutMs: 120_000,
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
    const pid = Number(execFileSync(process.execPath, [script], { encoding: 'utf8' }));
    expect(pid).toBeGreaterThan(0);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false));
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
