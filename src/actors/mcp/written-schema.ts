/** A zod schema as JSON schema, where that says no less than the truth. */
import { z, type ZodType } from 'zod';

import type { JsonSchema } from '../providers/provider.ts';

/**
 * Every value that the schema takes (`input`), or gives (`output`), fits what is written here; not the other way round.
 * `undefined` if zod cannot write it down.
 */
export function writtenSchema(schema: ZodType, io: 'input' | 'output'): JsonSchema | undefined {
  try {
    return z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => {
        if (io === 'output' || !takesMoreThanWritten(zodSchema)) return;
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      },
    });
  } catch {
    return undefined;
  }
}

/** Whether the schema takes text and nothing else, so that a number as text stays text for it. */
export function takesOnlyText(schema: ZodType): boolean {
  try {
    if (isPrepared(schema)) return false;
    return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).type === 'string';
  } catch {
    return false;
  }
}

type AnyZod = Pick<z.core.$ZodType, '_zod'>;

/** Zod writes what these make of a value, and they take any. */
function takesMoreThanWritten(schema: AnyZod): boolean {
  const { type, coerce } = schema._zod.def as { readonly type: string; readonly coerce?: boolean };
  return coerce === true || type === 'catch' || isPrepared(schema);
}

/** Made by `z.preprocess`. */
function isPrepared({ _zod: { def } }: AnyZod): boolean {
  return def.type === 'pipe' && (def as z.core.$ZodPipeDef).in._zod.def.type === 'transform';
}
