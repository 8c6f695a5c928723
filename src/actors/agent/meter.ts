/** Counts what an agent uses, and says whether its next turn could be too much. */
import { tokensOf } from '../../engine/budget.ts';
import { InvalidOption } from '../../errors.ts';
import type { InvocationScope, TokenUsage, Usage } from '../../invocation.ts';
import { bytesPerToken } from '../call-model.ts';
import type { ModelMessage } from '../providers/provider.ts';
import { shown } from './agent-options.ts';
import type { Agent, AgentLimits, AgentUse } from './agent.ts';

const NOTHING: TokenUsage = { inputTokens: 0, outputTokens: 0 };

export interface Meter {
  readonly use: AgentUse;
  addTurn(turn: Partial<Usage>): void;
  addToolCalls(count: number): void;
  /** A call that failed, and may have been charged all the same. */
  addLost(call: Usage): void;
  /** The most that a turn could use. `byLength` is what it could use by its length, `last` the last message that it adds. */
  mostOf(byLength: Usage, last: ModelMessage | undefined): Usage;
  /** The limit that a turn could overrun which uses so much. */
  limitBefore(most: Usage): keyof AgentLimits | undefined;
}

/** Throws `InvalidOption` if there is a limit of dollars, and no price by which to count them. */
export function createMeter(
  { name, limits, model: asked }: Pick<Agent, 'name' | 'limits' | 'model'>,
  scope: Pick<InvocationScope, 'costOf'>,
): Meter {
  if (limits.usd !== undefined && scope.costOf({ model: asked, usage: NOTHING }) === undefined) {
    throw new InvalidOption(
      `The limit of $${limits.usd} of ${shown(name)} cannot be kept, as no price is known for \`${asked}\`. Nothing was called. Add the price to \`createEngine({ prices })\`, or leave \`limits.usd\` out.`,
      { details: { option: 'limits.usd', model: asked } },
    );
  }
  let turns = 0;
  let toolCalls = 0;
  let tokens = 0;
  let lostTokens = 0;
  let usd = 0;
  /** What the last turn read and wrote: all of it is read again by the next. */
  let context: number | undefined;

  const dollarsOf = (model: string, usage: TokenUsage): number =>
    scope.costOf({ model, usage }) ?? scope.costOf({ model: asked, usage }) ?? 0;

  /** Whether it will be read from the cache is not known; to write it there may cost more than to do without. */
  const dearestOf = (model: string, { inputTokens, outputTokens }: TokenUsage): number =>
    Math.max(
      dollarsOf(model, { inputTokens, outputTokens }),
      dollarsOf(model, { inputTokens: 0, cacheWriteTokens: inputTokens, outputTokens }),
    );

  return {
    get use() {
      return { turns, toolCalls, tokens };
    },
    addTurn({ model = asked, usage }) {
      turns++;
      context = usage && tokensOf(usage);
      if (!usage) return;
      tokens += tokensOf(usage);
      usd += dollarsOf(model, usage);
    },
    addToolCalls(count) {
      toolCalls += count;
    },
    addLost({ model, usage }) {
      lostTokens += tokensOf(usage);
      usd += dearestOf(model, usage);
    },
    mostOf({ model, usage: { inputTokens: byLength, outputTokens } }, last) {
      // What was measured is nearer to the truth than any length.
      const inputTokens = context === undefined ? byLength : context + tokensIn(last);
      return { model, usage: { inputTokens, outputTokens } };
    },
    limitBefore({ model, usage }) {
      const used = tokens + lostTokens;
      if (limits.tokens !== undefined && used + tokensOf(usage) > limits.tokens) return 'tokens';
      if (limits.usd === undefined) return undefined;
      return usd + dearestOf(model, usage) > limits.usd ? 'usd' : undefined;
    },
  };
}

/** What the model wrote itself is counted already. */
function tokensIn(last: ModelMessage | undefined): number {
  if (last?.role !== 'user') return 0;
  return Math.ceil(Buffer.byteLength(JSON.stringify(last.content)) / bytesPerToken);
}
