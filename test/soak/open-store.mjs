/** The store that a description names, the same for workers and for the client: see `places.mjs`. */
import { Cluster } from 'ioredis';
import { redisStore } from 'signalbox/redis';
import { sqliteStore } from 'signalbox/sqlite';

export function openStore({ kind, path, url, nodes, natMap }) {
  switch (kind) {
    case 'sqlite':
      return sqliteStore(path);
    case 'redis':
      return redisStore({ url });
    case 'cluster':
      return clusterStore(nodes, natMap);
    default:
      throw new Error(`Expected \`store\` to be \`sqlite\`, \`redis\` or \`cluster\`, got \`${kind}\`.`);
  }
}

function clusterStore(nodes, natMap) {
  const client = new Cluster(nodes, { ...(natMap && { natMap }), clusterRetryStrategy: () => 100 });
  // What it means for a run, the store tells.
  client.on('error', () => {});
  const store = redisStore({ client });
  return {
    ...store,
    async close() {
      await store.close();
      client.disconnect();
    },
  };
}
