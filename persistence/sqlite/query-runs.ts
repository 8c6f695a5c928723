/** `due`, `open`, `ended` and `list`: reads by index, each in a transaction of its own. */
import { compareListed, encodeCursor, readListStart, type ListPlace } from '../listing.ts';
import { runStatuses } from '../run-status.ts';
import type { DueQuery, EndedQuery, ListQuery, RunPage } from '../store.ts';
import { Damage, readNumber, readText } from './checksum.ts';
import { toCell, type Connection } from './connection.ts';
import { getHead, toSummary } from './head.ts';
import { readRange, type ListedPlace } from './listing-range.ts';
import { allFacets, toFacets } from './listed-run.ts';

/** Rejects with `Damage` of `runs_due` if the index names a run that is not there. */
export function readDue(connection: Connection, { workflows, now, limit }: DueQuery): readonly string[] {
  const found = [...new Set(workflows)].flatMap((kind) =>
    connection
      .all(
        'SELECT run, due_at FROM runs WHERE kind = ? AND due_at <= ? ORDER BY due_at, run LIMIT ?',
        toCell(kind),
        now,
        limit,
      )
      .map((row) => ({ run: readNumber(row['run']), dueAt: readNumber(row['due_at']) })),
  );
  found.sort((a, b) => a.dueAt - b.dueAt || a.run - b.run);
  return found.slice(0, limit).map(({ run }) => {
    const row = connection.get('SELECT id FROM runs WHERE run = ?', run);
    if (!row) throw new Damage('runs_due');
    return readText(row['id'], 'runs.id');
  });
}

export function readOpen(connection: Connection): ReadonlyMap<string, number> {
  const rows = connection.all('SELECT kind, count FROM open_runs WHERE count > 0 ORDER BY kind');
  return new Map(rows.map(({ kind, count }) => [readText(kind), readNumber(count)]));
}

export function readEnded(connection: Connection, { status, before, limit }: EndedQuery): readonly string[] {
  return connection
    .all(
      `SELECT id FROM runs WHERE status IN ('done', 'failed', 'cancelled') AND status = ? AND updated_at < ?
       ORDER BY updated_at, run LIMIT ?`,
      status,
      before,
      limit,
    )
    .map(({ id }) => readText(id, 'runs.id'));
}

/** Sorted ranges of `listing`, one per workflow and status, merged. */
export function readList(connection: Connection, query: ListQuery): RunPage {
  const start = readListStart(query);
  const { workflow, status, limit } = query;
  const facets = toFacets(query);
  const statuses = status === undefined ? runStatuses : [status];
  const places: ListedPlace[] = [];
  // With no filter, a run is in one of two ranges: top level and child.
  for (const each of facets.length > 0 ? [facets] : allFacets.map((facet) => [facet])) {
    const workflows = workflow === undefined ? readWorkflows(connection, each[0] ?? '') : [workflow];
    for (const name of workflows) {
      for (const one of statuses) {
        places.push(
          ...readRange(connection, { facets: each, workflow: name, status: one, start, limit: limit + 1 }),
        );
      }
    }
  }
  places.sort(compareListed);
  const page = places.slice(0, limit);
  const last = places.length > limit ? page.at(-1) : undefined;
  return {
    runs: page.map(({ run, id }) => {
      const head = getHead(connection, run);
      if (head?.id !== id) throw new Damage('listing', id);
      return toSummary(head);
    }),
    ...(last && { cursor: encodeCursor(last satisfies ListPlace) }),
  };
}

/** The workflows that have runs with the facet: one step in the index for each, however many runs there are. */
function readWorkflows(connection: Connection, facet: string): readonly string[] {
  const cell = toCell(facet);
  const workflows: string[] = [];
  let row = connection.get('SELECT workflow FROM listing WHERE facet = ? ORDER BY workflow LIMIT 1', cell);
  while (row) {
    workflows.push(readText(row['workflow'], 'listing.workflow'));
    row = connection.get(
      'SELECT workflow FROM listing WHERE facet = ? AND workflow > ? ORDER BY workflow LIMIT 1',
      cell,
      row['workflow'] ?? null,
    );
  }
  return workflows;
}
