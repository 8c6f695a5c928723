/** The text of one page: what is seen, what is filled into its form, and apart from that what cannot be seen. */
import type { Page } from '../schemas.ts';
import { type Drawing, hiddenPieces, type Operators } from './hidden-text.ts';

/** What is used of a page of PDF.js. */
export interface PdfPage {
  getTextContent(options: {
    readonly disableNormalization: boolean;
  }): Promise<{ readonly items: readonly object[] }>;
  getOperatorList(options: { readonly annotationMode: number }): Promise<Drawing>;
  getAnnotations(): Promise<readonly object[]>;
}

export interface PageRead extends Page {
  /** Nothing at all is done to draw on it. */
  readonly blank: boolean;
}

interface Piece {
  readonly str: string;
  readonly height: number;
  readonly hasEOL: boolean;
}

/** Without what is drawn for form fields and notes: their values are read as such. */
const noAnnotations = 0;

export async function readPage(page: PdfPage, number: number, operators: Operators): Promise<PageRead> {
  const { items } = await page.getTextContent({ disableNormalization: true });
  const pieces = items.filter((item): item is Piece => 'str' in item);
  const drawing = await page.getOperatorList({ annotationMode: noAnnotations });
  const hidden = hiddenPieces(pieces, drawing, operators);
  const fields = fieldLines(await page.getAnnotations());
  return {
    number,
    text: [linesOf(pieces.filter((_, index) => !hidden[index])), ...fields]
      .filter((line) => line !== '')
      .join('\n'),
    hidden: linesOf(
      pieces.filter((_, index) => hidden[index]).map(({ str, height }) => ({ str, height, hasEOL: true })),
    ),
    // Pictures are not unpacked and so not listed, but what is set up for them is.
    blank: drawing.fnArray.length === 0 && fields.length === 0,
  };
}

function linesOf(pieces: readonly Piece[]): string {
  return (
    pieces
      .map(({ str, hasEOL }) => (hasEOL ? `${str}\n` : str))
      .join('')
      // Letters that are joined to one sign, such as fi.
      .replaceAll(/[\uFB00-\uFB06]/g, (joined) => joined.normalize('NFKC'))
      .replaceAll(/[^\S\n]+/g, ' ')
      .replaceAll(/ ?\n[ \n]*/g, '\n')
      .trim()
  );
}

interface Annotation {
  readonly subtype?: unknown;
  readonly fieldName?: unknown;
  readonly fieldValue?: unknown;
  readonly contentsObj?: { readonly str?: unknown };
  readonly annotationFlags?: unknown;
}

/** PDF 32000-1, 12.5.3: hidden, and not shown on the screen. */
const unseenFlags = 0x02 | 0x20;

/** `customer.number: C-1001`, one line for each field that is filled in, and the text of notes that stand on the page. */
function fieldLines(annotations: readonly object[]): string[] {
  return (annotations as readonly Annotation[]).flatMap((annotation) => {
    const { subtype, fieldName, fieldValue, contentsObj, annotationFlags } = annotation;
    if (((typeof annotationFlags === 'number' ? annotationFlags : 0) & unseenFlags) !== 0) return [];
    if (subtype === 'FreeText' && typeof contentsObj?.str === 'string') return [contentsObj.str.trim()];
    if (subtype !== 'Widget' || typeof fieldName !== 'string') return [];
    const value = [fieldValue]
      .flat()
      .filter((part) => typeof part === 'string')
      .join(', ')
      .trim();
    return value === '' || value === 'Off' ? [] : [`${fieldName}: ${value}`];
  });
}
