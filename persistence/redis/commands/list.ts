/** `list`: one call for each shard merges the shard's sorted sets and reads what it found; the pages are merged here. */
import { compareListed, encodeCursor, readListStart } from '../../listing.ts';
import { runStatuses } from '../../run-status.ts';
import type { ListQuery, RunPage, RunSummary } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { encodeCreated, escapeTag, toBases } from '../layout.ts';
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
    if #members > 0 then ranges[#ranges + 1] = { members = members, at = 1 } end
  end
end

-- Not with '>', which depends on the server's locale.
local function isAfter(a, b)
  for at = 1, math.min(#a, #b) do
    local x, y = string.byte(a, at), string.byte(b, at)
    if x ~= y then return x > y end
  end
  return #a > #b
end

local found = {}
while #found < limit do
  local best
  for _, range in ipairs(ranges) do
    local member = range.members[range.at]
    if member and (not best or isAfter(member, best.members[best.at])) then best = range end
  end
  if not best then break end
  local id = string.sub(best.members[best.at], 10)
  best.at = best.at + 1
  found[#found + 1] = { id, redis.call('HMGET', base .. 'run:' .. id, unpack(ARGV, 7 + ARGV[6])) }
end
return found
`);

export async function readList(connection: Connection, query: ListQuery): Promise<RunPage> {
  const start = readListStart(query);
  const { workflow, status, tag, limit } = query;
  const statuses = status === undefined ? runStatuses : [status];
  const args = [
    limit + 1,
    start ? `(${encodeCreated(start.createdAt)}${start.id}` : '+',
    tag === undefined ? '' : `=${escapeTag(tag)}`,
    workflow === undefined ? '' : `=${workflow}`,
    statuses.length,
    ...statuses,
    ...summaryFields,
  ];
  const replies = await Promise.all(
    toBases(connection.layout).map((base) => connection.run(script, [`${base}names`], [base, ...args])),
  );
  const found = (replies as Array<Array<[string, FieldValues]>>)
    .flat()
    .map(([id, fields]) => decodeSummary(id, fields))
    .filter((run): run is RunSummary => run !== undefined)
    .sort(compareListed);
  const runs = found.slice(0, limit);
  const last = found.length > limit ? runs.at(-1) : undefined;
  return { runs, ...(last && { cursor: encodeCursor(last) }) };
}
