/** What a person changed of what was proposed to them. */
import type { ProposalFate } from './person.ts';

export interface Edit {
  readonly proposed: unknown;
  /** What the person made of it: of the answer's fields, those that the proposal or the person's change has. */
  readonly given: unknown;
  readonly changed: boolean;
  readonly changes: readonly Change[];
}

export interface Change {
  readonly path: ReadonlyArray<string | number>;
  /** Left out if there was nothing. */
  readonly from?: unknown;
  /** Left out if nothing is there any more. */
  readonly to?: unknown;
}

/** What became of a proposal, as it is on record beside the answer. */
export interface ProposalRecord extends Omit<Edit, 'given'> {
  /** Id of the state that asked. */
  readonly state: string;
  readonly fate: ProposalFate;
  /** Left out if the proposal was rejected. */
  readonly given?: unknown;
}

/**
 * What is different, place by place. Of an answer's fields, those that the proposal does not have are no change of it: a
 * name, a reason. White space at the ends of texts is no change either.
 *
 * @example
 * ```ts
 * editOf({ amount: 250 }, { amount: 200, by: 'dana' });
 * // { proposed: { amount: 250 }, given: { amount: 200 }, changed: true,
 * //   changes: [{ path: ['amount'], from: 250, to: 200 }] }
 * ```
 */
export function editOf(proposed: unknown, answered: unknown): Edit {
  const given =
    isRecord(proposed) && isRecord(answered) ? fieldsOf(answered, Object.keys(proposed)) : answered;
  const changes = changesOf(proposed, given, []);
  return { proposed, given, changed: changes.length > 0, changes };
}

function fieldsOf(
  answered: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(answered).filter(([key]) => keys.includes(key)));
}

function changesOf(from: unknown, to: unknown, path: Change['path']): Change[] {
  if (isSame(from, to)) return [];
  const [before, after] = [entriesOf(from), entriesOf(to)];
  if (!before || !after || Array.isArray(from) !== Array.isArray(to)) {
    return [{ path, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
  }
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) =>
    changesOf(before.get(key), after.get(key), [...path, key]),
  );
}

function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one === 'string' && typeof other === 'string') return one.trim() === other.trim();
  return one instanceof Date && other instanceof Date && one.getTime() === other.getTime();
}

function entriesOf(value: unknown): ReadonlyMap<string | number, unknown> | undefined {
  if (Array.isArray(value)) return new Map(value.entries());
  return isRecord(value) ? new Map(Object.entries(value)) : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
