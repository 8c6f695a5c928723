import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { InvalidOption, StoreForeign } from '../../src/errors.ts';
import {
  closeAfterEach,
  connectClient,
  createRedisServer,
  openStore,
  type RedisServer,
} from '../../test/stores-redis-server.ts';
import { heldRun, newRun, nextCommit } from '../conformance/case.ts';

closeAfterEach();

describe('what is in the database', () => {
  it.each([
    ['text', async (client: Redis, key: string) => client.set(key, 'hello')],
    ['other JSON', async (client: Redis, key: string) => client.set(key, '{"signalbox":"yes"}')],
    ['a hash', async (client: Redis, key: string) => client.hset(key, 'a', '1')],
    [
      'a store of a later format',
      async (client: Redis, key: string) => client.set(key, '{"signalbox":3,"shards":16}'),
    ],
  ])('is refused if there is %s at the marker, and left as it was', async (_what, write) => {
    const prefix = `foreign-${randomUUID()}`;
    const client = connectClient(inject('redisUrl'));
    await write(client, `${prefix}:format`);
    const before = await client.dump(`${prefix}:format`);
    const store = openStore({ url: inject('redisUrl'), prefix });
    await expect(store.create(newRun())).rejects.toThrow(StoreForeign);
    await expect(store.load('run-1')).rejects.toThrow(`${prefix}`);
    expect(await client.dump(`${prefix}:format`)).toEqual(before);
    expect(await client.keys(`${prefix}:*`)).toEqual([`${prefix}:format`]);
  });

  it("is refused if another program's keys are where a run belongs", async () => {
    const prefix = `foreign-${randomUUID()}`;
    const client = connectClient(inject('redisUrl'));
    const store = openStore({ url: inject('redisUrl'), prefix, shards: 1 });
    await client.set(`${prefix}:{0}:run:run-1`, 'mine');
    await expect(store.create(newRun())).rejects.toThrow(StoreForeign);
  });

  it('says how many shards there are, once and for all', async () => {
    const prefix = `shards-${randomUUID()}`;
    await openStore({ url: inject('redisUrl'), prefix, shards: 3 }).create(newRun());
    const found = openStore({ url: inject('redisUrl'), prefix });
    expect(await found.load('run-1')).toMatchObject({ id: 'run-1' });
    const other = openStore({ url: inject('redisUrl'), prefix, shards: 4 });
    await expect(other.load('run-1')).rejects.toThrow(InvalidOption);
    await expect(other.load('run-1')).rejects.toThrow('Expected `shards` to be 3');
  });

  it('keeps runs apart by prefix', async () => {
    const [a, b] = [randomUUID(), randomUUID()].map((prefix) =>
      openStore({ url: inject('redisUrl'), prefix }),
    );
    expect(await a?.create(newRun())).toBe('created');
    expect(await b?.load('run-1')).toBeUndefined();
    expect(await b?.create(newRun())).toBe('created');
  });

  it('has no more of a run than is needed', async () => {
    const prefix = `traces-${randomUUID()}`;
    const client = connectClient(inject('redisUrl'));
    const store = openStore({ url: inject('redisUrl'), prefix, shards: 1 });
    await store.create(newRun({ tags: ['a'], status: 'waiting', wakeAt: 5000 }));
    await store.send('run-1', { at: 1500, body: 'a' });
    await store.acquire('run-1', { token: 'worker', until: 9000, now: 2000 });
    await store.release('run-1', {
      token: 'worker',
      wakeAt: 5000,
      seen: 1,
      problem: { code: 'X', message: 'x' },
    });
    const shown = ['!', 'd=ticket@1.0.0', 'o=ticket@1.0.0', 'p', 'r', 's=waiting', 't=a', 'w=ticket'];
    expect(await readTerms()).toEqual(shown);
    await store.acquire('run-1', { token: 'worker', until: 9000, now: 2000 });
    await store.record('run-1', { token: 'worker', id: 'r', log: [], journal: { a: '1' } });
    const end = { consumed: [1], forget: ['a'], seen: 1, status: 'done', lease: 'release' } as const;
    await store.commit('run-1', nextCommit(1, end));
    expect(await readTerms()).toEqual(['e=done', 'p', 'r', 's=done', 'w=ticket']);
    const calls = await client.keys(`${prefix}:{0}:calls:*`);
    expect(await client.pttl(calls[0] ?? '')).toBeGreaterThan(0);
    const keys = ['format', '{0}:index', '{0}:log:run-1', '{0}:run:run-1'].map((key) => `${prefix}:${key}`);
    expect((await client.keys(`${prefix}:*`)).toSorted()).toEqual([...keys, ...calls].toSorted());
    await store.delete('run-1', { seq: 2 });
    expect((await client.keys(`${prefix}:*`)).toSorted()).toEqual([`${prefix}:format`, ...calls].toSorted());

    async function readTerms(): Promise<readonly string[]> {
      const entries = await client.zrange(`${prefix}:{0}:index`, '0', '-1');
      return entries.map((entry) => entry.slice(0, entry.indexOf(','))).toSorted();
    }
  });
});

describe('what a run costs', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await createRedisServer();
    await server.start();
  });

  afterAll(() => server.remove());

  it('takes three commands for a step in the middle of a run', async () => {
    const store = openStore({ url: server.url, prefix: randomUUID() });
    await store.create(heldRun({ tags: ['a'] }));
    await store.commit('run-1', nextCommit(1, { tags: ['a'] }));
    const admin = connectClient(server.url);
    await admin.config('RESETSTAT');
    await store.commit('run-1', nextCommit(2, { tags: ['a'] }));
    const stats = await admin.info('commandstats');
    const calls = [...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(
      ([, name, count]) => `${name} ${count}`,
    );
    const own = calls.filter((call) => !/^(info|config|command|client|hello|ping)/.test(call));
    expect(own.toSorted()).toEqual(['evalsha 1', 'hmget 1', 'hset 1', 'rpush 1']);
  });

  it('holds a run of five steps in less than 4 KB, history and indexes included', async () => {
    const store = openStore({ url: server.url, prefix: 'signalbox' });
    const admin = connectClient(server.url);
    const count = 2000;
    const log = ['y'.repeat(250)];
    const state = 's'.repeat(400);
    await store.list({ limit: 1 });
    const before = await readMemory();
    await Promise.all(
      Array.from({ length: count }, async () => {
        const id = randomUUID();
        await store.create(heldRun({ id, state, log }));
        for (let seq = 1; seq < 5; seq++) await store.commit(id, nextCommit(seq, { state, log }));
        await store.commit(id, nextCommit(5, { state, log, lease: 'release', status: 'done' }));
      }),
    );
    expect(((await readMemory()) - before) / count).toBeLessThan(4096);

    async function readMemory(): Promise<number> {
      return Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1]);
    }
  });
});
