/** A value as its schema gives it, where nothing may be waited for. */
import type { ZodType } from 'zod';

/** As it is, if it is refused, or the schema has to wait: whoever looks at it then has to bear it. */
export function parsedAtOnce(schema: ZodType | undefined, value: unknown): unknown {
  try {
    const parsed = schema?.safeParse(value);
    return parsed?.success ? parsed.data : value;
  } catch {
    return value;
  }
}
