/** A value in a few words, to tell one step of a path from another: what is short in it, and no more than that. */

const longest = 40;

/** `ok` if there is nothing to say of it. */
export function labelOf(value: unknown): string {
  const words = wordsOf(value);
  return words.length > longest ? `${words.slice(0, longest - 1)}…` : words || 'ok';
}

function wordsOf(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return textOf(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    const items = value.map(wordsOf).join(' + ');
    if (value.length === 0) return 'none';
    return value.length === 1 || items.length <= longest ? items : `${value.length} items`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? typeof value;
  const fields = Object.entries(value);
  const [only] = fields;
  if (fields.length !== 1 || !only) return fields.flatMap(wordOfField).join(', ');
  return only[1] === 'text' ? '' : wordsOf(only[1]);
}

function wordOfField([key, field]: readonly [string, unknown]): string[] {
  if (typeof field === 'boolean') return [field ? key : `not ${key}`];
  if (typeof field === 'number') return [`${key} ${field}`];
  if (field === null) return [`no ${key}`];
  const isWord = typeof field === 'string' && !isFiller(field) && field.length <= 20 && !/\s/.test(field);
  return isWord ? [field] : [];
}

/** Text that was derived (see texts-of.ts) says nothing but that there is some. */
function isFiller(text: string): boolean {
  return text === '' || text === 'text' || /^(some text )*.{0,9}x$/.test(text);
}

function textOf(text: string): string {
  if (text === '') return 'empty';
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 24 ? `${line.slice(0, 20)}… (${text.length})` : line;
}
