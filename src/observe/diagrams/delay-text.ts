/** A time for people, with nothing of it lost: `4 h`, `3 d 12 h`, `1 min 30 s`, `250 ms`. */

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

export function delayText(ms: number): string {
  if (!Number.isFinite(ms) || ms <= 0) return `${ms} ms`;
  const parts: string[] = [];
  let rest = ms;
  for (const [name, size] of units) {
    const count = name === 'ms' ? rest : Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${name}`);
    rest -= count * size;
  }
  return parts.join(' ');
}
