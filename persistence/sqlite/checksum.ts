/**
 * Checksums of what is stored. SQLite has none: a flipped bit in a text comes back as another text. Each row that a run
 * relies on carries the sum of its content and of the place that it belongs to, so that neither a changed text nor a
 * row that strayed to another run or position is taken for what was written. Found damage is `StoreForeign`.
 */
import { crc32 } from 'node:zlib';

import { StoreForeign } from '../../src/errors.ts';
import type { Cell, Row } from './driver.ts';

/** The place of a row: its run, and its number there. */
export type Place = readonly [run: number, at: number];

export function sumOf(text: string, [run, at]: Place): number {
  return crc32(text, (Math.imul(run, 0x9e3779b1) ^ at) >>> 0);
}

/** Thrown where damage is found; becomes `StoreForeign` where the path is known. */
export class Damage extends Error {
  readonly column: string;
  readonly run: string | undefined;

  /** `run` is the run's id, `column` the table and column that were read. */
  constructor(column: string, run?: string) {
    super(`\`${column}\` is not what was written`);
    this.column = column;
    this.run = run;
  }
}

export function toForeign(damage: Damage, path: string): StoreForeign {
  const { run, column } = damage;
  return new StoreForeign(
    `The store file \`${path}\` is damaged: ${damage.message}` +
      (run === undefined ? '' : ` for run \`${run}\``) +
      '. Restore the file from a backup, or delete the run if it can be done without.',
    { cause: damage, details: { path, column, ...(run !== undefined && { run }) } },
  );
}

/** The text of a column of text (`toCell`). */
export function readText(cell: Cell | undefined, column = 'text'): string {
  if (typeof cell === 'string') return cell;
  if (cell instanceof Uint8Array) {
    return Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString();
  }
  throw new Damage(column);
}

export function readNumber(cell: Cell | undefined, column = 'number'): number {
  if (typeof cell === 'number') return cell;
  throw new Damage(column);
}

/** The text of a row that carries its sum. */
export function readSummed(row: Row, table: string, column: string, place: Place, runId: string): string {
  const text = readText(row[column], `${table}.${column}`);
  if (row['sum'] !== sumOf(text, place)) throw new Damage(`${table}.${column}`, runId);
  return text;
}
