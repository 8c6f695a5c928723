/**
 * Waits until replicas have a write. `WAIT` counts the writes of its own connection and holds up what comes after it,
 * so writes that are to be confirmed have a connection for themselves.
 */
import { StoreUnavailable } from '../../src/errors.ts';
import { primariesOf, type ClientSource, type RedisClient } from './clients.ts';

export interface ReplicationOptions {
  readonly source: ClientSource;
  readonly waitForReplicas: number;
  readonly replicaTimeoutMs: number;
}

export interface Replication {
  /** Write, and resolve once enough replicas have it. Rejects with `StoreUnavailable` if they do not in time. */
  confirm<T>(write: (client: RedisClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** `undefined` if no replica is to be waited for. */
export function createReplication(options: ReplicationOptions): Replication | undefined {
  const { source, waitForReplicas, replicaTimeoutMs } = options;
  if (waitForReplicas === 0) return undefined;
  let client: RedisClient | undefined;

  function connect(): RedisClient {
    const made = source.connectAnother();
    // What goes wrong comes out of the writes.
    made.on('error', () => {});
    return made;
  }

  return {
    async confirm(write) {
      client ??= connect();
      const result = await write(client);
      // In a cluster the primaries that were not written to have nothing to wait for.
      const counts = await Promise.all(
        primariesOf(client).map((primary) => primary.wait(waitForReplicas, replicaTimeoutMs)),
      );
      const confirmed = Math.min(...counts);
      if (confirmed >= waitForReplicas) return result;
      throw new StoreUnavailable(
        `Expected ${waitForReplicas} replicas of Redis to have the write within ${replicaTimeoutMs} ms, ` +
          `${confirmed} have. It was applied; whether it survives a failover is unknown.`,
        { details: { waitForReplicas, confirmed } },
      );
    },
    async close() {
      if (client) await source.end(client);
    },
  };
}
