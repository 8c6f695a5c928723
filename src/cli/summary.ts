/** A workflow's output in a line, whatever its shape: its short values in their order, without prose and what is not there. */
import { plainValue } from './plain-value.ts';
import { oneLine } from './text.ts';

const longestText = 32;
/** Words that say that nothing is there. */
const nothing: ReadonlySet<string> = new Set(['', 'none', 'nobody']);

/**
 * `answered (billing, model, refunded amount 49 EUR)`: words stand alone, numbers and flags with their names, the items
 * of a list in brackets.
 */
export function summaryOf(output: unknown, { without }: { readonly without: string }): string {
  const parts = partsOf('', plainValue(output), 0).filter((part) => part !== without);
  return parts.join(', ').replaceAll(', (', ' (');
}

function partsOf(name: string, value: unknown, depth: number): readonly string[] {
  switch (typeof value) {
    case 'string': {
      const text = oneLine(value);
      return nothing.has(text) || text.length > longestText ? [] : [text];
    }
    case 'number':
      return name === '' ? [String(value)] : value === 0 ? [] : [`${name} ${value}`];
    case 'boolean':
      // What is as it should be need not be said of every item.
      if (name === '') return [String(value)];
      return value ? (depth > 1 ? [] : [name]) : [`not ${name}`];
    case 'object':
      if (value === null) return [];
      if (Array.isArray(value)) return value.flatMap((item) => bracketed(partsOf('', item, depth + 1)));
      if (name !== '') return joined(fieldsOf(value, depth + 1));
      return fieldsOf(value, depth + 1);
    default:
      return [];
  }
}

function fieldsOf(value: object, depth: number): readonly string[] {
  return Object.entries(value).flatMap(([name, inner]) => partsOf(name, inner, depth));
}

function joined(parts: readonly string[]): readonly string[] {
  return parts.length === 0 ? [] : [parts.join(' ')];
}

function bracketed(parts: readonly string[]): readonly string[] {
  return parts.length === 0 ? [] : [`(${parts.join(', ')})`];
}
