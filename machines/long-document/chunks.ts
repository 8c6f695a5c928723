/**
 * Cuts a long text into chunks: along paragraphs and headings, and where a paragraph is too long by itself, along lines,
 * sentences, words and, as a last resort, characters. Pure: the same text gives the same chunks, on every machine.
 *
 * I1. Every letter and digit of the text is in exactly one chunk, and chunks are in the order of the text.
 * I2. No chunk has more than `maxTokens`, by the count of `tokensOf`.
 * I3. No chunk begins or ends within a character that is written with two code units.
 */

/** Where a chunk stands in the text: the text itself is kept once. */
export interface Chunk {
  /** From 1. */
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly firstPage: number;
  readonly lastPage: number;
  /** The heading that it stands under, if the text has any. */
  readonly heading: string | null;
}

/** A page of print, where the text does not say where its pages end. */
const charactersPerPage = 3_000;
const longestHeading = 120;

/** One kind of line end, no control characters but tabs and page ends, and nothing that is not Unicode. */
export function normalized(text: string): string {
  return (
    text
      .replace(/\r\n?|\u2028|\u2029|\u0085/g, '\n')
      .replace(/\v/g, '\n')
      // oxlint-disable-next-line no-control-regex -- these are the characters that are taken out
      .replace(/[\u0000-\u0008\u000E-\u001F\u007F\uFEFF]/g, '')
      .replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD')
      .trimEnd()
  );
}

/** About as many tokens as a model counts, and rather more: four ASCII characters to one, any other character one. */
export function tokensOf(text: string): number {
  return Math.ceil(quartersOf(text, 0, text.length) / 4);
}

/** The chunks of a normalized text. None, if there is nothing to read in it. */
export function chunksOf(text: string, { maxTokens }: { readonly maxTokens: number }): Chunk[] {
  const most = maxTokens * 4;
  // A heading fits before each of them.
  const longest = Math.max(8, Math.floor(most * 0.9));
  const atoms = paragraphsOf(text).flatMap((span) => split(text, span, longest, cuts));
  const pageAt = pagesOf(text);
  let heading: string | null = null;
  return packed(text, atoms, most)
    .map((spans) => {
      const here = spans.map((span) => headingOf(text, span)).filter((found) => found !== undefined);
      const first = headingOf(text, spans[0] as Span) ?? heading ?? here[0] ?? null;
      heading = here.at(-1) ?? heading;
      return { ...trimmed(text, spans), heading: first };
    })
    .filter(({ start, end }) => hasWords(text.slice(start, end)))
    .map(({ start, end, heading: under }, index) => ({
      number: index + 1,
      start,
      end,
      firstPage: pageAt(start),
      lastPage: pageAt(end - 1),
      heading: under,
    }));
}

/** How many pages a normalized text has: as many as its page ends say, else by the length of print. */
export function pageCount(text: string): number {
  return text === '' ? 0 : pagesOf(text)(text.length - 1);
}

/** Whether there is anything to read. */
export function hasWords(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Blank lines and page ends close a paragraph, and belong to it. */
function paragraphsOf(text: string): Span[] {
  return cutAt(text, { start: 0, end: text.length }, /\n[^\S\n]*(?:\n\s*)+|\f\s*/g);
}

const cuts: readonly RegExp[] = [/\n+/g, /[.!?…;][)\]"'”’»]*\s+|[。！？；]+[」』）]*/g, /\s+/g];

/** A span in pieces that are not too long, along the first kind of cut that will do. */
function split(text: string, span: Span, most: number, [cut, ...finer]: readonly RegExp[]): Span[] {
  if (quartersOf(text, span.start, span.end) <= most) return [span];
  if (!cut) return splitAnywhere(text, span, most);
  const pieces = cutAt(text, span, cut).flatMap((piece) => split(text, piece, most, finer));
  return joined(text, pieces, most);
}

function cutAt(text: string, { start, end }: Span, cut: RegExp): Span[] {
  const spans: Span[] = [];
  let from = start;
  for (const match of text.slice(start, end).matchAll(cut)) {
    const to = start + match.index + match[0].length;
    spans.push({ start: from, end: to });
    from = to;
  }
  if (from < end) spans.push({ start: from, end });
  return spans;
}

/** Not before what belongs to the character before it, unless there is no end to it. */
function splitAnywhere(text: string, { start, end }: Span, most: number): Span[] {
  const spans: Span[] = [];
  let [from, lastStart, used, usedSince] = [start, start, 0, 0];
  for (let at = start; at < end;) {
    const code = text.codePointAt(at) ?? 0;
    const width = code > 0xffff ? 2 : 1;
    const cost = quartersOf(text, at, at + width);
    if (!/\p{M}|\u200D|\uFE0F/u.test(String.fromCodePoint(code)) && text[at - 1] !== '\u200D') {
      [lastStart, usedSince] = [at, 0];
    }
    if (used + cost > most) {
      const cutsInside = lastStart === from;
      spans.push({ start: from, end: cutsInside ? at : lastStart });
      [from, used] = cutsInside ? [at, 0] : [lastStart, usedSince];
      lastStart = from;
    }
    used += cost;
    usedSince += cost;
    at += width;
  }
  if (from < end) spans.push({ start: from, end });
  return spans;
}

/** Neighbours together, as many as fit. */
function joined(text: string, spans: readonly Span[], most: number): Span[] {
  const fits: Span[] = [];
  let used = 0;
  for (const { start, end } of spans) {
    const cost = quartersOf(text, start, end);
    const last = fits.at(-1);
    if (last && used + cost <= most) {
      fits[fits.length - 1] = { start: last.start, end };
      used += cost;
    } else {
      fits.push({ start, end });
      used = cost;
    }
  }
  return fits;
}

/**
 * Paragraphs together, as many as fit. A heading begins a chunk if the one before it is at least half full, and ends none:
 * it goes with what it stands over.
 */
function packed(text: string, spans: readonly Span[], most: number): Span[][] {
  const groups: Span[][] = [];
  let group: Span[] = [];
  let used = 0;
  const close = (): void => {
    const carried: Span[] = [];
    while (group.length > 1 && isHeadingAlone(text, group.at(-1) as Span))
      carried.unshift(group.pop() as Span);
    groups.push(group);
    group = carried;
    used = carried.reduce((sum, { start, end }) => sum + quartersOf(text, start, end), 0);
  };
  for (const span of spans) {
    const cost = quartersOf(text, span.start, span.end);
    const begins = used >= most / 2 && headingOf(text, span) !== undefined;
    if (group.length > 0 && begins) close();
    // More than once, if headings that were carried over leave too little room.
    while (group.length > 0 && used + cost > most) close();
    group.push(span);
    used += cost;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function trimmed(text: string, spans: readonly Span[]): Span {
  const { start } = spans[0] as Span;
  const whole = text.slice(start, (spans.at(-1) as Span).end);
  const inner = whole.trim();
  const from = start + whole.indexOf(inner);
  return { start: from, end: from + inner.length };
}

const headings: readonly RegExp[] = [
  /^#{1,6}\s+(?<title>\S.*)$/u,
  /^(?<title>(?:chapter|part|section|appendix|annex|kapitel|teil|abschnitt|anhang|chapitre|partie|capítulo|parte)\s+[\p{N}\p{Lu}].*)$/iu,
  /^(?<title>第.{1,6}[章節部編].*)$/u,
  /^(?<title>\p{N}+(?:\.\p{N}+)*\.?\s+\p{Lu}.*[^.!?;,:])$/u,
  /^(?<title>(?=.*\p{Lu}.*\p{Lu})[\p{Lu}\p{N}\s.,:'’&()-]{3,})$/u,
];

/** The heading that a paragraph begins with. */
function headingOf(text: string, { start, end }: Span): string | undefined {
  const line = firstLineOf(text, start, end);
  if (line === '' || line.length > longestHeading) return undefined;
  for (const heading of headings) {
    const title = heading.exec(line)?.groups?.['title'];
    if (title !== undefined) return title.trim();
  }
  return undefined;
}

function isHeadingAlone(text: string, span: Span): boolean {
  return headingOf(text, span) !== undefined && !text.slice(span.start, span.end).trim().includes('\n');
}

function firstLineOf(text: string, start: number, end: number): string {
  const [line = ''] = text
    .slice(start, Math.min(end, start + 4 * longestHeading))
    .trimStart()
    .split('\n', 1);
  return line.trim();
}

/** Gives the page, from 1, that a place in the text is on. */
function pagesOf(text: string): (at: number) => number {
  const ends = [...text.matchAll(/\f/g)].map(({ index }) => index);
  if (ends.length === 0) return (at) => Math.floor(at / charactersPerPage) + 1;
  return (at) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}

/** Quarters of a token: whole numbers, so that sums are exact. */
function quartersOf(text: string, start: number, end: number): number {
  let quarters = 0;
  for (let at = start; at < end; at++) quarters += text.charCodeAt(at) < 0x80 ? 1 : 4;
  return quarters;
}
