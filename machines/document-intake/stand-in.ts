/**
 * What answers when there is no key: plain rules over the text, which read patterns and understand nothing. They are wrong at
 * times, as a model is, so that the checks, the repairs, the better model and the people are seen at work:
 *
 * - who writes "altogether" is told a sum that is not in the document, until the check says so;
 * - who writes "roughly" has amounts rounded by the cheap model, however often it is told;
 * - what is said to be handwritten is read as a contract that no page names, by either model;
 * - text that cannot be seen is believed first of all, orders in it included;
 * - who complains is promised a refund, until the check says so; who cancels is told that it is done, and told so again.
 */
import { standIn, type StandInRule } from 'signalbox';

import { draft } from './stand-in-replies.ts';
import type { DraftInput, Entities, Extraction, ExtractInput, Page } from './schemas.ts';

export const intakeStandIn = standIn({
  extractEntities: ((input: ExtractInput, { messages }) =>
    extract(input, { told: messages.length > 1, cheap: true })) as StandInRule,
  extractEntitiesBetter: ((input: ExtractInput, { messages }) =>
    extract(input, { told: messages.length > 1, cheap: false })) as StandInRule,
  readScan: (): Extraction => ({
    kind: 'other',
    sender: null,
    customerNumber: null,
    references: [],
    dates: [],
    amounts: [],
    request: { value: 'The pages are pictures, which rules cannot read.', quote: '(a picture)', page: 1 },
  }),
  draftReply: ((input: DraftInput, { messages }) =>
    draft(input, { told: messages.length > 1 })) as StandInRule,
});

interface Reader {
  /** The check has refused the answer before. */
  readonly told: boolean;
  readonly cheap: boolean;
}

function extract({ pages }: ExtractInput, { told, cheap }: Reader): Extraction {
  const read = pages.map((page) => readPage(page, told));
  const whole = read.map(({ text }) => text).join('\n');
  const all = <T>(find: (text: string, page: number) => T[]): T[] =>
    read.flatMap(({ text, number }) => find(text, number));
  const amounts = all(amountsIn);
  return {
    kind: kindOf(whole),
    sender: all(senderIn)[0] ?? null,
    customerNumber: all(numberIn)[0] ?? null,
    references: [
      ...unique(all(referencesIn)),
      ...(/handwritten|handschriftlich/i.test(whole)
        ? [{ value: 'K-00000', quote: 'contract K-00000', page: 1, of: 'contract' as const }]
        : []),
    ].slice(0, 10),
    dates: unique(all(datesIn)).slice(0, 10),
    amounts: [
      ...unique(cheap && /\broughly\b/i.test(whole) ? amounts.map(rounded) : amounts),
      ...(!told && /\baltogether\b/i.test(whole) ? sumOf(amounts) : []),
    ].slice(0, 15),
    request: requestIn(read),
  };
}

/** The page with its words put together again, and first of all what nobody sees. */
function readPage({ number, text, hidden }: Page, told: boolean): { number: number; text: string } {
  const seen = text
    .replaceAll(/(?<=[\p{L}\p{N}])[-\u2010\u2011]\n(?=\p{Ll})/gu, '')
    .replaceAll(/(?<=[\p{L}\p{N}])[-\u2010\u2011]\n(?=[\p{Lu}\p{N}])/gu, '-');
  return { number, text: told || hidden === '' ? seen : `${hidden}\n${seen}` };
}

// ---- Who, and about what -------------------------------------------------------------------------------------------

type Cited = NonNullable<Extraction['sender']>;

function senderIn(text: string, page: number): Cited[] {
  const match = /^(?:From|Von|Absender|De|Expéditeur|Remitente|Fra|差出人) ?[::] ?(.{2,120})$/mu.exec(text);
  return match?.[1] ? [{ value: match[1].trim(), quote: match[0], page }] : [];
}

function numberIn(text: string, page: number): Cited[] {
  const match =
    /(?:Customer (?:number|no\.?)|Kundennummer|Numéro (?:de )?client|Número de cliente|Kundenummer|お客様番号)\s*[::]?\s*(C-\d{4})/iu.exec(
      text,
    );
  return match?.[1] ? [{ value: match[1], quote: match[0].replaceAll(/\s+/g, ' '), page }] : [];
}

const referencePatterns = [
  ['contract', /\bK-\d{5}\b/g],
  ['order', /\bPO-\d{4,8}\b/g],
  ['invoice', /\bR-\d{4}-\d{3,5}\b/g],
] as const;

function referencesIn(text: string, page: number): Extraction['references'] {
  return referencePatterns.flatMap(([of, pattern]) =>
    [...text.matchAll(pattern)].map(([value]) => ({ value, quote: value, page, of })),
  );
}

const kindSigns: ReadonlyArray<readonly [Extraction['kind'], RegExp]> = [
  ['cancellation', /\bcancel(?:lation)?\b|kündig|résili|cancelar/i],
  ['change-of-address', /new address|changed? of address|neue Anschrift|umgezogen|ny adresse/i],
  ['complaint', /complain|defect|broken|reklam|défectueu|defectuos/i],
  ['invoice-query', /invoice|rechnung|facture|factura|請求書/i],
  ['order', /\border\b|bestell|commande|pedido|注文/i],
];

function kindOf(text: string): Extraction['kind'] {
  return kindSigns.find(([, sign]) => sign.test(text))?.[0] ?? 'other';
}

const asking = /\b(?:please|kindly|bitte|veuillez|merci de|por favor|vennligst)\b|ください|下さい|お願い/iu;

/** The first sentence that asks for something, else the longest line. */
function requestIn(pages: ReadonlyArray<{ number: number; text: string }>): Entities['request'] & Cited {
  const sentences = pages.flatMap(({ number, text }) =>
    text
      .replaceAll(/(?<![.:!?。])\n(?=\p{Ll})/gu, ' ')
      .split(/(?<=[.!?])\s+|(?<=。)|\n+/u)
      .map((sentence) => ({ text: sentence.replaceAll(/\s+/g, ' ').trim(), page: number })),
  );
  const [first] = sentences.filter(({ text }) => asking.test(text));
  const longest = sentences.reduce((one, other) => (other.text.length > one.text.length ? other : one), {
    text: '',
    page: 1,
  });
  const { text, page } = first ?? longest;
  const quote = clipped(text);
  return { value: quote, quote, page };
}

function clipped(text: string): string {
  return text.length <= 280 ? text : text.slice(0, 280).replace(/\s\S*$/, '');
}

// ---- Figures -------------------------------------------------------------------------------------------------------

const months: Readonly<Record<string, number>> = Object.fromEntries(
  [
    ['january', 'januar', 'janvier', 'enero'],
    ['february', 'februar', 'février', 'febrero'],
    ['march', 'märz', 'mars', 'marzo'],
    ['april', 'april', 'avril', 'abril'],
    ['may', 'mai', 'mai', 'mayo'],
    ['june', 'juni', 'juin', 'junio'],
  ].flatMap((names, index) => names.map((name) => [name, index + 1])),
);

type DateParts = readonly [string | undefined, number | undefined, string | undefined];

function datesIn(text: string, page: number): Extraction['dates'] {
  const found = (pattern: RegExp, read: (match: RegExpExecArray) => DateParts) =>
    [...text.matchAll(pattern)].flatMap((match) => {
      const [year, month, day] = read(match);
      if (!year || !month || !day) return [];
      const value = [year, String(month).padStart(2, '0'), day.padStart(2, '0')].join('-');
      return [{ value, quote: match[0].replaceAll(/\s+/g, ' '), page, meaning: 'a date in the document' }];
    });
  return [
    ...found(/\b(\d{4})-(\d{2})-(\d{2})\b/g, ([, year, month, day]) => [year, Number(month), day]),
    ...found(/\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b/g, ([, day, month, year]) => [year, Number(month), day]),
    ...found(/\b(\d{1,2})(?:er|\.)? (?:de )?(\p{L}{3,9}) (?:de )?(\d{4})\b/gu, ([, day, month, year]) => [
      year,
      months[month?.toLowerCase() ?? ''],
      day,
    ]),
    ...found(/(\d{4})年(\d{1,2})月(\d{1,2})日/g, ([, year, month, day]) => [year, Number(month), day]),
  ];
}

const currencies: Readonly<Record<string, string>> = { '€': 'EUR', '£': 'GBP', $: 'USD', '¥': 'JPY' };

function amountsIn(text: string, page: number): Extraction['amounts'] {
  const pattern =
    /(EUR|GBP|USD|NOK|JPY|[€£$¥]) ?(\d[\d.,]*\d|\d)|(\d[\d., \u00a0\u202f]*\d|\d)[ \u00a0]?(EUR|GBP|USD|NOK|JPY|€|円)/g;
  return [...text.matchAll(pattern)].flatMap(([quote, before, one, other, after]) => {
    const sign = before ?? after ?? '';
    const value = numberFrom(one ?? other ?? '');
    if (!Number.isFinite(value)) return [];
    const currency = currencies[sign] ?? (sign === '円' ? 'JPY' : sign);
    return [{ value, quote, page, currency, meaning: 'an amount in the document' }];
  });
}

/** `1.234,50`, `1,234.50`, `1 234,50`, `1,234`. */
function numberFrom(text: string): number {
  const [, whole = '', cents] = /^(.*?)(?:[.,](\d{2}))?$/.exec(text.replaceAll(/\s/g, '')) ?? [];
  return Number(`${whole.replaceAll(/[.,]/g, '')}${cents === undefined ? '' : `.${cents}`}`);
}

function rounded<T extends { readonly value: number }>(amount: T): T {
  return { ...amount, value: Math.ceil(amount.value / 100) * 100 };
}

function sumOf(amounts: Extraction['amounts']): Extraction['amounts'] {
  const [first] = amounts;
  if (!first) return [];
  const value = Math.round(amounts.reduce((sum, one) => sum + one.value, 0) * 100) / 100;
  return [{ ...first, value, meaning: 'the sum' }];
}

function unique<T extends { readonly value: string | number }>(found: readonly T[]): T[] {
  return [...new Map(found.map((one) => [String(one.value), one])).values()];
}
