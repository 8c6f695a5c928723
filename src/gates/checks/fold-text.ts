/**
 * Text made comparable: what people write in different ways and mean the same becomes the same.
 *
 * Case, accents on Latin, Greek and Cyrillic letters, Hebrew points and Arabic vowel marks go; typographic quotes and dashes
 * become plain; invisible characters go; white space is one space. Marks that make another letter of a letter (in Indic
 * scripts, in kana) stay.
 */
export function foldText(text: string): string {
  return plainMarks(text)
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036F\u0591-\u05BD\u05BF-\u05C7\u0610-\u061A\u064B-\u065F\u0670]/g, '')
    .normalize('NFC')
    .replaceAll(/[ßæœøłđðþıŧħ]/g, (letter) => letters[letter] ?? letter)
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Typographic quotes and dashes as plain ones, without invisible characters and soft hyphens. */
export function plainMarks(text: string): string {
  return text
    .replaceAll(/[\u00AD\u200B-\u200F\u2060\u2066-\u2069\u202A-\u202E\uFEFF]/g, '')
    .replaceAll(/[‘’‚‛′´`ʼ]/g, "'")
    .replaceAll(/[“”„‟″«»]/g, '"')
    .replaceAll(/[‐‑‒–—―−]/g, '-')
    .replaceAll('…', '...');
}

const letters: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
  ŧ: 't',
  ħ: 'h',
};
