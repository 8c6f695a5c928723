/** `acquire`. Sent again it answers the same: a token may always acquire what it holds. */
import type { AcquiredRun, AcquireOptions } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunKeys } from '../layout.ts';
import { changeIndex, readFields, setDue } from '../lua.ts';
import { decodeMail, decodeStored, storedFields, unreadable, type FieldValues } from '../run-fields.ts';
import { encodeTime } from '../terms.ts';
import { missingRun } from './ghosts.ts';

const script = defineScript(`
-- KEYS    1 run, 2 index, 3 inbox, 4 journal
-- ARGV    1 id, 2 token, 3 until, 4 now, 5 the token to evict after '=' or '', 6 1 to forget takeovers,
--         7 the entry of the index by which the run was found to be due, or ''; 8... fields of a stored run
-- Returns -1 missing, -2 unreadable, 0 held, or { fields, { message id, message, ... }, { journal name, value, ... } }
${readFields}${changeIndex}${setDue}
local run, id, found = KEYS[1], ARGV[1], ARGV[7]
-- An entry that does not go with what is stored of the run leaves the index.
local function dropFound(expected)
  if found ~= '' and found ~= expected then redis.call('ZREM', KEYS[2], found) end
end

local stored = redis.pcall('HMGET', run, 'c', 't', 'x', 'v', 'u', 'q', 'i', 's', 'l', 'm', 'w', 'k', 'p')
local inbox, journal = redis.pcall('HGETALL', KEYS[3]), redis.pcall('HGETALL', KEYS[4])
local isReadable = not (stored.err or inbox.err or journal.err)
local origin, fixed, statusAndTags, value, updated, seq, input, state, lease, last, due, takeovers, problem
if not stored.err then
  origin, fixed, statusAndTags, value, updated, seq, input, state, lease, last, due, takeovers, problem = unpack(stored)
end
if isReadable and not origin and redis.call('EXISTS', run) == 0 then
  dropFound()
  return -1
end
local statuses = { running = true, waiting = true, done = true, failed = true, cancelled = true }
isReadable = isReadable and origin and string.match(origin, '^%d%d%d%d%d%d%d%d%d%d%d%d%d%d+:.*@')
  and fixed and string.match(fixed, '^w=')
  and statusAndTags and statuses[statusOf(statusAndTags)]
  and updated and tonumber(updated) and seq and tonumber(seq) and value and input and state
  and (not lease or string.match(lease, '^%d%d%d%d%d%d%d%d%d%d%d%d%d:'))
  and (not last or tonumber(last)) and (not takeovers or tonumber(takeovers)) and (not problem or pcall(cjson.decode, problem))
if not isReadable then
  dropFound()
  return -2
end

local holder = holderOf(lease)
if holder and holder ~= ARGV[2] and '=' .. holder ~= ARGV[5] and tonumber(endOf(lease)) > tonumber(ARGV[4]) then
  dropFound(due and 'd=' .. kindOf(origin) .. ',' .. due .. id)
  return 0
end
redis.call('HSET', run, 'l', ARGV[3] .. ':' .. ARGV[2])
if ARGV[6] == '1' then
  if takeovers then redis.call('HDEL', run, 'k') end
elseif holder and holder ~= ARGV[2] then
  redis.call('HINCRBY', run, 'k', 1)
end
if not lease then add('h,' .. createdOf(origin) .. id) end
local dueAt = not (hasEnded(statusAndTags) and #inbox == 0) and ARGV[3]
setDue(run, id, origin, due, dueAt)
if found ~= '' then
  local expected = dueAt and 'd=' .. kindOf(origin) .. ',' .. dueAt .. id
  if found ~= expected then drop(found) end
end
writeIndex(KEYS[2])
return { redis.call('HMGET', run, unpack(ARGV, 8)), inbox, journal }
`);

export async function acquireRun(
  { layout, run: runScript, findings, report }: Connection,
  runId: string,
  { token, until, now, evict, forgive = false }: AcquireOptions,
): Promise<AcquiredRun | 'held' | 'missing'> {
  const keys = toRunKeys(layout, runId);
  const found = findings.take(runId);
  const reply = await runScript(
    script,
    [keys.run, keys.index, keys.inbox, keys.journal],
    [
      runId,
      token,
      encodeTime(until),
      Math.floor(now),
      evict === undefined ? '' : `=${evict}`,
      forgive ? 1 : 0,
      found ?? '',
      ...storedFields,
    ],
  );
  if (reply === 0) return 'held';
  if (reply === -1) {
    if (found !== undefined) report(`missing ${runId}`, missingRun(runId));
    return 'missing';
  }
  if (reply === -2) {
    const error = unreadable(runId);
    report(`unreadable ${runId}`, error);
    throw error;
  }
  const [fields, mail, journal] = reply as [FieldValues, string[], string[]];
  const run = decodeStored(runId, fields);
  if (!run) return 'missing';
  return { run, inbox: decodeMail(mail), journal: decodeJournal(journal) };
}

function decodeJournal(flat: readonly string[]): ReadonlyMap<string, string> {
  const journal = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) journal.set(flat[at] ?? '', flat[at + 1] ?? '');
  return journal;
}
