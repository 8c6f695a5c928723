/** `create`. */
import type { NewRun } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { encodeOrigin, encodeStanding, toRunBase } from '../layout.ts';
import { readFields, relist } from '../lua.ts';
import { hasEnded } from '../../run-status.ts';

const script = defineScript(`
-- KEYS[1] run
-- ARGV    1 base, 2 id, 3 origin, 4 workflow, 5 standing, 6 value, 7 state, 8 input, 9 created, 10 nonce,
--         11 lease or '', 12 due or '', 13... log
-- Returns 1 created (by this call, be it sent again), 0 exists
${readFields}${relist}
local run, base, id = KEYS[1], ARGV[1], ARGV[2]
local nonces = redis.call('HGET', run, 'n')
if nonces then
  if string.find(nonces, ARGV[10], 1, true) then return 1 end
  return 0
end
redis.call('HSET', run, 'c', ARGV[3], 'x', ARGV[5], 'v', ARGV[6], 's', ARGV[7], 'i', ARGV[8], 'u', ARGV[9],
  'n', ARGV[10] .. ',', 'q', 1)
for at = 13, #ARGV, 1000 do
  redis.call('RPUSH', base .. 'log:' .. id, unpack(ARGV, at, math.min(at + 999, #ARGV)))
end
relist(base, id, ARGV[3], ARGV[5], 1)
redis.call('SADD', base .. 'names', ARGV[4])
if ARGV[11] ~= '' then
  redis.call('HSET', run, 'l', ARGV[11])
  redis.call('SADD', base .. 'leases', id)
end
if ARGV[12] ~= '' then
  local _, kind = origin(ARGV[3])
  redis.call('ZADD', base .. 'wake:' .. kind, ARGV[12], id)
end
return 1
`);

export async function createRun(
  connection: Connection,
  run: NewRun,
  nonce: string,
): Promise<'created' | 'exists'> {
  const { id, workflow, version, createdAt, status, tags, lease, wakeAt } = run;
  const origin = encodeOrigin(createdAt, workflow, version);
  const base = toRunBase(connection.layout, id);
  const dueAt = hasEnded(status) ? null : lease ? lease.until : wakeAt;
  const reply = await connection.run(
    script,
    [`${base}run:${id}`],
    [
      base,
      id,
      origin,
      workflow,
      encodeStanding(status, tags),
      run.value,
      run.state,
      run.input,
      createdAt,
      nonce,
      lease ? `${lease.until}:${lease.token}` : '',
      dueAt ?? '',
      ...run.log,
    ],
  );
  return reply === 1 ? 'created' : 'exists';
}
