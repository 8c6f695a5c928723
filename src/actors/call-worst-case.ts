/** The most that one call to a model can take. */
import type { WorstCase, WorstCaseScope } from '../invocation.ts';
import { tokensOfText } from './call-model.ts';
import type { ModelProvider, ModelRequest } from './providers/provider.ts';

export interface PricedCall extends Pick<ModelRequest, 'model' | 'maxTokens' | 'promptCache'> {
  readonly provider: ModelProvider;
  readonly stream: boolean;
}

export function callWorstCase(
  { provider, model, maxTokens, stream, promptCache }: PricedCall,
  inputTokens: number,
  scope: Pick<WorstCaseScope, 'costOf'>,
): WorstCase {
  const outputTokens = maxTokens;
  const costOf = (input: number): number => {
    const plain = scope.costOf({ model, usage: { inputTokens: input, outputTokens } });
    if (!promptCache) return plain;
    // To write all of it to the cache costs more than to do without.
    const written = { inputTokens: 0, cacheWriteTokens: input, outputTokens };
    return Math.max(plain, scope.costOf({ model, usage: written }));
  };
  return {
    modelCalls: 1,
    tokens: inputTokens + outputTokens,
    usd: Number.isFinite(inputTokens) ? costOf(inputTokens) : costOfAnyLength(costOf),
    timeMs: provider.timeoutMs?.({ maxTokens, stream }) ?? Infinity,
  };
}

/** A price of nothing for each of infinitely many tokens is nothing. */
function costOfAnyLength(costOf: (inputTokens: number) => number): number {
  return costOf(Number.MAX_SAFE_INTEGER) > costOf(0) ? Infinity : costOf(0);
}

/** The most tokens that a value has in a prompt, as JSON. */
export function tokensOfValue(value: unknown): number {
  try {
    return tokensOfText(JSON.stringify(value) ?? '');
  } catch {
    return Infinity;
  }
}
