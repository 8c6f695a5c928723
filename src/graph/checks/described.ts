/** Whether a zod schema says anything of what stands at a place in a value. */
import type { ZodType } from 'zod';
import type { $ZodType, $ZodTypes } from 'zod/v4/core';

import { keysOf } from '../watch/reads.ts';

/**
 * `/parts/0/text` of `z.object({ parts: z.array(z.any()) })` is not described. Neither is anything without a schema. What a
 * schema removes or refuses does not get there, so it counts as described.
 */
export function isDescribed(schema: ZodType | undefined, place: string): boolean {
  return schema !== undefined && saidOf(schema, keysOf(place)) !== 'nothing';
}

/** `absent`: there is nothing at that place. */
type Said = 'something' | 'nothing' | 'absent';

function saidOf(schema: $ZodType, keys: readonly string[]): Said {
  const { def } = (schema as $ZodTypes)._zod;
  switch (def.type) {
    case 'unknown':
    case 'any':
      return 'nothing';
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
    case 'success':
    case 'promise':
      return saidOf(def.innerType, keys);
    case 'lazy':
      return saidOf(def.getter(), keys);
    case 'union': {
      const all = def.options.map((option) => saidOf(option, keys));
      return takesAnything(schema) ? 'nothing' : (firstOf(all, ['nothing', 'something']) ?? 'absent');
    }
    // Both have to take it.
    case 'intersection':
      return firstOf([saidOf(def.left, keys), saidOf(def.right, keys)], ['something', 'nothing']) ?? 'absent';
    case 'pipe': {
      if (isTransform(def.in)) return saidOf(def.out, keys);
      // Code makes it of what was described; what code makes of anything may be anything.
      if (isTransform(def.out)) return saidOf(def.in, []) === 'nothing' ? 'nothing' : 'something';
      return firstOf([saidOf(def.in, keys), saidOf(def.out, keys)], ['something', 'nothing']) ?? 'absent';
    }
    case 'transform':
      return 'something';
    case 'custom':
      return takesAnything(schema) ? 'nothing' : 'something';
    default:
      return saidInside(def, keys);
  }
}

function saidInside(def: $ZodTypes['_zod']['def'], [key, ...rest]: readonly string[]): Said {
  if (key === undefined) return 'something';
  switch (def.type) {
    case 'object': {
      const inner = def.shape[key] ?? def.catchall;
      return inner ? saidOf(inner, rest) : 'absent';
    }
    case 'record':
      return saidOf(def.valueType, rest);
    case 'array':
      return saidOf(def.element, rest);
    case 'tuple': {
      const inner = def.items[Number(key)] ?? def.rest;
      return inner ? saidOf(inner, rest) : 'absent';
    }
    default:
      return 'absent';
  }
}

function isTransform(schema: $ZodType): boolean {
  return (schema as $ZodTypes)._zod.def.type === 'transform';
}

function firstOf<T>(all: readonly T[], order: readonly T[]): T | undefined {
  return order.find((one) => all.includes(one));
}

const anything: readonly unknown[] = ['text', 7, true, null, ['text'], { text: 'text' }];

/** `z.json()` and a `z.custom()` without a check, say. */
function takesAnything(schema: $ZodType): boolean {
  try {
    return anything.every((value) => (schema as ZodType).safeParse(value).success);
  } catch {
    // A check that is asynchronous, or that throws, is one.
    return false;
  }
}
