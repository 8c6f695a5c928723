/**
 * Pieces of Lua that several scripts share. A script is such pieces and its own body. What a script must observe so that
 * it is applied as a whole or not at all:
 *
 * L1. It touches the keys in KEYS and no others (see `layout.ts`).
 * L2. It reads before it writes, and does not touch a key again that it may have emptied: where a slot moves, Redis refuses
 *     to touch a key that is not there (any more). An index is never emptied by a run that stays in it.
 * L3. Redis refuses writes (no memory, a full disk, no replicas, no primary) by the state in which the script began, so
 *     at its first write or not at all.
 *
 * A client may send a call twice when it lost the first answer; see `calls.ts` for those that must be told apart.
 *
 * Strings are never compared with `<`: in Redis that depends on the server's locale.
 */

/** What a run's fields say. */
export const readFields = `
local function createdOf(origin) return string.sub(origin, 1, 13) end
local function kindOf(origin) return string.match(origin, ':(.*)$') end
local function statusOf(statusAndTags) return string.match(statusAndTags, '^s=(%a+)') end
local function hasEnded(statusAndTags)
  local status = statusOf(statusAndTags)
  return status == 'done' or status == 'failed' or status == 'cancelled'
end
local function endOf(lease) return string.sub(lease, 1, 13) end
local function holderOf(lease) return lease and string.sub(lease, 15) end
`;

/** Gathers the changes of the index (see `terms.ts`) and writes them at once. */
export const changeIndex = `
local dropped, put = {}, {}
local function drop(entry) dropped[#dropped + 1] = entry end
local function add(entry)
  put[#put + 1] = 0
  put[#put + 1] = entry
end
local function eachTerm(terms, suffix, change)
  for term in string.gmatch(terms, '[^,]+') do change(term .. ',' .. suffix) end
end
local function writeIndex(key)
  for at = 1, #dropped, 1000 do redis.call('ZREM', key, unpack(dropped, at, math.min(at + 999, #dropped))) end
  for at = 1, #put, 1000 do redis.call('ZADD', key, unpack(put, at, math.min(at + 999, #put))) end
end
`;

/** Changes when the run is due, from `before` to `after`; `false` is never. Needs `readFields` and `changeIndex`. */
export const setDue = `
local function setDue(run, id, origin, before, after)
  if before == after then return end
  local term = 'd=' .. kindOf(origin) .. ','
  if before then drop(term .. before .. id) end
  if after then
    add(term .. after .. id)
    redis.call('HSET', run, 'w', after)
  else
    redis.call('HDEL', run, 'w')
  end
end
`;

/** The messages past `seen`, as id and message in turn. */
export const readMail = `
local function readMail(key, seen, last)
  local mail = {}
  for from = seen + 1, last, 1000 do
    local ids = {}
    for messageId = from, math.min(from + 999, last) do ids[#ids + 1] = messageId end
    for at, message in ipairs(redis.call('HMGET', key, unpack(ids))) do
      if message then
        mail[#mail + 1] = tostring(ids[at])
        mail[#mail + 1] = message
      end
    end
  end
  return mail
end
`;

/** `recall` gives the answer to a call that was made before; `remember` keeps one. Both forget others. */
export const rememberCalls = `
local function remember(calls, nonce, answer, keepMs, settled)
  redis.call('HSET', calls, nonce, answer)
  redis.call('PEXPIRE', calls, keepMs)
  if settled ~= '' then redis.call('HDEL', calls, unpack(cjson.decode(settled))) end
end
local function recall(calls, nonce, keepMs, settled)
  local answer = redis.call('HGET', calls, nonce)
  if answer then remember(calls, nonce, answer, keepMs, settled) end
  return answer
end
`;
