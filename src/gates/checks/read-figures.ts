/**
 * Reads the figures in text: numbers, amounts of money, percentages, dates and times, in the formats that people use.
 *
 * It does not choose between readings: `1.234` may be a thousand, `03/04/2026` may be in March. Signs are left aside,
 * because "fell by 5" and "-5" say the same. A text is read once, in time that grows with its length.
 */
import { currenciesOf, currencyPattern } from './currencies.ts';
import { decimalOf, shifted } from './decimal.ts';
import type { Figure } from './figure.ts';
import { readDates, readTimes } from './figure-dates.ts';
import { plainMarks } from './fold-text.ts';
import { readNumberWords } from './number-words.ts';

export interface FiguresRead {
  readonly figures: readonly Figure[];
  /** Units that are named apart from any figure, as at the head of a column or in a field of its own. */
  readonly looseUnits: ReadonlySet<string>;
}

/** In the order of the text. */
export function readFigures(given: string): FiguresRead {
  const text = plainDigits(plainMarks(given));
  const { dates, rest: undated } = readDates(text);
  const { times, rest: untimed } = readTimes(undated);
  const { numbers, rest } = readNumbers(untimed, text);
  return {
    figures: [...dates, ...times, ...numbers, ...readNumberWords(rest)].sort(
      (one, other) => one.at - other.at,
    ),
    looseUnits: looseUnitsOf(rest),
  };
}

/** Thin and fixed spaces come as they are; in a number they are as good as any. */
const gap = String.raw`[ \u00A0\u2009\u202F]`;
const token = String.raw`\d{1,3}(?:(?<space>[ \u00A0\u2009\u202F'_])\d{3})(?:\k<space>\d{3})*(?!\d)(?:[.,]\d+(?![.,]?\d))?|\d+(?:[.,٫٬]\d+)*`;
const scale = String.raw`(?:${gap}?(?<scale>thousands?|millions?|billions?|trillions?|millionen|million|milliarden?|tausend|tsd\.?|mio\.?|mrd\.?|mln|mn|bn|lakhs?|crores?|k|m|b)(?![\p{L}\p{N}]))`;
const unit = String.raw`(?:${gap}?(?:(?<percent>%|٪|percent\b|per cent\b|prozent\b|pour ?cent\b|por ciento\b|per cento\b|pct\b)|(?:(?<cents>cents?\b|ct\b|¢)|(?<pence>pence\b))|(?<after>${currencyPattern})(?!${gap}?\d)))`;
const numberPattern = new RegExp(
  String.raw`(?:(?<before>${currencyPattern})${gap}?[-+]?${gap}?)?(?<number>${token})(?<vulgar>[½¼¾⅓⅔])?${scale}?${unit}?|(?<alone>[½¼¾⅓⅔])`,
  'giu',
);

const scalePlaces: ReadonlyArray<readonly [RegExp, number]> = [
  [/^(?:thousand|tausend|tsd|k$)/, 3],
  [/^lakh/, 5],
  [/^(?:millions?$|millionen|mio|mln|mn|m$)/, 6],
  [/^crore/, 7],
  [/^(?:billion|milliard|mrd|bn|b$)/, 9],
  [/^trillion/, 12],
];
const vulgars: Readonly<Record<string, string>> = { '½': '5', '¼': '25', '¾': '75', '⅓': '33', '⅔': '67' };

type Groups = Readonly<Record<string, string | undefined>>;

/** `text` is what reasons quote; in `from`, what was read before is blotted out. */
function readNumbers(from: string, text: string): { readonly numbers: Figure[]; readonly rest: string } {
  const found: Array<Figure & { readonly end: number }> = [];
  const rest = from.replace(numberPattern, (...match: unknown[]) => {
    const groups = match.at(-1) as Groups;
    const [whole, at] = [match[0] as string, match.at(-3) as number];
    const end = at + whole.length;
    const written = text.slice(at, end).trim();
    if (groups['alone']) {
      found.push({ text: written, at, end, numbers: [`0.${vulgars[groups['alone']]}`], units: [] });
    } else {
      const { number = '', before, after, percent, cents, pence } = groups;
      const currency = before ?? after;
      const units = percent === undefined ? (currency === undefined ? [] : currenciesOf(currency)) : ['%'];
      const nearby = [
        ...(cents === undefined ? [] : ['EUR', ...currenciesOf('$')]),
        ...(pence === undefined ? [] : ['GBP']),
      ];
      const readings = readingsOf(number);
      const isItem = text[at - 1] === '[' || text[end] === ']';
      found.push({
        text: written,
        at,
        end,
        numbers: scaledReadings(readings, groups),
        units,
        ...(nearby.length > 0 ? { nearby } : {}),
        ...(number.includes(',') && (isItem || readings.length === 0)
          ? { parts: number.split(',').map(readingsOf) }
          : {}),
      });
    }
    return '\u0000'.repeat(whole.length);
  });
  return { numbers: found.map((figure, index) => ranged(figure, found[index + 1], text)), rest };
}

/** `10-20 %`: the first is a percentage too. `5 EUR 10`: either may be the one in euros. */
function ranged(
  { end, ...figure }: Figure & { readonly end: number },
  next: Figure | undefined,
  text: string,
): Figure {
  if (!next || figure.units.length > 0 || next.units.length === 0 || next.at < end) return figure;
  const joins = /^\s{0,3}(?:(?:-|\/|to|and|or|bis|und|oder|à|et|y|e)\s{0,3})?$/i.test(
    text.slice(end, next.at),
  );
  return joins ? { ...figure, nearby: [...(figure.nearby ?? []), ...next.units] } : figure;
}

/** Every number that the digits and separators may be. */
function readingsOf(written: string): string[] {
  const plain = written.replaceAll('٬', ',').replaceAll('٫', '.');
  const ungrouped = plain.replaceAll(/[ \u00A0\u2009\u202F'_]/g, '');
  const readings: string[] = [];
  const decimal = /^(\d+)(?:[.,](\d+))?$/.exec(ungrouped);
  if (decimal) readings.push(decimalOf(decimal[1] ?? '', decimal[2]));
  for (const [grouped, comma] of [
    [/^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/, ','],
    [/^\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?$/, ','],
    [/^[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?$/, '.'],
  ] as const) {
    if (!grouped.test(ungrouped)) continue;
    const [whole = '', fraction] = ungrouped.replaceAll(comma, '').split(/[.,]/);
    readings.push(decimalOf(whole, fraction));
  }
  return [...new Set(readings)];
}

function scaledReadings(
  readings: readonly string[],
  { scale: scaleWord, cents, pence, vulgar, percent }: Groups,
): string[] {
  const whole = vulgar ? readings.map((reading) => `${reading}.${vulgars[vulgar]}`) : readings;
  if ((cents ?? pence) !== undefined) return [...whole, ...whole.map((reading) => shifted(reading, -2))];
  if (scaleWord === undefined || percent !== undefined) return [...whole];
  const form = scaleWord.toLowerCase();
  const places = scalePlaces.find(([pattern]) => pattern.test(form))?.[1] ?? 0;
  // A lone letter may be a unit of something else.
  return [...whole.map((reading) => shifted(reading, places)), ...(form.length === 1 ? whole : [])];
}

const loosePattern = new RegExp(`(?<percent>%|percent\\b)|${currencyPattern}`, 'giu');

function looseUnitsOf(rest: string): ReadonlySet<string> {
  const units = new Set<string>();
  for (const { 0: written, groups } of rest.matchAll(loosePattern)) {
    if (groups?.['percent'] !== undefined) units.add('%');
    else currenciesOf(written).forEach((code) => units.add(code));
  }
  return units;
}

/** The zeros of the scripts that people write numbers in. */
const zeros = [
  0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0e50,
  0x0ed0, 0x0f20, 0x1040, 0x17e0, 0xff10,
];

function plainDigits(text: string): string {
  return text.replaceAll(/[^\P{Nd}0-9]/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    const zero = zeros.find((start) => code >= start && code < start + 10);
    return zero === undefined ? digit : String(code - zero);
  });
}
