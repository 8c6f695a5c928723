/** `due`, `open` and `list`: reads by index, outside of any transaction that writes. */
import { compareBytes, compareListed, encodeCursor, readListStart, type ListPlace } from '../listing.ts';
import { runStatuses } from '../run-status.ts';
import type { DueQuery, ListQuery, RunPage, RunStatus } from '../store.ts';
import { readNumber, readText, toCell, type Connection } from './connection.ts';
import type { Cell } from './driver.ts';
import { anyTag, toTagCell } from './listed-run.ts';
import { readSummary, summaryColumns } from './rows.ts';

export function readDue(connection: Connection, { workflows, now, limit }: DueQuery): readonly string[] {
  const found = [...new Set(workflows)].flatMap((kind) =>
    connection
      .all(
        'SELECT id, due_at FROM runs WHERE kind = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?',
        toCell(kind),
        now,
        limit,
      )
      .map((row) => ({ id: readText(row['id']), dueAt: readNumber(row['due_at']) })),
  );
  found.sort((a, b) => a.dueAt - b.dueAt || compareBytes(a.id, b.id));
  return found.slice(0, limit).map(({ id }) => id);
}

export function readOpen(connection: Connection): ReadonlyMap<string, number> {
  const rows = connection.all('SELECT kind, count FROM open_runs WHERE count > 0 ORDER BY kind');
  return new Map(rows.map(({ kind, count }) => [readText(kind), readNumber(count)]));
}

/** One sorted range of `listing` per workflow and status, merged. Runs in a transaction, so that no run moves meanwhile. */
export function readList(connection: Connection, query: ListQuery): RunPage {
  const start = readListStart(query);
  const { workflow, status, limit } = query;
  const tag = query.tag === undefined ? anyTag : toTagCell(query.tag);
  const workflows = workflow === undefined ? readWorkflows(connection, tag) : [toCell(workflow)];
  const statuses = status === undefined ? runStatuses : [status];
  const places = workflows.flatMap((name) =>
    statuses.flatMap((each) => readRange(connection, [tag, name, each], start, limit + 1)),
  );
  places.sort(compareListed);
  const page = places.slice(0, limit);
  const last = places.length > limit ? page.at(-1) : undefined;
  return {
    runs: page.flatMap(({ run }) => {
      const row = connection.get(`SELECT ${summaryColumns} FROM runs WHERE run = ?`, run);
      return row ? [readSummary(row)] : [];
    }),
    ...(last && { cursor: encodeCursor(last) }),
  };
}

interface ListedPlace extends ListPlace {
  readonly run: number;
}

function readRange(
  connection: Connection,
  key: readonly [tag: Cell, workflow: Cell, status: RunStatus],
  start: ListPlace | undefined,
  limit: number,
): readonly ListedPlace[] {
  const rows = start
    ? connection.all(
        `SELECT created_at, id, run FROM listing
         WHERE tag = ? AND workflow = ? AND status = ? AND (created_at, id) < (?, ?)
         ORDER BY created_at DESC, id DESC LIMIT ?`,
        ...key,
        start.createdAt,
        Buffer.from(start.id),
        limit,
      )
    : connection.all(
        `SELECT created_at, id, run FROM listing WHERE tag = ? AND workflow = ? AND status = ?
         ORDER BY created_at DESC, id DESC LIMIT ?`,
        ...key,
        limit,
      );
  return rows.map((row) => ({
    createdAt: readNumber(row['created_at']),
    id: readText(row['id']),
    run: readNumber(row['run']),
  }));
}

/** The workflows that have runs with the tag: one step in the index for each, however many runs there are. */
function readWorkflows(connection: Connection, tag: Cell): readonly Cell[] {
  const workflows: Cell[] = [];
  let row = connection.get('SELECT workflow FROM listing WHERE tag = ? ORDER BY workflow LIMIT 1', tag);
  while (row) {
    const workflow = row['workflow'] ?? null;
    workflows.push(workflow);
    row = connection.get(
      'SELECT workflow FROM listing WHERE tag = ? AND workflow > ? ORDER BY workflow LIMIT 1',
      tag,
      workflow,
    );
  }
  return workflows;
}
