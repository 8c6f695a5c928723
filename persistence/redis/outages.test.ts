import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { InvalidOption, StoreUnavailable } from '../../src/errors.ts';
import {
  closeAfterEach,
  connectClient,
  createRedisServer,
  findFreePort,
  openStore,
  type RedisServer,
} from '../../test/stores-redis-server.ts';
import { heldRun, newRun, nextCommit, nextRecording } from '../conformance/case.ts';
import { isPassing } from './failures.ts';

closeAfterEach();

describe('a server that must not evict', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await createRedisServer();
    await server.start();
  });

  afterAll(() => server.remove());

  it('is refused if it may evict keys, unless the caller says so', async () => {
    const admin = connectClient(server.url);
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const options = { url: server.url, prefix: randomUUID() };
    await expect(openStore(options).create(newRun())).rejects.toThrow(InvalidOption);
    await expect(openStore(options).create(newRun())).rejects.toThrow(
      'CONFIG SET maxmemory-policy noeviction',
    );
    expect(await admin.keys('*')).toEqual([]);
    expect(await openStore({ ...options, allowEviction: true }).create(newRun())).toBe('created');
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
  });

  it('is not asked for its policy where that is not permitted', async () => {
    const admin = connectClient(server.url);
    await admin.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-config');
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const url = server.url.replace('//', '//app:secret@');
    expect(await openStore({ url, prefix: randomUUID() }).create(newRun())).toBe('created');
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
  });

  it('is told apart from one that asks for a password', async () => {
    const url = server.url.replace('//', '//app:wrong@');
    const store = openStore({ url, startTimeoutMs: 500 });
    await expect(store.load('run-1')).rejects.toThrow(StoreUnavailable);
    await expect(store.load('run-1')).rejects.toThrow('WRONGPASS');
  });

  it('is watched for a later change of its policy: calls are refused until it is set back', async () => {
    const admin = connectClient(server.url);
    const store = openStore({ url: server.url, prefix: randomUUID() });
    const told: Error[] = [];
    store.onProblem((error) => told.push(error));
    await store.create(newRun());
    const load = () =>
      store.load('run-1').then(
        () => 'loaded',
        (error: unknown) => error,
      );
    for (const policy of ['allkeys-lru', 'volatile-ttl']) {
      await admin.config('SET', 'maxmemory-policy', policy);
      await expect.poll(load).toBeInstanceOf(StoreUnavailable);
      expect(await load()).toMatchObject({ details: { policy } });
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      await expect.poll(load).toBe('loaded');
    }
    expect(told).toMatchObject([
      { details: { policy: 'allkeys-lru' } },
      { details: { policy: 'volatile-ttl' } },
    ]);
  });
});

/** How a server comes to refuse writes, and how it takes them again. */
const troubles = {
  OOM: [
    ['CONFIG', 'SET', 'maxmemory', '1'],
    ['CONFIG', 'SET', 'maxmemory', '0'],
  ],
  NOREPLICAS: [
    ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
    ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
  ],
  READONLY: [
    ['REPLICAOF', '127.0.0.1', '1'],
    ['REPLICAOF', 'NO', 'ONE'],
  ],
  MASTERDOWN: [
    ['CONFIG', 'SET', 'replica-serve-stale-data', 'no', ';', 'REPLICAOF', '127.0.0.1', '1'],
    ['REPLICAOF', 'NO', 'ONE'],
  ],
} as const;

describe.each(Object.entries(troubles))('a server that says %s', (code, [begin, end]) => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await createRedisServer();
    await server.start();
  });

  afterAll(() => server.remove());

  async function tell(commands: readonly string[]): Promise<void> {
    const admin = connectClient(server.url);
    const parts = commands.join(' ').split(' ; ');
    for (const part of parts) {
      const [name = '', ...args] = part.split(' ');
      await admin.call(name, ...args);
    }
  }

  it('is waited for, and then given each call once', async () => {
    const store = openStore({ url: server.url, prefix: randomUUID() });
    await store.create(heldRun());
    const admin = connectClient(server.url);
    await tell(begin);
    let settled = 0;
    const calls = Promise.all(
      [
        store.commit('run-1', nextCommit(1)),
        store.record('run-1', nextRecording({ log: ['recorded'] })),
        store.send('run-1', { at: 1500, body: 'a' }),
        store.create(newRun({ id: 'run-2' })),
      ].map((call) => call.finally(() => settled++)),
    );
    await expect.poll(async () => (await admin.info('errorstats')).includes(`errorstat_${code}`)).toBe(true);
    expect(settled).toBe(0);
    await tell(end);
    expect(await calls).toMatchObject([
      { status: 'committed' },
      true,
      { status: 'stored', messageId: 1 },
      'created',
    ]);
    expect((await store.history('run-1', 0, 10)).toSorted()).toEqual(['recorded', 'started', 'step-1']);
    expect(await store.inbox('run-1', 0)).toHaveLength(1);
  });

  it('fails a call when its time is over, which leaves everything as it was', async () => {
    const prefix = randomUUID();
    const store = openStore({ url: server.url, prefix });
    // A client that goes on sending while the server refuses: one that connects again might send what was given up on.
    const client = connectClient(server.url);
    const hasty = openStore({ client, prefix, patienceMs: 1000, startTimeoutMs: 60_000 });
    await store.create(heldRun({ status: 'waiting', tags: ['a'] }));
    const before = await store.load('run-1');
    await expect.poll(() => hasty.load('run-1').catch(() => undefined)).toEqual(before);
    await tell(begin);
    const calls = [
      hasty.commit('run-1', nextCommit(1, { status: 'done', lease: 'release' })),
      hasty.record('run-1', nextRecording({ log: ['x'] })),
      hasty.send('run-1', { at: 1500, body: 'a' }),
      hasty.create(newRun({ id: 'run-2' })),
      // It frees memory, so it is done without any.
      ...(code === 'OOM' ? [] : [hasty.delete('run-1', { seq: 1, token: 'worker' })]),
    ];
    for (const call of await Promise.allSettled<unknown>(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    }
    await tell(end);
    expect(await store.load('run-1')).toEqual(before);
    expect(await store.history('run-1', 0, 10)).toEqual(['started']);
    expect(await store.inbox('run-1', 0)).toEqual([]);
    expect((await store.list({ limit: 10 })).runs).toHaveLength(1);
  });
});

it.each([
  ["OOM command not allowed when used memory > 'maxmemory'. script: abc, on @user_script:7.", true],
  ['ERR Error running script (call to f_abc): @user_script:12: -OOM command not allowed', true],
  ['MISCONF Errors writing to the AOF file: No space left on device', true],
  ['LOADING Redis is loading the dataset in memory', true],
  [
    'Too many Cluster redirections. Last error: ReplyError: TRYAGAIN Multiple keys request during rehashing',
    true,
  ],
  ['ERR max number of clients reached', true],
  ["NOPERM this user has no permissions to run the 'evalsha' command", false],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', false],
])('takes %j for trouble that passes: %s', (message, isExpected) => {
  expect(isPassing(new Error(message))).toBe(isExpected);
});

describe('a server that goes away', () => {
  it('is waited for at the start, and no longer than allowed', async () => {
    const port = await findFreePort();
    const store = openStore({ url: `redis://127.0.0.1:${port}`, startTimeoutMs: 300 });
    await expect(store.load('run-1')).rejects.toThrow(StoreUnavailable);
    await expect(store.load('run-1')).rejects.toThrow(`127.0.0.1:${port}`);
    await expect(store.load('run-1')).rejects.toThrow('ECONNREFUSED');
  });

  it('is found when it comes after a call that found it missing', async () => {
    const server = await createRedisServer();
    try {
      const store = openStore({ url: server.url, startTimeoutMs: 200 });
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
      const store = openStore({ url: server.url, patienceMs: 300 });
      const given = openStore({
        client: connectClient(server.url, { maxRetriesPerRequest: null }),
        patienceMs: 300,
      });
      await store.create(heldRun());
      await given.load('run-1');
      await server.kill();
      await Promise.all([
        expect(store.commit('run-1', nextCommit(1))).rejects.toThrow(StoreUnavailable),
        expect(given.commit('run-1', nextCommit(1))).rejects.toThrow(StoreUnavailable),
      ]);
      await store.close();
    } finally {
      await server.remove();
    }
  });

  it('loses no acknowledged step and applies none twice when it is killed and started again', async () => {
    const server = await createRedisServer(['--appendonly', 'yes', '--appendfsync', 'always']);
    try {
      await server.start();
      const store = openStore({ url: server.url });
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
