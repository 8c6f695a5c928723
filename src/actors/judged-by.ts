/** `judgedBy`: a model as the judge of an answer, as a check that `accept` takes. */
import { createHash } from 'node:crypto';

import type { AnswerCheck } from '../gates/judge.ts';
import type { DurablePromiseLogic } from './durable-logic.ts';

/** What a judge answers. */
export interface Judgment {
  readonly passed: boolean;
  /** Why it did not pass, each a sentence that the model that answered can act on. */
  // Not read-only, so that it is what `z.array` gives.
  readonly reasons: string[];
}

/**
 * Have an actor, a model with a rubric in its prompt as a rule, judge an answer. It is asked only about answers that have
 * passed all other checks, and once for each, crash or not.
 *
 * @example
 * ```ts
 * const politeness = fromModel({
 *   name: 'judgePoliteness',
 *   model: 'claude-haiku-5-5',
 *   input: z.object({ answer: z.string() }),
 *   output: z.object({ passed: z.boolean(), reasons: z.array(z.string()) }),
 *   prompt: ({ answer }) => `Is this reply polite, and free of blame? If not, say why.\n\n${answer}`,
 * });
 * fromModel({ ..., accept: [lengthWithin({ max: 200, unit: 'words' }), judgedBy(politeness, (answer: string) => ({ answer }))] });
 * ```
 */
export function judgedBy<TOutput, TInput, TQuestion>(
  judge: DurablePromiseLogic<Judgment, TQuestion>,
  question: (output: TOutput, input: TInput) => TQuestion,
): AnswerCheck<TOutput, TInput> {
  const { signalbox: actor } = judge;
  const check = async (
    output: TOutput,
    { input, scope }: Parameters<AnswerCheck<TOutput, TInput>>[1],
  ): Promise<boolean | readonly string[]> => {
    const asked = question(output, input);
    // One judge may be asked several things about an answer.
    const name = `${actor.name} ${digestOf(asked)}`;
    const { passed, reasons } = await scope.once(
      `judged by ${name}`,
      () => actor.perform(asked, scope.within(name)) as Promise<Judgment>,
    );
    if (passed) return true;
    return reasons.length > 0 ? reasons : false;
  };
  return Object.assign(check, { onlyIfOthersPass: true as const, asks: actor });
}

function digestOf(question: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(question) ?? '')
    .digest('hex')
    .slice(0, 8);
}
