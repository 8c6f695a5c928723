/** `leases`: one call for each shard's index, and one for each run that has a lease. */
import type { HeldLease } from '../../store.ts';
import type { Connection } from '../connection.ts';
import { toBases, toIndexKey, toRunKeys } from '../layout.ts';
import { isWrongType } from '../failures.ts';
import { decodeLease, unreadable } from '../run-fields.ts';
import { decodeOrigin, splitTime } from '../terms.ts';
import { dropGhosts } from './ghosts.ts';

export async function readLeases(connection: Connection): Promise<readonly HeldLease[]> {
  const shards = await Promise.all(toBases(connection.layout).map((base) => readShard(connection, base)));
  return shards.flat();
}

async function readShard(connection: Connection, base: string): Promise<readonly HeldLease[]> {
  const entries = await connection.call((client) => client.zrange(toIndexKey(base), '[h,', '(h-', 'BYLEX'));
  const entryOf = new Map(entries.map((entry) => [splitTime(entry.slice(2)).rest, entry]));
  const ghosts: string[] = [];
  const leases = await Promise.all([...entryOf.keys()].map(readLease));
  await dropGhosts(connection, base, ghosts, (id) => [entryOf.get(id) ?? '']);
  return leases.filter((lease) => lease !== undefined);

  async function readLease(runId: string): Promise<HeldLease | undefined> {
    const key = toRunKeys(connection.layout, runId).run;
    try {
      const [origin, lease] = await connection.call((client) => client.hmget(key, 'c', 'l'));
      if (origin == null) ghosts.push(runId);
      if (origin == null || lease == null) return undefined;
      const { workflow, version } = decodeOrigin(origin);
      return { runId, workflow, version, ...decodeLease(lease) };
    } catch (error) {
      if (!isWrongType(error)) throw error;
      connection.report(`unreadable ${runId}`, unreadable(runId, error));
      return undefined;
    }
  }
}
