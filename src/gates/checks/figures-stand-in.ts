/** A check that no figure was made up. */
import { shifted } from './decimal.ts';
import type { Check } from '../judge.ts';
import type { CalendarDate, Figure } from './figure.ts';
import { plainMarks } from './fold-text.ts';
import { type FiguresRead, readFigures } from './read-figures.ts';
import { excerpt, textCheck } from './text-check.ts';

export interface FiguresOptions {
  /** Figures that need no source, as text: `['24/7', '112']`. */
  readonly except?: readonly string[];
}

/**
 * Every figure in the text stands in the source: numbers, amounts of money, percentages, dates and times of day, in
 * whatever format each side writes them. `€1.200,00` stands where `EUR 1,200` does, `3 March 2026` where `2026-03-03`
 * does, `three` where `3` does.
 *
 * Where a format has two readings, either will do. A currency or a percent sign has to be the source's too; a plain number
 * in the source takes one that is named apart from any figure, as at the head of a column. A year or a number may be
 * part of a date in the source. Signs, the word "one" and the numbers of a list's items are not looked at. Nothing is
 * calculated: a sum or a rounded figure does not stand in the source, even if it is right.
 *
 * @example
 * ```ts
 * figuresStandIn('Charged EUR 1,200 on 2026-03-03.')('You paid €1.200,00 on 3 March, and 250 before.');
 * // ['The figure 250 does not stand in the source.']
 * ```
 */
export function figuresStandIn(
  source: string | readonly string[],
  { except = [] }: FiguresOptions = {},
): Check<string> {
  const text = [source].flat().join('\n');
  let read: SourceFigures | undefined;
  return textCheck((answer) => {
    // The source is not read for a text without figures.
    const figures = readFigures(withoutListNumbers(exceptFor(answer, except))).figures.filter(
      ({ isVague }) => !isVague,
    );
    if (figures.length === 0) return true;
    const known = (read ??= indexOf(text));
    const different = new Map(figures.map((figure) => [`${figure.text}|${figure.numbers.join()}`, figure]));
    const reasons = [...different.values()]
      .map((figure) => problemOf(figure, known))
      .filter((problem) => problem !== undefined);
    return [...new Set(reasons)];
  });
}

interface SourceFigures {
  /** With plain marks and single spaces. */
  readonly text: string;
  /** By number. */
  readonly byNumber: ReadonlyMap<string, readonly Units[]>;
  readonly dates: readonly CalendarDate[];
  readonly times: ReadonlySet<string>;
  readonly looseUnits: FiguresRead['looseUnits'];
}

/** What a number is a figure of, or may be. */
type Units = Pick<Figure, 'units' | 'nearby'>;

function indexOf(text: string): SourceFigures {
  const { figures, looseUnits } = readFigures(text);
  const byNumber = new Map<string, Units[]>();
  const seen = new Set<string>();
  const put = (number: string, figure: Units): void => {
    // A page of zeros is one zero.
    const kind = [number, figure.units, figure.nearby].join('|');
    if (seen.has(kind)) return;
    seen.add(kind);
    byNumber.set(number, [...(byNumber.get(number) ?? []), figure]);
  };
  for (const figure of figures) {
    for (const number of [figure.numbers, figure.parts ?? []].flat(2)) put(number, figure);
    for (const { year, day } of figure.dates ?? []) {
      for (const part of [year, day]) if (part !== undefined) put(String(part), plainNumber);
    }
    for (const part of figure.time?.split(':') ?? []) put(part, plainNumber);
  }
  return {
    text: squeezed(text),
    byNumber,
    dates: figures.flatMap(({ dates = [] }) => dates),
    // 14:30 stands in 14:30:05.
    times: new Set(
      figures.flatMap(({ time }) => (time ? [time, time.split(':').slice(0, 2).join(':')] : [])),
    ),
    looseUnits,
  };
}

const plainNumber: Units = { units: [] };

function problemOf(figure: Figure, source: SourceFigures): string | undefined {
  const problem = problemOfMeaning(figure, source);
  return problem !== undefined && standsWordForWord(figure.text, source.text) ? undefined : problem;
}

function problemOfMeaning(figure: Figure, source: SourceFigures): string | undefined {
  const name = excerpt(figure.text);
  if (figure.dates) {
    const stands = figure.dates.some((date) => source.dates.some((other) => isSameDate(date, other, source)));
    return stands ? undefined : `The date ${name} does not stand in the source.`;
  }
  if (figure.time !== undefined) {
    return source.times.has(figure.time) ? undefined : `The time ${name} does not stand in the source.`;
  }
  if (figure.numbers.length === 0 && figure.parts) {
    const stands = figure.parts.every((part) => part.some((number) => source.byNumber.has(number)));
    return stands ? undefined : `The figures ${name} do not stand in the source.`;
  }
  const same = figure.numbers.flatMap((number) => source.byNumber.get(number) ?? []);
  if (figure.units.length === 0) {
    return same.length > 0 ? undefined : `The figure ${name} does not stand in the source.`;
  }
  const hasUnit = same.some(({ units, nearby = [] }) =>
    figure.units.some(
      (unit) =>
        units.includes(unit) || nearby.includes(unit) || (units.length === 0 && source.looseUnits.has(unit)),
    ),
  );
  if (hasUnit || (figure.units[0] === '%' && standsAsFraction(figure, source))) return undefined;
  return same.length > 0
    ? `The figure ${name} does not stand in the source: the number does, but not with that ${figure.units[0] === '%' ? 'percent sign' : 'currency'}.`
    : `The figure ${name} does not stand in the source.`;
}

/** 12 % may be 0.12 in data. */
function standsAsFraction({ numbers }: Figure, { byNumber }: SourceFigures): boolean {
  return numbers.some((number) => byNumber.get(shifted(number, -2))?.some(({ units }) => units.length === 0));
}

/** What is not said on one side need not be the same, but a year that is said must stand somewhere. */
function isSameDate(date: CalendarDate, other: CalendarDate, { byNumber }: SourceFigures): boolean {
  if (date.month !== other.month) return false;
  if (date.day !== undefined && date.day !== other.day) return false;
  if (date.year === undefined || date.year === other.year) return true;
  return other.year === undefined && byNumber.has(String(date.year));
}

/** Whatever it is, if it stands there letter for letter and is no part of a longer figure, it stands there. */
function standsWordForWord(written: string, source: string): boolean {
  const wanted = squeezed(written);
  for (let at = source.indexOf(wanted); at >= 0; at = source.indexOf(wanted, at + 1)) {
    const before = source.slice(Math.max(0, at - 2), at);
    const after = source.slice(at + wanted.length, at + wanted.length + 2);
    const isWhole = !/[\p{L}\d]$|\d[.,':/]$/u.test(before) || !/^[\p{L}\d]/u.test(wanted);
    if (isWhole && !/^[\p{L}\d]|^[.,':/]\d/u.test(after)) return true;
  }
  return false;
}

function squeezed(text: string): string {
  return plainMarks(text).replaceAll(/\s+/g, ' ').toLowerCase();
}

function exceptFor(answer: string, except: readonly string[]): string {
  return except.reduce((text, one) => text.replaceAll(one, (whole) => ' '.repeat(whole.length)), answer);
}

function withoutListNumbers(text: string): string {
  return text.replaceAll(/^[^\S\n#*>-]*[#*>-]{0,4}[^\S\n]*\d{1,2}[.)](?=\s+\D)/gm, (whole) =>
    ' '.repeat(whole.length),
  );
}
