/** What the author gives as an example, held against its schema. */
import type { ZodType } from 'zod';
import type { $ZodType, $ZodTypes } from 'zod/v4/core';

import { carried } from '../../engine/codec.ts';
import { describeIssues, InvalidOption, type Issue, ValueNotCarriable } from '../../errors.ts';

export interface ExamplePlace {
  /** ``Example `late` of `refund@1.0.0` ``. */
  readonly example: string;
  /** In the example: `outputs.decide[0]`. */
  readonly field: string;
  /** Whose schema it is: ``the output schema of `decide` ``. */
  readonly schema: string;
  /** What to do about it. */
  readonly fix: string;
}

/**
 * The value as the schema gives it. Throws `InvalidOption` for one that it refuses.
 *
 * A schema that transforms need not take what it gave, and an example may be what was recorded: if such a schema refuses it,
 * it is taken for that, as it is.
 */
export function parsedExample(schema: ZodType | undefined, value: unknown, place: ExamplePlace): unknown {
  const { example, field, fix } = place;
  try {
    return carried(parsed(schema, value, place), field);
  } catch (error) {
    if (!(error instanceof ValueNotCarriable)) throw error;
    throw new InvalidOption(`${example}: ${error.message} ${fix}`, { cause: error });
  }
}

function parsed(schema: ZodType | undefined, value: unknown, place: ExamplePlace): unknown {
  const result = schema && tried(schema, value);
  if (!schema || !result) return value;
  if (result.success) return result.data;
  if (transforms(schema)) return value;
  const issues = result.error.issues as readonly Issue[];
  const { example, field, schema: whose, fix } = place;
  throw new InvalidOption(
    `${example}: \`${field}\` is not as ${whose} asks: ${describeIssues(issues)}. ${fix}`,
    {
      details: { issues },
    },
  );
}

/** Undefined if it cannot be told here: a check that is asynchronous, or that throws. */
function tried(schema: ZodType, value: unknown): ReturnType<ZodType['safeParse']> | undefined {
  try {
    return schema.safeParse(value);
  } catch {
    return undefined;
  }
}

/** Whether there is a transform anywhere in it. */
function transforms(schema: $ZodType, seen = new Set<unknown>()): boolean {
  const within = (part: unknown): boolean => {
    if (typeof part !== 'object' || part === null || seen.has(part)) return false;
    seen.add(part);
    if ('_zod' in part) return ofSchema(part as $ZodType);
    return Object.values(part).some(within);
  };
  const ofSchema = (part: $ZodType): boolean => {
    const { def } = (part as $ZodTypes)._zod;
    return def.type === 'transform' || within(def.type === 'lazy' ? def.getter() : def);
  };
  return within(schema);
}
