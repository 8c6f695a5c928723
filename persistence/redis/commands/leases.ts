/** `leases`: one call for each shard. */
import type { HeldLease } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { decodeOrigin, toBases } from '../layout.ts';
import { decodeLease } from '../run-fields.ts';

const script = defineScript(`
-- KEYS[1] ids of runs with a lease
-- ARGV[1] base
-- Returns { id, origin, lease, ... }
local found = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local c, lease = unpack(redis.call('HMGET', ARGV[1] .. 'run:' .. id, 'c', 'l'))
  if c and lease then
    found[#found + 1] = id
    found[#found + 1] = c
    found[#found + 1] = lease
  end
end
return found
`);

export async function readLeases(connection: Connection): Promise<readonly HeldLease[]> {
  const replies = await Promise.all(
    toBases(connection.layout).map((base) => connection.run(script, [`${base}leases`], [base])),
  );
  return (replies as string[][]).flatMap((flat) =>
    Array.from({ length: flat.length / 3 }, (_, n) => {
      const [runId = '', origin = '', lease = ''] = flat.slice(3 * n, 3 * n + 3);
      const { workflow, version } = decodeOrigin(origin);
      return { runId, workflow, version, ...decodeLease(lease) };
    }),
  );
}
