/** `send`. */
import type { NewMessage, SendResult } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toMailChannel, toRunKeys } from '../layout.ts';
import { changeIndex, readFields, rememberCalls, setDue } from '../lua.ts';
import { encodeMessage } from '../run-fields.ts';
import { encodeTime } from '../terms.ts';

const script = defineScript(`
-- KEYS    1 run, 2 log, 3 index, 4 inbox, 5 calls, 6 message keys if it has a key
-- ARGV    1 id, 2 nonce, 3 how long to keep the answer, 4 settled nonces, 5 channel, 6 due, 7 message, 8 key if there is one
-- Returns { 1 stored or 0 duplicate, message id, log length }, -1 missing, -2 ended
${readFields}${changeIndex}${setDue}${rememberCalls}
local run, id, calls = KEYS[1], ARGV[1], KEYS[5]
local function answer(isStored, text)
  local messageId, logLength = string.match(text, '^(%d+):(%d+)$')
  return { isStored, tonumber(messageId), tonumber(logLength) }
end
local stored = recall(calls, ARGV[2], ARGV[3], ARGV[4])
if stored then return answer(1, stored) end
local origin, statusAndTags, last, lease, due = unpack(redis.call('HMGET', run, 'c', 'x', 'm', 'l', 'w'))
if not origin then return -1 end
stored = ARGV[8] and redis.call('HGET', KEYS[6], ARGV[8])
if stored then return answer(0, stored) end
if hasEnded(statusAndTags) then return -2 end

local messageId = (last or 0) + 1
stored = messageId .. ':' .. redis.call('LLEN', KEYS[2])
redis.call('HSET', KEYS[4], messageId, ARGV[7])
redis.call('HSET', run, 'm', messageId)
if ARGV[8] then redis.call('HSET', KEYS[6], ARGV[8], stored) end
if not lease and (not due or tonumber(ARGV[6]) < tonumber(due)) then
  setDue(run, id, origin, due, ARGV[6])
  writeIndex(KEYS[3])
end
remember(calls, ARGV[2], stored, ARGV[3], ARGV[4])
redis.call('PUBLISH', ARGV[5], id)
return answer(1, stored)
`);

export async function sendMessage(
  { layout, run, calls }: Connection,
  runId: string,
  message: NewMessage,
): Promise<SendResult> {
  const { at, key: messageKey } = message;
  const keys = toRunKeys(layout, runId);
  const ofKey = messageKey === undefined ? [] : [messageKey];
  const reply = await calls.once(keys.base, ({ key, nonce, keepMs, settled }) =>
    run(
      script,
      [keys.run, keys.log, keys.index, keys.inbox, key, ...ofKey.map(() => keys.keys)],
      [
        runId,
        nonce,
        keepMs,
        settled,
        toMailChannel(layout.prefix),
        encodeTime(at),
        encodeMessage(message),
        ...ofKey,
      ],
    ),
  );
  if (reply === -1) return { status: 'missing' };
  if (reply === -2) return { status: 'ended' };
  const [isStored, messageId, logLength] = reply as [number, number, number];
  return { status: isStored === 1 ? 'stored' : 'duplicate', messageId, logLength };
}
