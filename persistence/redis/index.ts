/**
 * A store in Redis: for a fleet of workers. This file puts the calls together and owns the store's life; what each
 * call does is in `commands/`, where the data is in `layout.ts`.
 */
import { randomBytes } from 'node:crypto';

import { InvalidOption } from '../../src/errors.ts';
import type { Store } from '../store.ts';
import { acquireRun } from './commands/acquire.ts';
import { commitRun } from './commands/commit.ts';
import { createRun } from './commands/create.ts';
import { readDue } from './commands/due.ts';
import { readLeases } from './commands/leases.ts';
import { readList } from './commands/list.ts';
import { readHistory, readInbox, readOpen, readRun } from './commands/read.ts';
import { recordRun } from './commands/record.ts';
import { releaseRun } from './commands/release.ts';
import { renewRuns } from './commands/renew.ts';
import { sendMessage } from './commands/send.ts';
import { createShared } from './commands/shared.ts';
import { fromClient, fromUrl, type ClientSource, type RedisClient } from './clients.ts';
import { createConnection } from './connection.ts';
import { toMailChannel } from './layout.ts';
import { createMailWatch } from './mail-watch.ts';

export interface RedisStoreOptions {
  /** Where Redis is: `redis://` or `rediss://`, or the path of a unix socket. This or `client`. */
  readonly url?: string;
  /** A client of your own, which stays yours: the store does not close it. Its `keyPrefix` must be empty. */
  readonly client?: RedisClient;
  /** What the names of all keys begin with; without `{` and `}`. Default: `signalbox`. */
  readonly prefix?: string;
  /** How many parts a new database is divided in, 1 to 1024; it cannot be changed. Default: 16, or what the database has. */
  readonly shards?: number;
  /** Go on even though Redis may delete keys when memory is short. Default: false. */
  readonly allowEviction?: boolean;
  /** How long a call waits for Redis to come back, in milliseconds. From 1. Default: 20,000. */
  readonly patienceMs?: number;
  /** How long the first call waits for Redis to be there, in milliseconds. From 1. Default: 5000. */
  readonly startTimeoutMs?: number;
}

/**
 * Keep runs in Redis 6.2 or later, alone or a cluster.
 *
 * The store connects at the first call. Each call is one atomic script. A call whose answer was lost is sent again
 * and applied once. After `patienceMs` without Redis it rejects with `StoreUnavailable`, its outcome unknown: a
 * client keeps a call that it could not send and may still send it later.
 *
 * What was acknowledged is as safe as Redis keeps it. Use `appendonly yes`; with `appendfsync everysec` a machine that
 * dies may take the last second with it, with `always` it takes nothing. Replication is asynchronous: a failover may
 * lose writes that were acknowledged just before (`min-replicas-to-write` bounds for how long). A run then goes on
 * from an earlier step: what it did since is done again with the same invocation keys, and an event acknowledged in
 * that moment is gone. Where that is not acceptable, do not fail over by itself, or use SQLite.
 *
 * @throws InvalidOption `INVALID_OPTION` here for bad options; from the first call if the database was made with
 *   another number of shards, or Redis may evict keys.
 * @throws StoreForeign `STORE_FOREIGN` from the first call if the prefix is another program's, or of another format.
 * @throws StoreUnavailable `STORE_UNAVAILABLE` from any call if Redis cannot be reached.
 *
 * @example
 * const engine = createEngine({ workflows: [supportTicket], store: redisStore('redis://localhost:6379') });
 */
export function redisStore(target: string | RedisStoreOptions): Store {
  const options = typeof target === 'string' ? { url: target } : target;
  const {
    prefix = 'signalbox',
    patienceMs = 20_000,
    startTimeoutMs = 5000,
    shards,
    allowEviction = false,
  } = options;
  assertPrefix(prefix);
  if (shards !== undefined) assertInteger('shards', shards, 1, 1024);
  assertInteger('patienceMs', patienceMs, 1, 2 ** 31 - 1);
  assertInteger('startTimeoutMs', startTimeoutMs, 1, 2 ** 31 - 1);
  const source = assertSource(options);
  const owner = createConnection({ source, prefix, shards, allowEviction, patienceMs, startTimeoutMs });
  const mailWatch = createMailWatch(source, toMailChannel(prefix));
  const nextNonce = createNonces();

  const { use } = owner;

  return {
    create: (run) => use((connection) => createRun(connection, run, nextNonce())),
    acquire: (runId, acquire) => use((connection) => acquireRun(connection, runId, acquire)),
    commit: (runId, commit) => use((connection) => commitRun(connection, runId, commit, nextNonce())),
    record: (runId, recording) => use((connection) => recordRun(connection, runId, recording, nextNonce())),
    renew: (renewal) => use((connection) => renewRuns(connection, renewal)),
    release: (runId, release) => use((connection) => releaseRun(connection, runId, release)),
    send: (runId, message) => use((connection) => sendMessage(connection, runId, message, nextNonce())),
    due: (query) => use((connection) => readDue(connection, query)),
    leases: () => use(readLeases),
    open: () => use(readOpen),
    list: (query) => use((connection) => readList(connection, query)),
    load: (runId) => use((connection) => readRun(connection, runId)),
    inbox: (runId, after) => use((connection) => readInbox(connection, runId, after)),
    history: (runId, from, limit) => use((connection) => readHistory(connection, runId, from, limit)),

    shared: createShared(use),

    watch(listener) {
      owner.assertOpen();
      return mailWatch.add(listener);
    },

    async close() {
      await Promise.all([mailWatch.stop(), owner.close()]);
    },
  };
}

function assertSource({ url, client }: RedisStoreOptions): ClientSource {
  if (client) {
    const { keyPrefix } = client.options;
    if (!keyPrefix) return fromClient(client);
    throw new InvalidOption(
      `Expected the Redis client to have no \`keyPrefix\`, got \`${keyPrefix}\`. Use the store's \`prefix\`.`,
    );
  }
  if (typeof url === 'string' && /^(rediss?:\/\/|\/)/.test(url)) return fromUrl(url);
  throw new InvalidOption(
    `Expected the URL of a Redis (\`redis://host:6379\`) or a \`client\` for \`redisStore\`, got \`${url}\`.`,
  );
}

/** Names for calls: of this store by four random digits, and then in turn. All have nine digits. */
function createNonces(): () => string {
  const store = randomBytes(4).readUInt32BE().toString(36).padStart(4, '0').slice(-4);
  let calls = 0;
  return () => {
    calls = (calls + 1) % 36 ** 5;
    return store + calls.toString(36).padStart(5, '0');
  };
}

function assertPrefix(prefix: string): void {
  if (typeof prefix === 'string' && prefix !== '' && !/[{}]/.test(prefix)) return;
  throw new InvalidOption(`Expected \`prefix\` to be text without \`{\` and \`}\`, got \`${prefix}\`.`);
}

function assertInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new InvalidOption(
    `Expected \`${name}\` to be an integer from ${least} to ${most}, got \`${value}\`.`,
  );
}
