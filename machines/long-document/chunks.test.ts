import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { growthOf } from '../../test/support/growth.ts';
import { reportText } from '../../test/support/report-text.ts';
import { type Chunk, chunksOf, hasWords, normalized, pageCount, tokensOf } from './chunks.ts';

function textsOf(text: string, maxTokens: number): string[] {
  const plain = normalized(text);
  return chunksOf(plain, { maxTokens }).map(({ start, end }) => plain.slice(start, end));
}

function letters(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}]/gu, '');
}

describe('a text cut into chunks', () => {
  it('has every letter and digit once, in order, in chunks that are not too long, and always the same', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '\n\n',
        '\n',
        '\r\n',
        '\r\n\r\n',
        '\f',
        ' ',
        '. ',
        '。',
        '# Heading',
        'CHAPTER 2',
        '1.2 Scope',
        '\u200D',
        '\u0301',
        '👩‍👩‍👧',
        '\uD800',
      ),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.lorem({ maxCount: 30 }),
      fc.integer({ min: 1, max: 400 }).map((length) => 'x'.repeat(length)),
    );
    const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, fc.integer({ min: 4, max: 200 }), (given, maxTokens) => {
        const plain = normalized(given);
        const chunks = chunksOf(plain, { maxTokens });
        expect(chunksOf(normalized(given), { maxTokens })).toEqual(chunks);
        const texts = chunks.map(({ start, end }) => plain.slice(start, end));
        expect(letters(texts.join(''))).toBe(letters(plain));
        for (const one of texts) {
          expect(tokensOf(one)).toBeLessThanOrEqual(maxTokens);
          expect(one).toBe(normalized(one));
          expect(hasWords(one)).toBe(true);
        }
        expect(chunks.map(({ number }) => number)).toEqual(chunks.map((_, index) => index + 1));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps paragraphs whole, and a heading with what it stands over', () => {
    const body = `${'word '.repeat(60).trim()}.`;
    const text = `${body}\n\n## Second\n\n${body}\n\n${body}`;
    expect(textsOf(text, 100)).toEqual([body, `## Second\n\n${body}`, body]);
    const { length } = chunksOf(text, { maxTokens: 1_000 });
    expect(length).toBe(1);
  });

  it('says which heading each chunk stands under', () => {
    const body = 'Some words. '.repeat(30);
    const text = `Preface without a heading. ${body}\n\n# One\n\n${body}\n\n${body}\n\n2.1 Method of Work\n\n${body}`;
    const under = chunksOf(normalized(text), { maxTokens: 120 }).map(({ heading }) => heading);
    expect(under).toEqual([null, 'One', 'One', '2.1 Method of Work']);
  });

  it('cuts one endless paragraph along its sentences', () => {
    const text = 'This sentence is one of many. '.repeat(500);
    const chunks = textsOf(text, 200);
    expect(chunks.length).toBeGreaterThan(15);
    for (const chunk of chunks) expect(chunk).toMatch(/^This .*many\.$/s);
  });

  it('cuts what has no spaces at all, and no character in two', () => {
    const families = '👩‍👩‍👧'.repeat(400);
    const chunks = textsOf(families, 100);
    expect(chunks).toEqual([]);
    const letter = `${'e\u0301'.repeat(3_000)}`;
    for (const chunk of textsOf(letter, 100)) expect(chunk).toMatch(/^(?:e\u0301)+$/);
    const japanese = textsOf('これは文です。'.repeat(300), 100);
    for (const chunk of japanese) expect(chunk).toMatch(/^これ.*。$/);
  });

  it.each(['', '   \n\r\n\t ', '\f\f', '…—!', '\u0000\uFEFF'])(
    'of nothing to read, %j, there are none',
    (text) => {
      expect(textsOf(text, 100)).toEqual([]);
    },
  );

  it('is the same whatever the line ends are', () => {
    const text = reportText({ pages: 6 });
    const places = (given: string) =>
      chunksOf(normalized(given), { maxTokens: 900 }).map(({ start, end }: Chunk) => [start, end]);
    expect(places(text.replaceAll('\n', '\r\n'))).toEqual(places(text));
    expect(places(text.replaceAll('\n', '\r'))).toEqual(places(text));
  });
});

describe('pages', () => {
  it('end where the text says so', () => {
    const text = normalized(reportText({ pages: 30 }));
    expect(pageCount(text)).toBe(30);
    const chunks = chunksOf(text, { maxTokens: 3_000 });
    expect(chunks[0]).toMatchObject({ number: 1, firstPage: 1, heading: 'Chapter 1' });
    expect(chunks.at(-1)?.lastPage).toBe(30);
    for (const [index, chunk] of chunks.entries()) {
      expect(chunk.firstPage).toBeGreaterThanOrEqual(chunks[index - 1]?.lastPage ?? 1);
      const form = text.slice(0, chunk.start).split('\f').length;
      expect(chunk.firstPage).toBe(form);
    }
  });

  it('are of 3,000 characters where it does not', () => {
    expect(pageCount(normalized('word '.repeat(3_000)))).toBe(5);
    expect(pageCount('')).toBe(0);
  });
});

it('cuts 450 pages without a single space in a time that grows with their number', () => {
  const unspaced = (length: number) => chunksOf('x'.repeat(length), { maxTokens: 3_000 });
  const spaced = (length: number) => chunksOf('x '.repeat(length / 2).trim(), { maxTokens: 3_000 });
  const length = 1_500_000;
  expect(unspaced(length).length + spaced(length).length).toBeGreaterThan(250);
  expect(growthOf(unspaced, length)).toBeLessThan(4);
  expect(growthOf(spaced, length)).toBeLessThan(4);
});
