import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createRedisServer, type RedisServer } from '../../test/stores-redis-server.ts';
import { storeConformance } from '../conformance.ts';
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

  it('is spread over all of its servers', async () => {
    for (const { url } of servers) {
      const admin = new Redis(url);
      expect(await admin.dbsize()).toBeGreaterThan(0);
      admin.disconnect();
    }
  });
});
