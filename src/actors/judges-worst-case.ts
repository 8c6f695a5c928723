/** The most that the actors take that judge answers. */
import type { DurableActor, WorstCase, WorstCaseScope } from '../invocation.ts';
import { forPart, inSequence, repeated, worstCaseOf } from '../worst-case.ts';

export interface JudgedAnswers {
  /** How many, at most. */
  readonly answers: number;
  /** Of what a judge is asked about each. */
  readonly inputTokens: number;
}

/** Each is asked about each answer once, whatever attempts that takes. */
export function judgesWorstCase(
  judges: readonly DurableActor[],
  { answers, inputTokens }: JudgedAnswers,
  scope: WorstCaseScope,
): WorstCase {
  const asked = forPart(scope, scope.attempts, inputTokens);
  return repeated(inSequence(judges.map((judge) => worstCaseOf(judge, undefined, asked))), answers);
}
