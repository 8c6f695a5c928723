/** `list`: one call for each shard merges the shard's sorted sets and reads what it found; the pages are merged here. */
import { compareListed, encodeCursor, readListStart } from '../../listing.ts';
import { runStatuses } from '../../run-status.ts';
import type { ListQuery, RunPage } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { encodeCreated, escapeTag, toBases } from '../layout.ts';
import { mergeShards } from '../merge-shards.ts';
import { decodeSummary, summaryFields, type FieldValues } from '../run-fields.ts';

const script = defineScript(`
-- KEYS[1] workflow names
-- ARGV    1 base, 2 limit, 3 where to start ('+', or '(' and a member), 4 escaped tag after '=' or '',
--         5 workflow after '=' or '', 6 number of statuses; then these, then fields of a summary
-- Returns { { id, fields }, ... } of this shard, newest first
local base, limit, start = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local names = { string.sub(ARGV[5], 2) }
if ARGV[5] == '' then names = redis.call('SMEMBERS', KEYS[1]) end

local ranges = {}
for at = 7, 6 + ARGV[6] do
  local key = base .. 'list:' .. ARGV[at] .. ':'
  if ARGV[4] ~= '' then key = base .. 'tag:' .. ARGV[at] .. ':' .. string.sub(ARGV[4], 2) .. ':' end
  for _, name in ipairs(names) do
    local members = redis.call('ZRANGE', key .. name, start, '-', 'BYLEX', 'REV', 'LIMIT', 0, limit)
    if #members > 0 then ranges[#ranges + 1] = { members = members, at = 0 } end
  end
end

-- Steps to the range's next member, and reads its time.
local function advance(range)
  range.at = range.at + 1
  range.member = range.members[range.at]
  range.created = range.member and tonumber(string.sub(range.member, 1, 9), 36) or -1
end

-- Not with '>', which depends on the server's locale.
local function isAfter(a, b)
  for at = 10, math.min(#a, #b) do
    local x, y = string.byte(a, at), string.byte(b, at)
    if x ~= y then return x > y end
  end
  return #a > #b
end

for _, range in ipairs(ranges) do advance(range) end
local found = {}
while #found < limit do
  local best = { created = -1 }
  for _, range in ipairs(ranges) do
    if range.created > best.created
      or (range.member and range.created == best.created and isAfter(range.member, best.member)) then
      best = range
    end
  end
  if not best.member then break end
  local id = string.sub(best.member, 10)
  found[#found + 1] = { id, redis.call('HMGET', base .. 'run:' .. id, unpack(ARGV, 7 + ARGV[6])) }
  advance(best)
end
return found
`);

export async function readList({ layout, run }: Connection, query: ListQuery): Promise<RunPage> {
  const start = readListStart(query);
  const { workflow, status, tag, limit } = query;
  const statuses = status === undefined ? runStatuses : [status];
  const filter = [
    start ? `(${encodeCreated(start.createdAt)}${start.id}` : '+',
    tag === undefined ? '' : `=${escapeTag(tag)}`,
    workflow === undefined ? '' : `=${workflow}`,
    statuses.length,
    ...statuses,
    ...summaryFields,
  ];

  const found = await mergeShards(toBases(layout), limit + 1, compareListed, async (base, count) => {
    const shard = (await run(script, [`${base}names`], [base, count, ...filter])) as Array<
      [string, FieldValues]
    >;
    return shard.map(([id, fields]) => decodeSummary(id, fields)).filter((each) => each !== undefined);
  });
  const runs = found.slice(0, limit);
  const last = found.length > limit ? runs.at(-1) : undefined;
  return { runs, ...(last && { cursor: encodeCursor(last) }) };
}
