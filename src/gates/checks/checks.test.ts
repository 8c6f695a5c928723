import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

import { InvalidOption } from '../../errors.ts';
import type { InvocationScope } from '../../invocation.ts';
import { type AnswerCheck, type Check, judge, judgeAnswer } from '../judge.ts';
import { avoids } from './avoids.ts';
import { field } from './field.ts';
import { lengthWithin } from './length-within.ts';
import { matchesJsonSchema } from './matches-json-schema.ts';
import { mentions } from './mentions.ts';
import { oneOf } from './one-of.ts';
import { quotesStandIn } from './quotes-stand-in.ts';

const passes = (check: Check<string>, text: string): boolean => judge([check], text).passed;
const reasons = (check: Check<string>, text: unknown): readonly string[] => judge([check], text).reasons;

describe('oneOf', () => {
  it('takes what is written exactly so', () => {
    const check = oneOf(['billing', 'technical']);
    expect(passes(check, 'billing')).toBe(true);
    expect(reasons(check, 'Billing')).toEqual(['"Billing" is not one of "billing", "technical".']);
  });

  it('may look past case, accents and spaces', () => {
    const check = oneOf(['Café noir'], { compare: 'folded' });
    for (const text of ['café noir', ' CAFE  NOIR\n', 'Cafe\u0301 noir'])
      expect(passes(check, text)).toBe(true);
    expect(passes(check, 'cafe')).toBe(false);
  });
});

describe('lengthWithin', () => {
  it('counts characters as people do', () => {
    const check = lengthWithin({ max: 3 });
    expect(passes(check, '👨‍👩‍👧é\u0301x')).toBe(true);
    expect(reasons(check, 'four')).toEqual(['It has 4 characters; at most 3 are allowed.']);
  });

  it('counts words in any script, without punctuation', () => {
    const check = lengthWithin({ min: 2, max: 4, unit: 'words' });
    expect(passes(check, 'Well – that, then.')).toBe(true);
    expect(reasons(check, 'No.')).toEqual(['It has 1 word; at least 2 are needed.']);
    expect(passes(lengthWithin({ min: 3, unit: 'words' }), '今日は良い天気です')).toBe(true);
  });

  it('estimates tokens', () => {
    expect(reasons(lengthWithin({ max: 1, unit: 'tokens' }), 'a few words')).toEqual([
      'It has about 3 tokens; at most 1 is allowed.',
    ]);
  });

  it('refuses bounds that are none', () => {
    for (const bounds of [
      {},
      { min: -1 },
      { max: 1.5 },
      { min: 2, max: 1 },
      { max: 1, unit: 'pages' as never },
    ]) {
      expect(() => lengthWithin(bounds)).toThrow(InvalidOption);
    }
  });
});

describe('mentions and avoids', () => {
  it.each([
    ['refund', 'We look into your REFUND.', true],
    ['refund', 'refunds', false],
    ['fund', 'refund', false],
    ['café', 'The Cafe\u0301', true],
    ['Müller', 'herr muller', true],
    ['strasse', 'Große Straße', true],
    ["don't", 'We don’t know', true],
    ['e-mail', 'your e‑mail', true],
    ['money back', 'money\n  back', true],
    ['C++', 'in C++, mostly', true],
    ['.NET', 'on .NET', true],
    ['返金', '全額返金いたします', true],
    ['환불', '환불은 어렵습니다', true],
    ['가', '각하', false],
    ['כסף', 'הכֶּסֶף', false],
    ['कमल', 'कमाल', false],
    ['İstanbul', 'istanbul', true],
    ['co\u00ADoperate', 'cooperate', true],
  ])('%s in %s: %s', (phrase, text, found) => {
    expect(passes(mentions([phrase]), text)).toBe(found);
    expect(passes(avoids([phrase]), text)).toBe(!found);
  });

  it('give a reason for each phrase, and take any one of a list', () => {
    const check = mentions(['order number', ['refund', 'money back'], /\b[A-Z]-\d{4}\b/g]);
    expect(reasons(check, 'Your order number is A-1234; money back.')).toEqual([]);
    for (const text of ['Hello.', 'Hello.']) {
      expect(reasons(check, text)).toEqual([
        'It does not mention "order number".',
        'It does not mention "refund" or "money back".',
        'It does not mention /\\b[A-Z]-\\d{4}\\b/g.',
      ]);
    }
  });

  it('say what was found, and why it may not be', () => {
    const check = avoids(['guarantee', /\bwithin \d+ days?\b/gi], { why: 'We promise nothing.' });
    for (const text of ['Guarantee: Within 3 days.', 'Guarantee: Within 3 days.']) {
      expect(reasons(check, text)).toEqual([
        'It says "guarantee", which it must not. We promise nothing.',
        'It says "Within 3 days", which it must not. We promise nothing.',
      ]);
    }
  });

  it('refuse to look for nothing', () => {
    for (const wanted of [[], [''], [' '], [undefined as never]]) {
      expect(() => mentions(wanted)).toThrow(InvalidOption);
      expect(() => avoids(wanted)).toThrow(InvalidOption);
    }
  });
});

describe('a check of text', () => {
  it('says so when it gets something else', () => {
    expect(reasons(lengthWithin({ max: 1 }), undefined)).toEqual(['Expected text, got undefined.']);
    expect(reasons(oneOf(['a']), null)).toEqual(['Expected text, got null.']);
    expect(reasons(mentions(['a']), ['a'])).toEqual(['Expected text, got a list.']);
  });
});

describe('quotesStandIn', () => {
  const source =
    'Either party may terminate — “without cause” — on 30 days’ notice.\nThe fee is\nnot refundable.';

  it.each([
    'It says "either party may terminate".',
    'It says „Either party may\nterminate“.',
    'It says «The fee is not refundable.»',
    "It says 'without cause', and 'on 30 days' notice'.",
    'It says "[T]he fee … not refundable!"',
    "It says \"may terminate - 'without cause' - on 30 days' notice,\"",
    'No quotes; 5" wide, and it’s the tenants’ own.',
    'It says "Either party […] on 30 days’ notice".',
  ])('%s', (text) => {
    expect(reasons(quotesStandIn(source), text)).toEqual([]);
  });

  it('says which quotes do not stand there, in order', () => {
    const text = 'A „fee of 5 EUR“ and "either party must terminate", but “without cause”, ‘never ever’.';
    expect(reasons(quotesStandIn(source), text)).toEqual([
      'The quote "fee of 5 EUR" does not stand in the source.',
      'The quote "either party must terminate" does not stand in the source.',
      'The quote "never ever" does not stand in the source.',
    ]);
  });

  it('may leave out short ones, and takes several sources', () => {
    expect(reasons(quotesStandIn(source, { leastWords: 2 }), 'A "so-called" fee.')).toEqual([]);
    expect(reasons(quotesStandIn(['one thing', 'another']), '"another" "thing another"')).toEqual([
      'The quote "thing another" does not stand in the source.',
    ]);
  });

  it('does not pair marks across paragraphs', () => {
    expect(reasons(quotesStandIn('x'), '5" wide.\n\nAnd 6" high.')).toEqual([]);
  });
});

describe('matchesJsonSchema', () => {
  const check = matchesJsonSchema({
    type: 'object',
    properties: { total: { type: 'number', minimum: 0 }, kind: { $ref: '#/$defs/kind' } },
    required: ['total'],
    additionalProperties: false,
    $defs: { kind: { enum: ['a', 'b'] } },
  });

  it('gives reasons with their paths', () => {
    expect(judge([check], { total: 1, kind: 'a' })).toEqual({ passed: true, reasons: [] });
    expect(judge([check], { total: -1, kind: 'c' }).reasons).toEqual([
      'total: Too small: expected number to be >=0',
      'kind: Invalid option: expected one of "a"|"b"',
    ]);
  });

  it.each([
    [{ required: ['a'] }, '`required` at `#` would not be checked'],
    [{ type: 'object', properties: { a: { minLength: 1 } } }, '`minLength` at `#/properties/a`'],
    [{ anyOf: [{ type: 'string' }, { minimum: 3 }] }, '#/anyOf/1'],
    [{ type: 'string', format: 'colour' }, 'the format `colour`'],
    [{ dependencies: { a: ['b'] } }, '`dependencies` at `#`'],
    [{ not: { type: 'string' } }, 'not is not supported'],
    [{ $ref: 'https://example.com/x' }, 'External $ref'],
    [{ type: 'objekt' }, 'Unsupported type'],
    ['x' as never, 'got `x`'],
  ])('refuses what would not be checked: %j', (schema, message) => {
    expect(() => matchesJsonSchema(schema)).toThrow(InvalidOption);
    expect(() => matchesJsonSchema(schema)).toThrow(message);
  });
});

describe('field', () => {
  it('names the field in each reason', () => {
    const check = field('reply', lengthWithin({ max: 2, unit: 'words' }), avoids(['sorry']));
    expectTypeOf(check).toEqualTypeOf<Check<{ readonly reply: string }>>();
    expect(check({ reply: 'So very sorry' })).toEqual([
      'reply: It has 3 words; at most 2 are allowed.',
      'reply: It says "sorry", which it must not.',
    ]);
    expect(judge([check], { reply: 'Hello' }).passed).toBe(true);
    expect(judge([check], null).reasons).toEqual(['reply: Expected text, got undefined.']);
    expect(judge([field('a', () => false)], {}).reasons).toEqual(['a does not pass.']);
    // @ts-expect-error -- no such field
    judge([(value: { other: string }) => check(value)], {});
  });
});

describe('judge', () => {
  it('stops at a schema, and lets all checks report', () => {
    const checks = [z.string().trim(), lengthWithin({ max: 1 }), avoids(['no way'])];
    expect(judge(checks, 5)).toEqual({
      passed: false,
      reasons: ['Invalid input: expected string, received number'],
    });
    expect(judge(checks, ' no way ').reasons).toHaveLength(2);
    expect(judge(checks, ' x ')).toEqual({ passed: true, reasons: [] });
    expect(judge([() => false, () => true], 1)).toEqual({ passed: false, reasons: [] });
  });

  it('refuses a promise, and what is no judgement', () => {
    // @ts-expect-error -- a check answers at once
    expect(() => judge([async () => true], 1)).toThrow('Check 1 returned a promise');
    // @ts-expect-error -- neither a boolean nor reasons
    expect(() => judge([() => undefined], 1)).toThrow(
      'Expected Check 1 to return true, false or a list of reasons',
    );
  });
});

describe('judgeAnswer', () => {
  const { signal } = new AbortController();
  const scope = {} as InvocationScope;
  type TextCheck = AnswerCheck<string, { readonly source: string }>;

  it('waits, tells of the input, and takes plain checks too', async () => {
    const checks: TextCheck[] = [
      avoids(['sorry']),
      (output, { input }) => input.source.includes(output) || ['It is not in the source.'],
      async () => Promise.resolve(['Nobody likes it.']),
    ];
    expect(await judgeAnswer(checks, 'sorry', { input: { source: 'x' }, signal, scope })).toEqual({
      passed: false,
      reasons: ['It says "sorry", which it must not.', 'It is not in the source.', 'Nobody likes it.'],
    });
    expect(
      (await judgeAnswer(checks.slice(0, 2), 'x', { input: { source: 'x' }, signal, scope })).passed,
    ).toBe(true);
  });

  it('does not ask what costs about an answer that is refused anyway', async () => {
    const asked: string[] = [];
    const costly: TextCheck = Object.assign(
      async (output: string) => {
        asked.push(output);
        return Promise.resolve(true);
      },
      { onlyIfOthersPass: true },
    );
    const asking = { input: { source: '' }, signal, scope };
    expect((await judgeAnswer([costly, avoids(['sorry'])], 'sorry', asking)).passed).toBe(false);
    expect((await judgeAnswer([costly, avoids(['sorry'])], 'fine', asking)).passed).toBe(true);
    expect(asked).toEqual(['fine']);
  });

  it('stops when it is aborted, and throws what a check throws', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    const asking = { input: {}, signal: controller.signal, scope };
    await expect(judgeAnswer([() => true], 'x', asking)).rejects.toThrow('enough');
    await expect(
      judgeAnswer([() => Promise.reject(new Error('no judge'))], 'x', { input: {}, signal, scope }),
    ).rejects.toThrow('no judge');
  });
});
