import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';

import { InvalidOption, StoreForeign, StoreUnavailable } from '../../src/errors.ts';
import {
  createCuttableWay,
  createRedisServer,
  findFreePort,
  type CuttableWay,
  type RedisServer,
} from '../../test/stores-redis-server.ts';
import { heldRun, newRun, nextCommit } from '../conformance/case.ts';
import type { Store } from '../store.ts';
import { disconnect } from './clients.ts';
import { redisStore, type RedisStoreOptions } from './index.ts';
import { decodeOrigin, decodeStanding, encodeOrigin, encodeStanding } from './layout.ts';

const opened: Array<{ close(): Promise<unknown> }> = [];

function open(options: RedisStoreOptions): Store {
  const store = redisStore(options);
  opened.push(store);
  return store;
}

function connect(url: string, options = {}): Redis {
  const client = new Redis(url, options);
  client.on('error', () => {});
  opened.push({ close: () => disconnect(client) });
  return client;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

describe('what is in the database', () => {
  it.each([
    ['text', async (client: Redis, key: string) => client.set(key, 'hello')],
    ['other JSON', async (client: Redis, key: string) => client.set(key, '{"signalbox":"yes"}')],
    ['a hash', async (client: Redis, key: string) => client.hset(key, 'a', '1')],
    [
      'a store of a later format',
      async (client: Redis, key: string) => client.set(key, '{"signalbox":2,"shards":16}'),
    ],
  ])('is refused if there is %s at the marker, and left as it was', async (_what, write) => {
    const prefix = `foreign-${randomUUID()}`;
    const client = connect(inject('redisUrl'));
    await write(client, `${prefix}:format`);
    const before = await client.dump(`${prefix}:format`);
    const store = open({ url: inject('redisUrl'), prefix });
    await expect(store.create(newRun())).rejects.toThrow(StoreForeign);
    await expect(store.load('run-1')).rejects.toThrow(`${prefix}`);
    expect(await client.dump(`${prefix}:format`)).toEqual(before);
    expect(await client.keys(`${prefix}:*`)).toEqual([`${prefix}:format`]);
  });

  it("is refused if another program's keys are where a run belongs", async () => {
    const prefix = `foreign-${randomUUID()}`;
    const client = connect(inject('redisUrl'));
    const store = open({ url: inject('redisUrl'), prefix, shards: 1 });
    await client.set(`${prefix}:{0}:run:run-1`, 'mine');
    await expect(store.create(newRun())).rejects.toThrow(StoreForeign);
  });

  it('says how many shards there are, once and for all', async () => {
    const prefix = `shards-${randomUUID()}`;
    await open({ url: inject('redisUrl'), prefix, shards: 3 }).create(newRun());
    const found = open({ url: inject('redisUrl'), prefix });
    expect(await found.load('run-1')).toMatchObject({ id: 'run-1' });
    const other = open({ url: inject('redisUrl'), prefix, shards: 4 });
    await expect(other.load('run-1')).rejects.toThrow(InvalidOption);
    await expect(other.load('run-1')).rejects.toThrow('Expected `shards` to be 3');
  });

  it('keeps runs apart by prefix', async () => {
    const [a, b] = [randomUUID(), randomUUID()].map((prefix) => open({ url: inject('redisUrl'), prefix }));
    expect(await a?.create(newRun())).toBe('created');
    expect(await b?.load('run-1')).toBeUndefined();
    expect(await b?.create(newRun())).toBe('created');
  });

  it('has no more of a run than is needed', async () => {
    const prefix = `traces-${randomUUID()}`;
    const client = connect(inject('redisUrl'));
    const store = open({ url: inject('redisUrl'), prefix, shards: 1 });
    await store.create(newRun({ tags: ['a'], status: 'waiting', wakeAt: 5000 }));
    await store.send('run-1', { at: 1500, body: 'a' });
    await store.acquire('run-1', { token: 'worker', until: 9000, now: 2000 });
    await store.release('run-1', { token: 'worker', wakeAt: 5000, seen: 1, problem: 'x' });
    expect(await client.exists(`${prefix}:{0}:leases`)).toBe(0);
    await store.acquire('run-1', { token: 'worker', until: 9000, now: 2000 });
    await store.record('run-1', { token: 'worker', log: [], journal: { a: '1' } });
    const end = { consumed: [1], forget: ['a'], seen: 1, status: 'done', lease: 'release' } as const;
    await store.commit('run-1', nextCommit(1, end));
    const keys = ['format', '{0}:list:done:ticket', '{0}:log:run-1', '{0}:names', '{0}:run:run-1'];
    expect((await client.keys(`${prefix}:*`)).toSorted()).toEqual(keys.map((key) => `${prefix}:${key}`));
  });

  it('is written in a form that reads back', () => {
    for (const [workflow, version] of [
      ['a', '1'],
      ['a@b:c', '@'],
      ['', ''],
      ['ünï🚂\0', 'é\n'],
    ] as const) {
      expect(decodeOrigin(encodeOrigin(1_700_000_000_000, workflow, version))).toEqual({
        createdAt: 1_700_000_000_000,
        workflow,
        version,
      });
    }
    const tags = ['', 'a,b', '%c', '%', 'a:b', 'ünï🚂'];
    expect(decodeStanding(encodeStanding('done', tags))).toEqual({ status: 'done', tags });
  });
});

describe('what workers share', () => {
  const allowance = { limit: 100, windowMs: 60_000 };

  /** As many clients as there are workers, some the store's own and some given. */
  function openWorkers(prefix: string, count: number): readonly Store[] {
    return Array.from({ length: count }, (_, n) =>
      open(n % 2 ? { client: connect(inject('redisUrl')), prefix } : { url: inject('redisUrl'), prefix }),
    );
  }

  it('is never taken beyond its limit by many workers at once, whatever is given back meanwhile', async () => {
    const workers = openWorkers(`shared-${randomUUID()}`, 8);
    let held = 0;
    let most = 0;
    let taken = 0;
    await Promise.all(
      workers.map(async ({ shared }, worker) => {
        for (let round = 0; round < 100; round++) {
          const points = 1 + ((worker + round) % 7);
          if ((await shared.take('api', points, allowance)) > 0) continue;
          taken++;
          most = Math.max(most, (held += points));
          if (round % 10 === 9) continue;
          held -= points;
          await shared.giveBack('api', points, allowance);
        }
      }),
    );
    expect(taken).toBeGreaterThan(20);
    expect(most).toBeLessThanOrEqual(100);
    const { shared } = workers[0] ?? expect.unreachable();
    let left = 0;
    while ((await shared.take('api', 1, allowance)) === 0) left++;
    expect(held + left).toBe(100);
  });

  it('is taken once in each window, by one of the workers', async () => {
    const workers = openWorkers(`shared-${randomUUID()}`, 4);
    const brief = { limit: 1, windowMs: 50 };
    const began = performance.now();
    let taken = 0;
    let answered = began;
    await Promise.all(
      workers.map(async ({ shared }) => {
        while (taken < 5) {
          const waitMs = await shared.take('api', 1, brief);
          if (waitMs > 0) await delay(waitMs);
          else [taken, answered] = [taken + 1, performance.now()];
        }
      }),
    );
    // The server tells times to the millisecond.
    expect(answered - began).toBeGreaterThanOrEqual((taken - 1) * 49);
  });

  it('is held by as many as there are slots, in all workers together', async () => {
    const workers = openWorkers(`shared-${randomUUID()}`, 6);
    let held = 0;
    let most = 0;
    await Promise.all(
      workers.map(async ({ shared }, worker) => {
        const slot = { holder: `worker-${worker}`, slots: 2, ttlMs: 60_000 };
        for (let turns = 0; turns < 20;) {
          if (!(await shared.occupy('crm', slot))) continue;
          turns++;
          most = Math.max(most, ++held);
          await delay(0);
          held--;
          await shared.vacate('crm', slot.holder);
        }
      }),
    );
    expect(most).toBe(2);
  });

  it('leaves nothing behind but what stays in the cache', async () => {
    const prefix = `shared-${randomUUID()}`;
    const client = connect(inject('redisUrl'));
    const { shared } = open({ url: inject('redisUrl'), prefix });
    await shared.take('api', 1, { limit: 1, windowMs: 50 });
    await shared.giveBack('api', 1, { limit: 1, windowMs: 50 });
    await shared.occupy('crm', { holder: 'a', slots: 2, ttlMs: 50 });
    await shared.occupy('crm', { holder: 'b', slots: 2, ttlMs: 20 });
    await shared.cache('brief', 'answer', 50);
    await shared.cache('q', 'answer');
    const expected = [`${prefix}:cache:{q}`, `${prefix}:format`];
    await vi.waitFor(async () => expect((await client.keys(`${prefix}:*`)).toSorted()).toEqual(expected), {
      timeout: 5000,
    });
  });
});

describe('options', () => {
  it.each([
    ['no place', {}],
    ['a URL of something else', { url: 'http://localhost' }],
    ['a prefix with braces', { url: 'redis://localhost', prefix: 'a{b}' }],
    ['an empty prefix', { url: 'redis://localhost', prefix: '' }],
    ['no shards', { url: 'redis://localhost', shards: 0 }],
    ['no patience', { url: 'redis://localhost', patienceMs: NaN }],
  ])('refuse %s', (_what, options) => {
    expect(() => redisStore(options)).toThrow(InvalidOption);
  });

  it("refuse a client that puts a prefix of its own before keys, and leave a client to its owner's closing", async () => {
    const prefixed = connect(inject('redisUrl'), { keyPrefix: 'x:' });
    expect(() => redisStore({ client: prefixed })).toThrow('keyPrefix');
    const client = connect(inject('redisUrl'));
    const store = open({ client, prefix: randomUUID() });
    await store.create(newRun());
    await store.close();
    expect(await client.ping()).toBe('PONG');
  });
});

describe('a server of its own', () => {
  let server: RedisServer;
  let way: CuttableWay;

  beforeAll(async () => {
    server = await createRedisServer(['--appendonly', 'yes', '--appendfsync', 'always']);
    await server.start();
    way = await createCuttableWay(server.port);
  });

  afterAll(async () => {
    await way.close();
    await server.remove();
  });

  it('is refused if it may evict keys, unless the caller says so', async () => {
    const admin = connect(server.url);
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const options = { url: server.url, prefix: randomUUID() };
    await expect(open(options).create(newRun())).rejects.toThrow(InvalidOption);
    await expect(open(options).create(newRun())).rejects.toThrow('CONFIG SET maxmemory-policy noeviction');
    expect(await admin.keys('*')).toEqual([]);
    expect(await open({ ...options, allowEviction: true }).create(newRun())).toBe('created');
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
  });

  it('is not asked for its policy where that is not permitted', async () => {
    const admin = connect(server.url);
    await admin.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-config');
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const url = server.url.replace('//', '//app:secret@');
    expect(await open({ url, prefix: randomUUID() }).create(newRun())).toBe('created');
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
  });

  it('is told apart from one that asks for a password', async () => {
    const url = server.url.replace('//', '//app:wrong@');
    const store = open({ url, startTimeoutMs: 500 });
    await expect(store.load('run-1')).rejects.toThrow(StoreUnavailable);
    await expect(store.load('run-1')).rejects.toThrow('WRONGPASS');
  });

  it('takes three commands for a step in the middle of a run', async () => {
    const store = open({ url: server.url, prefix: randomUUID() });
    await store.create(heldRun({ tags: ['a'] }));
    await store.commit('run-1', nextCommit(1, { tags: ['a'] }));
    const admin = connect(server.url);
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
    const store = open({ url: server.url, prefix: 'signalbox' });
    const admin = connect(server.url);
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

  it('is given the scripts again when it has lost them', async () => {
    const store = open({ url: server.url, prefix: randomUUID() });
    await store.create(heldRun());
    await connect(server.url).script('FLUSH');
    expect(await store.commit('run-1', nextCommit(1))).toMatchObject({ status: 'committed' });
  });

  describe.each(['its own client', 'a given client'])('over a connection that is cut, with %s', (whose) => {
    async function openOverWay(): Promise<Store> {
      const prefix = randomUUID();
      const client = whose === 'a given client' ? { client: connect(way.url) } : { url: way.url };
      const store = open({ ...client, prefix });
      await store.list({ limit: 1 });
      return store;
    }

    /** Makes the call with its answer lost once, and tells what it came to. */
    async function loseAnswer<T>(call: () => Promise<T>, passBytes?: number): Promise<T> {
      const before = way.lost();
      way.loseNextAnswer(passBytes);
      const result = await call();
      expect(way.lost()).toBe(before + 1);
      return result;
    }

    it('creates once', async () => {
      const store = await openOverWay();
      expect(await loseAnswer(() => store.create(newRun()))).toBe('created');
      expect(await store.create(newRun())).toBe('exists');
      expect(await store.history('run-1', 0, 10)).toEqual(['started']);
    });

    it('commits once', async () => {
      const store = await openOverWay();
      await store.create(heldRun());
      expect(await loseAnswer(() => store.commit('run-1', nextCommit(1)))).toMatchObject({
        status: 'committed',
      });
      expect(await store.commit('run-1', nextCommit(1))).toEqual({ status: 'sequence' });
      await store.send('run-1', { at: 1500, body: 'a' });
      expect(await loseAnswer(() => store.commit('run-1', nextCommit(2, { lease: 'release' })))).toEqual({
        status: 'committed',
        inbox: [{ id: 1, at: 1500, body: 'a' }],
        released: false,
      });
      const park = nextCommit(3, { lease: 'release', consumed: [1], seen: 1 });
      expect(await loseAnswer(() => store.commit('run-1', park))).toEqual({
        status: 'committed',
        inbox: [],
        released: true,
      });
      expect(await store.history('run-1', 0, 10)).toEqual(['started', 'step-1', 'step-2', 'step-3']);
    });

    it('records once', async () => {
      const store = await openOverWay();
      await store.create(heldRun());
      expect(await loseAnswer(() => store.record('run-1', { token: 'worker', log: ['once'] }))).toBe(true);
      expect(await store.history('run-1', 0, 10)).toEqual(['started', 'once']);
    });

    it('sends once, with a key or without', async () => {
      const store = await openOverWay();
      await store.create(heldRun());
      const first = await loseAnswer(() => store.send('run-1', { at: 1500, body: 'a' }));
      expect(first).toEqual({ status: 'stored', messageId: 1, logLength: 1 });
      const second = await loseAnswer(() => store.send('run-1', { at: 1500, body: 'b', key: 'k' }));
      expect(second).toEqual({ status: 'stored', messageId: 2, logLength: 1 });
      expect(await store.inbox('run-1', 0)).toHaveLength(2);
      for (const passBytes of [0, 40]) {
        const sends = () =>
          Array.from({ length: 20 }, (_, n) => store.send('run-1', { at: 1500, body: `m${n}` }));
        const many = await loseAnswer(() => Promise.all(sends()), passBytes);
        expect(many.map(({ status }) => status)).toEqual(many.map(() => 'stored'));
      }
      expect(await store.inbox('run-1', 0)).toHaveLength(42);
    });

    it('acquires, renews and releases', async () => {
      const store = await openOverWay();
      await store.create(newRun());
      const acquired = await loseAnswer(() =>
        store.acquire('run-1', { token: 'worker', until: 5000, now: 1000 }),
      );
      expect(acquired).toMatchObject({ run: { lease: { token: 'worker', until: 5000 } } });
      const renewal = { token: 'worker', until: 6000, runs: [{ id: 'run-1', seen: 0 }] };
      expect(await loseAnswer(() => store.renew(renewal))).toEqual({ lost: [], mail: [] });
      await loseAnswer(() => store.release('run-1', { token: 'worker', wakeAt: 7000, seen: 0 }));
      expect(await store.due({ workflows: ['ticket@1.0.0'], now: 7000, limit: 1 })).toEqual(['run-1']);
    });

    it('shares: occupies once, caches, and takes no more than there is', async () => {
      const { shared } = await openOverWay();
      const slot = { holder: 'a', slots: 1, ttlMs: 60_000 };
      expect(await loseAnswer(() => shared.occupy('crm', slot))).toBe(true);
      await loseAnswer(() => shared.vacate('crm', 'a'));
      expect(await shared.occupy('crm', { ...slot, holder: 'b' })).toBe(true);
      await loseAnswer(() => shared.cache('q', 'answer'));
      expect(await loseAnswer(() => shared.cached('q'))).toBe('answer');
      const allowance = { limit: 10, windowMs: 60_000 };
      expect(await loseAnswer(() => shared.take('api', 1, allowance))).toBe(0);
      const waits = await Promise.all(Array.from({ length: 20 }, () => shared.take('api', 1, allowance)));
      expect(waits.filter((waitMs) => waitMs === 0).length).toBeLessThanOrEqual(9);
    });
  });
});

describe('a server that goes away', () => {
  it('is waited for at the start, and no longer than allowed', async () => {
    const port = await findFreePort();
    const store = open({ url: `redis://127.0.0.1:${port}`, startTimeoutMs: 300 });
    const began = performance.now();
    await expect(store.load('run-1')).rejects.toThrow(StoreUnavailable);
    await expect(store.load('run-1')).rejects.toThrow(`127.0.0.1:${port}`);
    await expect(store.load('run-1')).rejects.toThrow('ECONNREFUSED');
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('is found when it comes after a call that found it missing', async () => {
    const server = await createRedisServer();
    try {
      const store = open({ url: server.url, startTimeoutMs: 200 });
      await expect(store.create(newRun())).rejects.toThrow(StoreUnavailable);
      await server.start();
      expect(await store.create(newRun())).toBe('created');
      await store.close();
    } finally {
      await server.remove();
    }
  });

  it('fails calls after the time they were given, and closes without it', async () => {
    const server = await createRedisServer();
    try {
      await server.start();
      const store = open({ url: server.url, patienceMs: 300 });
      const given = open({ client: connect(server.url, { maxRetriesPerRequest: null }), patienceMs: 300 });
      await store.create(heldRun());
      await given.load('run-1');
      await server.kill();
      const began = performance.now();
      await Promise.all([
        expect(store.commit('run-1', nextCommit(1))).rejects.toThrow(StoreUnavailable),
        expect(given.commit('run-1', nextCommit(1))).rejects.toThrow(StoreUnavailable),
      ]);
      await store.close();
      expect(performance.now() - began).toBeLessThan(5000);
    } finally {
      await server.remove();
    }
  });

  it('loses no acknowledged step and applies none twice when it is killed and started again', async () => {
    const server = await createRedisServer(['--appendonly', 'yes', '--appendfsync', 'always']);
    try {
      await server.start();
      const store = open({ url: server.url });
      const ids = Array.from({ length: 8 }, (_, n) => `run-${n}`);
      await Promise.all(ids.map((id) => store.create(heldRun({ id, log: [] }))));
      let isOver = false;
      let steps = 0;
      const work = Promise.all(
        ids.map(async (id) => {
          let seq = 1;
          for (; !isOver; seq++, steps++) {
            const sent = seq % 5 === 0 ? await store.send(id, { at: 1500, body: `at ${seq}` }) : undefined;
            const commit = nextCommit(seq, { seen: Number.MAX_SAFE_INTEGER });
            expect(await store.commit(id, commit), `${id} at ${seq}`).toMatchObject({ status: 'committed' });
            expect(sent?.status ?? 'stored').toBe('stored');
          }
          return { id, seq };
        }),
      );
      for (let kills = 0; kills < 3; kills++) {
        const before = steps;
        while (steps < before + 200) await delay(1);
        await server.kill();
        await server.start();
      }
      isOver = true;
      for (const { id, seq } of await work) {
        expect((await store.load(id))?.seq).toBe(seq);
        const expected = Array.from({ length: seq - 1 }, (_, n) => `step-${n + 1}`);
        expect(await store.history(id, 0, 1_000_000)).toEqual(expected);
        expect(await store.inbox(id, 0)).toHaveLength(Math.floor((seq - 1) / 5));
      }
      await store.close();
    } finally {
      await server.remove();
    }
  });
});
