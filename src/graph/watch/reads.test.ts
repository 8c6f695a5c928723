import { describe, expect, it } from 'vitest';

import { everything, watchReads } from './reads.ts';

function readsOf<T>(context: T, call: (context: T) => unknown): string[] {
  return [...watchReads(context, call as (context: unknown) => unknown).reads].sort();
}

const context = Object.freeze({
  name: 'dana',
  items: Object.freeze([Object.freeze({ id: 'a', size: 1 }), Object.freeze({ id: 'b', size: 2 })]),
  refund: Object.freeze({ status: 'none', amount: 0 }),
  nothing: null,
  when: new Date(0),
});

describe('watchReads', () => {
  it.each([
    ['a value', (c: typeof context) => c.name, ['=/name']],
    ['a value within', (c: typeof context) => c.refund.status, ['=/refund', '=/refund/status']],
    ['what is not there', (c: typeof context) => (c as { gone?: string }).gone, ['=/gone']],
    ['whether there is something', (c: typeof context) => c.nothing === null, ['=/nothing']],
    ['how many', (c: typeof context) => c.items.length > 1, ['=/items', '=/items/length']],
    [
      'until one is found',
      (c: typeof context) => c.items.some(({ id }) => id === 'a'),
      ['#/items', '=/items', '=/items/0', '=/items/0/id', '=/items/length'],
    ],
    ['which keys', (c: typeof context) => Object.keys(c.refund).length, ['#/refund', '=/refund']],
    ['whether there is a key', (c: typeof context) => 'status' in c.refund, ['#/refund', '=/refund']],
    [
      'all of it by spread',
      (c: typeof context) => ({ ...c.refund }),
      ['#/refund', '=/refund', '=/refund/amount', '=/refund/status'],
    ],
    [
      'all of it as text',
      (c: typeof context) => JSON.stringify(c.refund),
      ['#/refund', '=/refund', '=/refund/amount', '=/refund/status', '=/refund/toJSON'],
    ],
    ['what is no plain data', (c: typeof context) => c.when.getTime(), ['*/when']],
  ])('sees %s', (_, call, reads) => {
    expect(readsOf(context, call)).toEqual(reads);
  });

  it('counts what cannot be watched as everything', () => {
    expect(watchReads(context, (c) => structuredClone(c))).toEqual(everything);
  });

  it('tells where the answer holds a part as it is', () => {
    const seen = watchReads(context, (c) => {
      const { items, refund } = c as typeof context;
      return { first: items[0], list: [...items], refund: { ...refund } };
    });
    expect(seen.copies).toEqual([
      ['/first', '/items/0'],
      ['/list/0', '/items/0'],
      ['/list/1', '/items/1'],
    ]);
  });

  it('names keys with / and ~ so that they are found again', () => {
    expect(readsOf({ 'a/b': { '~': 1 } }, (c) => c['a/b']['~'])).toEqual(['=/a~1b', '=/a~1b/~0']);
  });

  it('counts an answer that is too deep to be looked through as made of everything', () => {
    const deep = (depth: number): unknown => (depth === 0 ? 0 : { inner: deep(depth - 1) });
    expect(watchReads(context, () => deep(20))).toEqual(everything);
  });
});
