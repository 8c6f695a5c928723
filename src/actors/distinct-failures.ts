/** What actors may fail with that perform others, in one list. */
import { SignalboxError } from '../errors.ts';

/** Without those that a machine could not tell from one before: of the same class and code, with the same details. */
export function distinctFailures(failures: readonly Error[]): readonly Error[] {
  const seen = new Set<string>();
  return failures.filter((error) => seen.size < seen.add(kindOf(error)).size);
}

function kindOf(error: Error): string {
  const { code, details } =
    error instanceof SignalboxError ? error : { code: undefined, details: error.message };
  return JSON.stringify([error.constructor.name, error.name, code, details]);
}
