/** `renew`: one call for some runs of a shard, atomic for each run. */
import type { Renewal, RenewalResult } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunKeys, type RunKeys } from '../layout.ts';
import { changeIndex, readFields, setDue } from '../lua.ts';
import { encodeTime } from '../terms.ts';

const script = defineScript(`
-- KEYS    1 index; then for each run the run and its inbox
-- ARGV    1 token, 2 until; then for each run its id and the highest message id seen
-- Returns for each run 0 renewed, 1 renewed and has unseen mail, -1 lost
${readFields}${changeIndex}${setDue}
local token, until_ = ARGV[1], ARGV[2]
local function hasUnseen(inbox, seen, last)
  for messageId = seen + 1, last do
    if redis.call('HEXISTS', inbox, messageId) == 1 then return true end
  end
  return false
end

local results = {}
for at = 1, (#KEYS - 1) / 2 do
  local run, inbox, id, seen = KEYS[2 * at], KEYS[2 * at + 1], ARGV[1 + 2 * at], tonumber(ARGV[2 + 2 * at])
  local origin, lease, statusAndTags, last, due = unpack(redis.call('HMGET', run, 'c', 'l', 'x', 'm', 'w'))
  if holderOf(lease) ~= token then
    results[at] = -1
  else
    local isIdle = hasEnded(statusAndTags) and not (last and redis.call('HLEN', inbox) > 0)
    redis.call('HSET', run, 'l', until_ .. ':' .. token)
    setDue(run, id, origin, due, not isIdle and until_)
    results[at] = last and hasUnseen(inbox, seen, tonumber(last)) and 1 or 0
  end
end
writeIndex(KEYS[1])
return results
`);

/** No other call waits long behind one with this many runs. */
const maxRuns = 100;

interface Renewed {
  readonly keys: RunKeys;
  readonly id: string;
  readonly seen: number;
}

export async function renewRuns(
  { layout, run }: Connection,
  { token, until, runs }: Renewal,
): Promise<RenewalResult> {
  const byShard = new Map<string, Renewed[]>();
  for (const { id, seen } of runs) {
    const keys = toRunKeys(layout, id);
    const group = byShard.get(keys.base);
    if (group) group.push({ keys, id, seen });
    else byShard.set(keys.base, [{ keys, id, seen }]);
  }
  const lost: string[] = [];
  const mail: string[] = [];
  const parts = [...byShard.values()].flatMap((group) => splitEvery(group, maxRuns));
  await Promise.all(parts.map(renewPart));
  return { lost, mail };

  async function renewPart(part: readonly Renewed[]): Promise<void> {
    const keys = part.flatMap((each) => [each.keys.run, each.keys.inbox]);
    const args = [token, encodeTime(until), ...part.flatMap(({ id, seen }) => [id, seen])];
    const results = (await run(script, [part[0]?.keys.index ?? '', ...keys], args)) as number[];
    for (const [at, { id }] of part.entries()) {
      if (results[at] === -1) lost.push(id);
      if (results[at] === 1) mail.push(id);
    }
  }
}

function splitEvery<T>(items: readonly T[], size: number): ReadonlyArray<readonly T[]> {
  const parts: Array<readonly T[]> = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}
