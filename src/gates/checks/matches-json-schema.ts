/** A check by a JSON Schema, for schemas that come from elsewhere; one's own are better written in zod. */
import * as zod from 'zod';

import { InvalidOption } from '../../errors.ts';
import { type Check, reasonsOf } from '../judge.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The value matches the schema. The reasons name the paths.
 *
 * zod reads the schema (drafts 4, 7 and 2020-12). What it would not check is refused here and now, with `InvalidOption`:
 * `not`, `if`, dependencies, references to other documents, formats that it does not know, and constraints without the
 * `type` that they are for.
 *
 * @example
 * ```ts
 * matchesJsonSchema({ type: 'object', properties: { total: { type: 'number' } }, required: ['total'] })
 * ```
 */
export function matchesJsonSchema(schema: JsonSchema): Check<unknown> {
  const checked = readSchema(schema);
  return (value) => {
    const parsed = checked.safeParse(value);
    return parsed.success || reasonsOf(parsed.error.issues);
  };
}

function readSchema(schema: JsonSchema): zod.ZodType {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new InvalidOption(`Expected a JSON Schema to be an object, got \`${String(schema)}\`.`);
  }
  const { fromJSONSchema } = zod as Partial<typeof zod>;
  if (!fromJSONSchema) {
    throw new InvalidOption('`matchesJsonSchema` needs zod 4.2 or later.');
  }
  refuseUnchecked(schema, '#');
  try {
    return fromJSONSchema(schema as Parameters<typeof fromJSONSchema>[0]);
  } catch (cause) {
    throw new InvalidOption(`The JSON Schema cannot be used: ${(cause as Error).message}`, { cause });
  }
}

/** What each keyword constrains. Without that `type` beside it, zod would let everything through. */
const typeOfKeyword: Readonly<Record<string, readonly string[]>> = {
  properties: ['object'],
  required: ['object'],
  additionalProperties: ['object'],
  patternProperties: ['object'],
  propertyNames: ['object'],
  minProperties: ['object'],
  maxProperties: ['object'],
  items: ['array'],
  prefixItems: ['array'],
  minItems: ['array'],
  maxItems: ['array'],
  uniqueItems: ['array'],
  contains: ['array'],
  minLength: ['string'],
  maxLength: ['string'],
  pattern: ['string'],
  format: ['string'],
  minimum: ['number', 'integer'],
  maximum: ['number', 'integer'],
  exclusiveMinimum: ['number', 'integer'],
  exclusiveMaximum: ['number', 'integer'],
  multipleOf: ['number', 'integer'],
};

const knownFormats = new Set(
  'email uri uri-reference uuid guid date-time date time duration hostname ipv4 ipv6 mac cidr cidr-v6 base64 base64url e164'.split(
    ' ',
  ),
);
const inner = ['items', 'additionalItems', 'additionalProperties', 'contains', 'propertyNames'];
const innerLists = ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items'];
const innerMaps = ['properties', 'patternProperties', '$defs', 'definitions'];

function refuseUnchecked(schema: unknown, place: string): void {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return;
  const given = schema as JsonSchema;
  const { type, format } = given;
  const types = Array.isArray(type) ? (type as readonly unknown[]) : [type];
  for (const [keyword, wanted] of Object.entries(typeOfKeyword)) {
    if (!(keyword in given) || 'enum' in given || 'const' in given) continue;
    if (wanted.some((one) => types.includes(one))) continue;
    throw new InvalidOption(
      `The JSON Schema cannot be used: \`${keyword}\` at \`${place}\` would not be checked. Add \`"type": "${String(wanted[0])}"\` beside it.`,
    );
  }
  if ('dependencies' in given) {
    throw new InvalidOption(
      `The JSON Schema cannot be used: \`dependencies\` at \`${place}\` would not be checked.`,
    );
  }
  if (typeof format === 'string' && types.includes('string') && !knownFormats.has(format)) {
    throw new InvalidOption(
      `The JSON Schema cannot be used: the format \`${format}\` at \`${place}\` would not be checked. Use \`pattern\`, or leave it out.`,
    );
  }
  for (const key of inner) refuseUnchecked(given[key], `${place}/${key}`);
  for (const key of innerLists) {
    const list = given[key];
    if (Array.isArray(list)) list.forEach((one, index) => refuseUnchecked(one, `${place}/${key}/${index}`));
  }
  for (const key of innerMaps) {
    const map = given[key];
    if (typeof map !== 'object' || map === null) continue;
    for (const [name, one] of Object.entries(map)) refuseUnchecked(one, `${place}/${key}/${name}`);
  }
}
