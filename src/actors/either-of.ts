/** What actors declare of their outputs that perform others. */
import { z, type ZodType } from 'zod';

import type { DurableActor } from '../invocation.ts';

/** One schema for what any of them may give. Undefined if one of them does not say. */
export function eitherOf(actors: readonly DurableActor[]): ZodType | undefined {
  const schemas = [...new Set(actors.map(({ output }) => output))];
  const said = schemas.filter((schema) => schema !== undefined);
  if (said.length < schemas.length) return undefined;
  return said.length > 1 ? z.union(said) : said[0];
}
