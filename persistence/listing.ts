/**
 * The order of `list` and the cursor that carries a place in it, the same in every adapter.
 *
 * Newest first: by `createdAt`, then by id in the order of its UTF-8 bytes, both descending. A cursor names the last
 * run of a page; the next page begins strictly below it, so a page is stable however many runs share a `createdAt`
 * and whatever was added or has changed in between.
 */
import { InvalidOption } from '../src/errors.ts';
import type { ListQuery } from './store.ts';

/** A place in the list: everything strictly below it is still to come. */
export interface ListPlace {
  readonly createdAt: number;
  readonly id: string;
}

/** Negative if `a` is listed before `b`. */
export function compareListed(a: ListPlace, b: ListPlace): number {
  return b.createdAt - a.createdAt || compareBytes(b.id, a.id);
}

/** The order of the strings' UTF-8 bytes, which is that of code points (`<` would compare UTF-16 units). */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && at < b.length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === a.length || at === b.length) return a.length - b.length;
  const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
  // A surrogate stands for a code point above all others.
  if (isSurrogate(left) !== isSurrogate(right)) return isSurrogate(left) ? 1 : -1;
  return left - right;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

export function encodeCursor({ createdAt, id }: ListPlace): string {
  return Buffer.from(JSON.stringify([createdAt, id])).toString('base64url');
}

/** The place that a query starts below, if it has a cursor. Refuses a cursor that no page gave and a limit below 1. */
export function readListStart({ cursor, limit }: ListQuery): ListPlace | undefined {
  if (!Number.isInteger(limit) || limit < 1) {
    throw new InvalidOption(`Expected \`limit\` to be a positive integer, got \`${limit}\`.`);
  }
  if (cursor === undefined) return undefined;
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(place) && place.length === 2) {
      const [createdAt, id] = place as [unknown, unknown];
      if (typeof createdAt === 'number' && typeof id === 'string') return { createdAt, id };
    }
  } catch {
    // Refused below.
  }
  throw new InvalidOption(`Expected \`cursor\` to be one that a page of the list gave, got \`${cursor}\`.`);
}
