/** How worst cases add up. */
import type { WorstCase } from './invocation.ts';

export const nothing: WorstCase = { modelCalls: 0, tokens: 0, usd: 0, timeMs: 0 };

/** One after another. */
export function inSequence(cases: readonly WorstCase[]): WorstCase {
  return cases.reduce(
    (one, other) => ({
      modelCalls: one.modelCalls + other.modelCalls,
      tokens: one.tokens + other.tokens,
      usd: one.usd + other.usd,
      timeMs: one.timeMs + other.timeMs,
    }),
    nothing,
  );
}

/** The same so many times, one after another. */
export function repeated(one: WorstCase, times: number): WorstCase {
  // Nothing, however often, is nothing; in floating point it is not.
  const of = (amount: number): number => (amount === 0 || times === 0 ? 0 : amount * times);
  return {
    modelCalls: of(one.modelCalls),
    tokens: of(one.tokens),
    usd: of(one.usd),
    timeMs: of(one.timeMs),
  };
}
