/** `commit`. A step in the middle of a run is HMGET, RPUSH and HSET; more only where something else has changed. */
import { hasEnded } from '../../run-status.ts';
import type { Commit, CommitResult } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunKeys } from '../layout.ts';
import { changeIndex, readFields, readMail, setDue } from '../lua.ts';
import { decodeMail } from '../run-fields.ts';
import { encodeStatusAndTags, encodeTime } from '../terms.ts';

const script = defineScript(`
-- KEYS    1 run, 2 log, 3 index, 4 inbox, then the journal if names are forgotten, then the message keys if some are
--         freed, then the ids of recordings if the lease is to be released
-- ARGV    1 id, 2 token, 3 seq, 4 now, 5 status and tags, 6 value, 7 state, 8 nonce, 9 seen, 10 number of log entries,
--         11 '' if the run neither ends nor anything but state and log is touched, or, separated by commas: lease
--         ('keep', 'release' or its new end), due if released or '', numbers of consumed, forgotten and freed; then the
--         log entries and these
-- Returns -1 missing, -2 lease lost, the stored seq as text, 0 committed, 1 committed and released,
--         or committed with unseen mail: { message id, message, ... }
local run, id = KEYS[1], ARGV[1]
local seq, lease, statusAndTags, last, nonce, problem, takeovers, updated =
  unpack(redis.call('HMGET', run, 'q', 'l', 'x', 'm', 'n', 'p', 'k', 'u'))
if not seq then return -1 end
local isRepeated = nonce == ARGV[8]
local isHeld = lease and string.sub(lease, 15) == ARGV[2]
if not isRepeated then
  if not isHeld then return -2 end
  if seq ~= ARGV[3] then return seq end
  local lastEntry = 11 + ARGV[10]
  for at = 12, lastEntry, 1000 do
    redis.call('RPUSH', KEYS[2], unpack(ARGV, at, math.min(at + 999, lastEntry)))
  end
  redis.call('HSET', run, 'q', seq + 1, 'u', ARGV[4], 'v', ARGV[6], 's', ARGV[7], 'n', ARGV[8])
  -- A step in the middle of a run ends here; nothing below is even defined for it.
  local isQuiet = not last or tonumber(last) <= tonumber(ARGV[9])
  if isQuiet and ARGV[11] == '' and statusAndTags == ARGV[5] and not problem and not takeovers then return 0 end
end
${readFields}${changeIndex}${setDue}${readMail}
local inbox, seen = KEYS[4], tonumber(ARGV[9])
local leaseChange, dueIfReleased, consumed, forgotten, freed = 'keep', '', 0, 0, 0
if ARGV[11] ~= '' then
  leaseChange, dueIfReleased, consumed, forgotten, freed = string.match(ARGV[11], '^(.-),(.-),(.-),(.-),(.-)$')
  consumed, forgotten, freed = tonumber(consumed), tonumber(forgotten), tonumber(freed)
end
local function unseen()
  if not last or tonumber(last) <= seen then return {} end
  return readMail(inbox, seen, tonumber(last))
end

if isRepeated then
  if not isHeld then return leaseChange == 'release' and 1 or 0 end
  local mail = unseen()
  return #mail > 0 and mail or 0
end

-- The fields from ARGV[first] on. Returns how many are left.
local function deleteFields(key, first, count)
  local left = redis.call('HLEN', key)
  for at = first, first + count - 1, 1000 do
    if left == 0 then break end
    left = left - redis.call('HDEL', key, unpack(ARGV, at, math.min(at + 999, first + count - 1)))
  end
  return left
end

local mail = unseen()
local first = 12 + ARGV[10]
if consumed > 0 and #mail > 0 then
  local isConsumed, others = {}, {}
  for at = first, first + consumed - 1 do isConsumed[ARGV[at]] = true end
  for at = 1, #mail, 2 do
    if not isConsumed[mail[at]] then
      others[#others + 1] = mail[at]
      others[#others + 1] = mail[at + 1]
    end
  end
  mail = others
end
local left = last and deleteFields(inbox, first, consumed) or 0
local further = 5
if forgotten > 0 then
  deleteFields(KEYS[further], first + consumed, forgotten)
  further = further + 1
end
if freed > 0 then deleteFields(KEYS[further], first + consumed + forgotten, freed) end

local origin, due = unpack(redis.call('HMGET', run, 'c', 'w'))
local kind, suffix = kindOf(origin), createdOf(origin) .. id
local wasEnded, isEnded = hasEnded(statusAndTags), hasEnded(ARGV[5])
if statusAndTags ~= ARGV[5] then
  eachTerm(statusAndTags, suffix, drop)
  eachTerm(ARGV[5], suffix, add)
  redis.call('HSET', run, 'x', ARGV[5])
end
if wasEnded then drop('e=' .. statusOf(statusAndTags) .. ',' .. updated .. id) end
if isEnded then add('e=' .. statusOf(ARGV[5]) .. ',' .. ARGV[4] .. id) end
if wasEnded and not isEnded then add('o=' .. kind .. ',' .. id) end
if isEnded and not wasEnded then drop('o=' .. kind .. ',' .. id) end
if problem then drop('!,' .. suffix) end
if problem or takeovers then redis.call('HDEL', run, 'p', 'k') end

local released = leaseChange == 'release' and #mail == 0
local dueAt = endOf(lease)
if released then
  redis.call('HDEL', run, 'l')
  redis.call('UNLINK', KEYS[#KEYS])
  drop('h,' .. suffix)
  dueAt = dueIfReleased ~= '' and dueIfReleased
elseif leaseChange ~= 'release' and leaseChange ~= 'keep' then
  redis.call('HSET', run, 'l', leaseChange .. ':' .. ARGV[2])
  dueAt = leaseChange
end
if isEnded and left == 0 then dueAt = false end
setDue(run, id, origin, due, dueAt)
writeIndex(KEYS[3])
if #mail > 0 then return mail end
return released and 1 or 0
`);

export async function commitRun(
  { layout, run, calls }: Connection,
  runId: string,
  commit: Commit,
): Promise<CommitResult> {
  const { status, log, consumed, forget, freeKeys, lease, wakeAt } = commit;
  const keys = toRunKeys(layout, runId);
  const isPlain =
    lease === 'keep' &&
    consumed.length === 0 &&
    forget.length === 0 &&
    freeKeys.length === 0 &&
    !hasEnded(status);
  const details = [
    typeof lease === 'object' ? encodeTime(lease.until) : lease,
    wakeAt === null ? '' : encodeTime(wakeAt),
    consumed.length,
    forget.length,
    freeKeys.length,
  ];
  const reply = await run(
    script,
    [
      keys.run,
      keys.log,
      keys.index,
      keys.inbox,
      ...(forget.length > 0 ? [keys.journal] : []),
      ...(freeKeys.length > 0 ? [keys.keys] : []),
      ...(lease === 'release' ? [keys.recorded] : []),
    ],
    [
      runId,
      commit.token,
      commit.seq,
      encodeTime(commit.now),
      encodeStatusAndTags(status, commit.tags),
      commit.value,
      commit.state,
      calls.nextNonce(),
      commit.seen,
      log.length,
      isPlain ? '' : details.join(','),
      ...log,
      ...consumed,
      ...forget,
      ...freeKeys,
    ],
  );
  if (reply === -1) return { status: 'missing' };
  if (reply === -2) return { status: 'lease-lost' };
  if (typeof reply === 'string') return { status: 'sequence', seq: Number(reply) };
  if (typeof reply === 'number') return { status: 'committed', inbox: [], released: reply === 1 };
  return { status: 'committed', inbox: decodeMail(reply as string[]), released: false };
}
