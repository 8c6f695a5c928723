/** How the command line makes text of what is not its own: safe, measured, summed up. */
import { describe, expect, it } from 'vitest';

import { exampleOf, fieldsOf } from '../src/cli/json-schema.ts';
import { toJson } from '../src/cli/plain-value.ts';
import { readable } from '../src/cli/readable.ts';
import { spendText, usdText } from '../src/cli/spend-text.ts';
import { stateText } from '../src/cli/state-text.ts';
import { summaryOf } from '../src/cli/summary.ts';
import { clean, fit, oneLine, widthOf, wrap } from '../src/cli/text.ts';
import { ago, span, until } from '../src/cli/times.ts';

describe('what runs have spent', () => {
  const tokens = { input: 1000, output: 120, cacheRead: 3000, cacheWrite: 0, total: 4120 };
  const spend = { calls: 3, free: 0, tokens, costUsd: 0.0123, unpriced: 0 };

  it('is calls, tokens and money, added up', () => {
    expect(spendText([spend])).toBe('3 calls · 4,120 tokens · $0.0123');
    expect(spendText([spend, spend])).toBe('6 calls · 8,240 tokens · $0.0246');
    expect(spendText([{ ...spend, calls: 1, free: 1, costUsd: 0 }])).toBe('1 call · 4,120 tokens · $0');
  });

  it('says which calls are not in it, and no sum where there is none', () => {
    expect(spendText([{ ...spend, unpriced: 1 }])).toBe(
      '3 calls · 4,120 tokens · $0.0123 · 1 call without a known price',
    );
    expect(spendText([{ ...spend, costUsd: 0, unpriced: 3 }])).toBe(
      '3 calls · 4,120 tokens · 3 calls without a known price',
    );
  });

  it('is nothing where no model was called', () => {
    expect(spendText([])).toBe('');
    expect(spendText([{ ...spend, calls: 0 }])).toBe('');
  });

  it('is told to the cent from a dollar on', () => {
    expect([0, 0.00001, 0.0001, 0.98765, 1, 1234.567].map(usdText)).toEqual([
      '$0',
      '<$0.0001',
      '$0.0001',
      '$0.9877',
      '$1.00',
      '$1,234.57',
    ]);
  });
});

describe('text for a terminal', () => {
  it('shows what a terminal would obey instead of passing it on', () => {
    expect(clean('a\u001b[2Jb\u0007\u009bc\u202ed\r\ne\tf')).toBe(
      String.raw`a\u001b[2Jb\u0007\u009bc\u202ed` + '\ne  f',
    );
    expect(oneLine(' two\n  lines ')).toBe('two lines');
    expect(toJson({ text: '\u001b\u009b\u007f' })).toBe(String.raw`{"text":"\u001b\u009b\u007f"}`);
  });

  it('measures and cuts wide characters, emoji and combining marks as a terminal shows them', () => {
    expect(['abc', '請求書', '💸💸', 'é', '👩‍👩‍👧'].map(widthOf)).toEqual([3, 6, 4, 1, 2]);
    expect(fit('請求書が二回', 6)).toBe('請求…');
    expect(fit('short', 6)).toBe('short');
  });

  it('wraps between words, and through those that are longer than a line', () => {
    expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrap('abcdefghij kl', 4)).toEqual(['abcd', 'efgh', 'ij', 'kl']);
    expect(wrap('  kept indent\n\nand lines', 40)).toEqual(['  kept indent', '', 'and lines']);
  });
});

describe('values for people', () => {
  it('come back from what JSON cannot carry in a readable form', () => {
    const value = {
      at: new Date(0),
      map: new Map([['a', 1n]]),
      set: new Set([NaN]),
      error: Object.assign(new TypeError('no'), { code: 'X' }),
      none: undefined,
    };
    expect(JSON.parse(toJson(value))).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      map: [['a', '1']],
      set: ['NaN'],
      error: { name: 'TypeError', message: 'no', code: 'X' },
    });
  });

  it('are JSON when they are short, and field by field when they are long', () => {
    expect(readable({ a: 1 })).toBe('{"a":1}');
    const text = 'a reply of some length\nin two lines';
    expect(readable({ reply: text, parts: [{ kind: 'x'.repeat(80), n: 1 }] })).toBe(
      `reply:\n  a reply of some length\n  in two lines\nparts:\n  - kind: ${'x'.repeat(80)}\n    n: 1`,
    );
  });

  it('sum up an output by its short values', () => {
    const output = {
      ticketId: 'T-1',
      status: 'answered',
      closed: null,
      parts: [
        {
          category: 'billing',
          reply: 'x'.repeat(100),
          refund: { status: 'refunded', amount: 49 },
          recorded: true,
        },
        { category: 'general', refund: { status: 'none', amount: 0 }, recorded: false },
      ],
    };
    expect(summaryOf(output, { without: 'T-1' })).toBe(
      'answered (billing, refunded amount 49) (general, not recorded)',
    );
    expect(summaryOf('plain', { without: '' })).toBe('plain');
    expect(summaryOf(undefined, { without: '' })).toBe('');
  });

  it('name states and spans of time', () => {
    expect(stateText({ parts: { billing: 'drafting' } })).toBe('parts.billing.drafting');
    expect(stateText({ one: 'a', two: {} })).toBe('{one.a, two}');
    expect([340, 1_400, 123_000, 11_040_000, 187_200_000, 60_000].map(span)).toEqual([
      '340 ms',
      '1.4 s',
      '2 min 3 s',
      '3 h 4 min',
      '2 d 4 h',
      '1 min',
    ]);
    expect(until(0, 1_000)).toBe('1.0 s overdue');
    expect([300, 2_900, 200_000, 190_000_000].map((now) => ago(0, now))).toEqual([
      'just now',
      '2 s ago',
      '3 min ago',
      '2 d ago',
    ]);
  });
});

describe('a payload', () => {
  const schema = {
    type: 'object',
    required: ['by', 'amount', 'kind', 'parts'],
    properties: {
      by: { type: 'string', minLength: 1 },
      amount: { type: 'number', exclusiveMinimum: 0 },
      kind: { enum: ['a', 'b'] },
      parts: {
        type: 'array',
        minItems: 1,
        items: { type: 'object', properties: { text: { type: 'string' } } },
      },
      note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    },
  };

  it('is described as TypeScript would write it', () => {
    expect(
      fieldsOf(schema).map(({ name, required, type }) => `${name}${required ? '' : '?'}: ${type}`),
    ).toEqual([
      'by: string',
      'amount: number > 0',
      'kind: "a" | "b"',
      'parts: { text?: string }[] (at least 1)',
      'note?: string | null',
    ]);
  });

  it('has an example with what is required', () => {
    expect(exampleOf(schema, { by: 'dana' })).toEqual({ by: 'dana', amount: 1, kind: 'a', parts: [{}] });
    expect(
      exampleOf({ type: 'object', required: ['reason'], properties: { reason: { type: 'string' } } }),
    ).toEqual({
      reason: '…',
    });
    expect(exampleOf(undefined)).toEqual({});
  });
});
