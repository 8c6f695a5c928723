/** `release`. Sent again it finds no lease of its token and does nothing. */
import type { Release } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunBase } from '../layout.ts';
import { readFields, readMail, setDue } from '../lua.ts';

const script = defineScript(`
-- KEYS[1] run
-- ARGV    1 base, 2 id, 3 token, 4 due or '', 5 seen, 6 problem if there is one
-- Returns 1 released, 0 the lease is not this token's
${readFields}${setDue}${readMail}
local run, base, id = KEYS[1], ARGV[1], ARGV[2]
local c, lease, standing, last = unpack(redis.call('HMGET', run, 'c', 'l', 'x', 'm'))
if not lease then return 0 end
local _, token = parseLease(lease)
if token ~= ARGV[3] then return 0 end
redis.call('HDEL', run, 'l')
redis.call('SREM', base .. 'leases', id)
local due = ARGV[4] ~= '' and tonumber(ARGV[4])
if last and tonumber(last) > tonumber(ARGV[5]) then
  local mail = readMail(base .. 'inbox:' .. id, tonumber(ARGV[5]), tonumber(last))
  for n = 2, #mail, 2 do
    local at = tonumber(string.match(mail[n], '^[^:]*'))
    if not due or at < due then due = at end
  end
end
setDue(base, id, c, standing, last, due)
if ARGV[6] then redis.call('HSET', run, 'p', ARGV[6]) end
return 1
`);

export async function releaseRun(
  connection: Connection,
  runId: string,
  { token, wakeAt, seen, problem }: Release,
): Promise<void> {
  const base = toRunBase(connection.layout, runId);
  const args = [base, runId, token, wakeAt ?? '', seen, ...(problem === undefined ? [] : [problem])];
  await connection.run(script, [`${base}run:${runId}`], args);
}
