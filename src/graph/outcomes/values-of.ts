/**
 * Values that stand for all that a zod schema lets through: every member of an enum and arm of a union, both booleans,
 * optional fields there and not, numbers at and around their bounds, empty and full lists. Objects hold every pair of
 * two fields' values somewhere. The first value is a plain one.
 *
 * I1. Every value is what the schema's own parse gave back.
 * I2. The same schema gives the same values, in the same order.
 *
 * `schema.meta({ examples: [...] })` adds values, and comes first. For text that has to look like something, nothing else
 * may be found; the caller is told where.
 */
import { z, type ZodType } from 'zod';
import type { $ZodCheck, $ZodChecks, $ZodType, $ZodTypes } from 'zod/v4/core';

import { coverPairs } from './cover-pairs.ts';
import { type Bounds, textsOf } from './texts-of.ts';

export interface DerivedValues {
  readonly values: readonly unknown[];
  /** Places in the schema that no value was found for, as paths: `customer.iban`. Where it is the root: ``. */
  readonly lacking: readonly string[];
}

export interface ValuesOptions {
  /** The most values for a schema, and for each part of it. Default: 16. */
  readonly atMost?: number;
}

/** How often a schema that contains itself is followed into itself. */
const maxTimes = 2;

/** Lists are not made longer than this, whatever they may be. */
const longestList = 50;

export function valuesOf(schema: ZodType, { atMost = 16 }: ValuesOptions = {}): DerivedValues {
  const lacking: string[] = [];
  const derive = (
    part: $ZodType,
    path: readonly string[],
    above: readonly $ZodType[],
  ): readonly unknown[] => {
    if (above.filter((one) => one === part).length >= maxTimes) return [];
    const { examples } = (z.globalRegistry.get(part) ?? {}) as { readonly examples?: readonly unknown[] };
    const candidates = [...(examples ?? []), ...candidatesOf(part, path, [...above, part])];
    const values = unlike(candidates.filter((candidate) => accepts(part, candidate))).slice(0, atMost);
    if (values.length === 0) lacking.push(path.join('.'));
    return values;
  };

  const candidatesOf = (
    part: $ZodType,
    path: readonly string[],
    above: readonly $ZodType[],
  ): readonly unknown[] => {
    const { def } = (part as $ZodTypes)._zod;
    const within = (inner: $ZodType, key?: string): readonly unknown[] =>
      derive(inner, key === undefined ? path : [...path, key], above);
    switch (def.type) {
      case 'string':
        return textsOf(part as ZodType, boundsOf(part));
      case 'number':
        return numbersOf(part);
      case 'bigint':
        return numbersOf(part)
          .filter(Number.isInteger)
          .map((value) => BigInt(value));
      case 'boolean':
        return [true, false];
      case 'date':
        return datesOf(part);
      case 'null':
        return [null];
      case 'undefined':
      case 'void':
        return [undefined];
      case 'nan':
        return [Number.NaN];
      case 'unknown':
      case 'any':
        return ['text', undefined];
      case 'literal':
        return def.values;
      case 'enum':
        return unlike(Object.values(def.entries));
      case 'template_literal':
        return textsOf(part as ZodType, {});
      case 'union':
        return inTurn(def.options.map((option) => within(option)));
      case 'optional':
        return [...within(def.innerType), undefined];
      case 'nullable':
        return [...within(def.innerType), null];
      case 'default':
      case 'prefault':
        return [...within(def.innerType), def.defaultValue];
      case 'catch':
      case 'readonly':
      case 'nonoptional':
      case 'success':
      case 'promise':
        return within(def.innerType);
      case 'lazy':
        return within(def.getter());
      case 'pipe': {
        // A preprocessor takes anything; what it is to give is said by what comes after it.
        const first = (def.in as $ZodTypes)._zod.def.type === 'transform' ? def.out : def.in;
        return within(first);
      }
      case 'object':
        return objectsOf(Object.entries(def.shape).map(([key, field]) => [key, within(field, key)] as const));
      case 'intersection':
        return coverPairs([within(def.left), within(def.right)], atMost).map(([left, right]) =>
          isRecord(left) && isRecord(right) ? { ...left, ...right } : left,
        );
      case 'tuple': {
        const items = def.items.map((item, index) => within(item, String(index)));
        const rest = def.rest ? within(def.rest, '…') : [];
        return coverPairs(items, atMost).flatMap((tuple) => [
          tuple,
          ...rest.slice(0, 1).map((one) => [...tuple, one]),
        ]);
      }
      case 'array':
        return listsOf(within(def.element, '[]'), boundsOf(part));
      case 'set':
        return listsOf(within(def.valueType, '[]'), boundsOf(part)).map((items) => new Set(items));
      case 'map':
        return entriesOf(within(def.keyType, 'key'), within(def.valueType, 'value')).map(
          (entries) => new Map(entries),
        );
      case 'record':
        return recordsOf(def, within);
      default:
        return [];
    }
  };

  const objectsOf = (fields: ReadonlyArray<readonly [string, readonly unknown[]]>): readonly object[] =>
    coverPairs(
      fields.map(([, values]) => values),
      atMost,
    ).map((row) =>
      Object.fromEntries(
        row.flatMap((value, index) => (value === undefined ? [] : [[fields[index]?.[0] ?? '', value]])),
      ),
    );

  const values = unlike(derive(schema, [], []).map((candidate) => schema.parse(candidate)));
  return { values, lacking };
}

// --- kinds of values -------------------------------------------------------------------------------------------------

/** How long text, and how full a list, may be. */
function boundsOf(schema: $ZodType): Bounds {
  let min: number | undefined;
  let max: number | undefined;
  for (const check of checksOf(schema)) {
    if (check.check === 'min_length') min = check.minimum;
    if (check.check === 'max_length') max = check.maximum;
    if (check.check === 'min_size') min = check.minimum;
    if (check.check === 'max_size') max = check.maximum;
    if (check.check === 'length_equals') min = max = check.length;
    if (check.check === 'size_equals') min = max = check.size;
  }
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

/** At, just within and in the middle of the bounds; where there is none, nothing, one, a lot and something less than nothing. */
function numbersOf(schema: $ZodType): readonly number[] {
  let low: number | undefined;
  let high: number | undefined;
  let step: number | undefined;
  for (const check of checksOf(schema)) {
    if (check.check === 'greater_than') low = Number(check.value);
    if (check.check === 'less_than') high = Number(check.value);
    if (check.check === 'multiple_of') step = Number(check.value);
  }
  const unit = step ?? 1;
  // The middle is rounded to the step by way of its inverse: 0.01 has no exact form, 100 has.
  const inverse = Math.round(1 / unit);
  const rounded = (value: number): number =>
    unit < 1 ? Math.round(value * inverse) / inverse : Math.round(value / unit) * unit;
  const from = low ?? (high === undefined ? 0 : Math.min(0, high - 100 * unit));
  const to = high ?? Math.max(from + 100 * unit, 100);
  const within = [(from + to) / 2, from, to, from + unit, to - unit].map(rounded);
  const beyond = [...(low === undefined ? [-unit] : []), ...(high === undefined ? [rounded(1_000_000)] : [])];
  const exact = [low, high].filter((bound) => bound !== undefined);
  const fraction = [from + 0.5];
  return unlike([...within, ...exact, ...beyond, ...fraction]).filter(Number.isFinite);
}

function datesOf(schema: $ZodType): readonly Date[] {
  const bounds = checksOf(schema).flatMap((check) =>
    check.check === 'greater_than' || check.check === 'less_than' ? [Number(check.value)] : [],
  );
  const times = [Date.UTC(2026, 0, 15), ...bounds.flatMap((bound) => [bound, bound - 1, bound + 1]), 0];
  return times.map((time) => new Date(time));
}

/** None, each one alone, as few and as many as may be, and the same one twice. */
function listsOf(elements: readonly unknown[], { min = 0, max }: Bounds): ReadonlyArray<readonly unknown[]> {
  const [first] = elements;
  if (elements.length === 0) return [[]];
  const filled = (length: number): unknown[] =>
    Array.from({ length }, (_, index) => elements[index % elements.length]);
  const full = Math.min(max ?? Math.max(elements.length, min, 2), longestList);
  const lengths = unlike([Math.max(min, 1), 0, min, full, full - 1]).filter((length) => length >= 0);
  return [...lengths.map(filled), ...(min <= 1 ? elements.map((element) => [element]) : []), [first, first]];
}

function entriesOf(
  keys: readonly unknown[],
  values: readonly unknown[],
): ReadonlyArray<ReadonlyArray<[unknown, unknown]>> {
  const [key] = keys;
  if (key === undefined) return [[]];
  return [[], ...values.map((value) => [[key, value] as [unknown, unknown]])];
}

function recordsOf(
  { keyType, valueType, partial }: { keyType: $ZodType; valueType: $ZodType; partial?: boolean },
  within: (inner: $ZodType, key?: string) => readonly unknown[],
): readonly object[] {
  const keys = within(keyType, 'key').filter((key) => typeof key === 'string' || typeof key === 'number');
  const values = within(valueType, 'value');
  const [key] = keys;
  if (key === undefined || values.length === 0) return [{}];
  const all = (value: unknown): object => Object.fromEntries(keys.map((one) => [one, value]));
  const isOpen = partial === true || (keyType as $ZodTypes)._zod.def.type !== 'enum';
  return isOpen ? [...values.map((value) => ({ [key]: value })), {}, all(values[0])] : values.map(all);
}

// --- how they are put together ----------------------------------------------------------------------------------------

/** The first of each, then the second of each, and so on. */
function inTurn(lists: ReadonlyArray<readonly unknown[]>): readonly unknown[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) => turn).flatMap((turn) =>
    lists.flatMap((list) => (turn < list.length ? [list[turn]] : [])),
  );
}

function accepts(schema: $ZodType, value: unknown): boolean {
  try {
    return (schema as ZodType).safeParse(value).success;
  } catch {
    // A check that is asynchronous, or that throws: whether it takes the value is not to be known here.
    return false;
  }
}

/** Without those that are there before; what is compared is what they say. */
function unlike<T>(values: readonly T[]): T[] {
  const seen = new Set<string>();
  return values.filter((value) => {
    const text = fingerprint(value);
    return seen.size < seen.add(text).size;
  });
}

function fingerprint(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) => {
      if (typeof part === 'bigint') return `${part}n`;
      if (part instanceof Map || part instanceof Set) return [part.constructor.name, ...part];
      if (typeof part === 'number' && !Number.isFinite(part)) return String(part);
      return part;
    }) ?? 'undefined'
  );
}

function checksOf(schema: $ZodType): ReadonlyArray<$ZodChecks['_zod']['def']> {
  const { checks = [] } = schema._zod.def as { checks?: ReadonlyArray<$ZodCheck<never>> };
  return checks.map((check) => (check as unknown as $ZodChecks)._zod.def);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
