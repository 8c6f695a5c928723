/** How worst cases add up. */
import type { DurableActor, WorstCase, WorstCaseScope } from './invocation.ts';

export const nothing: WorstCase = { modelCalls: 0, tokens: 0, usd: 0, timeMs: 0 };

/** What nobody has set a bound to. */
export const unbounded: WorstCase = {
  modelCalls: Infinity,
  tokens: Infinity,
  usd: Infinity,
  timeMs: Infinity,
  waits: true,
};

/** One after another. */
export function inSequence(cases: readonly WorstCase[]): WorstCase {
  return cases.reduce((one, other) => combined(one, other, (a, b) => a + b), nothing);
}

/** The same so many times, one after another. */
export function repeated(one: WorstCase, times: number): WorstCase {
  if (times === 0) return nothing;
  // Nothing, however often, is nothing; in floating point it is not.
  const of = (amount: number): number => (amount === 0 ? 0 : amount * times);
  return {
    modelCalls: of(one.modelCalls),
    tokens: of(one.tokens),
    usd: of(one.usd),
    timeMs: of(one.timeMs),
    ...(one.waits && { waits: true }),
  };
}

/** One of them, whichever takes most. */
export function oneOf(cases: readonly WorstCase[]): WorstCase {
  return cases.reduce((one, other) => combined(one, other, Math.max), nothing);
}

/** As far as limits let it go. */
export function within(one: WorstCase, limits: Partial<Omit<WorstCase, 'waits'>>): WorstCase {
  const { modelCalls = Infinity, tokens = Infinity, usd = Infinity, timeMs = Infinity } = limits;
  return {
    ...one,
    modelCalls: Math.min(one.modelCalls, modelCalls),
    tokens: Math.min(one.tokens, tokens),
    usd: Math.min(one.usd, usd),
    timeMs: Math.min(one.timeMs, timeMs),
  };
}

/** So many of them at a time, in any order; the next begins as soon as one has ended, or has to wait. */
export function together(cases: readonly WorstCase[], concurrency: number): WorstCase {
  return { ...inSequence(cases), timeMs: timeOf(cases, concurrency) };
}

function timeOf(cases: readonly WorstCase[], concurrency: number): number {
  const longestMs = cases.reduce((longest, { timeMs }) => Math.max(longest, timeMs), 0);
  if (cases.length <= concurrency || longestMs === Infinity) return longestMs;
  if (cases.some(({ waits }) => waits)) {
    // While the last of them cannot go on, all places are taken by others, whose work is that much less.
    const sumMs = cases.reduce((sum, { timeMs }) => sum + timeMs, 0);
    return (sumMs - longestMs) / concurrency + longestMs;
  }
  const freeAt = Array.from({ length: concurrency }, () => 0);
  for (const { timeMs } of cases) {
    const first = freeAt.indexOf(Math.min(...freeAt));
    freeAt[first] = (freeAt[first] ?? 0) + timeMs;
  }
  return Math.max(...freeAt);
}

/** For a part that is tried so often. `inputTokens`: how long its input is at most, if there is none yet. */
export function forPart(scope: WorstCaseScope, attempts: number, inputTokens?: number): WorstCaseScope {
  return {
    attempts,
    ...(inputTokens !== undefined && { inputTokens }),
    costOf: (call) => scope.costOf(call),
    assume: (what) => scope.assume(what),
    ofRun: (workflow, input) => scope.ofRun(workflow, input),
  };
}

/** What an actor says; without a bound if it says nothing. */
export function worstCaseOf(
  actor: Pick<DurableActor, 'worstCase'>,
  input: unknown,
  scope: WorstCaseScope,
): WorstCase {
  return actor.worstCase?.(input, scope) ?? unbounded;
}

function combined(one: WorstCase, other: WorstCase, of: (one: number, other: number) => number): WorstCase {
  return {
    modelCalls: of(one.modelCalls, other.modelCalls),
    tokens: of(one.tokens, other.tokens),
    usd: of(one.usd, other.usd),
    timeMs: of(one.timeMs, other.timeMs),
    ...((one.waits || other.waits) && { waits: true }),
  };
}
