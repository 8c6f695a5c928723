/** A workflow's output in a line, whatever its shape: its short values in their order, without prose and what is not there. */
import { plainValue } from './plain-value.ts';
import { oneLine } from './text.ts';

const longestText = 32;

/**
 * `answered (billing, model, refunded amount 49 EUR)`: words stand alone, numbers and flags with their names, the items
 * of a list in brackets.
 */
export function summaryOf(output: unknown, { without }: { readonly without: string }): string {
  const parts = partsOf('', plainValue(output)).filter((part) => part !== without);
  return parts.join(', ').replaceAll(', (', ' (');
}

function partsOf(name: string, value: unknown): readonly string[] {
  switch (typeof value) {
    case 'string': {
      const text = oneLine(value);
      return text === '' || text.length > longestText ? [] : [text];
    }
    case 'number':
      return name === '' ? [String(value)] : value === 0 ? [] : [`${name} ${value}`];
    case 'boolean':
      return [name === '' ? String(value) : value ? name : `not ${name}`];
    case 'object':
      if (value === null) return [];
      if (Array.isArray(value)) return value.flatMap((item) => bracketed(partsOf('', item)));
      if (name !== '') return joined(fieldsOf(value));
      return fieldsOf(value);
    default:
      return [];
  }
}

function fieldsOf(value: object): readonly string[] {
  return Object.entries(value).flatMap(([name, inner]) => partsOf(name, inner));
}

function joined(parts: readonly string[]): readonly string[] {
  return parts.length === 0 ? [] : [parts.join(' ')];
}

function bracketed(parts: readonly string[]): readonly string[] {
  return parts.length === 0 ? [] : [`(${parts.join(', ')})`];
}
