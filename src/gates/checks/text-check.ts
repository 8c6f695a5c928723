/** A check of text that says so when it is given something else. */
import type { Check } from '../judge.ts';
import type { Judgement } from '../judgement.ts';

export function textCheck(check: (text: string) => Judgement): Check<string> {
  return (value: unknown) =>
    typeof value === 'string'
      ? check(value)
      : [`Expected text, got ${value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value}.`];
}

/** Text to be quoted in a reason: in one line, and not all of it. */
export function excerpt(text: string, most = 80): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : line;
}
