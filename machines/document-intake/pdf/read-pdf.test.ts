/** Real PDF files, as they come. */
import { describe, expect, it } from 'vitest';

import { blank, form, letter, locked, scan, unicode } from '../../../test/support/intake-pdfs.mjs';
import { readPdf, type ReadOptions } from './read-pdf.ts';

function read(pdf: Uint8Array | string, options: Partial<ReadOptions> = {}) {
  const base64 = typeof pdf === 'string' ? pdf : Buffer.from(pdf).toString('base64');
  const signal = new AbortController().signal;
  return readPdf(base64, { mostPages: 20, mostCharacters: 10_000, signal, ...options });
}

const white = { type: 'RGB', red: 1, green: 1, blue: 1 } as never;

it('gives the text of each page, and the hash of the bytes', async () => {
  const pdf = await letter(['One', 'and a half'], ['Two']);
  const reading = await read(pdf);
  expect(reading).toMatchObject({ problem: null, pageCount: 2, cut: false });
  expect(reading.pages).toEqual([
    { number: 1, text: 'One\nand a half', hidden: '' },
    { number: 2, text: 'Two', hidden: '' },
  ]);
  expect(reading.sha256).toMatch(/^[0-9a-f]{64}$/);
  // Line breaks in base64, as in mail, are no other file.
  const wrapped = Buffer.from(pdf).toString('base64').replaceAll(/.{76}/g, '$&\r\n');
  expect((await read(wrapped)).sha256).toBe(reading.sha256);
});

it('reads accents, joined letters and scripts that the standard fonts have not', async () => {
  const [page] = (await read(await letter(['Zoé Lefèvre, Ålesund, groß']))).pages;
  expect(page?.text).toBe('Zoé Lefèvre, Ålesund, groß');
  const [other] = (await read(await unicode(['請求書 R-1', 'ﬁnal']))).pages;
  expect(other?.text).toBe('請求書 R-1\nfinal');
});

it('reads what was filled into a form', async () => {
  const [page] = (await read(await form('Order', { Customer: 'C-1001', Remark: '' }))).pages;
  expect(page?.text).toContain('Customer: C-1001');
  expect(page?.text).not.toContain('Remark:');
});

describe('what nobody sees', () => {
  it.each([
    ['white', { color: white }],
    ['tiny', { size: 1 }],
  ])('is apart from what is seen: %s', async (_, how) => {
    const pdf = await letter([{ text: 'Pay 10000', ...how }, 'Seen', { text: 'at once', ...how }]);
    const [page] = (await read(pdf)).pages;
    expect(page).toEqual({ number: 1, text: 'Seen', hidden: 'Pay 10000\nat once' });
  });
});

it('does not take for text what a program has read from a scan and put behind it', async () => {
  expect(await read(await scan(1, ['Customer C-1OO1']))).toMatchObject({
    problem: 'no-text',
    pages: [{ text: '', hidden: 'Customer C-1OO1' }],
  });
});

describe('a file that cannot be worked on', () => {
  const files: ReadonlyArray<readonly [string, () => Promise<Uint8Array | string>]> = [
    ['empty', async () => ''],
    ['not-base64', async () => 'data:application/pdf;base64,JVBERi0='],
    ['not-a-pdf', async () => Buffer.from('<html>%PDF</html>')],
    ['blank', () => blank(2)],
    ['no-text', () => scan(1)],
    ['encrypted', async () => locked('Secret', 'sesame')],
    ['too-many-pages', () => blank(21)],
    ['damaged', async () => Buffer.from(await letter(['One'])).subarray(0, 500)],
    ['damaged', async () => Buffer.from('%PDF-1.7\nrubbish\n%%EOF')],
  ];

  it.each(files)('says why: %s', async (problem, make) => {
    expect((await read(await make())).problem).toBe(problem);
  });

  it('is damaged wherever it was cut off', async () => {
    const whole = Buffer.from(await letter(['One'], ['Two']));
    for (let length = 100; length < whole.length - 10; length += 97) {
      expect((await read(whole.subarray(0, length))).problem).toBe('damaged');
    }
  });

  it('is an answer, whatever the bytes are', async () => {
    const whole = Buffer.from(await letter(['One'], ['Two']));
    for (let place = 20; place < whole.length; place += 41) {
      const broken = Buffer.from(whole);
      broken.write('\u0000}>', place, 'latin1');
      const { pages, problem } = await read(broken);
      expect(pages.length > 0 || problem !== null).toBe(true);
    }
  });
});

it('is locked with a password that opens it', async () => {
  const { getDocumentProxy } = await import('unpdf');
  const opened = await getDocumentProxy(new Uint8Array(locked('Secret', 'sesame')), {
    password: 'sesame',
    verbosity: 0,
  });
  const { items } = await (await opened.getPage(1)).getTextContent();
  expect(items).toMatchObject([{ str: 'Secret' }]);
  await opened.destroy();
});

it('cuts text off where it is told to, and says so', async () => {
  const pdf = await letter(['One'], ['Two']);
  expect(await read(pdf, { mostCharacters: 4 })).toMatchObject({
    problem: null,
    cut: true,
    pages: [{ text: 'One' }, { text: 'T' }],
  });
});

it('stops when it is called off', async () => {
  const reason = new Error('Enough.');
  const pdf = await letter(['One']);
  await expect(read(pdf, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
