/** Checks of what goes into an actor and comes out of it. */
import type { z, ZodError, ZodType } from 'zod';

import { ActorValueInvalid, describeIssues, type Issue } from '../errors.ts';

/** The value as its schema gives it back, or `ActorValueInvalid`. `where` names it: "Input of tool `refund`". */
export async function checkValue<TSchema extends ZodType>(
  schema: TSchema,
  value: unknown,
  where: string,
): Promise<z.output<TSchema>> {
  const checked = await schema.safeParseAsync(value);
  if (checked.success) return checked.data;
  const issues = issuesOf(checked.error);
  throw new ActorValueInvalid(`${where} does not match its schema: ${describeIssues(issues)}`, {
    details: { issues },
  });
}

export function issuesOf(error: ZodError): Issue[] {
  return error.issues.map(({ path, message }) => ({
    path: path.map((step) => (typeof step === 'symbol' ? String(step) : step)),
    message,
  }));
}

export function isSchema(value: unknown): value is ZodType {
  return typeof (value as ZodType | undefined)?.safeParseAsync === 'function';
}
