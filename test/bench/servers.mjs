/** The servers and files that a benchmark makes for itself, and takes away again. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';

export async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A redis-server of its own with an append-only file synced every second, on a free loopback port. */
export async function startRedis() {
  const { folder, remove } = await temporaryFolder();
  const port = await freePort();
  const options = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: 'everysec',
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = spawn('redis-server', [...args, '--enable-debug-command', 'local'], { stdio: 'ignore' });
  const failed = new Promise((_, reject) => server.once('error', reject));
  const client = new Redis(port, '127.0.0.1', { retryStrategy: (attempt) => Math.min(attempt * 20, 200) });
  client.on('error', () => {});
  await Promise.race([client.ping(), failed]);
  return {
    url: `redis://127.0.0.1:${port}`,
    client,
    async stop() {
      client.disconnect();
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGKILL');
      await ended;
      await remove();
    },
  };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
