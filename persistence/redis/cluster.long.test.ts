import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createRedisServer, createSlotMover, type RedisServer } from '../../test/stores-redis-server.ts';
import { storeConformance } from '../conformance.ts';
import { assertCommitted, heldRun, kind, nextCommit, nextRecording } from '../conformance/case.ts';
import { redisStore } from './index.ts';

const slotRanges = [
  [0, 5460],
  [5461, 10922],
  [10923, 16383],
] as const;

let servers: RedisServer[] = [];
let cluster: Cluster;

beforeAll(async () => {
  const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
  servers = await Promise.all(slotRanges.map(() => createRedisServer(options)));
  await Promise.all(servers.map((server) => server.start()));
  const admins = servers.map(({ url }) => new Redis(url));
  for (const [n, admin] of admins.entries()) {
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', ...(slotRanges[n] ?? []));
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', n + 1);
    await admins[0]?.call('CLUSTER', 'MEET', '127.0.0.1', servers[n]?.port ?? 0);
  }
  for (let isWhole = false; !isWhole; await delay(20)) {
    const states = await Promise.all(
      admins.map(async (admin) => String(await admin.call('CLUSTER', 'INFO'))),
    );
    isWhole = states.every(
      (state) => state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:3'),
    );
  }
  for (const admin of admins) admin.disconnect();
  cluster = new Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
});

afterAll(async () => {
  cluster.disconnect();
  await Promise.all(servers.map((server) => server.remove()));
});

describe('the redis store in a cluster of three', () => {
  for (const { name, run } of storeConformance) {
    it(name, () =>
      run(async () => {
        const options = { client: cluster, prefix: `conformance:${randomUUID()}` };
        return { store: redisStore(options), reopen: async () => redisStore(options) };
      }),
    );
  }

  it('goes through each step as a whole while slots move, and loses and doubles none', async () => {
    const shards = 4;
    const prefix = `moving:${randomUUID()}`;
    const store = redisStore({ client: cluster, prefix, shards, patienceMs: 2 ** 31 - 1 });
    const ids = Array.from({ length: 24 }, (_, n) => `run-${n}`);
    const statuses = ['running', 'waiting'] as const;
    let moves = 0;
    await Promise.all(ids.map((id) => store.create(heldRun({ id, log: [], labels: { of: 'move' } }))));

    /** Each run takes steps of all kinds until the slots have moved, and is looked at after each. */
    async function takeSteps(id: string): Promise<{ id: string; seq: number; sent: readonly string[] }> {
      const sent: string[] = [];
      let seq = 1;
      for (let seen = 0; moves < 2 * shards; seq++) {
        const body = `${seq}`;
        if (seq % 3 === 0) {
          const message = { at: 1500, body, ...(seq % 2 === 0 && { key: body }) };
          expect(await store.send(id, message)).toMatchObject({ status: 'stored' });
          sent.push(body);
        }
        if (seq % 4 === 0) {
          const recording = nextRecording({ log: [`recorded-${seq}`], journal: { [`j${seq}`]: '1' } });
          expect(await store.record(id, recording)).toBe(true);
        }
        const status = statuses[seq % 2] ?? 'running';
        const tag = `tag-${seq % 3}`;
        const lease = seq % 5 === 0 ? { until: 61_000 + seq } : 'keep';
        const forget = seq % 8 === 0 ? [`j${seq}`] : [];
        const commit = nextCommit(seq, { status, tags: [tag], forget, seen, lease });
        const committed = await assertCommitted(store.commit(id, commit));
        seen = committed.inbox.at(-1)?.id ?? seen;
        expect(await store.load(id)).toMatchObject({ seq: seq + 1, status });
        const listed = await store.list({ status, tag, labels: { of: 'move' }, limit: 100 });
        expect(listed.runs.map((run) => run.id)).toContain(id);
      }
      return { id, seq, sent };
    }

    const mover = createSlotMover(servers);
    async function moveSlots(): Promise<void> {
      for (; moves < 2 * shards; moves++) await mover.move(`${prefix}:{${moves % shards}}:index`);
    }
    const [taken] = await Promise.all([Promise.all(ids.map(takeSteps)), moveSlots()]);
    for (const { id, seq, sent } of taken) {
      expect((await store.load(id))?.seq).toBe(seq);
      const log = (await store.history(id, 0, 1_000_000)).filter((entry) => entry.startsWith('step'));
      expect(log).toEqual(Array.from({ length: seq - 1 }, (_, n) => `step-${n + 1}`));
      expect((await store.inbox(id, 0)).map(({ body }) => body)).toEqual(sent);
    }
    await mover.end();
    expect((await store.leases()).map(({ runId }) => runId).toSorted()).toEqual(ids.toSorted());
    expect(await store.open()).toEqual(new Map([[kind, ids.length]]));
    const pages = await Promise.all(statuses.map((status) => store.list({ status, limit: 100 })));
    expect(pages.flatMap(({ runs }) => runs.map(({ id }) => id)).toSorted()).toEqual(ids.toSorted());
    await store.close();
  });

  it('is spread over all of its servers', async () => {
    for (const { url } of servers) {
      const admin = new Redis(url);
      expect(await admin.dbsize()).toBeGreaterThan(0);
      admin.disconnect();
    }
  });
});
