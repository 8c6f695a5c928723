/** Text for a terminal: made safe, measured, cut and wrapped. What comes from tickets and models is not to be trusted. */

/** Control characters, and those that turn the direction of what follows, can make a terminal show what is not there. */
const unsafe = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text with nothing in it that a terminal would obey; lines stay lines. */
export function clean(text: string): string {
  return text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll('\t', '  ')
    .replaceAll(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function oneLine(text: string): string {
  return clean(text)
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
}

// oxlint-disable-next-line no-control-regex -- the escape sequences that `styleText` writes
const styling = /\u001b\[[0-9;]*m/g;
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u;
const graphemes = new Intl.Segmenter();

/** How many columns the text takes; styles take none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of charactersOf(text.replaceAll(styling, ''))) width += columnsOf(character);
  return width;
}

/** The text in at most `width` columns, the end replaced by `…` if it had to be cut. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let columns = 0;
  for (const character of charactersOf(text)) {
    columns += columnsOf(character);
    if (columns > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Lines of at most `width` columns, broken between words where there are any. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, Math.max(1, width)));
}

function wrapLine(line: string, width: number): string[] {
  if (widthOf(line) <= width) return [line];
  const lines: string[] = [];
  let current = '';
  let columns = 0;
  const flush = (): void => {
    lines.push(current.trimEnd());
    current = '';
    columns = 0;
  };
  for (const word of line.match(/\s+|[^\s]+/g) ?? []) {
    const needed = widthOf(word);
    if (columns + needed > width && columns > 0) flush();
    if (columns === 0 && lines.length > 0 && word.trim() === '') continue;
    if (needed <= width) {
      current += word;
      columns += needed;
      continue;
    }
    for (const character of charactersOf(word)) {
      const more = columnsOf(character);
      if (columns + more > width) flush();
      current += character;
      columns += more;
    }
  }
  flush();
  return lines;
}

function charactersOf(text: string): Iterable<string> {
  return isPlain(text) ? text : Array.from(graphemes.segment(text), ({ segment }) => segment);
}

function columnsOf(character: string): number {
  if (isPlain(character)) return 1;
  if (/^[\p{M}\u200b-\u200d]+$/u.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

function isPlain(text: string): boolean {
  return /^[\u0020-\u007e]*$/.test(text);
}
