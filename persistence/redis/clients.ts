/** Makes and ends the clients that the store owns. The only file that needs ioredis to run. */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis, type Cluster } from 'ioredis';

export type RedisClient = Redis | Cluster;

/** Where clients come from: made by us from a URL, or given by the caller. */
export interface ClientSource {
  /** The client for calls. If it is ours, each call of `connect` makes another one. */
  connect(): RedisClient;
  /** A client of ours for calls that would hold up others. */
  connectAnother(): RedisClient;
  /** A client of ours for subscribing. It keeps the process alive. */
  connectSubscriber(): RedisClient;
  /** Calls are under way: our clients for calls keep the process alive, and connect again if they have ended. */
  keepAlive(): void;
  /** None is: they do not keep the process alive, and a connection that is lost now is not made again. */
  letEnd(): void;
  /** Ends a client of ours; a given one is left as it is. */
  end(client: RedisClient): Promise<void>;
}

const ownOptions = {
  connectTimeout: 5000,
  // A replica that was the primary until now: find the new one behind the same address.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
};

const toRetryMs = (times: number): number => Math.min(times * 50, 1000);

export function fromUrl(url: string): ClientSource {
  const { idling, retryStrategy, track } = createIdling();
  const connect = (): Redis => track(new Redis(url, { ...ownOptions, retryStrategy }));
  return {
    connect,
    connectAnother: connect,
    connectSubscriber: () => new Redis(url, { ...ownOptions, retryStrategy: toRetryMs }),
    ...idling,
  };
}

export function fromClient(client: RedisClient): ClientSource {
  if ('nodes' in client) tendAsking(client);
  const { idling, retryStrategy, track } = createIdling();
  const options = { enableAutoPipelining: false, lazyConnect: false };
  const duplicate = (): RedisClient =>
    'nodes' in client ? client.duplicate([], options) : client.duplicate(options);
  return {
    connect: () => client,
    connectAnother: () =>
      'nodes' in client ? duplicate() : track(client.duplicate({ ...options, retryStrategy })),
    connectSubscriber: duplicate,
    ...idling,
    end: async (ended) => {
      if (ended !== client) await idling.end(ended);
    },
  };
}

/**
 * While a slot moves, ioredis sends ASKING to the slot's new node and ignores the returned promise. If that connection is
 * lost, the unhandled rejection would end the process. The command that follows fails as well, and is retried.
 */
function tendAsking(cluster: Cluster): void {
  const tend = (node: Redis): void => {
    const asking = node.asking.bind(node) as () => Promise<'OK'>;
    node.asking = () => {
      const answer = asking();
      answer.catch(() => {});
      return answer;
    };
  };
  cluster.nodes().forEach(tend);
  cluster.on('+node', tend);
}

interface Idling {
  readonly idling: Pick<ClientSource, 'keepAlive' | 'letEnd' | 'end'>;
  readonly retryStrategy: (times: number) => number | null;
  /** The client keeps the process alive only while calls are under way. */
  readonly track: (client: Redis) => Redis;
}

function createIdling(): Idling {
  const tracked = new Set<RedisClient>();
  let isBusy = false;

  function apply(client: RedisClient): void {
    if (!('stream' in client)) return;
    if (isBusy) client.stream?.ref();
    else client.stream?.unref();
  }

  return {
    retryStrategy: (times) => (isBusy ? toRetryMs(times) : null),
    track(client) {
      tracked.add(client);
      client.on('connect', () => apply(client));
      return client;
    },
    idling: {
      keepAlive() {
        isBusy = true;
        for (const client of tracked) {
          apply(client);
          // What goes wrong comes out of the calls, which try again.
          if (client.status === 'end') client.connect().catch(() => {});
        }
      },
      letEnd() {
        isBusy = false;
        for (const client of tracked) apply(client);
      },
      async end(client) {
        tracked.delete(client);
        await disconnect(client);
      },
    },
  };
}

/** The servers that take writes. */
export function primariesOf(client: RedisClient): readonly Redis[] {
  return 'nodes' in client ? client.nodes('master') : [client];
}

/**
 * To be called before a command is sent: what is sent in one turn of the event loop goes to the socket in one write, when
 * the turn is over, so that runs whose replies arrive together stay in one batch. Auto-pipelining would do that too, but with a
 * pipeline of its own for each turn.
 */
export function createGathering(client: RedisClient): () => void {
  let gathering = false;
  return () => {
    // A cluster has several sockets; there each command is written on its own.
    if (gathering || !('stream' in client) || !client.stream?.writable) return;
    const { stream } = client;
    gathering = true;
    stream.cork();
    setImmediate(() => {
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
