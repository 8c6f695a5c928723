import { carried, encode, keepClasses } from './codec.ts';

/**
 * The error as it will come back from the store. Of what it holds, that which cannot be stored is left out; which classes it
 * is of stays with it, so that whether a guard's `instanceof` holds does not depend on what else an error carries.
 */
export function carriedError(error: unknown): unknown {
  return isCarriable(error) ? carried(error) : reduced(error, []);
}

function reduced(error: unknown, above: readonly unknown[]): unknown {
  if (isCarriable(error)) return error;
  if (!(error instanceof Error)) return new Error(String(error));
  const { name, message, stack, cause } = error;
  const within = (part: unknown): unknown => reduced(part, [...above, error]);
  const options = cause === undefined || [...above, error].includes(cause) ? {} : { cause: within(cause) };
  const copy =
    error instanceof AggregateError
      ? new AggregateError((error.errors as unknown[]).map(within), message, options)
      : new Error(message, options);
  for (const [key, value] of Object.entries(error)) {
    if (isCarriable(value)) Object.assign(copy, { [key]: value });
    else if (key === 'code') Object.assign(copy, { code: String(value) });
  }
  Object.defineProperties(copy, {
    name: { value: name, configurable: true, writable: true },
    stack: { value: stack, configurable: true, writable: true },
  });
  keepClasses(copy, error);
  // As an instance of what is known of its classes.
  return carried(copy);
}

function isCarriable(value: unknown): boolean {
  try {
    encode(value);
    return true;
  } catch {
    return false;
  }
}
