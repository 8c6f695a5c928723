import { randomUUID } from 'node:crypto';
import { expect, inject, it } from 'vitest';

import { startChild } from '../../test/fixtures/child.ts';
import { createRedisServer } from '../../test/stores-redis-server.ts';

const scripts = ['calls', 'stop-listening', 'closed', 'idle-outage'] as const;

it.each(scripts)('lets a process end that has done what it had to do: %s', async (script) => {
  const server = script === 'idle-outage' ? await createRedisServer() : undefined;
  await server?.start();
  const url = server?.url ?? inject('redisUrl');
  const child = startChild('redis-process.mjs', { script, url, prefix: randomUUID() });
  await child.hears('done');
  await server?.remove();
  child.tell({ type: 'end' });
  expect(await child.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});

it('keeps a process alive that waits for an answer, also while the server is away', async () => {
  const server = await createRedisServer(['--appendonly', 'yes', '--appendfsync', 'always']);
  await server.start();
  const child = startChild('redis-process.mjs', { script: 'wait', url: server.url, prefix: randomUUID() });
  await child.hears('created');
  await server.kill();
  child.tell({ type: 'load' });
  await child.hears('loading');
  await server.start();
  expect(await child.hears('loaded')).toMatchObject({ id: 'run-1' });
  expect(await child.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  await server.remove();
});
