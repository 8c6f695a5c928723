/**
 * A state value as people write it: `asking`, `paying.waiting`, `{ mail: sent, money: asking }`; `(root)` of a machine
 * without states.
 */
export function placeName(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '(not started)';
  const entries = Object.entries(value);
  const [only] = entries;
  if (!only) return '(root)';
  if (entries.length === 1) return `${only[0]}.${placeName(only[1])}`;
  return `{ ${entries.map(([key, inner]) => `${key}: ${placeName(inner)}`).join(', ')} }`;
}
