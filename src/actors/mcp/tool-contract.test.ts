/** What is said against schemas, and above all what is not. */
import { describe, expect, it } from 'vitest';
import { z, type ZodType } from 'zod';

import type { JsonSchema } from '../providers/provider.ts';
import { contractIssues } from './tool-contract.ts';

const object = (properties: JsonSchema, more: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  ...more,
});

function inputIssues(input: ZodType, inputSchema: JsonSchema): string[] {
  return contractIssues({ tool: 't', input }, { name: 't', inputSchema }).map(({ path }) => path.join('.'));
}

function outputIssues(output: ZodType, outputSchema: JsonSchema): string[] {
  const tool = { name: 't', inputSchema: { type: 'object' }, outputSchema };
  return contractIssues({ tool: 't', output }, tool).map(({ path }) => path.join('.'));
}

describe('an input schema', () => {
  const a = { type: 'string' };
  const wrong: [string, ZodType, JsonSchema, string[]][] = [
    ['lacks what is required', z.object({}), object({ a }), ['input.a']],
    ['may leave out what is required', z.object({ a: z.string().optional() }), object({ a }), ['input.a']],
    [
      'gives what is forbidden',
      z.object({ b: z.string() }),
      object({}, { additionalProperties: false }),
      ['input.b'],
    ],
    ['gives another type', z.object({ a: z.number() }), object({ a }), ['input.a']],
    [
      'gives another type of several',
      z.object({ a: z.union([z.number(), z.null()]) }),
      object({ a }),
      ['input.a'],
    ],
    [
      'gives another value',
      z.object({ a: z.literal('x') }),
      object({ a: { enum: ['y', 'z'] } }),
      ['input.a'],
    ],
    [
      'gives what no choice takes',
      z.object({ a: z.boolean() }),
      object({ a: { anyOf: [a, { type: 'null' }] } }),
      ['input.a'],
    ],
    [
      'is wrong further in',
      z.object({ a: z.object({ b: z.int() }) }),
      object({ a: object({ b: a }) }),
      ['input.a.b'],
    ],
    [
      'is wrong in a list',
      z.object({ a: z.array(z.int()) }),
      object({ a: { type: 'array', items: a } }),
      ['input.a.[]'],
    ],
    ['is no object', z.string(), object({}), ['input']],
  ];

  it.each(wrong)('is refused if it %s', (_, input, inputSchema, issues) => {
    expect(inputIssues(input, inputSchema)).toEqual(issues);
  });

  const right: [string, ZodType, JsonSchema][] = [
    ['gives what is required', z.object({ a: z.string() }), object({ a })],
    ['has a default', z.object({ a: z.string().default('x') }), object({ a })],
    ['leaves a default to the tool', z.object({}), object({ a: { ...a, default: 'x' } }, { required: [] })],
    [
      'may leave out what has a default',
      z.object({ a: z.string().optional() }),
      object({ a: { ...a, default: 'x' } }),
    ],
    ['makes text of a number', z.object({ a: z.number().transform(String) }), object({ a })],
    ['gives more where more is allowed', z.object({ a: z.string(), b: z.int() }), object({ a })],
    ['may give anything', z.looseObject({}), object({ a })],
    ['is a record', z.record(z.string(), z.string()), object({ a })],
    ['gives a whole number', z.object({ a: z.int() }), object({ a: { type: 'number' } })],
    [
      'gives a number where a whole one is taken',
      z.object({ a: z.number() }),
      object({ a: { type: 'integer' } }),
    ],
    ['gives a value of those taken', z.object({ a: z.enum(['x', 'y']) }), object({ a: { enum: ['y'] } })],
    ['gives a date, which is sent as text', z.object({ a: z.date() }), object({ a })],
    ['meets a schema that refers to another', z.object({ a: z.int() }), object({ a: { $ref: '#/$defs/a' } })],
    ['meets no schema', z.object({ a: z.int() }), {}],
    ['is an intersection', z.intersection(z.object({ a: z.string() }), z.object({})), object({ a })],
    ['names a property like one of every object', z.object({ toString: z.string() }), object({})],
  ];

  it.each(right)('is not refused if it %s', (_, input, inputSchema) => {
    expect(inputIssues(input, inputSchema)).toEqual([]);
  });
});

describe('an output schema', () => {
  const closed = { additionalProperties: false };
  const a = { type: 'string' };
  const wrong: [string, ZodType, JsonSchema, string[]][] = [
    ['requires what is never given', z.object({ b: z.string() }), object({ a }, closed), ['output.b']],
    ['takes another type', z.object({ a: z.number() }), object({ a }), ['output.a']],
    ['is strict, and not all is in it', z.strictObject({}), object({ a }), ['output.a']],
    ['takes a list', z.array(z.string()), object({}), ['output']],
  ];

  it.each(wrong)('is refused if it %s', (_, output, outputSchema, issues) => {
    expect(outputIssues(output, outputSchema)).toEqual(issues);
  });

  const right: [string, ZodType, JsonSchema][] = [
    ['takes a part', z.object({}), object({ a })],
    ['requires what may be given', z.object({ a: z.string() }), object({ a }, { required: [] })],
    ['requires what more may hold', z.object({ b: z.string() }), object({ a })],
    ['makes a number of text', z.object({ a: z.coerce.number() }), object({ a })],
    ['has something instead', z.object({ a: z.number().catch(0) }), object({ a })],
    ['prepares what it gets', z.object({ a: z.preprocess(Number, z.number()) }), object({ a })],
    ['is not strict about what may be missing', z.strictObject({}), object({ a }, { required: [] })],
    [
      'takes another type of what may be missing',
      z.object({ a: z.int().optional() }),
      object({ a }, { required: [] }),
    ],
    ['cannot be written down', z.object({ a: z.custom<string>() }), object({ a })],
    ['takes itself', tree(), object({ name: a, children: { type: 'array' } })],
  ];

  it.each(right)('is not refused if it %s', (_, output, outputSchema) => {
    expect(outputIssues(output, outputSchema)).toEqual([]);
  });
});

function tree(): ZodType {
  const Tree = z.object({
    name: z.string(),
    get children() {
      return z.array(Tree);
    },
  });
  return Tree;
}
