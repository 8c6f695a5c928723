/** What runs carry, as plain JSON for people and scripts to read: dates, maps, errors and the like in a readable form. */

export function plainValue(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return value.toString();
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'object':
      return value === null ? null : plainObject(value);
    default:
      return value;
  }
}

function plainObject(value: object): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => plainValue(item) ?? null);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Map)
    return Array.from(value, ([key, item]) => [plainValue(key) ?? null, plainValue(item) ?? null]);
  if (value instanceof Set) return Array.from(value, (item) => plainValue(item) ?? null);
  if (value instanceof Error) return plainError(value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainValue(item)]));
}

function plainError(error: Error): unknown {
  const { name, message, cause } = error;
  const own = Object.entries(error).filter(([key]) => key !== 'name' && key !== 'message');
  return plainObject({
    name,
    message,
    ...Object.fromEntries(own),
    ...(cause === undefined ? {} : { cause }),
  });
}

// JSON leaves these as they are, and a terminal may obey them.
const unescaped = /[\u007f-\u009f\u2028\u2029]/g;

/** JSON text of any value a run can carry, with nothing in it that a terminal would obey. */
export function toJson(value: unknown, indent = 0): string {
  const text = JSON.stringify(plainValue(value), undefined, indent) ?? 'null';
  return text.replaceAll(
    unescaped,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
