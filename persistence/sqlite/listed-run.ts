/** Keeps a run's rows in `listing`, one for each facet, and the count of open runs, in step with its head. */
import { hasEnded } from '../run-status.ts';
import type { ListQuery, RunStatus } from '../store.ts';
import { toCell, type Connection } from './connection.ts';
import type { Cell } from './driver.ts';

/** What a run is listed by. */
export interface Listed {
  readonly run: number;
  readonly id: string;
  readonly workflow: string;
  readonly version: string;
  readonly createdAt: number;
  readonly status: RunStatus;
  /** JSON, as it is stored. */
  readonly tags: string;
  readonly labels: string;
  readonly parent: string | null;
  readonly problem: string | null;
}

const topLevel = 'top';
const child = 'child';
const stuck = 'stuck';

/** Every run has one of these, so a list without a filter is both of them. */
export const allFacets: readonly string[] = [topLevel, child];

/** The facets that a listed run must have. An empty list matches every run. */
export function toFacets({ tag, labels = {}, parent, stuck: isStuck }: ListQuery): readonly string[] {
  const facets = Object.entries(labels).map(([name, value]) => labelFacet(name, value));
  if (tag !== undefined) facets.push(tagFacet(tag));
  if (isStuck) facets.push(stuck);
  if (parent !== undefined) facets.push(parent === null ? topLevel : parentFacet(parent));
  return facets;
}

function facetsOf({ tags, labels, parent, problem }: Listed): ReadonlySet<string> {
  const facets = new Set<string>(parent === null ? [topLevel] : [child, parentFacet(parent)]);
  for (const tag of JSON.parse(tags) as string[]) facets.add(tagFacet(tag));
  for (const [name, value] of JSON.parse(labels) as Array<[string, string]>)
    facets.add(labelFacet(name, value));
  if (problem !== null) facets.add(stuck);
  return facets;
}

const tagFacet = (tag: string): string => `#${tag}`;
const parentFacet = (parent: string): string => `<${parent}`;
const labelFacet = (name: string, value: string): string => `=${JSON.stringify([name, value])}`;

/** From what the run was to what it is. */
export function moveListing(
  connection: Connection,
  before: Listed | undefined,
  after: Listed | undefined,
): void {
  const isSame =
    before?.status === after?.status && before?.tags === after?.tags && before?.problem === after?.problem;
  if (isSame) return;
  const hasMoved = before?.status !== after?.status;
  const old = before ? facetsOf(before) : new Set<string>();
  const now = after ? facetsOf(after) : new Set<string>();
  if (before) {
    for (const facet of old) if (hasMoved || !now.has(facet)) removeRow(connection, before, facet);
  }
  if (after) {
    for (const facet of now) if (hasMoved || !old.has(facet)) addRow(connection, after, facet);
  }
  const change = countOf(after) - countOf(before);
  const kept = after ?? before;
  if (change !== 0 && kept) countOpen(connection, kept, change);
}

function addRow(connection: Connection, listed: Listed, facet: string): void {
  connection.run(
    'INSERT INTO listing (facet, workflow, status, created_at, id, run) VALUES (?, ?, ?, ?, ?, ?)',
    ...toKey(listed, facet),
    listed.run,
  );
}

function removeRow(connection: Connection, listed: Listed, facet: string): void {
  connection.run(
    'DELETE FROM listing WHERE facet = ? AND workflow = ? AND status = ? AND created_at = ? AND id = ?',
    ...toKey(listed, facet),
  );
}

function toKey({ workflow, status, createdAt, id }: Listed, facet: string): readonly Cell[] {
  return [toCell(facet), toCell(workflow), status, createdAt, Buffer.from(id)];
}

function countOf(listed: Listed | undefined): 0 | 1 {
  return listed && !hasEnded(listed.status) ? 1 : 0;
}

function countOpen(connection: Connection, { workflow, version }: Listed, change: number): void {
  connection.run(
    'INSERT INTO open_runs (kind, count) VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET count = count + excluded.count',
    toCell(`${workflow}@${version}`),
    change,
  );
}
