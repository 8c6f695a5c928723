/**
 * One Redis for the whole test run: `REDIS_URL` if it is set, else a server of our own on a free loopback port, in a
 * temp folder. Tests share it and keep apart by key prefix; they find it with `inject('redisUrl')`, and the
 * processes that they spawn in `SIGNALBOX_TEST_REDIS_URL`.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string;
  }
}

const START_TIMEOUT_MS = 120_000;
const START_ATTEMPTS = 3;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['REDIS_URL'];
  const server = given
    ? { url: given, stop: async () => {} }
    : await startServer(findServer() ?? installServer());
  process.env['SIGNALBOX_TEST_REDIS_URL'] = server.url;
  project.provide('redisUrl', server.url);
  return server.stop;
}

function findServer(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return ['redis-server', 'valkey-server']
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installServer(): string {
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    console.log('Tests need a Redis server and none is on PATH: installing redis-server with apt-get.');
    const command = 'apt-get update -qq && apt-get install -y -qq redis-server';
    spawnSync('sh', ['-c', command], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  return (
    findServer() ??
    giveUp('install redis-server or valkey-server (Debian: `apt-get install redis-server`), or set REDIS_URL')
  );
}

/** One line and no stack: there is nothing to debug here. */
function giveUp(wayOut: string): never {
  console.error(`Tests need a Redis server: ${wayOut}.`);
  process.exit(1);
}

async function startServer(binary: string): Promise<{ url: string; stop: () => Promise<void> }> {
  for (let attempt = 1; attempt <= START_ATTEMPTS; attempt += 1) {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-redis-'));
    const server = spawn(
      binary,
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
      { stdio: 'ignore' },
    );
    const killServer = () => server.kill('SIGKILL');
    process.once('exit', killServer);
    const stop = async () => {
      process.off('exit', killServer);
      await end(server);
      rmSync(folder, { recursive: true, force: true });
    };
    const url = `redis://127.0.0.1:${port}`;
    if (await answers(url, server)) return { url, stop };
    // Most likely another process took the port between our look and the server's.
    await stop();
  }
  return giveUp(`\`${binary}\` did not start in ${START_ATTEMPTS} attempts; set REDIS_URL to one that runs`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function answers(url: string, server: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (server.exitCode === null && Date.now() < deadline) {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => {});
    try {
      await client.connect();
      if ((await client.ping()) === 'PONG') return true;
    } catch {
      await delay(20);
    } finally {
      client.disconnect();
    }
  }
  return false;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  const force = setTimeout(() => server.kill('SIGKILL'), 2_000);
  await exited;
  clearTimeout(force);
}
