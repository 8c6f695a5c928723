/** A state value as people write it: `asking`, `paying.waiting`, `{ mail: sent, money: asking }`. */
export function placeName(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '(not started)';
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only) return `${only[0]}.${placeName(only[1])}`;
  return `{ ${entries.map(([key, inner]) => `${key}: ${placeName(inner)}`).join(', ')} }`;
}
