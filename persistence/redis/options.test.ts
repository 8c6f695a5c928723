import { randomUUID } from 'node:crypto';
import { Cluster } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';

import { InvalidOption } from '../../src/errors.ts';
import { closeAfterEach, connectClient, openStore } from '../../test/stores-redis-server.ts';
import { heldRun, newRun, nextCommit } from '../conformance/case.ts';
import { redisStore } from './index.ts';

closeAfterEach();

describe('options', () => {
  it.each([
    ['no place', {}],
    ['a URL of something else', { url: 'http://localhost' }],
    ['a prefix with braces', { url: 'redis://localhost', prefix: 'a{b}' }],
    ['an empty prefix', { url: 'redis://localhost', prefix: '' }],
    ['no shards', { url: 'redis://localhost', shards: 0 }],
    [
      'replicas that are waited for as long as the call',
      { url: 'redis://localhost', waitForReplicas: 1, replicaTimeoutMs: 20_000 },
    ],
    ['less than no replicas', { url: 'redis://localhost', waitForReplicas: -1 }],
    ['no patience', { url: 'redis://localhost', patienceMs: NaN }],
  ])('refuse %s', (_what, options) => {
    expect(() => redisStore(options)).toThrow(InvalidOption);
  });

  it.each([
    ['keyPrefix', { keyPrefix: 'x:' }],
    ['stringNumbers', { stringNumbers: true }],
    ['replyMapping', { protocol: 3, replyMapping: 'resp3' }],
    ['readOnly', { readOnly: true }],
    ['monitor', { monitor: true }],
    ['role', { sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'x', role: 'slave' }],
  ] as const)('refuse a client by its `%s`', (option, options) => {
    const client = connectClient(inject('redisUrl'), { ...options, lazyConnect: true });
    expect(() => redisStore({ client })).toThrow(InvalidOption);
    expect(() => redisStore({ client })).toThrow(`\`${option}\``);
  });

  it.each([
    ['scaleReads', { scaleReads: 'slave' }],
    ['scaleReads', { scaleReads: 'all' }],
    ['keyPrefix', { redisOptions: { keyPrefix: 'x:' } }],
    ['stringNumbers', { redisOptions: { stringNumbers: true } }],
  ] as const)('refuse a cluster by its `%s`', (option, options) => {
    const client = new Cluster([{ host: '127.0.0.1', port: 1 }], { ...options, lazyConnect: true });
    expect(() => redisStore({ client })).toThrow(`\`${option}\``);
  });

  it.each([
    ['protocol 2', { protocol: 2 }],
    ['protocol 3', { protocol: 3 }],
    ['enableReadyCheck off', { enableReadyCheck: false }],
    ['showFriendlyErrorStack', { showFriendlyErrorStack: true }],
    ['enableAutoPipelining', { enableAutoPipelining: true }],
    ['enableOfflineQueue off', { enableOfflineQueue: false }],
    ['maxRetriesPerRequest 0', { maxRetriesPerRequest: 0 }],
    ['lazyConnect', { lazyConnect: true }],
    ['commandTimeout', { commandTimeout: 60_000 }],
    ['another database', { db: 3 }],
  ] as const)('take a client with %s, and answer as with any other', async (_what, options) => {
    const store = openStore({ client: connectClient(inject('redisUrl'), options), prefix: randomUUID() });
    expect(await store.create(heldRun({ labels: { a: 'b' } }))).toBe('created');
    expect(await store.create(heldRun())).toBe('exists');
    expect(await store.send('run-1', { at: 1500, body: 'a' })).toEqual({
      status: 'stored',
      messageId: 1,
      logLength: 1,
    });
    const released = await store.commit(
      'run-1',
      nextCommit(1, { seen: 1, consumed: [1], lease: 'release', wakeAt: 3000 }),
    );
    expect(released).toEqual({ status: 'committed', inbox: [], released: true });
    expect(await store.commit('run-1', nextCommit(1))).toEqual({ status: 'lease-lost' });
    expect(await store.due({ workflows: ['ticket@1.0.0'], now: 3000, limit: 5 })).toEqual(['run-1']);
    expect(await store.open()).toEqual(new Map([['ticket@1.0.0', 1]]));
    expect((await store.list({ labels: { a: 'b' }, status: 'running', limit: 5 })).runs).toHaveLength(1);
    expect(await store.time?.()).toBeGreaterThan(1_600_000_000_000);
    expect(await store.shared.take('api', 1, { limit: 1, windowMs: 60_000 })).toBe(0);
    expect(await store.shared.take('api', 1, { limit: 1, windowMs: 60_000 })).toBeGreaterThan(0);
    expect(await store.delete('run-1', { seq: 2 })).toBe('deleted');
  });

  it("leave a client to its owner's closing", async () => {
    const client = connectClient(inject('redisUrl'));
    const store = openStore({ client, prefix: randomUUID() });
    await store.create(newRun());
    await store.close();
    expect(await client.ping()).toBe('PONG');
  });
});

it('a cluster whose node goes away while it is asked for a moving slot does not end the process', async () => {
  const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
  const store = redisStore({ client: cluster });
  const unhandled: unknown[] = [];
  const listener = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', listener);
  onTestFinished(async () => {
    process.off('unhandledRejection', listener);
    await store.close();
    cluster.disconnect();
  });
  const node = connectClient(inject('redisUrl'), { lazyConnect: true });
  cluster.emit('+node', node);
  // As ioredis does it, which looks at no answer.
  void node.asking();
  node.disconnect();
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
});
