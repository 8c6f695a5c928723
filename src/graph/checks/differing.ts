/** Values told otherwise, and where two values differ. */
import { canonical } from '../fold.ts';
import { pathOf } from '../watch/reads.ts';

export interface Otherwise {
  /** Where it was changed: `amount`, `parts.0.text`. Empty for the value as a whole. */
  readonly field: string;
  /** The same as a path: `/parts/0/text`. */
  readonly place: string;
  readonly value: unknown;
}

/** As many as are tried of one value, so that a list of a thousand does not take for ever. */
const most = 200;

/** The value with one thing in it changed, for each thing in it: text by a word, numbers by a little and a lot, yes to no. */
export function toldOtherwise(value: unknown): readonly Otherwise[] {
  return [...changesOf(value, [])].slice(0, most);
}

function* changesOf(value: unknown, path: readonly string[]): Generator<Otherwise> {
  const at = { field: path.join('.'), place: path.reduce(pathOf, '') };
  if (typeof value === 'string') yield { ...at, value: `${value} otherwise`.trim() };
  if (typeof value === 'boolean') yield { ...at, value: !value };
  if (typeof value === 'number') {
    yield { ...at, value: value + 1 };
    yield { ...at, value: value * 2 + 1_000 };
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return;
  const isList = Array.isArray(value);
  for (const [key, part] of Object.entries(value)) {
    for (const change of changesOf(part, [...path, key])) {
      const changed: unknown = isList
        ? value.map((item: unknown, index) => (String(index) === key ? change.value : item))
        : { ...value, [key]: change.value };
      yield { ...change, value: changed };
    }
  }
}

/** Paths (`/a/b`) of the innermost places at which two values differ. */
export function changedPlaces(one: unknown, other: unknown, path = ''): string[] {
  if (one === other) return [];
  // What is not plain (`Date`, `Map`) has no parts to go into.
  if (!hasParts(one) || !hasParts(other) || Array.isArray(one) !== Array.isArray(other)) {
    return canonical(one) === canonical(other) ? [] : [path];
  }
  const left = one as Readonly<Record<string, unknown>>;
  const right = other as Readonly<Record<string, unknown>>;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].flatMap((key) => changedPlaces(left[key], right[key], pathOf(path, key)));
}

function hasParts(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
