/** Text for a zod schema: of its format, of the lengths at its bounds, and, for a pattern, made after it. */
import * as fc from 'fast-check';
import type { ZodType } from 'zod';
import type { $ZodCheck, $ZodChecks } from 'zod/v4/core';

export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** One of each format that zod knows and that is not simply text; what a schema does not take is left out by the caller. */
const wellFormed = [
  'someone@example.com',
  'https://example.com/page',
  '2026-01-15',
  '2026-01-15T12:00:00Z',
  '2026-01-15T12:00:00',
  '12:00:00',
  'P1D',
  '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  '0190163d-8694-739b-aea5-966c26f8ad91',
  'cjld2cjxh0000qzrmn831i7rn',
  'tz4a98xxat96iws9zmbrgj3a',
  '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  '9m4e2mr0ui3e8a215n4g',
  '2naeRjTrrHJAkfd3tOuEjw90WCA',
  'V1StGXR8_Z5jdHi6B-myT',
  'aGVsbG8=',
  'aGVsbG8',
  '192.0.2.1',
  '2001:db8::1',
  '192.0.2.0/24',
  '2001:db8::/32',
  '+14155552671',
  'example.com',
  'eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo',
  '00:1B:44:11:3A:B7',
  '🚂',
  'A-1',
  'AB-12',
  'EUR',
  'US',
  'true',
  '1',
];

/** Longer text is not made, whatever the schema allows. */
const longestText = 10_000;

/** Candidates; the schema is asked afterwards which it takes. */
export function textsOf(schema: ZodType, { min = 0, max }: Bounds): readonly string[] {
  const patterns = patternsOf(schema);
  if (patterns.length === 0 && schema.safeParse('text').success) {
    return ['text', '', ...atLengths(min, max)];
  }
  const first = wellFormed.find((text) => schema.safeParse(text).success);
  if (first !== undefined) return [first, ''];
  const made = patterns.flatMap(matching).filter((text) => schema.safeParse(text).success);
  return [...atLengths(min, max), ...made.slice(0, 2), ''];
}

function atLengths(min: number, max: number | undefined): string[] {
  return [...(min > 0 ? [min] : []), ...(max === undefined ? [] : [max])]
    .filter((length) => length > 0 && length <= longestText)
    .map((length) => 'some text '.repeat(Math.ceil(length / 10)).slice(0, length - 1) + 'x');
}

function patternsOf(schema: ZodType): RegExp[] {
  const { checks = [], pattern } = schema._zod.def as {
    readonly checks?: ReadonlyArray<$ZodCheck<never>>;
    readonly pattern?: RegExp;
  };
  const own = schema._zod as { readonly pattern?: RegExp };
  const checked = checks.flatMap((check) => {
    const def = (check as unknown as $ZodChecks)._zod.def;
    return def.check === 'string_format' && def.pattern ? [def.pattern] : [];
  });
  const whole = (schema._zod.def as { type: string }).type === 'template_literal' ? own.pattern : pattern;
  return [...checked, ...(whole ? [whole] : [])];
}

/** The same ones every time. */
function matching(pattern: RegExp): string[] {
  try {
    return fc.sample(
      fc.stringMatching(new RegExp(pattern.source, pattern.flags.replaceAll(/[^imsu]/g, ''))),
      {
        numRuns: 20,
        seed: 1,
      },
    );
  } catch {
    // It has something in it that fast-check does not generate; the author is asked for an example.
    return [];
  }
}
