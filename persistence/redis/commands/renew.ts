/** `renew`: one call for the runs of each shard, atomic for each run. */
import type { Renewal, RenewalResult } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toRunBase } from '../layout.ts';
import { readFields, readMail, setDue } from '../lua.ts';

const script = defineScript(`
-- KEYS    runs
-- ARGV    1 base, 2 token, 3 until; then for each run its id and the highest message id seen
-- Returns for each run 0 renewed, 1 renewed and has unseen mail, -1 lost
${readFields}${setDue}${readMail}
local base, token = ARGV[1], ARGV[2]
local results = {}
for at, run in ipairs(KEYS) do
  local id, seen = ARGV[2 + 2 * at], tonumber(ARGV[3 + 2 * at])
  local c, lease, standing, last = unpack(redis.call('HMGET', run, 'c', 'l', 'x', 'm'))
  local _, holder
  if lease then _, holder = parseLease(lease) end
  if holder ~= token then
    results[at] = -1
  else
    redis.call('HSET', run, 'l', ARGV[3] .. ':' .. token)
    setDue(base, id, c, standing, last, ARGV[3])
    results[at] = 0
    if last and tonumber(last) > seen and #readMail(base .. 'inbox:' .. id, seen, tonumber(last)) > 0 then
      results[at] = 1
    end
  end
end
return results
`);

/** So many runs in one call that no other call waits long behind it. */
const maxRuns = 100;

export async function renewRuns(
  connection: Connection,
  { token, until, runs }: Renewal,
): Promise<RenewalResult> {
  const layout = connection.layout;
  const byBase = new Map<string, Array<Renewal['runs'][number]>>();
  for (const run of runs) {
    const base = toRunBase(layout, run.id);
    const group = byBase.get(base);
    if (group) group.push(run);
    else byBase.set(base, [run]);
  }
  const lost: string[] = [];
  const mail: string[] = [];
  await Promise.all(
    [...byBase].flatMap(([base, group]) => splitEvery(group, maxRuns).map((part) => renewPart(base, part))),
  );
  return { lost, mail };

  async function renewPart(base: string, part: Renewal['runs']): Promise<void> {
    const keys = part.map(({ id }) => `${base}run:${id}`);
    const args = [base, token, until, ...part.flatMap(({ id, seen }) => [id, seen])];
    const results = (await connection.run(script, keys, args)) as number[];
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
