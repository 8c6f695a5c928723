/**
 * The head of a run: its row of `runs`, which every call reads first. Invariants:
 *
 * H1. A head is written only by `insertHead` and `updateHead`, which keep its checksum and its rows of `listing` and
 *     `open_runs` in step with it.
 * H2. `due_at` follows from status, lease, inbox and appointment (I7); `withLease` is the one place that decides it.
 */
import { crc32 } from 'node:zlib';

import { hasEnded } from '../run-status.ts';
import type { Labels, Lease, RunProblem, RunStatus, RunSummary } from '../store.ts';
import { Damage, readNumber, readText } from './checksum.ts';
import { toCell, type Connection } from './connection.ts';
import type { Cell, Row } from './driver.ts';
import { moveListing } from './listed-run.ts';

export interface Head {
  /** The number that the run's other rows know it by. */
  readonly run: number;
  readonly id: string;
  readonly workflow: string;
  readonly version: string;
  /** JSON, as it is stored; so are `tags` and `problem`. */
  readonly labels: string;
  readonly parent: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly seq: number;
  readonly status: RunStatus;
  readonly token: string | null;
  readonly until: number | null;
  readonly dueAt: number | null;
  readonly takeovers: number;
  readonly logLength: number;
  /** The id of the last message ever sent; 0 if there was none. */
  readonly lastMessage: number;
  readonly inboxSize: number;
  readonly journalSize: number;
  readonly tags: string;
  readonly problem: string | null;
  readonly value: string;
}

type Field = Exclude<keyof Head, 'run'>;

/** The columns, in the order of the checksum. */
const columns: Readonly<Record<Field, string>> = {
  id: 'id',
  workflow: 'workflow',
  version: 'version',
  labels: 'labels',
  parent: 'parent',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  seq: 'seq',
  status: 'status',
  token: 'token',
  until: 'until',
  dueAt: 'due_at',
  takeovers: 'takeovers',
  logLength: 'log_length',
  lastMessage: 'last_message',
  inboxSize: 'inbox_size',
  journalSize: 'journal_size',
  tags: 'tags',
  problem: 'problem',
  value: 'value',
};

const fields = Object.keys(columns) as readonly Field[];
const numeric: ReadonlySet<Field> = new Set([
  'createdAt',
  'updatedAt',
  'seq',
  'until',
  'dueAt',
  'takeovers',
  'logLength',
  'lastMessage',
  'inboxSize',
  'journalSize',
]);

const selected = `SELECT run, ${Object.values(columns).join(', ')}, sum FROM runs`;

export function findHead(connection: Connection, runId: string): Head | undefined {
  const row = connection.get(`${selected} WHERE id = ?`, toCell(runId));
  return row && readHead(row, runId);
}

export function getHead(connection: Connection, run: number): Head | undefined {
  const row = connection.get(`${selected} WHERE run = ?`, run);
  return row && readHead(row);
}

function readHead(row: Row, runId?: string): Head {
  const head: Record<string, string | number | null> = { run: readNumber(row['run'], 'runs.run') };
  for (const field of fields) {
    const column = columns[field];
    const cell = row[column] ?? null;
    if (cell === null) head[field] = null;
    else
      head[field] = numeric.has(field)
        ? readNumber(cell, `runs.${column}`)
        : readText(cell, `runs.${column}`);
  }
  const read = head as unknown as Head;
  if (row['sum'] !== sumOfHead(read)) throw new Damage('runs', runId ?? read.id);
  return read;
}

function sumOfHead(head: Head): number {
  return crc32(JSON.stringify([head.run, ...fields.map((field) => head[field])]));
}

/** Returns the head with the number that its other rows will know it by. */
export function insertHead(connection: Connection, values: Omit<Head, 'run'>): Head {
  const row = connection.get(
    `INSERT INTO runs (kind, sum, ${Object.values(columns).join(', ')})
     VALUES (?, 0, ${fields.map(() => '?').join(', ')}) RETURNING run`,
    toKind(values),
    ...fields.map((field) => toColumn(values[field])),
  );
  const head = { ...values, run: readNumber(row?.['run']) };
  connection.run('UPDATE runs SET sum = ? WHERE run = ?', sumOfHead(head), head.run);
  moveListing(connection, undefined, head);
  return head;
}

/** Writes what differs. */
export function updateHead(connection: Connection, head: Head, next: Head): void {
  const changed = fields.filter((field) => head[field] !== next[field]);
  if (changed.length === 0) return;
  connection.run(
    `UPDATE runs SET ${changed.map((field) => `${columns[field]} = ?`).join(', ')}, sum = ? WHERE run = ?`,
    ...changed.map((field) => toColumn(next[field])),
    sumOfHead(next),
    head.run,
  );
  moveListing(connection, head, next);
}

export function deleteHead(connection: Connection, head: Head): void {
  connection.run('DELETE FROM runs WHERE run = ?', head.run);
  moveListing(connection, head, undefined);
}

function toColumn(value: string | number | null): Cell {
  return typeof value === 'string' ? toCell(value) : value;
}

/** The head with this lease, or with none and an appointment. */
export function withLease(head: Head, lease: Lease | undefined, wakeAt: number | null): Head {
  const isQuiet = hasEnded(head.status) && head.inboxSize === 0;
  return {
    ...head,
    token: lease ? lease.token : null,
    until: lease ? lease.until : null,
    dueAt: isQuiet ? null : lease ? lease.until : wakeAt,
  };
}

export function leaseOf({ token, until }: Head): Lease | undefined {
  return token === null || until === null ? undefined : { token, until };
}

export function toKind({ workflow, version }: Pick<Head, 'workflow' | 'version'>): Cell {
  return toCell(`${workflow}@${version}`);
}

export function toSummary(head: Head): RunSummary {
  const { id, workflow, version, status, value, createdAt, updatedAt, parent, problem } = head;
  return {
    id,
    workflow,
    version,
    status,
    value,
    tags: JSON.parse(head.tags) as string[],
    createdAt,
    updatedAt,
    labels: readLabels(head),
    ...(parent !== null && { parent }),
    ...(problem !== null && { problem: JSON.parse(problem) as RunProblem }),
  };
}

/** Pairs, because `__proto__` is a name as any other. */
export function writeLabels(labels: Labels): string {
  return JSON.stringify(Object.entries(labels));
}

function readLabels({ labels }: Head): Labels {
  return Object.fromEntries(JSON.parse(labels) as Array<[string, string]>);
}
