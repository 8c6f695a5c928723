/** `create`. */
import { hasEnded } from '../../run-status.ts';
import type { NewRun } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunKeys } from '../layout.ts';
import { changeIndex, readFields, rememberCalls } from '../lua.ts';
import { encodeLease } from '../run-fields.ts';
import { encodeFixed, encodeOrigin, encodeStatusAndTags, encodeTime } from '../terms.ts';

const script = defineScript(`
-- KEYS    1 run, 2 index, 3 calls, 4 log
-- ARGV    1 id, 2 nonce, 3 how long to keep the answer, 4 settled nonces, 5 origin, 6 fixed terms, 7 status and tags,
--         8 value, 9 state, 10 input, 11 created, 12 nonce of a commit, 13 lease or '', 14 due or '', 15... log
-- Returns 1 created (by this call, be it sent again), 0 exists
${readFields}${changeIndex}${rememberCalls}
local run, id, origin, fixed, statusAndTags = KEYS[1], ARGV[1], ARGV[5], ARGV[6], ARGV[7]
if recall(KEYS[3], ARGV[2], ARGV[3], ARGV[4]) then return 1 end
if redis.call('HEXISTS', run, 'c') == 1 then return 0 end
for at = 15, #ARGV, 1000 do
  redis.call('RPUSH', KEYS[4], unpack(ARGV, at, math.min(at + 999, #ARGV)))
end
redis.call('HSET', run, 'c', origin, 't', fixed, 'x', statusAndTags, 'v', ARGV[8], 's', ARGV[9], 'i', ARGV[10],
  'u', ARGV[11], 'n', ARGV[12], 'q', 1)
local suffix = createdOf(origin) .. id
eachTerm('r,' .. fixed .. ',' .. statusAndTags, suffix, add)
if hasEnded(statusAndTags) then
  add('e=' .. statusOf(statusAndTags) .. ',' .. ARGV[11] .. id)
else
  add('o=' .. kindOf(origin) .. ',' .. id)
end
if ARGV[13] ~= '' then
  redis.call('HSET', run, 'l', ARGV[13])
  add('h,' .. suffix)
end
if ARGV[14] ~= '' then
  redis.call('HSET', run, 'w', ARGV[14])
  add('d=' .. kindOf(origin) .. ',' .. ARGV[14] .. id)
end
writeIndex(KEYS[2])
remember(KEYS[3], ARGV[2], 1, ARGV[3], ARGV[4])
return 1
`);

export async function createRun(
  { layout, run: runScript, calls }: Connection,
  run: NewRun,
): Promise<'created' | 'exists'> {
  const { id, createdAt, status, tags, lease, wakeAt, log } = run;
  const keys = toRunKeys(layout, id);
  const origin = encodeOrigin(run);
  const fixed = encodeFixed(run);
  const dueAt = hasEnded(status) ? null : lease ? lease.until : wakeAt;
  const reply = await calls.once(keys.base, ({ key, nonce, keepMs, settled }) =>
    runScript(
      script,
      [keys.run, keys.index, key, ...(log.length > 0 ? [keys.log] : [])],
      [
        id,
        nonce,
        keepMs,
        settled,
        origin,
        fixed,
        encodeStatusAndTags(status, tags),
        run.value,
        run.state,
        run.input,
        encodeTime(createdAt),
        nonce,
        lease ? encodeLease(lease) : '',
        dueAt === null ? '' : encodeTime(dueAt),
        ...log,
      ],
    ),
  );
  return reply === 1 ? 'created' : 'exists';
}
