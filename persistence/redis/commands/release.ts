/** `release`. Sent again it finds no lease of its token and does nothing. */
import type { Release } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunKeys } from '../layout.ts';
import { changeIndex, readFields, readMail, setDue } from '../lua.ts';
import { encodeProblem } from '../run-fields.ts';
import { encodeTime } from '../terms.ts';

const script = defineScript(`
-- KEYS    1 run, 2 index, 3 inbox, 4 ids of recordings
-- ARGV    1 id, 2 token, 3 due or '', 4 seen, 5 problem if there is one
-- Returns 1 released, 0 the lease is not this token's
${readFields}${changeIndex}${setDue}${readMail}
local run, id, inbox, seen = KEYS[1], ARGV[1], KEYS[3], tonumber(ARGV[4])
local origin, lease, statusAndTags, last, problem, due =
  unpack(redis.call('HMGET', run, 'c', 'l', 'x', 'm', 'p', 'w'))
if holderOf(lease) ~= ARGV[2] then return 0 end
local dueAt = ARGV[3] ~= '' and ARGV[3]
if last and tonumber(last) > seen then
  local mail = readMail(inbox, seen, tonumber(last))
  for n = 2, #mail, 2 do
    local at = tonumber(string.match(mail[n], '^[^:]*'))
    if not dueAt or at < tonumber(dueAt) then dueAt = string.format('%013.0f', math.ceil(math.max(at, 0))) end
  end
end
if hasEnded(statusAndTags) and not (last and redis.call('HLEN', inbox) > 0) then dueAt = false end
local suffix = createdOf(origin) .. id
redis.call('HDEL', run, 'l')
drop('h,' .. suffix)
if ARGV[5] then
  redis.call('HSET', run, 'p', ARGV[5])
  add('!,' .. suffix)
elseif problem then
  redis.call('HDEL', run, 'p')
  drop('!,' .. suffix)
end
setDue(run, id, origin, due, dueAt)
writeIndex(KEYS[2])
redis.call('UNLINK', KEYS[4])
return 1
`);

export async function releaseRun(
  { layout, run }: Connection,
  runId: string,
  { token, wakeAt, seen, problem }: Release,
): Promise<void> {
  const keys = toRunKeys(layout, runId);
  const dueAt = wakeAt === null ? '' : encodeTime(wakeAt);
  const args = [runId, token, dueAt, seen, ...(problem === undefined ? [] : [encodeProblem(problem)])];
  await run(script, [keys.run, keys.index, keys.inbox, keys.recorded], args);
}
