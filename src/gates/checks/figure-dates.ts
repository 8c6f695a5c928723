/** Dates and times of day in text, in the ways in which people write them. */
import type { CalendarDate, Figure } from './figure.ts';
import { foldText } from './fold-text.ts';

/** The first three letters tell months apart in English; the others are written out. */
const monthNames: readonly string[] = [
  'january jan januar jänner janvier janv enero ene gennaio gen januari janeiro',
  'february feb februar février févr fév febrero febbraio februari fevereiro fev',
  'march mar märz mrz mars marzo maart mrt março',
  'april apr avril avr abril abr aprile',
  'may mai mayo maggio mag mei maio',
  'june jun juni juin junio giugno giu junho',
  'july jul juli juillet juil julio luglio lug julho',
  'august aug août agosto ago augustus',
  'september sep sept septembre septiembre settembre set setembro',
  'october oct oktober okt octobre octubre ottobre ott outubro out',
  'november nov novembre noviembre novembro',
  'december dec dezember dez décembre déc diciembre dic dicembre dezembro',
];

const months = new Map(
  monthNames.flatMap((names, index) => names.split(' ').map((name) => [foldText(name), index + 1] as const)),
);

const monthPattern = String.raw`(?<!\p{L})(?<month>${[
  ...new Set(monthNames.flatMap((names) => names.split(' '))),
]
  .toSorted((one, other) => other.length - one.length)
  .join('|')})(?!\p{L})\.?`;
const dayPattern = String.raw`(?<![\d.,])(?<day>\d{1,2})(?:st|nd|rd|th|er|\.|º|ª)?`;
const between = String.raw`(?:\s{0,2}[\s.,/-]\s{0,2}|\s{1,3}(?:of|de)\s{1,3})`;

const patterns: readonly RegExp[] = [
  // 2026-03-03, 2026/3/3
  /(?<![\d.,/-])(?<year>\d{4})([-/.])(?<m>\d{1,2})\2(?<day>\d{1,2})(?!\d)/gu,
  // 03/03/2026, 3.3.26
  /(?<![\d.,/-])(?<one>\d{1,2})([-/.])(?<two>\d{1,2})\2(?<year>\d{4}|\d{2})(?![\d/-]|[.,]\d)/gu,
  /(?<year>\d{4})年(?<m>\d{1,2})月(?:(?<day>\d{1,2})日)?/gu,
  // 3 March 2026, 3rd of March, 3. März 2026, 3-Mar-2026
  new RegExp(`${dayPattern}${between}${monthPattern}(?:${between}(?<year>\\d{4})(?!\\d))?`, 'giu'),
  // March 3, 2026
  new RegExp(
    String.raw`${monthPattern}\s{0,3}(?<day>\d{1,2})(?:st|nd|rd|th)?(?![\d%]|[.,]\d)(?:,?\s{1,3}(?<year>\d{4})(?!\d))?`,
    'giu',
  ),
  // March 2026
  new RegExp(String.raw`${monthPattern}${between}(?<year>\d{4})(?!\d)`, 'giu'),
];

/** Finds them, and gives the text with each blotted out, so that nothing in it is read twice. */
export function readDates(text: string): { readonly dates: readonly Figure[]; readonly rest: string } {
  const dates: Figure[] = [];
  let rest = text;
  for (const pattern of patterns) {
    rest = rest.replace(pattern, (...match: unknown[]) => {
      const groups = match.at(-1) as Readonly<Record<string, string | undefined>>;
      const [whole, at] = [match[0] as string, match.at(-3) as number];
      const meant = datesOf(groups);
      if (meant.length === 0) return whole;
      dates.push({
        text: text.slice(at, at + whole.length).trim(),
        at,
        numbers: [],
        units: [],
        dates: meant,
      });
      return blot(whole);
    });
  }
  return { dates, rest };
}

/** `14:30`, `2:30 pm`, `2 pm`: as minutes of the day, and seconds where they are said. */
export function readTimes(text: string): { readonly times: readonly Figure[]; readonly rest: string } {
  const times: Figure[] = [];
  const rest = text.replaceAll(
    /(?<![\d.,:])(\d{1,2})(?::([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?)?(?:\s?([ap])\.?m\b\.?)?(?![\d:])/giu,
    (
      whole: string,
      hours: string,
      minutes: string | undefined,
      seconds: string | undefined,
      half: string | undefined,
      at: number,
    ) => {
      if (minutes === undefined && half === undefined) return whole;
      if (Number(hours) > (half === undefined ? 24 : 12)) return whole;
      const hour =
        half === undefined ? Number(hours) : (Number(hours) % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
      const time = [hour, Number(minutes ?? 0), ...(Number(seconds ?? 0) > 0 ? [Number(seconds)] : [])].join(
        ':',
      );
      times.push({ text: whole.trim(), at, numbers: [], units: [], time });
      return blot(whole);
    },
  );
  return { times, rest };
}

/** Every reading that is a date: 03/04/2026 has two. */
function datesOf(groups: Readonly<Record<string, string | undefined>>): CalendarDate[] {
  const { year, month, m, day, one, two } = groups;
  const years = year === undefined ? [undefined] : yearsOf(year);
  const named = month === undefined ? m : months.get(foldText(month));
  const pairs =
    one === undefined
      ? [{ month: Number(named), ...(day === undefined ? {} : { day: Number(day) }) }]
      : [
          { day: Number(one), month: Number(two) },
          { day: Number(two), month: Number(one) },
        ];
  return pairs
    .filter((pair) => isMonth(pair.month) && (pair.day === undefined || (pair.day >= 1 && pair.day <= 31)))
    .flatMap((pair) => years.map((each) => ({ ...pair, ...(each === undefined ? {} : { year: each }) })));
}

function isMonth(month: number): boolean {
  return month >= 1 && month <= 12;
}

function yearsOf(year: string): number[] {
  if (year.length === 4) return [Number(year)];
  const short = Number(year);
  return short >= 50 ? [1900 + short, 2000 + short] : [2000 + short];
}

function blot(text: string): string {
  return '\u0000'.repeat(text.length);
}
