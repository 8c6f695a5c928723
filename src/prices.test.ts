import { describe, expect, it } from 'vitest';

import { InvalidOption } from './errors.ts';
import { costOf, listPrices, priceTable, type PriceTable } from './prices.ts';

const million = 1_000_000;
const rates = { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 };

function tableOf(models: PriceTable['models']): PriceTable {
  return { asOf: '2026-10-24', source: 'a test', models };
}

describe('what a call costs', () => {
  const table = tableOf({
    small: rates,
    'small-20260101': { ...rates, input: 2 },
    tiered: {
      ...rates,
      longPrompt: { aboveTokens: 100, input: 10, output: 50, cacheRead: 2, cacheWrite: 20 },
    },
  });
  const input = { inputTokens: million, outputTokens: 0 };

  it('is the price of each kind of token by its number', () => {
    const usage = { inputTokens: 100, outputTokens: 20, cacheReadTokens: 1000, cacheWriteTokens: 8 };
    expect(costOf(table, { model: 'small', usage })).toBeCloseTo((100 + 100 + 100 + 10) / million, 12);
    expect(costOf(table, { model: 'small', usage: { inputTokens: 0, outputTokens: 0 } })).toBe(0);
  });

  it.each([
    ['as it is called', 'small', 1],
    ['with a date, as a model of its own', 'small-20260101', 2],
    ['with another date, as the model without', 'small-20260202', 1],
    ['of a later version, not at all', 'small-2', undefined],
    ['that begins like it, not at all', 'smaller', undefined],
    ['of a stranger, not at all', 'constructor', undefined],
    ['that is empty, not at all', '', undefined],
  ])('is found under a name %s', (_how, model, cost) => {
    expect(costOf(table, { model, usage: input })).toBe(cost);
  });

  it('is another, for all of its tokens, where a long prompt has other prices', () => {
    const usage = { inputTokens: 60, outputTokens: 10, cacheReadTokens: 30, cacheWriteTokens: 10 };
    expect(costOf(table, { model: 'tiered', usage })).toBeCloseTo((60 + 50 + 3 + 12.5) / million, 12);
    const longer = { ...usage, cacheReadTokens: 31 };
    expect(costOf(table, { model: 'tiered', usage: longer })).toBeCloseTo(
      (600 + 500 + 62 + 200) / million,
      12,
    );
  });
});

describe('a price table', () => {
  it('is given back if it is sound, as the list prices are', () => {
    expect(priceTable(listPrices)).toBe(listPrices);
  });

  it('knows the models of today, and nothing of one that it does not list', () => {
    const usage = { inputTokens: million, outputTokens: 0 };
    expect(costOf(listPrices, { model: 'claude-haiku-4-5-20251001', usage })).toBe(1);
    expect(costOf(listPrices, { model: 'claude-haiku-5-5', usage })).toBe(0.5);
    expect(costOf(listPrices, { model: 'claude-haiku-9', usage })).toBeUndefined();
  });

  it.each([
    [
      'a price that is missing',
      { small: { input: 1, output: 5, cacheRead: 0.1 } },
      "models['small'].cacheWrite",
    ],
    ['a price below nothing', { small: { ...rates, input: -1 } }, 'got `-1`'],
    ['a price in words', { small: { ...rates, output: '5' } }, 'US dollars per million tokens'],
    ['a price that is no number', { small: { ...rates, output: NaN } }, 'got `NaN`'],
    [
      'a long prompt without prices',
      { small: { ...rates, longPrompt: { aboveTokens: 1 } } },
      'longPrompt.input',
    ],
    [
      'a long prompt without its length',
      { small: { ...rates, longPrompt: { ...rates, aboveTokens: 0 } } },
      'aboveTokens',
    ],
  ])('is refused with %s', (_what, models, reason) => {
    const table = tableOf(models as unknown as PriceTable['models']);
    expect(() => priceTable(table)).toThrow(InvalidOption);
    expect(() => priceTable(table)).toThrow(reason);
  });

  it('is refused without a day or a source', () => {
    for (const asOf of ['', 'today', '2026-13-01']) {
      expect(() => priceTable({ ...tableOf({}), asOf })).toThrow('Expected `asOf`');
    }
    expect(() => priceTable({ ...tableOf({}), source: '' })).toThrow('Expected `source`');
  });
});
