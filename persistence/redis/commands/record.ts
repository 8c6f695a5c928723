/** `record`. */
import type { Recording } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunBase } from '../layout.ts';
import { callWithMany, readFields } from '../lua.ts';

const script = defineScript(`
-- KEYS[1] run
-- ARGV    1 base, 2 id, 3 token, 4 nonce, 5 log entries; then these, then journal names and values in turn
-- Returns 1 recorded, 0 the lease is not this token's
${readFields}${callWithMany}
local run, base, id = KEYS[1], ARGV[1], ARGV[2]
local lease, nonces = unpack(redis.call('HMGET', run, 'l', 'n'))
if nonces and string.find(nonces, ARGV[4], 1, true) then return 1 end
if not lease then return 0 end
local _, token = parseLease(lease)
if token ~= ARGV[3] then return 0 end
redis.call('HSET', run, 'n', ARGV[4] .. ',' .. string.sub(nonces, 1, 70))
local logged = tonumber(ARGV[5])
callWithMany('RPUSH', base .. 'log:' .. id, 6, logged)
for at = 6 + logged, #ARGV, 2 do
  redis.call('HSETNX', base .. 'journal:' .. id, ARGV[at], ARGV[at + 1])
end
return 1
`);

export async function recordRun(
  connection: Connection,
  runId: string,
  { token, log, journal = {} }: Recording,
  nonce: string,
): Promise<boolean> {
  const base = toRunBase(connection.layout, runId);
  const args = [base, runId, token, nonce, log.length, ...log, ...Object.entries(journal).flat()];
  return (await connection.run(script, [`${base}run:${runId}`], args)) === 1;
}
