/**
 * Tells text that a reader of the page sees from text that is only in the file.
 *
 * Hidden is what is drawn as invisible, in white, without opacity, or smaller than anyone can read. Not found out is
 * text under a picture or in the colour of what is behind it; white text on a dark ground passes for hidden.
 */

/** What is drawn on a page, in order: operators by number, with their arguments. */
export interface Drawing {
  readonly fnArray: readonly number[];
  readonly argsArray: readonly unknown[];
}

/** The numbers of the operators. */
export type Operators = Readonly<Record<string, number>>;

/** A piece of text as PDF.js finds it on the page. */
export interface TextPiece {
  readonly str: string;
  /** In points. */
  readonly height: number;
}

interface Pen {
  readonly fill: string;
  readonly stroke: string;
  readonly fillOpacity: number;
  readonly strokeOpacity: number;
  /** PDF 32000-1, 9.3.6: 0 fill, 1 stroke, 2 both, 3 neither; 4 more is the same and clips. */
  readonly mode: number;
}

const firstPen: Pen = { fill: '#000000', stroke: '#000000', fillOpacity: 1, strokeOpacity: 1, mode: 0 };

/** In points: nobody reads smaller print. */
const leastHeight = 2;
/** Of each of red, green and blue, up to 255. */
const nearlyWhite = 0xf0;

/** For each piece whether it is hidden. */
export function hiddenPieces(
  pieces: readonly TextPiece[],
  drawing: Drawing,
  operators: Operators,
): readonly boolean[] {
  const drawn = drawnText(drawing, operators);
  const tiny = ({ str, height }: TextPiece): boolean =>
    str.trim() !== '' && height > 0 && height < leastHeight;
  const characters = drawn.map(({ text }) => text).join('');
  // Of a page that could be listed in part only, what is not listed counts as hidden.
  const found = pieces.reduce((length, { str }) => length + squeezed(str).length, 0);
  if (characters.length >= found && drawn.every(({ hidden }) => !hidden)) return pieces.map(tiny);

  const flags = drawn.flatMap(({ text, hidden }) => Array.from({ length: text.length }, () => hidden));
  const seen = drawn.map(({ text, hidden }) => (hidden ? '\u0000' : text)).join('');
  let from = 0;
  return pieces.map((piece) => {
    const text = squeezed(piece.str);
    if (text === '' || tiny(piece)) return text !== '';
    // Pieces come in the order in which they were drawn; what stands outside of the page is left out.
    const at = characters.indexOf(text, from);
    if (at < 0) return !seen.includes(text);
    from = at + text.length;
    return flags.slice(at, from).some(Boolean);
  });
}

interface Drawn {
  readonly text: string;
  readonly hidden: boolean;
}

/** Each run of text that is drawn, without its white space. */
function drawnText({ fnArray, argsArray }: Drawing, operators: Operators): Drawn[] {
  const names = new Map(Object.entries(operators).map(([name, number]) => [number, name]));
  const drawn: Drawn[] = [];
  const saved: Pen[] = [];
  let pen = firstPen;
  for (const [index, number] of fnArray.entries()) {
    const args = (argsArray[index] ?? []) as readonly unknown[];
    switch (names.get(number)) {
      case 'save':
      case 'paintFormXObjectBegin':
      case 'beginGroup':
        saved.push(pen);
        break;
      case 'restore':
      case 'paintFormXObjectEnd':
      case 'endGroup':
        pen = saved.pop() ?? pen;
        break;
      case 'setFillRGBColor':
        pen = { ...pen, fill: String(args[0]) };
        break;
      case 'setStrokeRGBColor':
        pen = { ...pen, stroke: String(args[0]) };
        break;
      case 'setFillTransparent':
        pen = { ...pen, fill: 'transparent' };
        break;
      case 'setStrokeTransparent':
        pen = { ...pen, stroke: 'transparent' };
        break;
      // A pattern has no one colour.
      case 'setFillColorN':
        pen = { ...pen, fill: 'pattern' };
        break;
      case 'setStrokeColorN':
        pen = { ...pen, stroke: 'pattern' };
        break;
      case 'setTextRenderingMode':
        pen = { ...pen, mode: Number(args[0]) };
        break;
      case 'setGState':
        pen = withState(pen, args[0] as ReadonlyArray<readonly [string, unknown]>);
        break;
      case 'showText':
        drawn.push({ text: textOf(args[0]), hidden: isUnseen(pen) });
        break;
      default:
    }
  }
  return drawn;
}

function withState(pen: Pen, entries: ReadonlyArray<readonly [string, unknown]>): Pen {
  const state = new Map(entries);
  return {
    ...pen,
    fillOpacity: Number(state.get('ca') ?? pen.fillOpacity),
    strokeOpacity: Number(state.get('CA') ?? pen.strokeOpacity),
  };
}

function isUnseen({ fill, stroke, fillOpacity, strokeOpacity, mode }: Pen): boolean {
  const fills = mode % 4 === 0 || mode % 4 === 2;
  const strokes = mode % 4 === 1 || mode % 4 === 2;
  const inkless = (colour: string, opacity: number): boolean => opacity < 0.05 || isWhite(colour);
  return (!fills || inkless(fill, fillOpacity)) && (!strokes || inkless(stroke, strokeOpacity));
}

function isWhite(colour: string): boolean {
  if (colour === 'transparent') return true;
  const [, red = '', green = '', blue = ''] = /^#(..)(..)(..)$/.exec(colour) ?? [];
  return [red, green, blue].every((part) => Number.parseInt(part, 16) >= nearlyWhite);
}

/** Glyphs, with numbers between them for the gaps. */
function textOf(glyphs: unknown): string {
  if (!Array.isArray(glyphs)) return '';
  return squeezed(
    glyphs
      .map((glyph: unknown) =>
        typeof glyph === 'object' && glyph !== null && 'unicode' in glyph ? String(glyph.unicode) : '',
      )
      .join(''),
  );
}

function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, '');
}
