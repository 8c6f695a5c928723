/** MCP servers as real processes, for tests: published ones and the fixture, and what an actor's call led to. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { plainScope } from '../../src/actors/plain-scope.ts';
import type { DurableLogic, InvocationScope, OutsideCall } from '../../src/invocation.ts';
import type { SignalboxError } from '../../src/errors.ts';

export const FIXTURE = fileURLToPath(new URL('../fixtures/mcp-server.mjs', import.meta.url));
export const EVERYTHING = published('server-everything');
export const FILESYSTEM = published('server-filesystem');

function published(name: string): string {
  return fileURLToPath(
    new URL(`../../node_modules/@modelcontextprotocol/${name}/dist/index.js`, import.meta.url),
  );
}

/** A file to which the fixture writes its calls. */
export function createCallLog() {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-mcp-'));
  const file = join(folder, 'calls');
  return {
    file,
    calls: () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface HttpServer {
  readonly url: string;
  /** Starts it, again on the same port. */
  start(): Promise<void>;
  kill(): Promise<void>;
}

/** A server over HTTP. `ready` is a part of what it writes to its standard error once it listens. */
export async function createHttpServer(
  argsFor: (port: number) => readonly string[],
  env: Readonly<Record<string, string>>,
  ready: string,
): Promise<HttpServer> {
  const port = await findFreePort();
  let child: ChildProcess | undefined;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async start() {
      const started = spawn(process.execPath, argsFor(port), {
        env: { PATH: process.env['PATH'], PORT: String(port), ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child = started;
      process.once('exit', () => started.kill('SIGKILL'));
      started.stderr.setEncoding('utf8');
      await new Promise<void>((resolve, reject) => {
        let said = '';
        started.stderr.on('data', (words: string) => {
          said += words;
          if (said.includes(ready)) resolve();
        });
        started.once('exit', () => reject(new Error(`The server ended: ${said}`)));
      });
    },
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export function fixtureOverHttp(
  env: Readonly<Record<string, string>>,
  ...more: string[]
): Promise<HttpServer> {
  return createHttpServer((port) => [FIXTURE, '--http', String(port), ...more], env, 'listening');
}

export function everythingOverHttp(): Promise<HttpServer> {
  return createHttpServer(() => [EVERYTHING, 'streamableHttp'], {}, 'listening');
}

export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

type Call = OutsideCall<unknown>;

/** What the actor gives, and the calls to the outside that it made. */
export async function performed(logic: DurableLogic, input: unknown, scope: Partial<InvocationScope> = {}) {
  const calls: Call[] = [];
  const output = await logic.signalbox.perform(input, scopeWith(calls, scope));
  return { output, calls };
}

/** What the actor fails with. */
export async function failed(logic: DurableLogic, input: unknown, scope: Partial<InvocationScope> = {}) {
  const calls: Call[] = [];
  const error = await logic.signalbox.perform(input, scopeWith(calls, scope)).then(
    () => new Error('Expected a failure, got an output.'),
    (thrown: unknown) => thrown,
  );
  return { error: error as SignalboxError, calls };
}

function scopeWith(calls: Call[], scope: Partial<InvocationScope>): InvocationScope {
  const { signal = new AbortController().signal } = scope;
  const plain = plainScope('run-1', signal);
  return {
    ...plain,
    exchange: (call) => {
      calls.push(call as Call);
      return plain.exchange(call);
    },
    ...scope,
  };
}
