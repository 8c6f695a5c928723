/** Reading what people write: whether there is anything, what stands in it, and which words of it say what it is about. */
import type { RequestText } from './schemas.ts';

export function wholeText({ subject, text }: RequestText): string {
  return `${subject}\n${text}`;
}

/** White space, control characters and invisible marks are nothing to read. */
export function isBlank(text: string): boolean {
  return !/[^\s\p{C}\p{Z}]/u.test(text);
}

/** Up to so many characters of a text. Half a character is none. */
export function beginningOf(text: string, most: number): string {
  return text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '');
}

export function endOf(text: string, most: number): string {
  return text.slice(-most).replace(/^[\uDC00-\uDFFF]/, '');
}

/** Letter for letter, but for case, white space and the form in which accents are written. */
export function standsIn(quote: string, text: string): boolean {
  return !isBlank(quote) && folded(text).includes(folded(quote));
}

/**
 * The first so many words that say what a text is about, as they stand there. Scripts without spaces are cut into
 * words too.
 */
export function tellingWords(text: string, most: number): string[] {
  const words = new Map<string, string>();
  for (const { segment, isWordLike } of segmenter.segment(text.slice(0, 4_000))) {
    if (words.size === most) break;
    const word = segment.toLowerCase();
    if (isWordLike && isTelling(word) && !words.has(word)) words.set(word, segment);
  }
  return [...words.values()];
}

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** Whether it is of a script that puts no spaces between words. */
export function isUnspaced(word: string): boolean {
  return unspaced.test(word);
}

const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/** Words that any letter to a helpdesk and any answer to it may hold. */
const commonplace = new Set(
  (
    'about after again also always been before being cannot could dear does doing done each even ever every from getting gone have ' +
    'having hello help here http https into just know like look made make many more most much need never only other over ' +
    'please quite really regards same says sent should since some soon still such sure team tell than thank thanks that their them then ' +
    'there these they thing think this those through time today under until very want well were what when where which while will ' +
    'with within without wrote would write your yours ' +
    'aber alle auch bitte danke dass diese diesen dieser eine einen einer haben hallo ihre ihnen kann mehr mein meine nicht noch ' +
    'oder sehr sich sind unser unsere vielen wenn werden wird wurde ' +
    'avec bonjour cela dans depuis elle est-ce merci nous pour pourquoi vous votre ' +
    'como está esta este gracias hola para pero porque puede ustedes ' +
    'です ます した ください こと これ それ から まで よう ません ました'
  ).split(' '),
);

/** Four letters tell something in an alphabet; in a script without spaces, two do. */
function isTelling(word: string): boolean {
  if (commonplace.has(word) || /^[\d.,:]+$/.test(word)) return false;
  return word.length >= (isUnspaced(word) ? 2 : 4);
}

function folded(text: string): string {
  return text.normalize('NFC').replaceAll(/\s+/g, ' ').trim().toLowerCase();
}
