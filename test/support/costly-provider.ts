/** A model provider that always uses the most that a call can use, and what was asked of it. For tests of worst cases. */
import { mostOf } from '../../src/actors/call-model.ts';
import { modelCallFailed } from '../../src/actors/providers/call-failed.ts';
import type { ContentBlock, ModelProvider, ModelRequest } from '../../src/actors/providers/provider.ts';
import type { WorstCaseScope } from '../../src/invocation.ts';
import { costOf, listPrices } from '../../src/prices.ts';

export interface Spent {
  calls: number;
  tokens: number;
  usd: number;
}

/** What comes of a call: a failure that may have been charged, or these blocks. */
export type Said = 'lost' | readonly ContentBlock[];

export interface CostlyProvider {
  readonly provider: ModelProvider;
  readonly spent: Spent;
  readonly requests: ModelRequest[];
}

export const callMs = 1_000;

export function costlyProvider(say: (call: number, request: ModelRequest) => Said): CostlyProvider {
  const spent: Spent = { calls: 0, tokens: 0, usd: 0 };
  const requests: ModelRequest[] = [];
  const provider: ModelProvider = {
    name: 'costly',
    standIn: false,
    enforcesSchema: true,
    timeoutMs: () => callMs,
    async complete(request) {
      const { model, usage } = mostOf(request);
      requests.push(request);
      spent.calls += 1;
      spent.tokens += usage.inputTokens + usage.outputTokens;
      spent.usd += costOf(listPrices, { model, usage }) ?? NaN;
      const content = say(spent.calls, request);
      if (content === 'lost') {
        throw modelCallFailed('the costly model', 'the connection broke', {
          kind: 'connection',
          retryable: true,
        });
      }
      const text = content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
      const stopReason = content.some(({ type }) => type === 'tool-call') ? 'tool_use' : 'end_turn';
      return { text, content, stopReason, model, usage, response: { text } };
    },
  };
  return { provider, spent, requests };
}

/** As long as an answer may be: a token has hardly fewer than two bytes. */
export function longest(maxTokens: number, beginning = ''): Said {
  return [{ type: 'text', text: beginning.padEnd(maxTokens * 2, 'x') }];
}

export interface AskedForWorstCase extends WorstCaseScope {
  readonly assumed: string[];
}

export function asking(changes: Partial<WorstCaseScope> = {}): AskedForWorstCase {
  const assumed: string[] = [];
  return {
    attempts: 1,
    costOf: (call) => costOf(listPrices, call) ?? 0,
    assume: (what) => void assumed.push(what),
    ofRun: () => ({ modelCalls: 1, tokens: 10, usd: 0.5, timeMs: 100 }),
    assumed,
    ...changes,
  };
}
