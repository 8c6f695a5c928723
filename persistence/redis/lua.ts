/**
 * Pieces of Lua that several scripts share. A script is such pieces and its own body; it runs atomically.
 *
 * Scripts build the names of further keys from `base` (ARGV[1]) and what they read. That is sound in a cluster: all
 * of them have the hash tag of KEYS[1].
 *
 * A client may send a call twice when it lost the first answer. Each writing call therefore carries a nonce; the run
 * remembers those of its latest writes (`n`) and messages (`r`), and a call whose nonce it knows answers as it did,
 * without writing again.
 *
 * Strings are never compared with `<`: in Redis that depends on the server's locale.
 */

/** What a run's fields say. */
export const readFields = `
local function origin(c)
  local length, kind = string.match(string.sub(c, 10), '^(%d+):(.*)$')
  return string.sub(c, 1, 9), kind, string.sub(kind, 1, tonumber(length))
end

local function hasEnded(standing)
  local status = string.match(standing, '^[^,]*')
  return status == 'done' or status == 'failed' or status == 'cancelled'
end

local function parseLease(lease)
  local colon = string.find(lease, ':', 1, true)
  return string.sub(lease, 1, colon - 1), string.sub(lease, colon + 1)
end
`;

/** Calls a command with any number of arguments: Lua unpacks only some thousands. */
export const callWithMany = `
local function callWithMany(command, key, first, count)
  for at = first, first + count - 1, 1000 do
    redis.call(command, key, unpack(ARGV, at, math.min(at + 999, first + count - 1)))
  end
end
`;

/** Adds the run to the lists that it is found in (`change` 1) or takes it out (-1). */
export const relist = `
local function relist(base, id, c, standing, change)
  local created, kind, name = origin(c)
  local status = string.match(standing, '^[^,]*')
  local function put(key)
    if change == 1 then redis.call('ZADD', key, 0, created .. id) else redis.call('ZREM', key, created .. id) end
  end
  put(base .. 'list:' .. status .. ':' .. name)
  for tag in string.gmatch(standing, ',([^,]*)') do
    put(base .. 'tag:' .. status .. ':' .. tag .. ':' .. name)
  end
  if not hasEnded(standing) then
    local left = redis.call('HINCRBY', base .. 'open', kind, change)
    if left == 0 then redis.call('HDEL', base .. 'open', kind) end
  end
end
`;

/** Sets when the run is due; `false` is never. An ended run without mail is never due (I7). */
export const setDue = `
local function setDue(base, id, c, standing, last, dueAt)
  if dueAt and hasEnded(standing) and not (last and redis.call('HLEN', base .. 'inbox:' .. id) > 0) then
    dueAt = false
  end
  local _, kind = origin(c)
  local key = base .. 'wake:' .. kind
  if dueAt then redis.call('ZADD', key, dueAt, id) else redis.call('ZREM', key, id) end
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
