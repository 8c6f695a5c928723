/** Refuses options where they are given, in one form of words. */
import { InvalidOption } from '../errors.ts';

/** `expected` reads on from "to be": "a positive integer". `of` says whose option it is: "tool `refund`". */
export function assertOption(
  holds: boolean,
  option: string,
  of: string,
  expected: string,
  got: unknown,
): void {
  if (holds) return;
  throw new InvalidOption(`Expected \`${option}\` of ${of} to be ${expected}, got ${shown(got)}.`, {
    details: { option },
  });
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function shown(value: unknown): string {
  switch (typeof value) {
    case 'function':
      return 'a function';
    case 'object':
      return value === null ? '`null`' : Array.isArray(value) ? 'an array' : 'an object';
    case 'string':
      return value === '' ? 'an empty string' : `\`${value}\``;
    default:
      return `\`${String(value)}\``;
  }
}
