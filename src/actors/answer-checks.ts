/** What else an actor's output must meet, asked where it is made, so that a model can mend its answer. */
import { type AnswerCheck, judgeAnswer } from '../gates/judge.ts';
import type { DurableActor, InvocationScope } from '../invocation.ts';
import { assertOption } from './option.ts';

/** A check, or several. All of them report, so that all that is wrong is said at once. */
export type AnswerChecks<TOutput, TInput> =
  | AnswerCheck<TOutput, TInput>
  | ReadonlyArray<AnswerCheck<TOutput, TInput>>;

/** The reasons for which it is not accepted; undefined if it is. */
export async function refusalOf<TOutput, TInput>(
  checks: AnswerChecks<TOutput, TInput>,
  output: TOutput,
  input: TInput,
  scope: InvocationScope,
): Promise<readonly string[] | undefined> {
  const { passed, reasons } = await judgeAnswer(listOf(checks), output, {
    input,
    signal: scope.signal,
    scope,
  });
  if (passed) return undefined;
  return reasons.length > 0 ? reasons : ['It was not accepted.'];
}

/** The actors that the checks ask. */
export function judgesOf<TOutput, TInput>(
  checks: AnswerChecks<TOutput, TInput> | undefined,
): readonly DurableActor[] {
  return listOf(checks ?? []).flatMap(({ asks }) => (asks ? [asks] : []));
}

/** What asking them may fail with. */
export function judgingFailures<TOutput, TInput>(
  checks: AnswerChecks<TOutput, TInput> | undefined,
): readonly Error[] {
  return judgesOf(checks).flatMap(({ failures = [] }) => failures);
}

export function assertAnswerChecks<TOutput, TInput>(checks: AnswerChecks<TOutput, TInput>, of: string): void {
  const holds = listOf(checks).every((check) => typeof check === 'function');
  assertOption(
    holds,
    'accept',
    of,
    'a check, a function to true, false or reasons, or a list of them',
    checks,
  );
}

function listOf<TOutput, TInput>(
  checks: AnswerChecks<TOutput, TInput>,
): ReadonlyArray<AnswerCheck<TOutput, TInput>> {
  return typeof checks === 'function' ? [checks] : checks;
}
