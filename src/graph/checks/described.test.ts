import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { isDescribed } from './described.ts';

describe('isDescribed', () => {
  const user = z.object({ name: z.string(), more: z.unknown() });
  it.each([
    ['a field', user, '/name', true],
    ['a field of any form', user, '/more', false],
    ['what is in it', user, '/more/age', false],
    ['the object', user, '', true],
    ['a field that it removes', user, '/other', true],
    ['a field that it lets through', z.looseObject({ name: z.string() }), '/other', false],
    ['a field that it refuses', z.strictObject({ name: z.string() }), '/other', true],
    ['a field after a catchall', z.object({}).catchall(z.number()), '/other', true],
    ['anything', z.any(), '', false],
    ['the values of a record', z.record(z.string(), z.unknown()), '/key', false],
    ['the values of a record of texts', z.record(z.string(), z.string()), '/key', true],
    ['an item', z.array(z.object({ is: z.any() })), '/0/is', false],
    ['an item that is described', z.array(z.object({ is: z.boolean() })), '/0/is', true],
    ['an item of a tuple', z.tuple([z.string(), z.any()]), '/1', false],
    ['the rest of a tuple', z.tuple([z.string()]).rest(z.unknown()), '/3', false],
    ['what is optional', z.object({ name: z.string().optional() }), '/name', true],
    ['what may be left out and is of any form', z.object({ name: z.any().nullish() }), '/name', false],
    ['one arm of a union', z.union([z.object({ a: z.string() }), z.object({ b: z.any() })]), '/b', false],
    ['the other arm of it', z.union([z.object({ a: z.string() }), z.object({ b: z.any() })]), '/a', true],
    [
      'what half of an intersection describes',
      z.looseObject({}).and(z.looseObject({ a: z.string() })),
      '/a',
      true,
    ],
    ['what neither half does', z.looseObject({}).and(z.looseObject({ a: z.string() })), '/b', false],
    ['what a pipe ends in', z.unknown().pipe(z.object({ a: z.string() })), '/a', true],
    ['what was made of what is described', z.array(z.string()).transform((all) => ({ all })), '/all/0', true],
    ['what was made of anything', z.unknown().transform((value) => value), '/a', false],
    ['what was made of anything, and then described', z.preprocess((value) => value, user), '/name', true],
    ['what was made ready, and is of any form', z.preprocess((value) => value, user), '/more', false],
    ['text that was trimmed', z.string().transform((text) => text.trim()), '', true],
    ['JSON, whatever it is', z.object({ data: z.json() }), '/data', false],
    ['what is in it too', z.object({ data: z.json() }), '/data/deep/in/it', false],
    ['a type without a check', z.custom<string>(), '', false],
    ['a type with a check', z.custom<string>((value) => value === 'yes'), '', true],
    ['what is read later', z.lazy(() => user), '/more', false],
    ['a date', z.object({ at: z.date() }), '/at', true],
  ])('of %s', (_, schema, place, described) => {
    expect(isDescribed(schema, place)).toBe(described);
  });

  it('is not so without a schema', () => {
    expect(isDescribed(undefined, '')).toBe(false);
  });
});
