/** The schema of an error in an output. */
import { z, type ZodType } from 'zod';

import { type PlainError } from '../plain-error.ts';

/** Takes any, and stands for this one: what an error says is seldom what decides. */
export function plainErrorOf(example: PlainError): ZodType<PlainError> {
  return z.custom<PlainError>(isPlainError, 'Expected an error.').meta({ examples: [example] });
}

function isPlainError(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, message, code } = value as Partial<PlainError>;
  return (
    typeof name === 'string' && typeof message === 'string' && ['string', 'undefined'].includes(typeof code)
  );
}
