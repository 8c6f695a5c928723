/** `delete`. */
import type { Deletion } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunKeys } from '../layout.ts';
import { changeIndex, readFields, rememberCalls } from '../lua.ts';

const script = defineScript(`
-- KEYS    1 run, 2 index, 3 calls, 4 log, 5 inbox, 6 message keys, 7 journal, 8 ids of recordings
-- ARGV    1 id, 2 nonce, 3 how long to keep the answer, 4 settled nonces, 5 seq, 6 the caller's token after '=' or ''
-- Returns 1 deleted (by this call, be it sent again), -1 missing, -2 held, -3 sequence
${readFields}${changeIndex}${rememberCalls}
local run, id = KEYS[1], ARGV[1]
if recall(KEYS[3], ARGV[2], ARGV[3], ARGV[4]) then return 1 end
local origin, fixed, statusAndTags, seq, lease, due, updated, problem =
  unpack(redis.call('HMGET', run, 'c', 't', 'x', 'q', 'l', 'w', 'u', 'p'))
if not origin then return -1 end
if lease and '=' .. holderOf(lease) ~= ARGV[6] then return -2 end
if seq ~= ARGV[5] then return -3 end
local kind, suffix = kindOf(origin), createdOf(origin) .. id
eachTerm('r,' .. fixed .. ',' .. statusAndTags, suffix, drop)
if problem then drop('!,' .. suffix) end
if lease then drop('h,' .. suffix) end
if due then drop('d=' .. kind .. ',' .. due .. id) end
if hasEnded(statusAndTags) then
  drop('e=' .. statusOf(statusAndTags) .. ',' .. updated .. id)
else
  drop('o=' .. kind .. ',' .. id)
end
writeIndex(KEYS[2])
redis.call('UNLINK', run, unpack(KEYS, 4))
remember(KEYS[3], ARGV[2], 1, ARGV[3], ARGV[4])
return 1
`);

const outcomes = { '1': 'deleted', '-1': 'missing', '-2': 'held', '-3': 'sequence' } as const;

export async function deleteRun(
  { layout, run, calls }: Connection,
  runId: string,
  { seq, token }: Deletion,
): Promise<'deleted' | 'held' | 'sequence' | 'missing'> {
  const keys = toRunKeys(layout, runId);
  const reply = await calls.once(keys.base, ({ key, nonce, keepMs, settled }) =>
    run(
      script,
      [keys.run, keys.index, key, keys.log, keys.inbox, keys.keys, keys.journal, keys.recorded],
      [runId, nonce, keepMs, settled, seq, token === undefined ? '' : `=${token}`],
    ),
  );
  return outcomes[String(reply) as keyof typeof outcomes];
}
