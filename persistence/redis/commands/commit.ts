/** `commit`. A step in the middle of a run is HMGET, HSET and RPUSH; more only where something else has changed. */
import type { Commit, CommitResult } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { encodeStanding, toRunBase } from '../layout.ts';
import { callWithMany, readFields, readMail, relist, setDue } from '../lua.ts';
import { decodeMail } from '../run-fields.ts';

const script = defineScript(`
-- KEYS[1] run
-- ARGV    1 base, 2 id, 3 token, 4 seq, 5 now, 6 standing, 7 value, 8 state, 9 nonce, 10 seen,
--         11 lease: 'keep', 'release' or its new end, 12 due if released or '', 13 log entries, 14 consumed,
--         15 forgotten; then these
-- Returns -1 missing, -2 lease lost, -3 sequence, 0 committed, 1 committed and released,
--         or committed with unseen mail: { message id, message, ... }
local run, base, id = KEYS[1], ARGV[1], ARGV[2]
local seq, lease, standing, last, nonces = unpack(redis.call('HMGET', run, 'q', 'l', 'x', 'm', 'n'))
if not seq then return -1 end
local isRepeated = string.find(nonces, ARGV[9], 1, true)
local colon = lease and string.find(lease, ':', 1, true)
local isHeld = lease and string.sub(lease, colon + 1) == ARGV[3]
if not isRepeated then
  if not isHeld then return -2 end
  if seq ~= ARGV[4] then return -3 end
  redis.call('HSET', run, 'q', seq + 1, 'u', ARGV[5], 'v', ARGV[7], 's', ARGV[8], 'n',
    ARGV[9] .. ',' .. string.sub(nonces, 1, 70))
  local lastEntry = 15 + ARGV[13]
  for at = 16, lastEntry, 1000 do
    redis.call('RPUSH', base .. 'log:' .. id, unpack(ARGV, at, math.min(at + 999, lastEntry)))
  end
  -- A step in the middle of a run ends here; nothing below is even defined for it.
  local isQuiet = not last or tonumber(last) <= tonumber(ARGV[10])
  if isQuiet and standing == ARGV[6] and ARGV[11] == 'keep' and ARGV[14] == '0' and ARGV[15] == '0' then
    return 0
  end
end
${readFields}${callWithMany}${relist}${setDue}${readMail}
local inbox = base .. 'inbox:' .. id
local function unseen()
  if not last or tonumber(last) <= tonumber(ARGV[10]) then return {} end
  return readMail(inbox, tonumber(ARGV[10]), tonumber(last))
end

if isRepeated then
  if not isHeld then return ARGV[11] == 'release' and 1 or 0 end
  local mail = unseen()
  return #mail > 0 and mail or 0
end

local consumed, forgotten = tonumber(ARGV[14]), tonumber(ARGV[15])
callWithMany('HDEL', inbox, 16 + ARGV[13], consumed)
callWithMany('HDEL', base .. 'journal:' .. id, 16 + ARGV[13] + consumed, forgotten)

local c
if standing ~= ARGV[6] then
  c = redis.call('HGET', run, 'c')
  redis.call('HSET', run, 'x', ARGV[6])
  relist(base, id, c, standing, -1)
  relist(base, id, c, ARGV[6], 1)
end

local mail = unseen()
local released = ARGV[11] == 'release' and #mail == 0
local extended = ARGV[11] ~= 'release' and ARGV[11] ~= 'keep'
local due = string.sub(lease, 1, colon - 1)
if released then
  redis.call('HDEL', run, 'l')
  redis.call('SREM', base .. 'leases', id)
  due = ARGV[12] ~= '' and ARGV[12]
elseif extended then
  redis.call('HSET', run, 'l', ARGV[11] .. ':' .. ARGV[3])
  due = ARGV[11]
end
if released or extended or hasEnded(standing) or hasEnded(ARGV[6]) then
  setDue(base, id, c or redis.call('HGET', run, 'c'), ARGV[6], last, due)
end
if #mail > 0 then return mail end
return released and 1 or 0
`);

export async function commitRun(
  connection: Connection,
  runId: string,
  commit: Commit,
  nonce: string,
): Promise<CommitResult> {
  const { log, consumed, forget, lease } = commit;
  const base = toRunBase(connection.layout, runId);
  const reply = await connection.run(
    script,
    [`${base}run:${runId}`],
    [
      base,
      runId,
      commit.token,
      commit.seq,
      commit.now,
      encodeStanding(commit.status, commit.tags),
      commit.value,
      commit.state,
      nonce,
      commit.seen,
      typeof lease === 'object' ? lease.until : lease,
      commit.wakeAt ?? '',
      log.length,
      consumed.length,
      forget.length,
      ...log,
      ...consumed,
      ...forget,
    ],
  );
  switch (reply) {
    case -1:
      return { status: 'missing' };
    case -2:
      return { status: 'lease-lost' };
    case -3:
      return { status: 'sequence' };
    case 0:
    case 1:
      return { status: 'committed', inbox: [], released: reply === 1 };
    default:
      return { status: 'committed', inbox: decodeMail(reply as string[]), released: false };
  }
}
