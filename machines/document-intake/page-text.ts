/**
 * The text of pages as checks look at it. A line that ends in a hyphen may go on without it (`Kunden-` `nummer`) or with it
 * (`C-` `1001`), so a text with line breaks is several texts.
 */
import type { Page } from './schemas.ts';

/** Every way in which the lines may be meant to go on. */
export function readingsOf(text: string): string[] {
  const breaks = /(?<=[\p{L}\p{N}])[-\u00AD\u2010\u2011][^\S\n]*\n\s*(?=[\p{L}\p{N}])/gu;
  const spaced = text.replaceAll(/\s+/g, ' ');
  if (text.search(breaks) < 0) return [spaced];
  return [
    spaced,
    text.replaceAll(breaks, '').replaceAll(/\s+/g, ' '),
    text.replaceAll(breaks, '-').replaceAll(/\s+/g, ' '),
  ];
}

/** Without hyphens and the breaks behind them, for texts that have some of each kind. */
export function withoutHyphens(text: string): string {
  return text
    .replaceAll(/(?<=[\p{L}\p{N}])[-\u00AD\u2010\u2011]\s*(?=[\p{L}\p{N}])/gu, '')
    .replaceAll(/\s+/g, ' ');
}

export function textOf(pages: readonly Page[]): string {
  return pages
    .map(({ text }) => text)
    .filter((text) => text !== '')
    .join('\n\n');
}

/** What a reader should know of text that is in the file and not on the page. */
export function hiddenWarnings(pages: readonly Page[]): string[] {
  return pages.flatMap(({ number, hidden }) => {
    const line = hidden.replaceAll(/\s+/g, ' ');
    if (line === '') return [];
    const shown = line.length > 160 ? `${line.slice(0, 160)}…` : line;
    return [`Page ${number} has text that cannot be seen: “${shown}”`];
  });
}
