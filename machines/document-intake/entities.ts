/** Whether what was extracted from a document stands in it. The reasons are shown to the model, and to people. */
import { figuresStandIn, mentions, quotesStandIn } from 'signalbox';

import { readingsOf, textOf, withoutHyphens } from './page-text.ts';
import type { Extraction, Page } from './schemas.ts';

interface Cited {
  readonly quote: string;
  readonly page: number;
}

interface Source {
  /** What is quoted is in here, word for word. */
  readonly quoted: (quote: string) => readonly string[];
  readonly text: string;
}

/**
 * Each quote stands on its page, and each value in its quote: names and numbers as they are written, figures and dates
 * in whatever format. What cannot be seen on the page is no source.
 */
export function faultsOfExtraction(extraction: Extraction, pages: readonly Page[]): string[] {
  const sources = new Map(pages.map(({ number, text }) => [number, sourceOf(text)]));
  const { sender, customerNumber, references, dates, amounts, request } = extraction;

  const faultsOf = (
    name: string,
    { quote, page }: Cited,
    check: (quote: string) => readonly string[],
  ): string[] => {
    const source = sources.get(page);
    if (!source) return [`${name}: there is no page ${page}; the document has ${pages.length}.`];
    if (!hasWords(quote)) return [`${name}: the quote has no words.`];
    return [...source.quoted(quote), ...check(quote)].map((reason) => `${name}: ${reason}`);
  };
  const written = (value: string) => (quote: string) =>
    hasWords(value) && reasonsOf(mentions([value])(readingsOf(quote).join('\n'))).length === 0
      ? []
      : [`“${value}” does not stand in its quote.`];
  const figure = (value: string) => (quote: string) => reasonsOf(figuresStandIn(readingsOf(quote))(value));

  return [
    ...(sender ? faultsOf('sender', sender, written(sender.value)) : []),
    ...(customerNumber ? faultsOf('customerNumber', customerNumber, written(customerNumber.value)) : []),
    ...references.flatMap((one, index) => faultsOf(`references.${index}`, one, written(one.value))),
    ...dates.flatMap((one, index) => faultsOf(`dates.${index}`, one, figure(one.value))),
    ...amounts.flatMap((one, index) => [
      ...faultsOf(`amounts.${index}`, one, figure(decimal(one.value))),
      // The currency may stand elsewhere on the page, as at the head of a column.
      ...reasonsOf(
        figuresStandIn(sources.get(one.page)?.text ?? '')(`${decimal(one.value)} ${one.currency}`),
      ).map((reason) => `amounts.${index}: ${reason}`),
    ]),
    ...faultsOf('request', request, () =>
      reasonsOf(figuresStandIn(readingsOf(textOf(pages)))(request.value)),
    ),
  ];
}

function sourceOf(text: string): Source {
  const readings = readingsOf(text);
  const asWritten = quotesStandIn(readings);
  const unhyphened = quotesStandIn(withoutHyphens(text));
  return {
    text: readings.join('\n'),
    quoted: (quote) => {
      const reasons = reasonsOf(asWritten(inMarks(quote)));
      return reasons.length === 0
        ? []
        : reasonsOf(unhyphened(inMarks(withoutHyphens(quote)))).length === 0
          ? []
          : reasons;
    },
  };
}

/** As one quote, whatever marks it has in it. */
function inMarks(quote: string): string {
  return `“${quote.replaceAll(/["“”„‟«»‹›「」『』]/g, "'").replaceAll(/\s+/g, ' ')}”`;
}

/** Never as `1e+21`. */
function decimal(value: number): string {
  const written = String(Math.abs(value));
  return written.includes('e') ? BigInt(Math.round(Math.abs(value))).toString() : written;
}

function hasWords(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}

/** What a check found wrong. */
export function reasonsOf(judgement: boolean | readonly string[]): readonly string[] {
  if (typeof judgement !== 'boolean') return judgement;
  return judgement ? [] : ['It does not pass.'];
}
