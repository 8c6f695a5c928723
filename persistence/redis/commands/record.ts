/**
 * `record`. The run remembers the ids of its recordings until its worker releases it: all of the last ten minutes, and in
 * any case the latest thousand. So one that is sent again, or made again by the worker after a rejection, counts once.
 */
import type { Recording } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunKeys } from '../layout.ts';
import { readFields } from '../lua.ts';

const script = defineScript(`
-- KEYS    1 run, 2 ids of recordings, 3 log, 4 journal if there are values for it
-- ARGV    1 token, 2 id of the recording, 3 number of log entries; then these, then journal names and values in turn
-- Returns 1 recorded, 0 the lease is not this token's
${readFields}
if holderOf(redis.call('HGET', KEYS[1], 'l')) ~= ARGV[1] then return 0 end
if not redis.call('ZSCORE', KEYS[2], ARGV[2]) then
  local lastEntry = 3 + ARGV[3]
  for at = 4, lastEntry, 1000 do
    redis.call('RPUSH', KEYS[3], unpack(ARGV, at, math.min(at + 999, lastEntry)))
  end
  for at = lastEntry + 1, #ARGV, 2 do
    redis.call('HSETNX', KEYS[4], ARGV[at], ARGV[at + 1])
  end
  local seconds = redis.call('TIME')[1]
  redis.call('ZADD', KEYS[2], seconds, ARGV[2])
  if redis.call('ZCARD', KEYS[2]) > 1000 then redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', seconds - 600) end
end
-- A write in any case, so that WAIT waits for what was recorded before.
redis.call('EXPIRE', KEYS[2], 86400)
return 1
`);

export async function recordRun(
  { layout, run, runDurably }: Connection,
  runId: string,
  { token, id, log, journal = {}, durable = false }: Recording,
): Promise<boolean> {
  const keys = toRunKeys(layout, runId);
  const kept = Object.entries(journal);
  const recorded = await (durable ? runDurably : run)(
    script,
    [keys.run, keys.recorded, keys.log, ...(kept.length > 0 ? [keys.journal] : [])],
    [token, id, log.length, ...log, ...kept.flat()],
  );
  return recorded === 1;
}
