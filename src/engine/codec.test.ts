import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import * as errors from '../errors.ts';
import { carried, decode, encode, seal } from './codec.ts';

const { OutcomeUnknown, SignalboxError, ValueNotCarriable } = errors;

const roundTrip = (value: unknown): unknown => decode(encode(value));

describe('what JSON carries', () => {
  for (const value of [
    null,
    true,
    0,
    -1.5e300,
    '',
    '~',
    '~[1]',
    '\u2028\0\ud800',
    [],
    {},
    [[1], { a: { b: [null] } }],
  ]) {
    const text = JSON.stringify(value);
    it(`is written as JSON: ${text}`, () => {
      expect(encode(value)).toBe(text);
      expect(roundTrip(value)).toStrictEqual(value);
    });
  }

  it('may have keys of any name but one', () => {
    const value = { '': 1, '~': 2, 'a.b': 3, constructor: 4, toString: 5, toJSON: 6, then: 7, 0: 8 };
    expect(roundTrip(value)).toStrictEqual(value);
    expect(() => encode(JSON.parse('{"a":{"__proto__":1}}'), 'it')).toThrow(
      '`it.a` holds a field named `__proto__`',
    );
  });
});

describe('what JSON does not carry', () => {
  class Custom extends TypeError {
    override name = 'Custom';
    readonly hint = 'look there';
  }
  const buffer = new ArrayBuffer(8);
  const values: Record<string, unknown> = {
    undefined,
    'a field that is undefined': { a: undefined },
    NaN,
    'minus zero': -0,
    infinity: [Infinity, -Infinity],
    bigint: [1n, -(2n ** 80n)],
    date: new Date(0),
    'no date at all': new Date(NaN),
    regexp: /a+?/dgimsuy,
    map: new Map<unknown, unknown>([
      [{ k: 1 }, new Map([[1n, 'x']])],
      ['a', undefined],
      [Object.create(null), 1],
    ]),
    set: new Set([1, '1', new Set()]),
    'holes in an array': [, 1, ,], // oxlint-disable-line no-sparse-arrays -- holes come back as holes
    'an array that is almost empty': Object.assign([], { 10_000: 1 }),
    'an object without a prototype': Object.assign(Object.create(null), { a: 1 }),
    bytes: [
      new Uint8Array([1, 2]),
      new Float32Array([NaN, -0]),
      new BigInt64Array([-5n]),
      new Uint8ClampedArray(2),
    ],
    'views of one buffer': [new Uint8Array(buffer, 2, 3), new Uint16Array(buffer, 2, 1), buffer],
    'an error': new Error('wrong'),
    'an error of the language': new RangeError('too far'),
    'an error with more': Object.assign(new Error('wrong', { cause: { deep: new TypeError('why') } }), {
      code: 'E',
      issues: [new Map()],
    }),
    'an error whose cause is undefined': new Error('wrong', { cause: undefined }),
    'several errors': new AggregateError([new Error('one'), 'two'], 'all'),
    'one of our own': new OutcomeUnknown('who knows', {
      details: { key: 'p#1', at: new Date(0) },
      cause: new Error('lost'),
    }),
  };

  for (const [name, value] of Object.entries(values)) {
    it(`comes back equal: ${name}`, () => {
      expect(roundTrip(value)).toStrictEqual(value);
      expect(roundTrip({ deep: [value] })).toStrictEqual({ deep: [value] });
    });
  }

  it('is an error of any other class, under its name, as an instance of what it extends and is known', () => {
    const back = roundTrip(new Custom('odd')) as Custom;
    expect(back).toMatchObject({ name: 'Custom', message: 'odd', hint: 'look there' });
    expect(Object.getPrototypeOf(back)).toBe(TypeError.prototype);
    expect(roundTrip(new DOMException('stop', 'AbortError'))).toMatchObject({
      name: 'AbortError',
      message: 'stop',
    });
  });

  it('is an error with all that it had, and in the same places', () => {
    const error = new OutcomeUnknown('who knows', { cause: 1 });
    const back = roundTrip(error) as InstanceType<typeof SignalboxError>;
    expect(back).toBeInstanceOf(OutcomeUnknown);
    expect(back).toBeInstanceOf(SignalboxError);
    expect(back.stack).toBe(error.stack);
    expect(Object.keys(back)).toEqual(Object.keys(error));
    const plain = new Error('x');
    expect(Object.keys(roundTrip(plain) as Error)).toEqual([]);
    expect(Object.keys(roundTrip(new AggregateError([1])) as Error)).toEqual([]);
  });

  it('is one of every class of error that we have', () => {
    const classes = Object.values(errors).filter((exported) => exported.prototype instanceof SignalboxError);
    expect(classes.length).toBeGreaterThan(10);
    for (const ErrorClass of classes as Array<new (message: string) => Error>) {
      expect(roundTrip(new ErrorClass('x'))).toBeInstanceOf(ErrorClass);
    }
  });

  it('is a value that holds itself', () => {
    const value: Record<string, unknown> = { list: [] };
    value['self'] = value;
    (value['list'] as unknown[]).push(value);
    const back = roundTrip(value) as typeof value;
    expect(back['self']).toBe(back);
    expect((back['list'] as unknown[])[0]).toBe(back);
  });

  it('is a value in two places, once', () => {
    const shared = { at: new Date(0) };
    const [one, other] = roundTrip([shared, shared]) as unknown[];
    expect(one).toBe(other);
  });
});

describe('what cannot come back equal', () => {
  class Money {}
  class List extends Array {}
  class Bag extends Set {}
  class Moment extends Date {}
  const errorInItself = new Error('round');
  errorInItself.cause = { error: errorInItself };
  let deep: unknown = 1;
  for (let level = 0; level < 501; level++) deep = [deep];

  const values: Array<[what: unknown, path: string, found: string]> = [
    [() => {}, 'it', 'a function'],
    [{ a: [1, function named() {}] }, 'it.a[1]', 'a function (named)'],
    [Symbol('s'), 'it', 'a symbol'],
    [{ [Symbol('s')]: 1 }, 'it', 'a field whose name is a symbol (Symbol(s))'],
    [{ a: new Money() }, 'it.a', 'an instance of Money'],
    [Object.create({ inherited: 1 }), 'it', 'an instance of Object'],
    [Object.create(Object.create(null)), 'it', 'an instance of a class'],
    [[new List()], 'it[0]', 'an instance of List'],
    [new Bag(), 'it', 'an instance of Bag'],
    [new Moment(), 'it', 'an instance of Moment'],
    [Buffer.from('x'), 'it', 'an instance of Buffer'],
    [Promise.resolve(), 'it', 'an instance of Promise'],
    [new WeakMap(), 'it', 'an instance of WeakMap'],
    [Object(1), 'it', 'an instance of Number'],
    [new URL('http://a'), 'it', 'an instance of URL'],
    ['abc'.match(/b/), 'it', 'an array with a field of its own (groups)'],
    [new Map([['k', [new Money()]]]), 'it.get(k)[0]', 'an instance of Money'],
    [new Map([[{ k: 1 }, new Money()]]), 'it.values[0]', 'an instance of Money'],
    [new Map([[new Money(), 1]]), 'it.keys[0]', 'an instance of Money'],
    [new Set([1, new Money()]), 'it.values[1]', 'an instance of Money'],
    [Object.assign(new Error('x'), { request: { send() {} } }), 'it.request.send', 'a function (send)'],
    [new Error('x', { cause: new Money() }), 'it.cause', 'an instance of Money'],
    [new AggregateError([1, new Money()]), 'it.errors[1]', 'an instance of Money'],
    [errorInItself, 'it.cause.error', 'an error that holds itself'],
    [deep, `it${'[0]'.repeat(32)}[0…`, 'more than 500 levels'],
  ];

  for (const [value, path, found] of values) {
    it(`is refused, naming the place: ${found} at ${path.slice(0, 20)}`, () => {
      for (const body of [
        () => encode(value, 'it'),
        () => seal(value, 'it'),
        () => carried({ it: value }, 'around'),
      ]) {
        expect(body).toThrow(ValueNotCarriable);
      }
      expect(() => encode(value, 'it')).toThrow(
        `\`${path}\` holds ${found}, which cannot be stored and come back equal.`,
      );
    });
  }
});

describe('seal', () => {
  it('gives back the very value, frozen, where all of it can be', () => {
    const value = { a: [{ b: 1 }], c: Object.assign(Object.create(null), { d: [undefined, 1n] }) };
    expect(seal(value, 'it')).toBe(value);
    expect([value, value.a, value.a[0], value.c, value.c.d].every((part) => Object.isFrozen(part))).toBe(
      true,
    );
  });

  it('gives back a copy where something cannot be frozen, so that nobody else can change it', () => {
    for (const value of [
      new Map([['a', 1]]),
      new Date(0),
      new Uint8Array(2),
      new Error('x'),
      new Set(),
      /a/g,
    ]) {
      const given = { deep: [value] };
      const sealed = seal(given, 'it');
      expect(sealed).toStrictEqual(given);
      expect(sealed.deep[0]).not.toBe(value);
      expect(Object.isFrozen(sealed.deep)).toBe(true);
    }
  });
});

describe('carried', () => {
  it('gives a copy that shares nothing with the value', () => {
    const value = { a: [1], when: new Date(0) };
    const copy = carried(value);
    expect(copy).toStrictEqual(value);
    expect(copy.a).not.toBe(value.a);
    expect(Object.isFrozen(copy)).toBe(false);
  });
});

describe('any value made of what can be carried', () => {
  const leaf = fc.oneof(
    fc.constant(undefined),
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.bigInt(),
    fc.string({ unit: 'binary' }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.float64Array(),
    fc.string().map((message) => Object.assign(new RangeError(message), { code: message })),
  );
  const key = fc.string().filter((name) => name !== '__proto__');
  const { value: rich } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('value')),
      fc.array(tie('value')).map((items) => new Set(items)),
      fc.array(fc.tuple(tie('value'), tie('value'))).map((entries) => new Map(entries)),
      fc.dictionary(key, tie('value'), { noNullPrototype: false }),
      fc.array(tie('value')).map((errors_) => new Error('x', { cause: errors_ })),
      fc.sparseArray(tie('value')),
    ),
  }));

  it('comes back equal, and is left as it was', () => {
    fc.assert(
      fc.property(rich, (value) => {
        const text = encode(value);
        const back = decode(text);
        expect(back).toStrictEqual(value);
        expect(encode(back)).toBe(text);
        expect(seal(value, 'it')).toStrictEqual(back);
        expect(encode(value)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('is written as JSON if it is JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes('"__proto__"') && !hasMinusZero(value));
        expect(encode(value)).toBe(JSON.stringify(value));
        expect(roundTrip(value)).toStrictEqual(value);
      }),
      { numRuns: 500 },
    );
  });
});

function hasMinusZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(hasMinusZero);
  return Object.is(value, -0);
}
