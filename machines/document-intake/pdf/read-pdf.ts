/**
 * Reads a PDF file: its text page by page, and what stands in the way.
 *
 * I1. Whatever the bytes are, there is an answer: a file that cannot be read is one, and no error.
 * I2. Nothing of the file runs or is fetched, and no picture in it is unpacked.
 */
import type { Page, Reading } from '../schemas.ts';
import { bytesOf } from './bytes.ts';
import { loadUnpdf, type Unpdf } from './load-unpdf.ts';
import { type PageRead, type PdfPage, readPage } from './read-page.ts';

export interface ReadOptions {
  /** Of a file with more, nothing is read. */
  readonly mostPages: number;
  /** Of text in all; what is over is cut off. */
  readonly mostCharacters: number;
  readonly signal: AbortSignal;
}

type Pdf = Awaited<ReturnType<Unpdf['getDocumentProxy']>>;

/** Rejects if unpdf is missing, and with the signal's reason once it is aborted. */
export async function readPdf(base64: string, options: ReadOptions): Promise<Reading> {
  const { problem, bytes, sha256 } = bytesOf(base64);
  const reading: Reading = { problem, sha256, pageCount: null, pages: [], cut: false };
  if (problem !== null) return reading;

  const unpdf = await loadUnpdf();
  let pdf: Pdf;
  try {
    pdf = await unpdf.getDocumentProxy(bytes, { verbosity: 0, maxImageSize: 1 });
  } catch (error) {
    options.signal.throwIfAborted();
    const isLocked = error instanceof Error && error.name === 'PasswordException';
    return { ...reading, problem: isLocked ? 'encrypted' : 'damaged' };
  }
  try {
    const pageCount = pdf.numPages;
    if (pageCount > options.mostPages) return { ...reading, pageCount, problem: 'too-many-pages' };
    const { OPS } = await unpdf.getResolvedPDFJS();
    const read = await pagesOf(pdf, OPS, options.signal);
    if (!read) return { ...reading, pageCount, problem: 'damaged' };
    return { ...reading, pageCount, problem: problemOf(read), ...bounded(read, options.mostCharacters) };
  } finally {
    await pdf.destroy();
  }
}

/** `undefined` if a page cannot be read. */
async function pagesOf(
  pdf: Pdf,
  operators: Readonly<Record<string, number>>,
  signal: AbortSignal,
): Promise<PageRead[] | undefined> {
  const pages: PageRead[] = [];
  for (let number = 1; number <= pdf.numPages; number++) {
    signal.throwIfAborted();
    try {
      // PDF.js types more than is used.
      const page = (await pdf.getPage(number)) as unknown as PdfPage;
      pages.push(await readPage(page, number, operators));
    } catch {
      return undefined;
    }
  }
  return pages;
}

function problemOf(pages: readonly PageRead[]): 'blank' | 'no-text' | null {
  if (pages.every(({ blank }) => blank)) return 'blank';
  return pages.every(({ text }) => text === '') ? 'no-text' : null;
}

function bounded(pages: readonly PageRead[], mostCharacters: number): Pick<Reading, 'pages' | 'cut'> {
  let left = mostCharacters;
  let cut = false;
  const take = (text: string): string => {
    const taken = text.slice(0, left);
    cut ||= taken.length < text.length;
    left -= taken.length;
    return taken;
  };
  const kept = pages.map(({ number, text, hidden }): Page => ({
    number,
    text: take(text),
    hidden: take(hidden),
  }));
  return { pages: kept, cut };
}
