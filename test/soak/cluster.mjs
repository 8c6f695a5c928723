/**
 * A Redis Cluster of three nodes on loopback, whose slots can be moved while it is used: key by key, as
 * `redis-cli --cluster reshard` does (https://redis.io/docs/latest/commands/cluster-setslot/).
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { Redis } from 'ioredis';

import { startRedis } from '../fixtures/redis-server.mjs';

const slotCount = 16_384;
const nodeCount = 3;
/** Keys that move at a time, and the time between two such moves: it takes long, so that calls meet it half done. */
const batch = 2;
const paceMs = 15;
/** What is over in a moment, and then tried again. */
const passing = /CLUSTERDOWN|IOERR|LOADING|TRYAGAIN/;

export async function startCluster(folder, random) {
  const nodes = [];
  for (let n = 0; n < nodeCount; n++) {
    const server = await startRedis(join(folder, `node-${n}`), {
      appendfsync: 'always',
      'cluster-enabled': 'yes',
      'cluster-config-file': 'nodes.conf',
      'cluster-node-timeout': '3000',
    });
    const client = new Redis(server.url, { maxRetriesPerRequest: null });
    client.on('error', () => {});
    nodes.push({ server, client, id: await client.cluster('MYID') });
  }
  await joinNodes(nodes);

  /** One thing at a time. */
  let turn = Promise.resolve();
  function inTurn(work) {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  }

  /** Moves a slot that holds keys to another node. Resolves to whether there was one. */
  async function move() {
    const source = random.pick(nodes);
    const target = random.pick(nodes.filter((node) => node !== source));
    const key = await source.client.randomkey();
    if (key === null) return false;
    const slot = await source.client.cluster('KEYSLOT', key);
    await target.client.cluster('SETSLOT', slot, 'IMPORTING', source.id);
    await source.client.cluster('SETSLOT', slot, 'MIGRATING', target.id);
    for (;;) {
      const keys = await source.client.cluster('GETKEYSINSLOT', slot, batch);
      if (keys.length === 0) break;
      const transfer = ['127.0.0.1', target.server.port, '', 0, 5_000];
      await source.client.call('MIGRATE', ...transfer, 'KEYS', ...keys).catch(async (error) => {
        if (passing.test(error.message)) return;
        // On both sides: written on the target while it was on its way. What was there first is what was acknowledged.
        if (!error.message.includes('BUSYKEY')) throw error;
        await source.client.call('MIGRATE', ...transfer, 'REPLACE', 'KEYS', ...keys);
      });
      await pause(paceMs);
    }
    for (const node of [target, source, ...nodes])
      await node.client.cluster('SETSLOT', slot, 'NODE', target.id);
    return true;
  }

  return {
    nodes,
    moveSlot: () => inTurn(move),
    /** Does this while no slot moves, and waits until the cluster is whole again. */
    whileSettled: (work) =>
      inTurn(async () => {
        await work();
        await settled(nodes);
      }),
    async close() {
      await turn;
      for (const { server, client } of nodes) {
        client.disconnect();
        await server.stop();
      }
    },
  };
}

async function joinNodes(nodes) {
  const [first, ...others] = nodes;
  for (const { server } of others) await first.client.cluster('MEET', '127.0.0.1', server.port);
  const share = Math.ceil(slotCount / nodes.length);
  for (const [n, { client }] of nodes.entries()) {
    await client.cluster('ADDSLOTSRANGE', n * share, Math.min((n + 1) * share, slotCount) - 1);
  }
  await settled(nodes);
}

/** Resolves when every node says that the cluster is whole. */
async function settled(nodes) {
  for (const { client } of nodes) {
    while (!(await client.cluster('INFO')).includes('cluster_state:ok')) await pause(50);
  }
}
