/**
 * Whether what one JSON schema describes can be taken by another, as far as that can be told for certain.
 *
 * I1. Nothing is said against schemas that can fit: where a schema uses more of the language than is read here, it counts
 *     as fitting.
 */
import type { JsonSchema } from '../providers/provider.ts';

export interface Misfit {
  readonly path: readonly string[];
  readonly why:
    /** It must be there, and is never given. */
    | 'never-given'
    /** It must be there, and may be left out. */
    | 'may-be-missing'
    /** It is given, and must not be there. */
    | 'forbidden'
    /** No value of the one is a value of the other. */
    | 'never-fits';
  readonly given?: string;
  readonly taken?: string;
}

/**
 * `every`: each value that `given` describes must be taken, so what may be missing, or may be there and must not, counts
 * too. Else only what can never fit.
 */
export function misfits(given: JsonSchema, taken: JsonSchema, every: boolean): Misfit[] {
  return compare(given, taken, every, []);
}

function compare(given: unknown, taken: unknown, every: boolean, path: readonly string[]): Misfit[] {
  if (!isSchema(given) || !isSchema(taken)) return [];
  if (areApart(given, taken)) return [{ path, why: 'never-fits', given: shown(given), taken: shown(taken) }];
  if (isPlain(given, 'object') && isPlain(taken, 'object')) return compareObjects(given, taken, every, path);
  if (isPlain(given, 'array') && isPlain(taken, 'array') && every) {
    return compare(given['items'], taken['items'], every, [...path, '[]']);
  }
  return [];
}

function compareObjects(
  given: JsonSchema,
  taken: JsonSchema,
  every: boolean,
  path: readonly string[],
): Misfit[] {
  const offered = propertiesOf(given);
  const wanted = propertiesOf(taken);
  const always = requiredOf(given);
  const found: Misfit[] = [];
  for (const name of requiredOf(taken)) {
    const at = [...path, name];
    if (!Object.hasOwn(offered, name)) {
      if (isClosed(given)) found.push({ path: at, why: 'never-given' });
    } else if (every && !always.has(name) && !hasDefault(wanted[name])) {
      found.push({ path: at, why: 'may-be-missing' });
    }
  }
  for (const [name, schema] of Object.entries(offered)) {
    const at = [...path, name];
    const matters = every || always.has(name);
    if (Object.hasOwn(wanted, name)) {
      if (matters || requiredOf(taken).has(name)) found.push(...compare(schema, wanted[name], every, at));
    } else if (matters && isClosed(taken)) {
      found.push({ path: at, why: 'forbidden' });
    }
  }
  return found;
}

/** True if no value can be one of both. */
function areApart(given: JsonSchema, taken: JsonSchema): boolean {
  return noneShared(typesOf(given), typesOf(taken)) || noneShared(valuesOf(given), valuesOf(taken));
}

function noneShared<T>(some: readonly T[] | undefined, others: readonly T[] | undefined): boolean {
  return some !== undefined && others !== undefined && !some.some((one) => others.includes(one));
}

/** The types that a value may have, `undefined` for any. Integers count as numbers: some numbers are. */
function typesOf(schema: JsonSchema): readonly string[] | undefined {
  const values = valuesOf(schema);
  if (values) return values.map((value) => typeOf(value));
  const { type } = schema;
  if (typeof type === 'string') return [type === 'integer' ? 'number' : type];
  if (Array.isArray(type)) return (type as string[]).flatMap((one) => typesOf({ type: one }) ?? []);
  const choices = choicesOf(schema)?.map((choice) => (isSchema(choice) ? typesOf(choice) : undefined));
  return choices?.every((choice) => choice !== undefined) ? choices.flat() : undefined;
}

/** The texts, numbers, ... that are allowed, if they are listed. */
function valuesOf(schema: JsonSchema): readonly unknown[] | undefined {
  const values = 'const' in schema ? [schema['const']] : schema['enum'];
  return Array.isArray(values) && values.every((value) => typeof value !== 'object' || value === null)
    ? (values as unknown[])
    : undefined;
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

function choicesOf({ anyOf, oneOf }: JsonSchema): readonly unknown[] | undefined {
  const choices = anyOf ?? oneOf;
  return Array.isArray(choices) && choices.length > 0 ? (choices as unknown[]) : undefined;
}

/** What adds conditions of its own, so that the keys beside it do not tell everything. */
const CONDITIONS = ['$ref', '$dynamicRef', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'dependentSchemas'];

function isPlain(schema: JsonSchema, type: string): boolean {
  return schema['type'] === type && !CONDITIONS.some((key) => key in schema);
}

/** It allows no property but its own. */
function isClosed({ additionalProperties, patternProperties }: JsonSchema): boolean {
  return additionalProperties === false && patternProperties === undefined;
}

function propertiesOf({ properties }: JsonSchema): JsonSchema {
  return isSchema(properties) ? properties : {};
}

function requiredOf({ required }: JsonSchema): ReadonlySet<string> {
  return new Set(Array.isArray(required) ? (required as string[]) : []);
}

/** Some list what has a default among the required. */
function hasDefault(schema: unknown): boolean {
  return isSchema(schema) && 'default' in schema;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(schema: JsonSchema): string {
  const values = valuesOf(schema)?.map((value) => JSON.stringify(value));
  return (values ?? typesOf(schema) ?? ['anything']).join(' or ');
}
