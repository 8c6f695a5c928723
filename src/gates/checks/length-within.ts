/** A check of how long text is. */
import { InvalidOption } from '../../errors.ts';
import type { Check } from '../judge.ts';
import { textCheck } from './text-check.ts';

export interface LengthBounds {
  readonly min?: number;
  readonly max?: number;
  /**
   * `characters`: as people count them, so that an emoji or a letter with an accent is one. `words`: in any script, without
   * punctuation. `tokens`: about as many as a model would count, by a rule of thumb. Default: `characters`.
   */
  readonly unit?: LengthUnit;
}

export type LengthUnit = 'characters' | 'words' | 'tokens';

/**
 * @example
 * ```ts
 * lengthWithin({ max: 200, unit: 'words' })
 * ```
 */
export function lengthWithin({ min, max, unit = 'characters' }: LengthBounds): Check<string> {
  for (const [name, bound] of Object.entries({ min, max })) {
    if (bound !== undefined && !(Number.isInteger(bound) && bound >= 0)) {
      throw new InvalidOption(
        `Expected \`${name}\` of \`lengthWithin\` to be a whole number, got \`${String(bound)}\`.`,
      );
    }
  }
  if (min === undefined && max === undefined) {
    throw new InvalidOption('Expected `lengthWithin` to be given `min`, `max` or both.');
  }
  if (min !== undefined && max !== undefined && min > max) {
    throw new InvalidOption(
      `Expected \`min\` of \`lengthWithin\` to be at most \`max\`, got ${min} and ${max}.`,
    );
  }
  const count = counts[unit];
  if (count === undefined) {
    throw new InvalidOption(
      `Expected \`unit\` of \`lengthWithin\` to be one of ${Object.keys(counts).join(', ')}, got \`${String(unit)}\`.`,
    );
  }
  const about = unit === 'tokens' ? 'about ' : '';
  return textCheck((text) => {
    const length = count(text);
    const has = `It has ${about}${length} ${length === 1 ? unit.slice(0, -1) : unit};`;
    if (max !== undefined && length > max)
      return [`${has} at most ${max} ${max === 1 ? 'is' : 'are'} allowed.`];
    return (
      min === undefined || length >= min || [`${has} at least ${min} ${min === 1 ? 'is' : 'are'} needed.`]
    );
  });
}

const characters = new Intl.Segmenter('en', { granularity: 'grapheme' });
const words = new Intl.Segmenter('en', { granularity: 'word' });

const counts: Readonly<Record<LengthUnit, (text: string) => number>> = {
  characters: (text) => [...characters.segment(text)].length,
  words: (text) => [...words.segment(text)].filter(({ isWordLike }) => isWordLike).length,
  // Tokenizers of today make about one token of four bytes of text.
  tokens: (text) => Math.ceil(new TextEncoder().encode(text).length / 4),
};
