/** Makes and ends the clients that the store owns. The only file that needs ioredis to run. */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis, type Cluster } from 'ioredis';

export type RedisClient = Redis | Cluster;

/** Where clients come from: made by us from a URL, or given by the caller. */
export interface ClientSource {
  /** The client for calls. If it is ours, each call of `connect` makes another one. */
  connect(): RedisClient;
  /** A new connection of ours to the same place, for subscribing. */
  connectSubscriber(): RedisClient;
  readonly isOurs: boolean;
}

export function fromUrl(url: string): ClientSource {
  const connect = (): Redis =>
    new Redis(url, {
      connectTimeout: 5000,
      retryStrategy: (times) => Math.min(times * 50, 1000),
      // A replica that was the primary until now: find the new one behind the same address.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
  return {
    connect,
    connectSubscriber: connect,
    isOurs: true,
  };
}

export function fromClient(client: RedisClient): ClientSource {
  const options = { enableAutoPipelining: false, lazyConnect: false };
  return {
    connect: () => client,
    connectSubscriber: () => ('nodes' in client ? client.duplicate([], options) : client.duplicate(options)),
    isOurs: false,
  };
}

/**
 * To be called before a command is sent: what is sent in one turn of the event loop goes to the socket in one write, when
 * the turn is over. Auto-pipelining would do that too, but later, and with a pipeline of its own for each turn.
 */
export function createGathering(client: RedisClient): () => void {
  let gathering = false;
  return () => {
    // A cluster has several sockets; there each command is written on its own.
    if (gathering || !('stream' in client) || !client.stream?.writable) return;
    const { stream } = client;
    gathering = true;
    stream.cork();
    process.nextTick(() => {
      gathering = false;
      stream.uncork();
    });
  };
}

/** How long to wait for the end of a connection, which a client that has lost it does not always tell. */
const endTimeoutMs = 1000;

/** Ends the client's connection, and resolves once its socket is gone. */
export async function disconnect(client: RedisClient): Promise<void> {
  const hasSocket = client.status !== 'end' && client.status !== 'wait' && client.status !== 'reconnecting';
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
  client.disconnect();
  if (hasSocket) await Promise.race([ended, pause(endTimeoutMs, undefined, { ref: false })]);
}

export function describeClient(client: RedisClient): string {
  if ('nodes' in client) return 'the given cluster';
  const { host, port, path } = client.options;
  return path ?? `${host}:${port}`;
}
