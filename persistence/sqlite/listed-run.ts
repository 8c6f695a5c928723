/** Keeps a run's rows in `listing`, and the count of open runs, in step with its status and tags. */
import { hasEnded } from '../run-status.ts';
import type { RunStatus } from '../store.ts';
import { toCell, type Connection } from './connection.ts';
import type { Cell } from './driver.ts';

export interface ListedRun {
  readonly run: number;
  readonly id: string;
  readonly workflow: string;
  readonly version: string;
  readonly createdAt: number;
}

/** The tag column of the row that every run has. */
export const anyTag = '';

/** The tag column of a tag's row: never `anyTag`, not even for an empty tag. */
export function toTagCell(tag: string): Cell {
  return toCell(`#${tag}`);
}

export function addToListing(
  connection: Connection,
  listed: ListedRun,
  status: RunStatus,
  tags: readonly string[],
): void {
  for (const tag of toTagCells(tags)) {
    connection.run(
      'INSERT INTO listing (tag, workflow, status, created_at, id, run) VALUES (?, ?, ?, ?, ?, ?)',
      ...toListingKey(listed, status, tag),
      listed.run,
    );
  }
  if (!hasEnded(status)) countOpen(connection, listed, 1);
}

export function removeFromListing(
  connection: Connection,
  listed: ListedRun,
  status: RunStatus,
  tags: readonly string[],
): void {
  for (const tag of toTagCells(tags)) {
    connection.run(
      'DELETE FROM listing WHERE tag = ? AND workflow = ? AND status = ? AND created_at = ? AND id = ?',
      ...toListingKey(listed, status, tag),
    );
  }
  if (!hasEnded(status)) countOpen(connection, listed, -1);
}

export function toKind({ workflow, version }: { readonly workflow: string; readonly version: string }): Cell {
  return toCell(`${workflow}@${version}`);
}

function toTagCells(tags: readonly string[]): readonly Cell[] {
  return [anyTag, ...[...new Set(tags)].map(toTagCell)];
}

function toListingKey({ workflow, createdAt, id }: ListedRun, status: RunStatus, tag: Cell): readonly Cell[] {
  return [tag, toCell(workflow), status, createdAt, Buffer.from(id)];
}

function countOpen(connection: Connection, listed: ListedRun, change: 1 | -1): void {
  connection.run(
    'INSERT INTO open_runs (kind, count) VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET count = count + excluded.count',
    toKind(listed),
    change,
  );
}
