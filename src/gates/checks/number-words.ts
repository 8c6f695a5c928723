/** Numbers that are written as English words. */
import type { Figure } from './figure.ts';

const small =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const scales: Readonly<Record<string, number>> = {
  hundred: 100,
  thousand: 1_000,
  million: 1e6,
  billion: 1e9,
};
const values = new Map<string, number>([
  ...small.map((word, value) => [word, value] as const),
  ...tens.map((word, index) => [word, 20 + 10 * index] as const),
  ['dozen', 12],
  ...Object.entries(scales),
]);

const word = `(?:${[...values.keys()].join('|')})`;
const pattern = new RegExp(
  String.raw`(?<![\p{L}\p{N}'])(?:an?\s+(?=hundred|thousand|million|billion|dozen))?${word}(?:(?:\s+and\s+|[\s-]+)${word})*(?![\p{L}'])`,
  'giu',
);

/** "One" says "some" or "someone" as often as it counts, and is marked as vague. */
export function readNumberWords(text: string): Figure[] {
  return [...text.matchAll(pattern)].flatMap(({ 0: written, index }) =>
    numbersIn(written).map(({ value, words }) => ({
      text: words.join(' '),
      at: index,
      numbers: [String(value)],
      units: [],
      ...(value === 1 ? { isVague: true } : {}),
    })),
  );
}

interface WordedNumber {
  readonly value: number;
  readonly words: readonly string[];
}

/** `two hundred and five` is one number; `two and five` are two. */
function numbersIn(written: string): WordedNumber[] {
  const found: WordedNumber[] = [];
  let words: string[] = [];
  let total = 0;
  let group = 0;
  let last = Infinity;
  let begun = false;
  const finish = (): void => {
    if (begun) found.push({ value: total + group, words });
    words = [];
    [total, group, last, begun] = [0, 0, Infinity, false];
  };
  let afterAnd = false;
  for (const spelled of written.split(/[\s-]+/)) {
    const each = spelled.toLowerCase();
    if (each === 'and') {
      // It goes on after a hundred or more, and else it joins two numbers.
      if (last < 100) finish();
      afterAnd = true;
      continue;
    }
    const value = values.get(each);
    if (value === undefined) continue;
    const scale = each === 'dozen' ? 12 : scales[each];
    if (scale !== undefined) {
      if (afterAnd) finish();
      group = (group || 1) * scale;
      if (scale >= 1_000) [total, group] = [total + group, 0];
      last = scale;
    } else {
      const fits =
        last === Infinity || last >= 100 || (last >= 20 && last % 10 === 0 && value > 0 && value < 10);
      if (!fits) finish();
      group += value;
      last = value;
    }
    words.push(spelled);
    begun = true;
    afterAnd = false;
  }
  finish();
  return found;
}
