/** A check that text does not say certain things. */
import { InvalidOption } from '../../errors.ts';
import type { Check } from '../judge.ts';
import { foldText } from './fold-text.ts';
import { type Phrase, phraseFinder } from './phrase.ts';
import { excerpt, textCheck } from './text-check.ts';

export interface AvoidsOptions {
  /** Said after what was found, as a sentence: `We promise no dates.` */
  readonly why?: string;
}

/**
 * The text mentions none of these. One reason for each that it does mention, with the words that it says.
 *
 * @example
 * ```ts
 * avoids(['guarantee', /\bwithin \d+ days?\b/i], { why: 'We promise nothing.' })
 * ```
 */
export function avoids(unwanted: readonly Phrase[], { why }: AvoidsOptions = {}): Check<string> {
  if (!Array.isArray(unwanted) || unwanted.length === 0) {
    throw new InvalidOption('Expected `avoids` to be given a list of what the text must not mention.');
  }
  const finders = unwanted.map((phrase) => phraseFinder(phrase, '`avoids`'));
  return textCheck((text) => {
    const folded = foldText(text);
    return finders
      .map(({ find }) => find(text, folded))
      .filter((found) => found !== undefined)
      .map((found) => `It says "${excerpt(found)}", which it must not.${why === undefined ? '' : ` ${why}`}`);
  });
}
