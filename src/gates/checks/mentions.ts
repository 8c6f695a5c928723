/** A check that text says certain things. */
import { InvalidOption } from '../../errors.ts';
import type { Check } from '../judge.ts';
import { foldText } from './fold-text.ts';
import { type Phrase, phraseFinder } from './phrase.ts';
import { textCheck } from './text-check.ts';

/**
 * The text mentions each of these; of a list among them, any one. One reason for each that is missing.
 *
 * @example
 * ```ts
 * mentions(['order number', ['refund', 'money back'], /\b[A-Z]-\d{4}\b/])
 * ```
 */
export function mentions(wanted: ReadonlyArray<Phrase | readonly Phrase[]>): Check<string> {
  if (!Array.isArray(wanted) || wanted.length === 0) {
    throw new InvalidOption('Expected `mentions` to be given a list of what the text must mention.');
  }
  const groups = wanted.map((one) =>
    (isGroup(one) ? one : [one]).map((phrase) => phraseFinder(phrase, '`mentions`')),
  );
  return textCheck((text) => {
    const folded = foldText(text);
    return groups
      .filter((group) => !group.some(({ find }) => find(text, folded) !== undefined))
      .map((group) => `It does not mention ${group.map(({ name }) => name).join(' or ')}.`);
  });
}

function isGroup(one: Phrase | readonly Phrase[]): one is readonly Phrase[] {
  return Array.isArray(one);
}
