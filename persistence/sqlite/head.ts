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
const selected = `SELECT run, ${Object.values(columns).join(', ')}, sum FROM runs`;

const selectById = `${selected} WHERE id = ?`;
const selectByRun = `${selected} WHERE run = ?`;

export function findHead(connection: Connection, runId: string): Head | undefined {
  const row = connection.get(selectById, toCell(runId));
  return row && readHead(row, runId);
}

export function getHead(connection: Connection, run: number): Head | undefined {
  const row = connection.get(selectByRun, run);
  return row && readHead(row);
}

/** A literal instead of a loop: every call of the store reads a head, and this is several times faster. */
function readHead(row: Row, runId?: string): Head {
  const head: Head = {
    run: readNumber(row['run'], 'runs.run'),
    id: readText(row['id'], 'runs.id'),
    workflow: readText(row['workflow'], 'runs.workflow'),
    version: readText(row['version'], 'runs.version'),
    labels: readText(row['labels'], 'runs.labels'),
    parent: orNull(readText, row['parent'], 'runs.parent'),
    createdAt: readNumber(row['created_at'], 'runs.created_at'),
    updatedAt: readNumber(row['updated_at'], 'runs.updated_at'),
    seq: readNumber(row['seq'], 'runs.seq'),
    status: readText(row['status'], 'runs.status') as RunStatus,
    token: orNull(readText, row['token'], 'runs.token'),
    until: orNull(readNumber, row['until'], 'runs.until'),
    dueAt: orNull(readNumber, row['due_at'], 'runs.due_at'),
    takeovers: readNumber(row['takeovers'], 'runs.takeovers'),
    logLength: readNumber(row['log_length'], 'runs.log_length'),
    lastMessage: readNumber(row['last_message'], 'runs.last_message'),
    inboxSize: readNumber(row['inbox_size'], 'runs.inbox_size'),
    journalSize: readNumber(row['journal_size'], 'runs.journal_size'),
    tags: readText(row['tags'], 'runs.tags'),
    problem: orNull(readText, row['problem'], 'runs.problem'),
    value: readText(row['value'], 'runs.value'),
  };
  if (row['sum'] !== sumOfHead(head)) throw new Damage('runs', runId ?? head.id);
  return head;
}

function orNull<T>(
  read: (cell: Cell, column: string) => T,
  cell: Cell | undefined,
  column: string,
): T | null {
  return cell === null || cell === undefined ? null : read(cell, column);
}

/** The sum of all columns, in their order. */
function sumOfHead(head: Head): number {
  return crc32(
    JSON.stringify([
      head.run,
      head.id,
      head.workflow,
      head.version,
      head.labels,
      head.parent,
      head.createdAt,
      head.updatedAt,
      head.seq,
      head.status,
      head.token,
      head.until,
      head.dueAt,
      head.takeovers,
      head.logLength,
      head.lastMessage,
      head.inboxSize,
      head.journalSize,
      head.tags,
      head.problem,
      head.value,
    ]),
  );
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
  let which = 0;
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] as Field;
    if (head[field] !== next[field]) which |= 1 << at;
  }
  if (which === 0) return;
  const { changed, sql } = updateOf(which);
  const cells = changed.map((field) => toColumn(next[field]));
  connection.run(sql, ...cells, sumOfHead(next), head.run);
  moveListing(connection, head, next);
}

interface Update {
  readonly changed: readonly Field[];
  readonly sql: string;
}

/** By the bits of the fields that change. */
const updates = new Map<number, Update>();

function updateOf(which: number): Update {
  const known = updates.get(which);
  if (known) return known;
  const changed = fields.filter((_field, at) => (which & (1 << at)) !== 0);
  const columnsSet = changed.map((field) => `${columns[field]} = ?`).join(', ');
  const update = { changed, sql: `UPDATE runs SET ${columnsSet}, sum = ? WHERE run = ?` };
  updates.set(which, update);
  return update;
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

/** Pairs, because a label may be named `__proto__`. */
export function writeLabels(labels: Labels): string {
  return JSON.stringify(Object.entries(labels));
}

function readLabels({ labels }: Head): Labels {
  return Object.fromEntries(JSON.parse(labels) as Array<[string, string]>);
}
