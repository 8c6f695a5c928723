/** A value in a few words, to tell one step of a path from another: what is short in it, and told apart. */

const longest = 40;

export function labelOf(value: unknown): string {
  const words = wordsOf(value, 0);
  return words.length > longest ? `${words.slice(0, longest - 1)}…` : words;
}

function wordsOf(value: unknown, depth: number): string {
  if (typeof value === 'string') return textOf(value);
  if (Array.isArray(value)) {
    if (value.length === 0) return 'none';
    const items = value.map((item) => wordsOf(item, depth + 1)).join(' + ');
    return value.length === 1 || items.length <= longest ? items : `${value.length} items`;
  }
  if (value instanceof Date) return value.toISOString();
  if (value === undefined) return 'ok';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? typeof value;
  const fields = Object.entries(value);
  const [only] = fields;
  if (fields.length === 1 && only) return wordsOf(only[1], depth + 1);
  const short = fields.flatMap(([key, field]) => {
    if (typeof field === 'boolean') return [field ? key : `not ${key}`];
    if (typeof field === 'number') return [`${key} ${field}`];
    if (typeof field === 'string' && field !== '' && field.length <= 20 && !field.includes(' '))
      return [field];
    return field === null && depth === 0 ? [`no ${key}`] : [];
  });
  return short.join(', ') || (fields.length === 0 ? 'ok' : fields.map(([key]) => key).join(', '));
}

function textOf(text: string): string {
  if (text === '') return 'empty';
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 24 ? `${line.slice(0, 20)}… (${text.length})` : line;
}
