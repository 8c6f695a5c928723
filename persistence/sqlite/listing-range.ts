/**
 * Places of `listing` with one workflow, one status and all of some facets, newest first. With several facets it goes
 * from one sorted range to the next: to the first place that each of them has at or below the last. So it costs twice
 * the rarest facet at most, however many runs have the others.
 */
import type { ListPlace } from '../listing.ts';
import type { RunStatus } from '../store.ts';
import { readNumber, readText } from './checksum.ts';
import { toCell, type Connection } from './connection.ts';
import type { Row } from './driver.ts';

export interface ListedPlace extends ListPlace {
  readonly run: number;
}

export interface RangeQuery {
  /** At least one. */
  readonly facets: readonly string[];
  readonly workflow: string;
  readonly status: RunStatus;
  /** Only places below this one. */
  readonly start: ListPlace | undefined;
  readonly limit: number;
}

export function readRange(connection: Connection, query: RangeQuery): readonly ListedPlace[] {
  const [facet = '', ...others] = query.facets;
  return others.length === 0
    ? readPlaces(connection, query, facet, query.limit)
    : intersect(connection, query);
}

function intersect(connection: Connection, query: RangeQuery): readonly ListedPlace[] {
  const { facets, limit } = query;
  const found: ListedPlace[] = [];
  let below = query.start;
  while (found.length < limit) {
    const common = findCommon(connection, { ...query, start: below }, facets);
    if (!common) break;
    found.push(common);
    below = common;
  }
  return found;
}

/** The first place that all facets have. */
function findCommon(
  connection: Connection,
  query: RangeQuery,
  facets: readonly string[],
): ListedPlace | undefined {
  let [candidate] = readPlaces(connection, query, facets[0] ?? '', 1);
  let agreed = 1;
  for (let next = 1; candidate && agreed < facets.length; next = (next + 1) % facets.length) {
    const place = findAtOrBelow(connection, query, facets[next] ?? '', candidate);
    agreed = place?.run === candidate.run ? agreed + 1 : 1;
    candidate = place;
  }
  return candidate;
}

const where = 'FROM listing WHERE facet = ? AND workflow = ? AND status = ?';
const order = 'ORDER BY created_at DESC, id DESC LIMIT ?';

function readPlaces(
  connection: Connection,
  { workflow, status, start }: RangeQuery,
  facet: string,
  limit: number,
): readonly ListedPlace[] {
  const key = [toCell(facet), toCell(workflow), status] as const;
  const rows = start
    ? connection.all(
        `SELECT created_at, id, run ${where} AND (created_at, id) < (?, ?) ${order}`,
        ...key,
        start.createdAt,
        Buffer.from(start.id),
        limit,
      )
    : connection.all(`SELECT created_at, id, run ${where} ${order}`, ...key, limit);
  return rows.map(toPlace);
}

function findAtOrBelow(
  connection: Connection,
  { workflow, status }: RangeQuery,
  facet: string,
  { createdAt, id }: ListPlace,
): ListedPlace | undefined {
  const row = connection.get(
    `SELECT created_at, id, run ${where} AND (created_at, id) <= (?, ?) ${order}`,
    toCell(facet),
    toCell(workflow),
    status,
    createdAt,
    Buffer.from(id),
    1,
  );
  return row && toPlace(row);
}

function toPlace(row: Row): ListedPlace {
  return {
    createdAt: readNumber(row['created_at'], 'listing.created_at'),
    id: readText(row['id'], 'listing.id'),
    run: readNumber(row['run'], 'listing.run'),
  };
}
