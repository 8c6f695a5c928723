/**
 * A store in Redis: for a fleet of workers. This file puts the calls together and owns the store's life; what each
 * call does is in `commands/`, where the data is in `layout.ts`.
 */
import { InvalidOption } from '../../src/errors.ts';
import { guardNames } from '../names.ts';
import type { Store } from '../store.ts';
import { assertClientFits } from './client-options.ts';
import { fromClient, fromUrl, type ClientSource, type RedisClient } from './clients.ts';
import { acquireRun } from './commands/acquire.ts';
import { commitRun } from './commands/commit.ts';
import { createRun } from './commands/create.ts';
import { deleteRun } from './commands/delete.ts';
import { readDue } from './commands/due.ts';
import { readEnded } from './commands/ended.ts';
import { readLeases } from './commands/leases.ts';
import { readList } from './commands/list.ts';
import { readHistory, readInbox, readOpen, readRun } from './commands/read.ts';
import { recordRun } from './commands/record.ts';
import { releaseRun } from './commands/release.ts';
import { renewRuns } from './commands/renew.ts';
import { sendMessage } from './commands/send.ts';
import { createShared } from './commands/shared.ts';
import { announceWorker, listWorkers, publishText, readServerTime } from './commands/workers.ts';
import { createConnection } from './connection.ts';
import { toMailChannel, toTextChannel } from './layout.ts';
import { createProblems } from './problems.ts';
import { createSubscriptions } from './subscriptions.ts';

export interface RedisStoreOptions {
  /** Where Redis is: `redis://` or `rediss://`, or the path of a unix socket. This or `client`. */
  readonly url?: string;
  /**
   * A client of your own, which stays yours: the store does not close it. Refused are options that would change what
   * calls mean: `keyPrefix`, `scaleReads` other than `master`, `role: 'slave'`, `readOnly`, `monitor`, `stringNumbers`,
   * `replyMapping: 'resp3'`.
   */
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
  /**
   * How many replicas must have what is recorded durably: the start of an irreversible call, before the call is made.
   * If they do not, the call is not made. From 0. Default: 0.
   */
  readonly waitForReplicas?: number;
  /** How long to wait for these replicas, in milliseconds. From 1, less than `patienceMs`. Default: 1000. */
  readonly replicaTimeoutMs?: number;
}

/**
 * Keep runs in Redis 6.2 or later, alone or a cluster.
 *
 * The store connects at the first call. Each call is one atomic script, in a cluster also while slots move. A call whose
 * answer was lost is sent again and applied once. What Redis cannot do for now (it starts, has no memory, disk or replicas
 * to write to, is a replica itself, moves a slot) is tried again until `patienceMs` is over. Then the call rejects with
 * `StoreUnavailable`, its outcome unknown: a client keeps a call that it could not send and may still send it later.
 *
 * Durability is Redis' own. Use `appendonly yes`; with `appendfsync everysec` a machine that dies may lose the last
 * second, with `always` it loses nothing. Replication is asynchronous: a failover may lose writes that were acknowledged
 * just before (`min-replicas-to-write` bounds for how long). A run then continues from an earlier step: what it did since
 * is done again with the same invocation keys, and an event acknowledged in that moment is gone. `waitForReplicas` keeps
 * irreversible calls out of this: their start is on the replicas before they are made. Where the rest is not acceptable,
 * do not fail over automatically, or use SQLite.
 *
 * The time of leases, timers and due runs is the server's (`time`), whatever the clocks of the workers say.
 *
 * A value (a state, an event, a history entry) may have 512 MB at most, Redis' own limit. Each commit sends the whole state.
 *
 * The store keeps the process alive only while a call is under way or something listens (`watch`, `subscribe`).
 *
 * @throws InvalidOption `INVALID_OPTION` here for bad options; from the first call if the database was made with
 *   another number of shards, or Redis may evict keys.
 * @throws StoreForeign `STORE_FOREIGN` from the first call if the prefix is another program's, or of another format.
 * @throws StoreUnavailable `STORE_UNAVAILABLE` from any call if Redis cannot be reached or cannot write, or may evict
 *   keys since its `maxmemory-policy` was changed.
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
    waitForReplicas = 0,
    replicaTimeoutMs = 1000,
  } = options;
  assertPrefix(prefix);
  if (shards !== undefined) assertInteger('shards', shards, 1, 1024);
  assertInteger('patienceMs', patienceMs, 1, 2 ** 31 - 1);
  assertInteger('startTimeoutMs', startTimeoutMs, 1, 2 ** 31 - 1);
  assertInteger('waitForReplicas', waitForReplicas, 0, 1000);
  if (waitForReplicas > 0) assertInteger('replicaTimeoutMs', replicaTimeoutMs, 1, patienceMs - 1);
  const source = assertSource(options);
  const problems = createProblems();
  const { use, assertOpen, close } = createConnection({
    source,
    given: options.client,
    prefix,
    shards,
    allowEviction,
    patienceMs,
    startTimeoutMs,
    waitForReplicas,
    replicaTimeoutMs,
    report: problems.report,
  });
  const subscriptions = createSubscriptions(source);
  let latest = 0;

  return guardNames({
    create: (run) => use((connection) => createRun(connection, run)),
    acquire: (runId, acquire) => use((connection) => acquireRun(connection, runId, acquire)),
    commit: (runId, commit) => use((connection) => commitRun(connection, runId, commit)),
    record: (runId, recording) => use((connection) => recordRun(connection, runId, recording)),
    renew: (renewal) => use((connection) => renewRuns(connection, renewal)),
    release: (runId, release) => use((connection) => releaseRun(connection, runId, release)),
    send: (runId, message) => use((connection) => sendMessage(connection, runId, message)),
    delete: (runId, deletion) => use((connection) => deleteRun(connection, runId, deletion)),
    due: (query) => use((connection) => readDue(connection, query)),
    leases: () => use(readLeases),
    open: () => use(readOpen),
    list: (query) => use((connection) => readList(connection, query)),
    ended: (query) => use((connection) => readEnded(connection, query)),
    load: (runId) => use((connection) => readRun(connection, runId)),
    inbox: (runId, after) => use((connection) => readInbox(connection, runId, after)),
    history: (runId, from, limit) => use((connection) => readHistory(connection, runId, from, limit)),
    announce: (token, worker) => use((connection) => announceWorker(connection, token, worker)),
    workers: (now) => use((connection) => listWorkers(connection, now)),

    async time() {
      // After a failover another server's clock may be behind.
      return (latest = Math.max(latest, await use(readServerTime)));
    },

    shared: createShared(use),

    watch(listener) {
      assertOpen();
      return subscriptions.add(toMailChannel(prefix), listener);
    },

    publish(runId, text) {
      assertOpen();
      const sent = use(async (connection) => {
        await subscriptions.settled();
        await publishText(connection, runId, text);
      });
      // Best effort: other calls tell that Redis is away.
      sent.catch(() => {});
    },

    subscribe(runId, listener) {
      assertOpen();
      return subscriptions.add(toTextChannel(prefix, runId), listener);
    },

    onProblem: problems.add,

    async close() {
      await Promise.all([subscriptions.close(), close()]);
    },
  });
}

function assertSource({ url, client }: RedisStoreOptions): ClientSource {
  if (client) {
    assertClientFits(client);
    return fromClient(client);
  }
  if (typeof url === 'string' && /^(rediss?:\/\/|\/)/.test(url)) return fromUrl(url);
  throw new InvalidOption(
    `Expected the URL of a Redis (\`redis://host:6379\`) or a \`client\` for \`redisStore\`, got \`${url}\`.`,
  );
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
