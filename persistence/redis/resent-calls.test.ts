import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  closeAfterEach,
  connectClient,
  createCuttableWay,
  createRedisServer,
  openStore,
  type CuttableWay,
  type RedisServer,
} from '../../test/stores-redis-server.ts';
import { heldRun, newRun, nextCommit, nextRecording } from '../conformance/case.ts';
import type { Store } from '../store.ts';

closeAfterEach();

describe('a server whose answers are lost', () => {
  let server: RedisServer;
  let way: CuttableWay;

  beforeAll(async () => {
    server = await createRedisServer();
    await server.start();
    way = await createCuttableWay(server.port);
  });

  afterAll(async () => {
    await way.close();
    await server.remove();
  });

  it('is given the scripts again when it has lost them', async () => {
    const store = openStore({ url: server.url, prefix: randomUUID() });
    await store.create(heldRun());
    await connectClient(server.url).script('FLUSH');
    expect(await store.commit('run-1', nextCommit(1))).toMatchObject({ status: 'committed' });
  });

  it('keeps no more answers than there are calls under way', async () => {
    const prefix = randomUUID();
    const store = openStore({ url: server.url, prefix, shards: 1 });
    await store.create(heldRun());
    for (let round = 0; round < 20; round++) {
      const sends = Array.from({ length: 100 }, (_, n) => store.send('run-1', { at: 1500, body: `m${n}` }));
      await Promise.all(sends);
    }
    const admin = connectClient(server.url);
    const [calls = ''] = await admin.keys(`${prefix}:*calls:*`);
    expect(await admin.hlen(calls)).toBeLessThanOrEqual(101);
    await store.send('run-1', { at: 1500, body: 'last' });
    expect(await admin.hlen(calls)).toBe(1);
    expect(await admin.pttl(calls)).toBeGreaterThan(0);
  });

  describe.each(['its own client', 'a given client'])('over a connection that is cut, with %s', (whose) => {
    async function openOverWay(): Promise<Store> {
      const prefix = randomUUID();
      const client = whose === 'a given client' ? { client: connectClient(way.url) } : { url: way.url };
      const store = openStore({ ...client, prefix });
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
      expect(await store.commit('run-1', nextCommit(1))).toEqual({ status: 'sequence', seq: 2 });
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
      const recording = nextRecording({ log: ['once'], journal: { a: '1' } });
      expect(await loseAnswer(() => store.record('run-1', recording))).toBe(true);
      expect(await store.record('run-1', recording)).toBe(true);
      expect(await store.history('run-1', 0, 10)).toEqual(['started', 'once']);
    });

    it('records once each of many recordings that are under way', async () => {
      const store = await openOverWay();
      await store.create(heldRun({ log: [] }));
      const recordings = Array.from({ length: 400 }, (_, n) => nextRecording({ log: [`${n}`] }));
      const all = await loseAnswer(() => Promise.all(recordings.map((each) => store.record('run-1', each))));
      expect(all.every(Boolean)).toBe(true);
      const log = await store.history('run-1', 0, 1000);
      expect(log.toSorted()).toEqual(recordings.flatMap((each) => each.log).toSorted());
    });

    it('deletes once, and tells that it did', async () => {
      const store = await openOverWay();
      await store.create(newRun());
      expect(await loseAnswer(() => store.delete('run-1', { seq: 1 }))).toBe('deleted');
      expect(await store.delete('run-1', { seq: 1 })).toBe('missing');
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
          Array.from({ length: 500 }, (_, n) => store.send('run-1', { at: 1500, body: `m${n}` }));
        const many = await loseAnswer(() => Promise.all(sends()), passBytes);
        expect(many.map(({ status }) => status)).toEqual(many.map(() => 'stored'));
      }
      expect(await store.inbox('run-1', 0)).toHaveLength(1002);
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
