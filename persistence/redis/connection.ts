/**
 * The way to Redis: owns the client that it made (never one that it was given), the check of what is at the other
 * end, and what happens when the way is cut.
 *
 * C1. Nothing is sent before the format marker was read, or set in an empty database, and agrees.
 * C2. What fails because the connection was cut, or because the server cannot write or answer for now, is sent again
 *     until `patienceMs` is over; then its outcome is unknown and the call rejects with `StoreUnavailable`. So each call
 *     may reach Redis more than once, and each script must be fit for that (see `lua.ts`).
 * C3. No call waits for longer than `patienceMs`, the first not for longer than `startTimeoutMs`, whatever the client
 *     does.
 * C4. A client of ours keeps the process alive only while a call is under way.
 */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { SignalboxError, StoreForeign, StoreUnavailable } from '../../src/errors.ts';
import { createCalls, type Calls } from './calls.ts';
import { checkDatabase, type DatabaseChecks } from './check-database.ts';
import { createGathering, describeClient, type ClientSource, type RedisClient } from './clients.ts';
import { createDeadlines } from './deadlines.ts';
import { isPassing, isWrongType } from './failures.ts';
import { createFindings, type Findings } from './findings.ts';
import type { Layout } from './layout.ts';
import { createPolicyWatch } from './policy-watch.ts';
import type { Report } from './problems.ts';
import { createReplication, type ReplicationOptions } from './replication.ts';

/** A Lua script and its name in Redis. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

export function defineScript(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

export type Argument = string | number;

export type RunScript = (
  script: Script,
  keys: readonly string[],
  args: readonly Argument[],
) => Promise<unknown>;

export interface Connection {
  /** Where things are in this database. */
  readonly layout: Layout;
  readonly run: RunScript;
  /** Resolves once as many replicas have the script's effects as the options ask for. */
  readonly runDurably: RunScript;
  call<T>(attempt: (client: RedisClient) => Promise<T>): Promise<T>;
  readonly calls: Calls;
  readonly findings: Findings;
  readonly report: Report;
}

export interface ConnectionOwner {
  /** Do all that one call of the store does, once the database is known (C1). Errors come out as ours. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  assertOpen(): void;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface ConnectionOptions extends DatabaseChecks, ReplicationOptions {
  readonly source: ClientSource;
  /** The client that is not ours. */
  readonly given: RedisClient | undefined;
  readonly patienceMs: number;
  readonly startTimeoutMs: number;
  readonly report: Report;
}

/** How long closing waits for calls that are under way. */
const closeTimeoutMs = 5000;
const maxPauseMs = 500;

export function createConnection(options: ConnectionOptions): ConnectionOwner {
  const { source, patienceMs, startTimeoutMs, report } = options;
  const deadlines = createDeadlines(patienceMs, { onBusy: source.keepAlive, onIdle: source.letEnd });
  const calls = createCalls();
  const findings = createFindings();
  const policyWatch = createPolicyWatch(options);
  const replication = createReplication(options);
  let client: RedisClient | undefined;
  let lastError: Error | undefined;
  let connection: Connection | undefined;
  let starting: Promise<Connection> | undefined;
  let closing: Promise<void> | undefined;

  function assertOpen(): void {
    if (closing) throw new StoreUnavailable('The Redis store is closed; open another one to go on.');
  }

  /** If this fails, the next call tries again, with another client: an ended one cannot be trusted to begin anew. */
  async function start(): Promise<Connection> {
    const candidate = connectClient();
    try {
      const check = createDeadlines(startTimeoutMs).guard(() =>
        persist(() => checkDatabase(candidate, options), startTimeoutMs),
      );
      connection = createCommands(candidate, await check);
      policyWatch.begin(candidate);
      return connection;
    } catch (error) {
      const storeError = toStoreError(error, candidate);
      // Left alone it would try for ever and keep the process alive.
      await source.end(candidate);
      throw storeError;
    } finally {
      starting = undefined;
    }
  }

  function connectClient(): RedisClient {
    client = source.connect();
    lastError = undefined;
    if (client === options.given) return client;
    client.on('error', (error: Error) => (lastError = error));
    client.on('ready', () => (lastError = undefined));
    return client;
  }

  function createCommands(redis: RedisClient, layout: Layout): Connection {
    const gather = createGathering(redis);
    const run: RunScript = (script, keys, args) =>
      persist(() => {
        gather();
        return runScript(redis, script, keys, args);
      });
    return {
      layout,
      calls,
      findings,
      report,
      call: (attempt) => persist(() => attempt(redis)),
      run,
      runDurably: replication
        ? (script, keys, args) =>
            persist(() => replication.confirm((own) => runScript(own, script, keys, args)))
        : run,
    };
  }

  /** Tries again while the trouble is of a kind that passes (C2). */
  async function persist<T>(attempt: () => Promise<T>, patience = patienceMs): Promise<T> {
    const giveUpAt = performance.now() + patience;
    for (let failures = 1; ; failures++) {
      try {
        return await attempt();
      } catch (error) {
        if (!isPassing(error) || closing) throw error;
        lastError ??= error as Error;
        await pause(Math.random() * Math.min(maxPauseMs, 10 * 2 ** failures));
        // The caller has been told by now; what is sent after that would come unexpected.
        if (performance.now() >= giveUpAt) throw error;
      }
    }
  }

  async function begin(): Promise<Connection> {
    await policyWatch.assertSafe();
    return connection ?? (starting ??= start());
  }

  function toStoreError(error: unknown, at: RedisClient): SignalboxError {
    if (error instanceof SignalboxError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    if (isWrongType(error)) {
      return new StoreForeign(
        `Redis has keys of another program under the prefix of this store (${reason}). Use another \`prefix\`.`,
        { cause: error },
      );
    }
    const trouble = lastError ? `${reason} (${lastError.message})` : reason;
    return new StoreUnavailable(
      `Redis at ${describeClient(at)} did not do what was asked: ${trouble}. If the connection was lost, whether ` +
        'the call was applied is unknown: read the run before you go on.',
      { cause: error },
    );
  }

  return {
    assertOpen,
    async use(work) {
      assertOpen();
      try {
        policyWatch.refresh();
        const ready = policyWatch.isSafe ? connection : undefined;
        return await deadlines.guard(() => (ready ? work(ready) : begin().then(work)));
      } catch (error) {
        throw client ? toStoreError(error, client) : error;
      }
    },
    close() {
      closing ??= finish();
      return closing;
    },
  };

  async function finish(): Promise<void> {
    await Promise.race([deadlines.idle(), pause(closeTimeoutMs, undefined, { ref: false })]);
    deadlines.rejectAll(new Error('the store was closed before Redis answered'));
    await replication?.close();
    if (client) await source.end(client);
  }
}

async function runScript(
  client: RedisClient,
  { sha, source }: Script,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return await client.eval(source, keys.length, ...keys, ...args);
  }
}
