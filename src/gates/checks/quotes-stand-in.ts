/** A check that what is quoted was said. */
import type { Check } from '../judge.ts';
import { plainMarks } from './fold-text.ts';
import { excerpt, textCheck } from './text-check.ts';

export interface QuotesOptions {
  /** Quotes of fewer words are names and irony as often as quotes, and are let through. Default: 1. */
  readonly leastWords?: number;
}

/**
 * Every passage in quotation marks stands in the source, word for word: case, white space, kinds of quotation marks and
 * dashes, and the punctuation at its ends aside. `…` and `[…]` leave something out; `[T]he` is `the`.
 *
 * Marks are “…”, „…“, «…», ‹…›, 「…」, "…", and '…' where it cannot be an apostrophe.
 *
 * @example
 * ```ts
 * quotesStandIn(contract)('It says "either party may terminate".');
 * // [] or ['The quote "either party may terminate" does not stand in the source.']
 * ```
 */
export function quotesStandIn(
  source: string | readonly string[],
  { leastWords = 1 }: QuotesOptions = {},
): Check<string> {
  const said = [source].flat().map(plainQuote).join('\n');
  return textCheck((text) =>
    quotesIn(text)
      .filter((quote) => wordsIn(quote) >= leastWords && !partsOf(quote).every((part) => said.includes(part)))
      .map((quote) => `The quote "${excerpt(quote)}" does not stand in the source.`),
  );
}

const marks = [
  /“([^“”]+)”/g,
  /„([^„“”]+)[“”]/g,
  /«([^«»]+)»/g,
  /»([^«»]+)«/g,
  /‹([^‹›]+)›/g,
  /「([^「」]+)」/g,
  /『([^『』]+)』/g,
  /"([^"]+)"/g,
  /(?<![\p{L}\p{N}])['‘‚]([^\n]+?)['’‘](?![\p{L}\p{N}])/gu,
];

/** Each kind of mark is looked for in what the kinds before it have left. No quote goes over an empty line. */
function quotesIn(text: string): string[] {
  const found: Array<{ readonly at: number; readonly quote: string }> = [];
  for (const paragraph of text.matchAll(/[^]+?(?=\n[^\S\n]*\n|$(?![^]))/g)) {
    let rest = paragraph[0];
    for (const mark of marks) {
      rest = rest.replace(mark, (whole: string, quote: string, at: number) => {
        found.push({ at: paragraph.index + at, quote });
        return ' '.repeat(whole.length);
      });
    }
  }
  return found.sort((one, other) => one.at - other.at).map(({ quote }) => quote);
}

/** What must stand in the source by itself. */
function partsOf(quote: string): string[] {
  return plainQuote(quote)
    .split(/\[?\.\.\.\]?/)
    .map((part) => part.replaceAll(/^[\s.,;:!?]+|[\s.,;:!?]+$/g, ''))
    .filter((part) => part !== '');
}

function plainQuote(text: string): string {
  return plainMarks(text)
    .normalize('NFC')
    .replaceAll(/\[(\p{L})\]/gu, '$1')
    .replaceAll(/["']/g, "'")
    .replaceAll(/\s+/g, ' ')
    .toLowerCase();
}

function wordsIn(quote: string): number {
  return quote.trim().split(/\s+/).length;
}
