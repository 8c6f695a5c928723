/**
 * Watches whether Redis may delete keys when memory is short: while the store is in use, every few seconds. From when that
 * is found, calls are refused until it is set back.
 */
import { StoreUnavailable } from '../../src/errors.ts';
import { advice, readPolicy } from './check-database.ts';
import type { RedisClient } from './clients.ts';
import type { Report } from './problems.ts';

export interface PolicyWatch {
  /** The database was checked just now. */
  begin(client: RedisClient): void;
  /** Check again if it is time, without waiting for the answer. */
  refresh(): void;
  readonly isSafe: boolean;
  /** Rejects with `StoreUnavailable` unless keys are safe again. */
  assertSafe(): Promise<void>;
}

const everyMs = 2000;
const againMs = 500;

export interface PolicyWatchOptions {
  readonly allowEviction: boolean;
  readonly report: Report;
}

export function createPolicyWatch({ allowEviction, report }: PolicyWatchOptions): PolicyWatch {
  let client: RedisClient | undefined;
  let checkedAt = 0;
  let checking: Promise<void> | undefined;
  let unsafe: string | undefined;
  let changes = 0;

  async function check(redis: RedisClient): Promise<void> {
    checkedAt = performance.now();
    try {
      const policy = await readPolicy(redis);
      // Where CONFIG is not permitted there is nothing to watch.
      if (policy === undefined) client = undefined;
      const found = policy === 'noeviction' ? undefined : policy;
      if (found !== undefined && unsafe === undefined) report(`policy ${++changes}`, refusal(found));
      unsafe = found;
    } catch {
      // No connection, say: calls tell of that, and the next check comes soon.
    } finally {
      checking = undefined;
    }
  }

  return {
    get isSafe() {
      return unsafe === undefined;
    },
    begin(redis) {
      if (allowEviction) return;
      client = redis;
      checkedAt = performance.now();
    },
    refresh() {
      if (!client || performance.now() - checkedAt < everyMs) return;
      checking ??= check(client);
    },
    async assertSafe() {
      if (unsafe === undefined) return;
      if (client && performance.now() - checkedAt > againMs) checking ??= check(client);
      await checking;
      if (unsafe !== undefined) throw refusal(unsafe);
    },
  };
}

function refusal(policy: string): StoreUnavailable {
  return new StoreUnavailable(
    `Redis was set to \`maxmemory-policy ${policy}\` while the store was open: it may delete runs when memory is short. ` +
      `Calls are refused until it is set back. ${advice}`,
    { details: { policy } },
  );
}
