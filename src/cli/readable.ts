/** Values for people: text as it is, small values as JSON, large ones field by field. */
import { plainValue, toJson } from './plain-value.ts';

const shortJson = 72;

export function readable(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return lines(plainValue(value)).join('\n');
}

function lines(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split('\n');
  const json = toJson(value);
  if (json.length <= shortJson || typeof value !== 'object' || value === null) return [json];
  return Array.isArray(value)
    ? value.flatMap((item: unknown) => beside('- ', lines(item), true))
    : Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
        beside(`${key}: `, lines(inner), false),
      );
}

/** One line stands beside its name, more stand below it; those of a list's item always begin beside the dash. */
function beside(head: string, body: readonly string[], always: boolean): readonly string[] {
  const [first = '', ...rest] = body;
  if (rest.length === 0 || always) return [`${head}${first}`, ...rest.map((line) => `  ${line}`)];
  return [head.trimEnd(), ...body.map((line) => `  ${line}`)];
}
