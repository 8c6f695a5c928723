import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { StoreUnavailable } from '../../src/errors.ts';
import {
  closeAfterEach,
  connectClient,
  createRedisServer,
  openStore,
  type RedisServer,
} from '../../test/stores-redis-server.ts';
import { heldRun, nextRecording } from '../conformance/case.ts';

let primary: RedisServer;
let replica: RedisServer;

closeAfterEach();

beforeAll(async () => {
  primary = await createRedisServer();
  await primary.start();
  replica = await createRedisServer(['--replicaof', '127.0.0.1', String(primary.port)]);
  await replica.start();
});

afterAll(async () => {
  await replica.remove();
  await primary.remove();
});

async function waitForReplica(): Promise<void> {
  const admin = connectClient(primary.url);
  await expect.poll(() => admin.info('replication')).toMatch(/slave0:.*state=online/);
}

it.each(['its own client', 'a given client'])(
  'records durably what its replica has, with %s',
  async (whose) => {
    await waitForReplica();
    const prefix = randomUUID();
    const place = whose === 'a given client' ? { client: connectClient(primary.url) } : { url: primary.url };
    const store = openStore({ ...place, prefix, shards: 1, waitForReplicas: 1, replicaTimeoutMs: 15_000 });
    await store.create(heldRun());
    const log = Array.from({ length: 20 }, (_, n) => `entry ${n}`);
    const recordings = log.map((entry) => nextRecording({ log: [entry], durable: true }));
    const reader = connectClient(replica.url);
    await Promise.all(
      recordings.map(async (recording) => {
        expect(await store.record('run-1', recording)).toBe(true);
        expect(await reader.lrange(`${prefix}:{0}:log:run-1`, 0, -1)).toContain(recording.log[0]);
      }),
    );
    const other = nextRecording({ token: 'other', durable: true });
    expect(await store.record('run-1', other)).toBe(false);
  },
);

it('refuses to call durable what no replica has, and records it once when one is back', async () => {
  await waitForReplica();
  const store = openStore({
    url: primary.url,
    prefix: randomUUID(),
    waitForReplicas: 1,
    replicaTimeoutMs: 50,
  });
  await store.create(heldRun());
  await replica.kill();
  const recording = nextRecording({ log: ['start'], durable: true });
  for (let attempts = 0; attempts < 2; attempts++) {
    await expect(store.record('run-1', recording)).rejects.toThrow(StoreUnavailable);
  }
  await expect(store.record('run-1', recording)).rejects.toMatchObject({
    details: { waitForReplicas: 1, confirmed: 0 },
  });
  expect(await store.record('run-1', nextRecording({ log: ['not durable'] }))).toBe(true);
  await replica.start();
  await waitForReplica();
  await expect.poll(() => store.record('run-1', recording).catch(() => false)).toBe(true);
  expect(await store.history('run-1', 0, 10)).toEqual(['started', 'start', 'not durable']);
});
