/**
 * Several checks of one value, asked in order.
 *
 * A schema stops there if it does not pass, because what comes after it counts on the shape. Checks do not stop: all of
 * them report, so that whoever has to repair the value sees everything that is wrong with it at once.
 */
import type { ZodType } from 'zod';

import { describeIssues, InvalidOption, type Issue } from '../errors.ts';
import type { DurableActor, InvocationScope } from '../invocation.ts';
import { isPromiseLike, type Judged, type Judgement, readJudgement } from './judgement.ts';

/** Judges a value by itself: pure, and at once. */
export type Check<T> = (value: T) => Judgement;

/**
 * Judges what an actor answered, in view of what it was asked. It may take its time, such as to ask a model.
 *
 * With `onlyIfOthersPass` it is not asked about an answer that another check has refused: for checks that cost something.
 */
export interface AnswerCheck<TOutput, TInput> {
  (output: TOutput, asked: AnswerScope<TInput>): Judgement | Promise<Judgement>;
  readonly onlyIfOthersPass?: boolean;
  /** The actor that it asks, if it asks one: what that may take and fail with is known then. */
  readonly asks?: DurableActor;
}

export interface AnswerScope<TInput> {
  readonly input: TInput;
  readonly signal: AbortSignal;
  /** Of the invocation that answers, for a check that calls the outside. */
  readonly scope: InvocationScope;
}

/**
 * Judge a value by checks, each a zod schema or a function.
 *
 * Throws `InvalidOption` if a check returns a promise or no judgement at all; what a check throws is thrown on.
 *
 * @example
 * ```ts
 * judge([z.string(), lengthWithin({ max: 3, unit: 'words' }), avoids(['sorry'])], 'We are so very sorry.');
 * // { passed: false, reasons: ['It has 5 words; at most 3 are allowed.', 'It says "sorry", which it must not.'] }
 * ```
 */
export function judge<T>(checks: ReadonlyArray<ZodType | Check<T>>, value: unknown): Judged {
  return judgeBy(checks, value, (check, checked, index) =>
    readJudgement(check(checked as T), `Check ${index + 1}`),
  );
}

/** The same with a way to ask each check. */
export function judgeBy<TCheck extends (...args: never[]) => unknown>(
  checks: ReadonlyArray<ZodType | TCheck>,
  value: unknown,
  ask: (check: TCheck, value: unknown, index: number) => Judged,
): Judged {
  let checked = value;
  const verdicts: Judged[] = [];
  for (const [index, check] of checks.entries()) {
    if (typeof check === 'function') {
      verdicts.push(ask(check, checked, index));
      continue;
    }
    const parsed = check.safeParse(checked);
    if (parsed.success) checked = parsed.data;
    else return together([...verdicts, { passed: false, reasons: reasonsOf(parsed.error.issues) }]);
  }
  return together(verdicts);
}

/**
 * Judge an actor's answer. Checks are asked in order; those with `onlyIfOthersPass` come last, and only about an answer
 * that has passed the others.
 *
 * Throws what a check throws or rejects with, and the signal's reason once it is aborted.
 */
export async function judgeAnswer<TOutput, TInput>(
  checks: ReadonlyArray<AnswerCheck<TOutput, TInput>>,
  output: TOutput,
  asked: AnswerScope<TInput>,
): Promise<Judged> {
  const verdicts: Judged[] = [];
  const ask = async (check: AnswerCheck<TOutput, TInput>): Promise<void> => {
    asked.signal.throwIfAborted();
    if (typeof check !== 'function') {
      throw new InvalidOption(`Expected a check of an answer to be a function, got \`${String(check)}\`.`);
    }
    const judgement = check(output, asked);
    const settled = isPromiseLike(judgement) ? await judgement : judgement;
    verdicts.push(readJudgement(settled, `Check ${checks.indexOf(check) + 1} of the answer`));
  };
  for (const check of checks) if (!check.onlyIfOthersPass) await ask(check);
  for (const check of checks) {
    if (check.onlyIfOthersPass && verdicts.every(({ passed }) => passed)) await ask(check);
  }
  return together(verdicts);
}

function together(verdicts: readonly Judged[]): Judged {
  return {
    passed: verdicts.every(({ passed }) => passed),
    reasons: [...new Set(verdicts.flatMap(({ reasons }) => reasons))],
  };
}

/** Zod's issues as reasons, one each with its path. */
export function reasonsOf(
  issues: ReadonlyArray<{ readonly path: readonly PropertyKey[]; readonly message: string }>,
): string[] {
  return issues.map((issue) => describeIssues([issue as Issue]));
}
