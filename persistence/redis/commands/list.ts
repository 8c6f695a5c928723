/**
 * `list`, in two phases: each shard's index gives the ids of runs that have all terms, then the runs themselves are read,
 * each with a command of its own. So no script reads runs that a moving slot may have taken elsewhere. A run that has
 * changed in between is shown as it is, or not at all if it does not fit any more.
 */
import { StoreForeign } from '../../../src/errors.ts';
import { compareListed, encodeCursor, readListStart, type ListPlace } from '../../listing.ts';
import type { ListQuery, RunPage, RunSummary } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toBases, toIndexKey, toRunKeys } from '../layout.ts';
import { mergeShards } from '../merge-shards.ts';
import { isWrongType } from '../failures.ts';
import { decodeSummary, summaryFields, unreadable } from '../run-fields.ts';
import { encodeCreated, splitTime, toListTerms } from '../terms.ts';
import { dropGhosts } from './ghosts.ts';

const script = defineScript(`
-- KEYS[1] index
-- ARGV    1 limit, 2 below which place (created and id) or '', 3... terms
-- Returns { where to go on or '', term of the index that was read, place, ... }: newest first, places that have all terms
local index, limit = KEYS[1], tonumber(ARGV[1])
-- The term with the fewest runs is read, the others are looked up.
local read, least = 3, nil
for at = 3, #ARGV do
  local count = redis.call('ZLEXCOUNT', index, '[' .. ARGV[at] .. ',', '(' .. ARGV[at] .. '-')
  if not least or count < least then read, least = at, count end
end
local term = ARGV[read] .. ','
local maxRead = math.max(limit, 1000)
local from = ARGV[2] == '' and '(' .. ARGV[read] .. '-' or '(' .. term .. ARGV[2]
local entries = redis.call('ZRANGE', index, from, '[' .. term, 'BYLEX', 'REV', 'LIMIT', 0,
  #ARGV > 3 and maxRead or limit)
local found, place = { '', ARGV[read] }, nil
for _, entry in ipairs(entries) do
  place = string.sub(entry, #term + 1)
  local hasAll = true
  for at = 3, #ARGV do
    hasAll = hasAll and (at == read or redis.call('ZSCORE', index, ARGV[at] .. ',' .. place))
  end
  if hasAll then found[#found + 1] = place end
  if #found - 2 == limit then break end
end
if #found - 2 == limit or #entries == maxRead then found[1] = place end
return found
`);

export async function readList(connection: Connection, query: ListQuery): Promise<RunPage> {
  const start = readListStart(query);
  const { limit } = query;
  const terms = toListTerms(query);
  const found = await mergeShards(toBases(connection.layout), limit + 1, compareListed, (base, count) =>
    readShard(connection, base, { terms, start, count, query }),
  );
  const runs = found.slice(0, limit);
  const last = found.length > limit ? runs.at(-1) : undefined;
  return { runs, ...(last && { cursor: encodeCursor(last) }) };
}

interface ShardQuery {
  readonly terms: readonly string[];
  readonly start: ListPlace | undefined;
  readonly count: number;
  readonly query: ListQuery;
}

async function readShard(
  connection: Connection,
  base: string,
  { terms, start, count, query }: ShardQuery,
): Promise<readonly RunSummary[]> {
  const runs: RunSummary[] = [];
  let below = start ? encodeCreated(start.createdAt) + start.id : '';
  do {
    const args = [count - runs.length, below, ...terms];
    const [next = '', read = '', ...places] = (await connection.run(
      script,
      [toIndexKey(base)],
      args,
    )) as string[];
    const ids = places.map((place) => splitTime(place).rest);
    const summaries = await Promise.all(ids.map((id) => readSummary(connection, id)));
    for (const summary of summaries) if (summary && fits(summary, query)) runs.push(summary);
    const ghosts = ids.filter((_, at) => summaries[at] === null);
    await dropGhosts(connection, base, ghosts, (id) =>
      [...new Set([read, 'r', ...terms])].map((term) => `${term},${places[ids.indexOf(id)]}`),
    );
    below = next;
  } while (below !== '' && runs.length < count);
  return runs;
}

/** `null` if there is no such run; `undefined` if it cannot be read, which is told. */
async function readSummary(
  { layout, call, report }: Connection,
  runId: string,
): Promise<RunSummary | null | undefined> {
  const key = toRunKeys(layout, runId).run;
  try {
    return decodeSummary(runId, await call((client) => client.hmget(key, ...summaryFields))) ?? null;
  } catch (error) {
    const foreign = toForeign(runId, error);
    report(`unreadable ${runId}`, foreign);
    return undefined;
  }
}

function toForeign(runId: string, error: unknown): StoreForeign {
  if (error instanceof StoreForeign) return error;
  if (isWrongType(error)) return unreadable(runId, error);
  throw error;
}

/** What can have changed since the index was read. */
function fits({ status, tags, problem }: RunSummary, query: ListQuery): boolean {
  return (
    (query.status === undefined || status === query.status) &&
    (query.tag === undefined || tags.includes(query.tag)) &&
    (!query.stuck || problem !== undefined)
  );
}
