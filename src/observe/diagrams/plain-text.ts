/** Text of a machine in one line, with nothing in it that XML cannot hold or that turns the direction of what follows. */

const unfit = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]/gu;

export function plainText(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(unfit, '\u{fffd}').trim();
}

const ellipsis = '…';

export function cut(text: string, most: number): string {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}${ellipsis}`;
}

/** Lines of at most so many characters, broken at spaces; a word that is longer stays whole. */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** For the content and the attributes of XML. */
export function xmlText(text: string): string {
  return text.replaceAll(/[&<>"'\\]/g, (character) => `&#${character.charCodeAt(0)};`);
}
