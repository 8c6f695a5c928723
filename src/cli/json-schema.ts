/** What a JSON schema asks for, in words and as an example; for the payloads of events. */

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Field {
  readonly name: string;
  readonly required: boolean;
  /** As TypeScript would write it, with its bounds. */
  readonly type: string;
}

export function fieldsOf(schema: JsonSchema | undefined): readonly Field[] {
  if (!schema) return [];
  const required = listOf(schema['required']);
  return Object.entries(recordOf(schema['properties'])).map(([name, property]) => ({
    name,
    required: required.includes(name),
    type: typeText(recordOf(property)),
  }));
}

/** A payload that the schema takes, as far as it tells, with `…` for words to be filled in. */
export function exampleOf(
  schema: JsonSchema | undefined,
  known: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  if (!schema) return {};
  const required = listOf(schema['required']);
  const properties = Object.entries(recordOf(schema['properties'])).filter(([name]) =>
    required.includes(name),
  );
  return Object.fromEntries(
    properties.map(([name, property]) => {
      const inner = recordOf(property);
      return [name, inner['type'] === 'string' && name in known ? known[name] : valueFor(inner)];
    }),
  );
}

function typeText(schema: JsonSchema): string {
  if ('const' in schema) return JSON.stringify(schema['const']);
  const options = listOf(schema['enum']);
  if (options.length > 0) return options.map((option) => JSON.stringify(option)).join(' | ');
  const alternatives = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])];
  if (alternatives.length > 0) return alternatives.map((inner) => typeText(recordOf(inner))).join(' | ');
  switch (schema['type']) {
    case 'array': {
      const items = typeText(recordOf(schema['items']));
      const list = items.includes(' | ') ? `(${items})[]` : `${items}[]`;
      return list + bounds(schema['minItems'], schema['maxItems']);
    }
    case 'object': {
      const fields = fieldsOf(schema).map(
        ({ name, required, type }) => `${name}${required ? '' : '?'}: ${type}`,
      );
      return fields.length > 0 ? `{ ${fields.join(', ')} }` : 'object';
    }
    case 'string':
      return typeof schema['format'] === 'string' ? schema['format'] : 'string';
    case 'number':
    case 'integer':
      return `${schema['type']}${numberBounds(schema)}`;
    default:
      return typeof schema['type'] === 'string' ? schema['type'] : 'any';
  }
}

function bounds(least: unknown, most: unknown): string {
  if (typeof least === 'number' && typeof most === 'number') return ` (${least} to ${most})`;
  if (typeof least === 'number') return ` (at least ${least})`;
  return typeof most === 'number' ? ` (at most ${most})` : '';
}

function numberBounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const parts = [
    typeof exclusiveMinimum === 'number' ? `> ${exclusiveMinimum}` : '',
    typeof minimum === 'number' && minimum > Number.MIN_SAFE_INTEGER ? `>= ${minimum}` : '',
    typeof exclusiveMaximum === 'number' ? `< ${exclusiveMaximum}` : '',
    typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER ? `<= ${maximum}` : '',
  ].filter(Boolean);
  return parts.length > 0 ? ` ${parts.join(', ')}` : '';
}

function valueFor(schema: JsonSchema): unknown {
  if ('const' in schema) return schema['const'];
  if ('default' in schema) return schema['default'];
  const option = listOf(schema['examples'])[0] ?? listOf(schema['enum'])[0];
  if (option !== undefined) return option;
  const alternative = listOf(schema['anyOf'])[0] ?? listOf(schema['oneOf'])[0];
  if (alternative !== undefined) return valueFor(recordOf(alternative));
  switch (schema['type']) {
    case 'array': {
      const length = typeof schema['minItems'] === 'number' ? schema['minItems'] : 0;
      return Array.from({ length }, () => valueFor(recordOf(schema['items'])));
    }
    case 'object':
      return exampleOf(schema);
    case 'number':
    case 'integer':
      return numberFor(schema);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return '…'.repeat(typeof schema['minLength'] === 'number' ? Math.max(1, schema['minLength']) : 1);
  }
}

function numberFor({ minimum, exclusiveMinimum }: JsonSchema): number {
  if (typeof minimum === 'number' && minimum > Number.MIN_SAFE_INTEGER) return minimum;
  return typeof exclusiveMinimum === 'number' ? exclusiveMinimum + 1 : 1;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function recordOf(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null ? (value as JsonSchema) : {};
}
