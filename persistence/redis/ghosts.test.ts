import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';

import { StoreForeign } from '../../src/errors.ts';
import { closeAfterEach, connectClient, openStore } from '../../test/stores-redis-server.ts';
import { everAfter, heldRun, kind, newRun } from '../conformance/case.ts';
import type { Store } from '../store.ts';

closeAfterEach();

interface Haunted {
  readonly store: Store;
  readonly client: Redis;
  /** The key of a run. */
  toKey(runId: string): string;
  readonly told: Error[];
}

function haunt(): Haunted {
  const prefix = `ghosts-${randomUUID()}`;
  const store = openStore({ url: inject('redisUrl'), prefix, shards: 1 });
  const told: Error[] = [];
  store.onProblem((error) => told.push(error));
  return {
    store,
    client: connectClient(inject('redisUrl')),
    toKey: (runId) => `${prefix}:{0}:run:${runId}`,
    told,
  };
}

const harm: Readonly<Record<string, (client: Redis, key: string) => Promise<unknown>>> = {
  'is gone': (client, key) => client.del(key),
  'is of another type': async (client, key) => {
    await client.del(key);
    await client.set(key, 'mine');
  },
  'has lost its state': (client, key) => client.hdel(key, 's'),
  'has lost its origin': (client, key) => client.hdel(key, 'c'),
  'has a damaged origin': (client, key) => client.hset(key, 'c', 'yesterday'),
  'has a damaged status': (client, key) => client.hset(key, 'x', 's=asleep'),
  'has a damaged sequence number': (client, key) => client.hset(key, 'q', 'many'),
  'has a damaged lease': (client, key) => client.hset(key, 'l', 'not a lease'),
  'has a damaged problem': (client, key) => client.hset(key, 'p', '{'),
};

describe.each(Object.entries(harm))('a run that %s', (_what, damage) => {
  it('takes the place of no good run that is due, and is told once', async () => {
    const { store, client, toKey, told } = haunt();
    const due = { workflows: [kind], now: everAfter, limit: 10 };
    const options = { token: 'worker', until: 9000, now: 2000 };
    for (let n = 0; n < 25; n++) {
      await store.create(newRun({ id: `bad-${n}`, wakeAt: 1000 }));
      await damage(client, toKey(`bad-${n}`));
    }
    for (let n = 0; n < 5; n++) await store.create(newRun({ id: `good-${n}`, wakeAt: 1500 }));
    for (let rounds = 0; rounds < 3; rounds++) {
      for (const id of await store.due(due)) {
        if (id.startsWith('bad')) await store.acquire(id, options).catch(expectForeign);
      }
    }
    expect(await store.due(due)).toEqual(Array.from({ length: 5 }, (_, n) => `good-${n}`));
    const runIds = told.map((error) => String(error instanceof StoreForeign && error.details['runId']));
    expect(runIds.toSorted()).toEqual(Array.from({ length: 25 }, (_, n) => `bad-${n}`).toSorted());
    expect(told.every((error) => error instanceof StoreForeign)).toBe(true);
  });

  it('takes the place of no good run in lists, and is told once', async () => {
    const { store, client, toKey, told } = haunt();
    for (let n = 0; n < 30; n++) {
      const id = n % 2 ? `good-${String(n).padStart(2, '0')}` : `bad-${n}`;
      await store.create(newRun({ id, createdAt: 1000 + n, labels: { tenant: 'acme' }, status: 'waiting' }));
      if (n % 2 === 0) await damage(client, toKey(id));
    }
    for (const query of [
      {},
      { status: 'waiting' },
      { labels: { tenant: 'acme' }, status: 'waiting' },
    ] as const) {
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({ ...query, limit: 4, ...(cursor !== undefined && { cursor }) });
        found.push(...page.runs.map(({ id }) => id));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(found.filter((id) => id.startsWith('good'))).toHaveLength(15);
    }
    const runIds = told.map((error) => String(error instanceof StoreForeign && error.details['runId']));
    expect(new Set(runIds).size).toBe(told.length);
  });
});

it('forgets leases of runs that are gone', async () => {
  const { store, client, toKey, told } = haunt();
  for (const id of ['a', 'b', 'c']) await store.create(heldRun({ id }));
  await client.del(toKey('b'));
  for (let rounds = 0; rounds < 2; rounds++) {
    expect((await store.leases()).map(({ runId }) => runId)).toEqual(['a', 'c']);
  }
  expect(told).toMatchObject([{ code: 'STORE_FOREIGN', details: { runId: 'b' } }]);
});

it('tells nothing of a run that was deleted, and of one that another worker has taken', async () => {
  const { store, told } = haunt();
  for (const id of ['a', 'b']) await store.create(newRun({ id }));
  await store.due({ workflows: [kind], now: 2000, limit: 10 });
  await store.delete('a', { seq: 1 });
  const other = { token: 'other', until: 9000, now: 2000 };
  expect(await store.acquire('b', other)).toMatchObject({ run: { id: 'b' } });
  expect(await store.acquire('b', { ...other, token: 'worker' })).toBe('held');
  expect(await store.due({ workflows: [kind], now: 9000, limit: 10 })).toEqual(['b']);
  expect(told).toEqual([]);
});

function expectForeign(error: unknown): void {
  expect(error).toBeInstanceOf(StoreForeign);
}
