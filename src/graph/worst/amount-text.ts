import type { Measure } from './figures.ts';

/** An amount as a sentence has it: `14 model calls`, `182,000 tokens`, `$0.42`, `190 s`, `any number of tokens`. */
export function amountText(measure: Measure, amount: number): string {
  const { one, many, of } = words[measure];
  if (amount === Infinity) return `any ${many}`;
  return of
    ? of(amount)
    : `${amount.toLocaleString('en')} ${amount === 1 ? one : many.replace('number of ', '')}`;
}

interface Words {
  readonly one: string;
  readonly many: string;
  readonly of?: (amount: number) => string;
}

const seconds = (ms: number): string =>
  `${(ms / 1_000).toLocaleString('en', { maximumFractionDigits: 1 })} s`;

const words: Readonly<Record<Measure, Words>> = {
  modelCalls: { one: 'model call', many: 'number of model calls' },
  tokens: { one: 'token', many: 'number of tokens' },
  usd: {
    one: '',
    many: 'amount of money',
    // Rounded up: `more than $0.42` is not to read `$0.42`.
    of: (usd) =>
      `$${(Math.ceil(usd * 10_000 - 1e-6) / 10_000).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 4 })}`,
  },
  timeMs: { one: '', many: 'time', of: (ms) => `${seconds(ms)} by itself` },
  elapsedMs: {
    one: '',
    many: 'time with waiting for people',
    of: (ms) => `${seconds(ms)} with waiting for people`,
  },
};
