/** What gates found wrong, as a plain list for a model that has to repair its answer, or for a person. */
import type { Verdict } from './verdict.ts';

/** Beyond so many a model repairs none of them well. */
const mostReasons = 20;

/**
 * The reasons of the gates that did not pass, one to a line; empty if all passed.
 *
 * @example
 * ```ts
 * describeVerdicts([{ gate: 'replyChecked', passed: false, reasons: ['It is empty.'] }]); // '- It is empty.'
 * ```
 */
export function describeVerdicts(verdicts: readonly Verdict[]): string {
  return describeReasons(
    verdicts
      .filter(({ passed }) => !passed)
      .flatMap(({ gate, reasons }) => (reasons.length > 0 ? reasons : [`It did not pass \`${gate}\`.`])),
  );
}

/** Reasons one to a line, each said once. */
export function describeReasons(reasons: readonly string[]): string {
  const different = [...new Set(reasons)];
  const left = different.length - mostReasons;
  const shown = left > 0 ? different.slice(0, mostReasons) : different;
  return [
    ...shown.map((reason) => `- ${reason.replaceAll(/\s*\n\s*/g, ' ')}`),
    ...(left > 0 ? [`- And ${left} more of the kind.`] : []),
  ].join('\n');
}
