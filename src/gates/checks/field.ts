/** Checks of one field of a value. */
import { InvalidOption } from '../../errors.ts';
import { type Check, judge } from '../judge.ts';

/**
 * The field passes each of the checks; their reasons are given with the field's name before them.
 *
 * @example
 * ```ts
 * field('reply', lengthWithin({ max: 200, unit: 'words' }), avoids(['guarantee']))
 * ```
 */
export function field<TKey extends string, TValue>(
  key: TKey,
  ...checks: ReadonlyArray<Check<TValue>>
): Check<{ readonly [K in TKey]: TValue }> {
  if (checks.length === 0 || checks.some((check) => typeof check !== 'function')) {
    throw new InvalidOption(`Expected \`field('${key}', …)\` to be given checks.`);
  }
  return (value) => {
    const { passed, reasons } = judge(checks, (value as Partial<typeof value> | null | undefined)?.[key]);
    return (
      passed ||
      (reasons.length === 0 ? [`${key} does not pass.`] : reasons.map((reason) => `${key}: ${reason}`))
    );
  };
}
