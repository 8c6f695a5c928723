/** `send`. */
import type { NewMessage, SendResult } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toMailChannel, toRunBase } from '../layout.ts';
import { readFields } from '../lua.ts';

const script = defineScript(`
-- KEYS[1] run
-- ARGV    1 base, 2 id, 3 channel, 4 nonce, 5 at, 6 body, 7 key if there is one
-- Returns { 1 stored or 0 duplicate, message id, log length }, -1 missing, -2 ended
${readFields}
local run, base, id, nonce = KEYS[1], ARGV[1], ARGV[2], ARGV[4]
local c, standing, last, lease, recent = unpack(redis.call('HMGET', run, 'c', 'x', 'm', 'l', 'r'))
if not c then return -1 end

-- A message of before: the same key, or the same call sent again.
local first
if ARGV[7] then
  first = redis.call('HGET', base .. 'keys:' .. id, ARGV[7])
elseif recent then
  first = string.match(recent, '(%d+:%d+:' .. nonce .. ')')
end
if first then
  local messageId, logLength, sender = string.match(first, '^(%d+):(%d+):(.*)$')
  return { sender == nonce and 1 or 0, tonumber(messageId), tonumber(logLength) }
end
if hasEnded(standing) then return -2 end

local messageId = (last or 0) + 1
local logLength = redis.call('LLEN', base .. 'log:' .. id)
local stored = messageId .. ':' .. logLength .. ':' .. nonce
redis.call('HSET', base .. 'inbox:' .. id, messageId, ARGV[5] .. ':' .. ARGV[6])
redis.call('HSET', run, 'm', messageId)
if ARGV[7] then
  redis.call('HSET', base .. 'keys:' .. id, ARGV[7], stored)
else
  redis.call('HSET', run, 'r', string.sub(stored .. ',' .. (recent or ''), 1, 600))
end
if not lease then
  local _, kind = origin(c)
  redis.call('ZADD', base .. 'wake:' .. kind, 'LT', ARGV[5], id)
end
redis.call('PUBLISH', ARGV[3], id)
return { 1, messageId, logLength }
`);

export async function sendMessage(
  connection: Connection,
  runId: string,
  { at, body, key }: NewMessage,
  nonce: string,
): Promise<SendResult> {
  const layout = connection.layout;
  const base = toRunBase(layout, runId);
  const args = [
    base,
    runId,
    toMailChannel(layout.prefix),
    nonce,
    at,
    body,
    ...(key === undefined ? [] : [key]),
  ];
  const reply = await connection.run(script, [`${base}run:${runId}`], args);
  if (reply === -1) return { status: 'missing' };
  if (reply === -2) return { status: 'ended' };
  const [isStored, messageId, logLength] = reply as [number, number, number];
  return { status: isStored === 1 ? 'stored' : 'duplicate', messageId, logLength };
}
