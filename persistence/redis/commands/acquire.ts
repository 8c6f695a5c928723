/** `acquire`. Sent again it answers the same: a token may always acquire what it holds. */
import type { AcquiredRun, AcquireOptions } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunBase } from '../layout.ts';
import { readFields, setDue } from '../lua.ts';
import { decodeMail, decodeStored, storedFields, type FieldValues } from '../run-fields.ts';

const script = defineScript(`
-- KEYS[1] run
-- ARGV    1 base, 2 id, 3 token, 4 until, 5 now, 6 the token to evict or '', 7... fields of a stored run
-- Returns -1 missing, 0 held, or { fields, { message id, message, ... }, { journal name, value, ... } }
${readFields}${setDue}
local run, base, id = KEYS[1], ARGV[1], ARGV[2]
local c, lease, standing, last, problem = unpack(redis.call('HMGET', run, 'c', 'l', 'x', 'm', 'p'))
if not c then return -1 end
if lease then
  local until_, token = parseLease(lease)
  local isTheirs = token ~= ARGV[3] and (ARGV[6] == '' or '=' .. token ~= ARGV[6])
  if isTheirs and tonumber(until_) > tonumber(ARGV[5]) then return 0 end
else
  redis.call('SADD', base .. 'leases', id)
end
redis.call('HSET', run, 'l', ARGV[4] .. ':' .. ARGV[3])
if problem then redis.call('HDEL', run, 'p') end
setDue(base, id, c, standing, last, ARGV[4])
local mail = {}
if last then mail = redis.call('HGETALL', base .. 'inbox:' .. id) end
return { redis.call('HMGET', run, unpack(ARGV, 7)), mail, redis.call('HGETALL', base .. 'journal:' .. id) }
`);

export async function acquireRun(
  connection: Connection,
  runId: string,
  { token, until, now, evict }: AcquireOptions,
): Promise<AcquiredRun | 'held' | 'missing'> {
  const base = toRunBase(connection.layout, runId);
  const toEvict = evict === undefined ? '' : `=${evict}`;
  const args = [base, runId, token, until, now, toEvict, ...storedFields];
  const reply = await connection.run(script, [`${base}run:${runId}`], args);
  if (reply === -1) return 'missing';
  if (reply === 0) return 'held';
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
