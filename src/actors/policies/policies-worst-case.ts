/** The most that an actor can take under its policies: each of its attempts, the waits between them, and what stands in for it. */
import { CircuitOpen } from '../../errors.ts';
import type { DurableActor, DurableLogic, WorstCase, WorstCaseScope } from '../../invocation.ts';
import { forPart, inSequence, nothing, within, worstCaseOf } from '../../worst-case.ts';
import { tokensOfValue } from '../call-worst-case.ts';
import { judgesWorstCase } from '../judges-worst-case.ts';
import { longestWaitsOf, type RetryPolicy } from './retry.ts';
import type { Timeouts } from './timeout.ts';

export interface UnderPolicies extends Timeouts {
  readonly retry?: RetryPolicy | false;
  /** Those that its policies ask, not it. */
  readonly judges: readonly DurableActor[];
  readonly fallback: readonly DurableLogic[];
  /** All that it may fail with, by its policies too. */
  readonly failures: readonly Error[];
}

export function policiesWorstCase(
  actor: DurableActor,
  policies: UnderPolicies,
  input: unknown,
  scope: WorstCaseScope,
): WorstCase {
  const { judges, fallback } = policies;
  return inSequence([
    attemptsWorstCase(actor, policies, input, scope),
    judged(actor, judges, input, scope),
    // Whoever has failed before is not asked again, whichever of them the attempts of the whole fall to.
    ...fallback.map(({ signalbox }) => worstCaseOf(signalbox, input, scope)),
  ]);
}

function judged(
  { answerTokens = Infinity }: DurableActor,
  judges: readonly DurableActor[],
  input: unknown,
  scope: WorstCaseScope,
): WorstCase {
  if (judges.length === 0) return nothing;
  const asked = scope.inputTokens ?? tokensOfValue(input);
  return judgesWorstCase(judges, { answers: 1, inputTokens: asked + answerTokens }, scope);
}

function attemptsWorstCase(
  actor: DurableActor,
  { retry, timeoutMs, totalTimeoutMs = Infinity, failures }: UnderPolicies,
  input: unknown,
  scope: WorstCaseScope,
): WorstCase {
  // A failure of the whole comes after the last of these; then there is one more at a time.
  const attempts = (retry ? retry.attempts : 1) + scope.attempts - 1;
  const all = worstCaseOf(actor, input, forPart(scope, attempts, scope.inputTokens));
  // What it waits for by itself counts for no attempt, so that of those there may be any number.
  const worked = timeoutMs === undefined || all.waits ? all : within(all, { timeMs: attempts * timeoutMs });
  const waits = retry && retry.attempts > 1;
  const waitsMs = waits ? longestWaitsOf(retry, longestOpenMs(failures)) : 0;
  const waited: WorstCase = {
    ...worked,
    timeMs: worked.timeMs + waitsMs,
    ...(waits && { waits }),
  };
  return within(waited, { timeMs: totalTimeoutMs });
}

/** An open circuit says itself how long it is to be left alone. */
function longestOpenMs(failures: readonly Error[]): number {
  const waits = failures.map((error) =>
    error instanceof CircuitOpen ? Number(error.details['retryAfterMs'] ?? 0) : 0,
  );
  return Math.max(0, ...waits);
}
