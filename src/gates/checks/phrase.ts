/** A word or phrase to look for in text. */
import { InvalidOption } from '../../errors.ts';
import { foldText } from './fold-text.ts';

/**
 * A string is found as whole words, whatever its case, accents, quotes, dashes and spaces; in scripts that put no spaces
 * between words it is found anywhere. A regular expression is matched against the text as it is.
 */
export type Phrase = string | RegExp;

export interface PhraseFinder {
  /** As a reason names it. */
  readonly name: string;
  /** What stands for it in the text. `folded` is the same text folded. */
  find(text: string, folded: string): string | undefined;
}

export function phraseFinder(phrase: Phrase, who: string): PhraseFinder {
  if (phrase instanceof RegExp) {
    // Global and sticky expressions remember where they were.
    const pattern = new RegExp(phrase.source, phrase.flags.replaceAll(/[gy]/g, ''));
    return { name: String(phrase), find: (text) => pattern.exec(text)?.[0] };
  }
  const wanted = typeof phrase === 'string' ? foldText(phrase) : '';
  if (wanted === '') {
    throw new InvalidOption(
      `Expected ${who} to be given words and regular expressions, got \`${JSON.stringify(phrase)}\`.`,
    );
  }
  const pattern = new RegExp(`${before(wanted)}${escaped(wanted)}${after(wanted)}`, 'u');
  return { name: `"${phrase}"`, find: (_, folded) => (pattern.test(folded) ? phrase : undefined) };
}

const wordLike = String.raw`[\p{L}\p{N}\p{M}_]`;
/** No spaces between words, or endings that are written on to them. */
const unspaced = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]`;
const startsAnywhere = new RegExp(`^(?:${unspaced}|(?!${wordLike}))`, 'u');
const endsAnywhere = new RegExp(String.raw`(?:${unspaced}\p{M}*|(?!${wordLike})[^])$`, 'u');

function before(wanted: string): string {
  return startsAnywhere.test(wanted) ? '' : `(?<!${wordLike})`;
}

function after(wanted: string): string {
  return endsAnywhere.test(wanted) ? '' : `(?!${wordLike})`;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}
