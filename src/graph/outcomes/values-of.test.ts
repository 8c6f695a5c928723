import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z, type ZodType } from 'zod';

import { coverPairs } from './cover-pairs.ts';
import { labelOf } from './label-of.ts';
import { valuesOf } from './values-of.ts';

describe('valuesOf', () => {
  it.each<[string, ZodType, readonly unknown[]]>([
    ['each member of an enum', z.enum(['a', 'b', 'c']), ['a', 'b', 'c']],
    ['each literal', z.literal(['x', 1, null]), ['x', 1, null]],
    ['both booleans', z.boolean(), [true, false]],
    ['what is optional, there and not', z.enum(['a']).optional(), ['a', undefined]],
    ['null, where it may be', z.boolean().nullable(), [true, false, null]],
    ['the default too', z.enum(['a', 'b']).default('b'), ['a', 'b']],
    ['each arm of a union in turn', z.union([z.enum(['a', 'b']), z.literal(1)]), ['a', 1, 'b']],
    ['numbers at and around bounds', z.number().min(1).max(9), [5, 1, 9, 2, 8, 1.5]],
    ['whole numbers', z.int().min(0).max(3), [2, 0, 3, 1]],
    ['numbers of a step', z.number().positive().multipleOf(0.01).max(1), [0.5, 1, 0.01, 0.99]],
    ['beyond zero where nothing bounds it', z.number(), [50, 0, 100, 1, 99, -1, 1_000_000, 0.5]],
    ['big integers', z.bigint().min(0n).max(2n), [1n, 0n, 2n]],
    ['text, and none', z.string(), ['text', '']],
    ['text as short and as long as may be', z.string().min(2).max(6), ['text', 'sx', 'some x']],
    ['text that is well formed', z.email(), ['someone@example.com']],
    [
      'lists: one, none, full, all but full, each alone, one twice',
      z.array(z.enum(['a', 'b'])).max(3),
      [['a'], [], ['a', 'b', 'a'], ['a', 'b'], ['b'], ['a', 'a']],
    ],
    ['lists that may not be empty', z.array(z.literal('a')).min(2).max(2), [['a', 'a']]],
    ['sets', z.set(z.literal('a')), [new Set(['a']), new Set()]],
    ['maps', z.map(z.literal('k'), z.literal(1)), [new Map(), new Map([['k', 1]])]],
    ['records', z.record(z.string(), z.literal(1)), [{ text: 1 }, {}, { text: 1, '': 1 }]],
    [
      'tuples',
      z.tuple([z.literal('a'), z.boolean()]),
      [
        ['a', true],
        ['a', false],
      ],
    ],
    ['what a transform gives', z.string().transform((text) => text.length), [4, 0]],
    ['examples first', z.string().meta({ examples: ['an order'] }), ['an order', 'text', '']],
  ])('gives %s', (_, schema, values) => {
    expect(valuesOf(schema)).toEqual({ values, lacking: [] });
  });

  it('gives every arm of a discriminated union, each field with all of its values', () => {
    const { values } = valuesOf(
      z.discriminatedUnion('status', [
        z.object({ status: z.literal('done'), fast: z.boolean() }),
        z.object({ status: z.literal('refused'), reason: z.enum(['late', 'wrong']) }),
      ]),
    );
    expect(values).toEqual([
      { status: 'done', fast: true },
      { status: 'refused', reason: 'late' },
      { status: 'done', fast: false },
      { status: 'refused', reason: 'wrong' },
    ]);
  });

  it('puts every two fields together in each of their ways', () => {
    const { values } = valuesOf(
      z.object({ refund: z.boolean(), size: z.enum(['s', 'm', 'l']), note: z.enum(['x']).optional() }),
    );
    const pairs = new Set(
      (values as Array<Record<string, unknown>>).flatMap(({ refund, size, note }) => [
        `${String(refund)} ${String(size)}`,
        `${String(size)} ${String(note)}`,
        `${String(refund)} ${String(note)}`,
      ]),
    );
    expect(pairs.size).toBe(2 * 3 + 3 * 2 + 2 * 2);
    expect(values.length).toBeLessThan(2 * 3 * 2);
  });

  it('makes text after a pattern, the same every time', () => {
    const schema = z.object({ plate: z.string().regex(/^[A-Z]{3}-\d{4}-[xyz]+$/) });
    const { values, lacking } = valuesOf(schema);
    expect(lacking).toEqual([]);
    expect(values.length).toBeGreaterThan(0);
    expect(valuesOf(schema)).toEqual({ values, lacking });
  });

  it('says where it found no value, and takes an example there', () => {
    const iban = z.string().refine((text) => text.startsWith('DE89'));
    const schema = (field: ZodType) => z.object({ payer: z.object({ iban: field }) });
    expect(valuesOf(schema(iban)).lacking).toContain('payer.iban');
    const { values, lacking } = valuesOf(schema(iban.meta({ examples: ['DE89 3704'] })));
    expect(values).toEqual([{ payer: { iban: 'DE89 3704' } }]);
    expect(lacking).toEqual([]);
  });

  it('ends for schemas that hold themselves', () => {
    interface Tree {
      readonly children: readonly Tree[];
    }
    const tree: ZodType<Tree> = z.object({ children: z.lazy(() => z.array(tree)) });
    expect(valuesOf(tree).values).toContainEqual({ children: [] });
  });

  it('gives at most so many', () => {
    const wide = z.object(
      Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f${index}`, z.number()])),
    );
    expect(valuesOf(wide, { atMost: 5 }).values).toHaveLength(5);
  });

  it('gives only what the schema takes, whatever it asks', () => {
    const schema = fc.letrec<{ schema: ZodType }>((tie) => ({
      schema: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom<ZodType>(z.boolean(), z.null(), z.enum(['a', 'b']), z.string(), z.date()),
        fc.tuple(fc.integer({ min: -50, max: 50 }), fc.nat(50)).map(([low, more]) =>
          z
            .int()
            .min(low)
            .max(low + more),
        ),
        fc.tuple(fc.nat(4), fc.nat(4)).map(([low, more]) =>
          z
            .string()
            .min(low)
            .max(low + more),
        ),
        tie('schema').map((inner) => inner.optional()),
        tie('schema').map((inner) => inner.nullable()),
        fc.tuple(tie('schema'), fc.nat(2), fc.nat(3)).map(([inner, low, more]) =>
          z
            .array(inner)
            .min(low)
            .max(low + more),
        ),
        fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((inner) => z.union(inner)),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('schema')).map((shape) => z.object(shape)),
      ),
    })).schema;
    fc.assert(
      fc.property(schema, (one) => {
        const { values } = valuesOf(one);
        expect(values.length).toBeGreaterThan(0);
        expect(values.filter((value) => !one.safeParse(value).success)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('coverPairs', () => {
  it('has every two values of two columns in some row', () => {
    const columns = fc.array(fc.uniqueArray(fc.nat(20), { minLength: 1, maxLength: 5 }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(columns, (all) => {
        const rows = coverPairs(all);
        for (const [one, values] of all.entries()) {
          for (const [other, others] of all.entries()) {
            for (const value of values) {
              for (const second of one === other ? [value] : others) {
                expect(rows.some((row) => row[one] === value && row[other] === second)).toBe(true);
              }
            }
          }
        }
      }),
    );
  });

  it('has no row if a column has no value', () => {
    expect(coverPairs([[1, 2], []])).toEqual([]);
  });
});

describe('labelOf', () => {
  it.each([
    [undefined, 'ok'],
    ['billing', 'billing'],
    ['', 'empty'],
    [['billing', 'general'], 'billing + general'],
    [[], 'none'],
    [{ category: 'billing' }, 'billing'],
    [{ refund: true, amount: 50, currency: 'EUR', reason: 'text' }, 'refund, amount 50, EUR'],
    [{ refund: false, to: null }, 'not refund, no to'],
    [{ by: 'text', text: 'text' }, 'ok'],
    ['A long text that goes on and on and says nothing at all', 'A long text that goe… (55)'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
  ])('of %j is %s', (value, label) => {
    expect(labelOf(value)).toBe(label);
  });
});
