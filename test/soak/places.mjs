/**
 * Where the runs of a soak are stored, and what can happen there: `spec` is what workers open (through proxies), `own` what the
 * client of the soak opens (straight), `cut` loses replies under way, `restart` kills the server and starts it again.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { startRedis } from '../fixtures/redis-server.mjs';
import { startCluster } from './cluster.mjs';
import { startProxy } from './proxy.mjs';

export const places = { sqlite: openSqlite, redis: openRedis, cluster: openCluster };

async function openSqlite({ folder }) {
  const spec = { kind: 'sqlite', path: join(folder, 'runs.db') };
  return { spec, own: spec, async close() {} };
}

async function openRedis({ folder, random }) {
  const server = await startRedis(join(folder, 'redis'), { appendfsync: 'always' });
  const proxy = await startProxy(server.port);
  return {
    spec: { kind: 'redis', url: `redis://127.0.0.1:${proxy.port}` },
    own: { kind: 'redis', url: server.url },
    cut: () => proxy.cutMidReply(random.between(5, 65)),
    restart: () => restart(server, random),
    async close() {
      await proxy.close();
      await server.stop();
    },
  };
}

async function openCluster({ folder, random }) {
  const cluster = await startCluster(folder, random);
  const proxies = await Promise.all(cluster.nodes.map(({ server }) => startProxy(server.port)));
  const addressOf = (port) => ({ host: '127.0.0.1', port });
  const natMap = Object.fromEntries(
    cluster.nodes.map(({ server }, n) => [`127.0.0.1:${server.port}`, addressOf(proxies[n].port)]),
  );
  const reached = (ports) => ports.map(addressOf);
  return {
    spec: { kind: 'cluster', nodes: reached(proxies.map(({ port }) => port)), natMap },
    own: { kind: 'cluster', nodes: reached(cluster.nodes.map(({ server }) => server.port)) },
    cut: () => random.pick(proxies).cutMidReply(random.between(5, 65)),
    restart: () => cluster.whileSettled(() => restart(random.pick(cluster.nodes).server, random)),
    moveSlot: cluster.moveSlot,
    async close() {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await cluster.close();
    },
  };
}

async function restart(server, random) {
  await server.stop();
  await pause(random.between(0, 1_500));
  await server.launch();
}
