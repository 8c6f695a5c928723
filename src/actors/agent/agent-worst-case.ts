/**
 * The most that an agent can take: all its turns, each with all its attempts, in a conversation that grows with every turn;
 * as far as its limits let it go.
 */
import type { WorstCase, WorstCaseScope } from '../../invocation.ts';
import { describeError } from '../../plain-error.ts';
import { forPart, inSequence, oneOf, repeated, within, worstCaseOf } from '../../worst-case.ts';
import { judgesOf } from '../answer-checks.ts';
import { mostOf } from '../call-model.ts';
import { callWorstCase, tokensOfValue } from '../call-worst-case.ts';
import { judgesWorstCase } from '../judges-worst-case.ts';
import { openingOf } from '../opening.ts';
import { parsedAtOnce } from '../parsed-at-once.ts';
import { longestWaitsOf } from '../policies/retry.ts';
import type { ModelMessage } from '../providers/provider.ts';
import { shown } from './agent-options.ts';
import type { Agent } from './agent.ts';
import { turnRequest } from './take-turn.ts';

/** Its name, its frame, and what it is called with: hardly any call of a tool has fewer. */
const leastTokensOfCall = 10;
/** Of what the model is told of a call that was not taken, and of where a result was cut. */
const remarkTokens = 100;
/** A character has at most three bytes, and a token hardly fewer than two. */
const tokensPerCharacter = 1.5;

export function agentWorstCase(
  agent: Agent,
  value: unknown,
  /** Of its policies: how long calls are not made at all after too many have failed. */
  openMs: number,
  scope: WorstCaseScope,
): WorstCase {
  const { limits, maxTokens, retry, actors, accept } = agent;
  const { turns } = limits;
  const callsOfTurn = Math.ceil(maxTokens / leastTokensOfCall);
  const ofTurn = turnsWorstCase(agent, value, callsOfTurn, scope);
  const attempts = retry ? retry.attempts : 1;

  const talk = within(
    inSequence(ofTurn.map((turn) => repeated(turn, attempts))),
    ofTurns(agent, attempts, scope),
  );
  const again = repeated(within(oneOf(ofTurn), ofTurns(agent, 1, scope)), scope.attempts - 1);
  const waitsMs = retry ? turns * longestWaitsOf(retry, openMs) : 0;

  const asked = forPart(scope, scope.attempts, maxTokens);
  const tool = oneOf([...actors.values()].map((actor) => worstCaseOf(actor, undefined, asked)));
  const tools = repeated(tool, limits.toolCalls ?? turns * callsOfTurn);
  const inputTokens = maxTokens + (scope.inputTokens ?? tokensOfValue(value));
  const judged = judgesWorstCase(judgesOf(accept), { answers: turns, inputTokens }, scope);

  const all = inSequence([
    talk,
    again,
    // Those of a turn are called at the same time.
    { ...tools, timeMs: repeated(tool, turns).timeMs },
    judged,
  ]);
  const waited: WorstCase = { ...all, timeMs: all.timeMs + waitsMs, ...(attempts > 1 && { waits: true }) };
  return within(waited, { timeMs: limits.timeMs ?? Infinity });
}

/** What its limits leave to all its turns together, or to one of them. */
function ofTurns(
  { limits, maxTokens, model }: Agent,
  attempts: number,
  scope: Pick<WorstCaseScope, 'costOf'>,
): Partial<WorstCase> {
  const { turns, tokens, usd = Infinity } = limits;
  if (tokens === undefined) return { usd };
  const outputTokens = Math.min(tokens, turns * attempts * maxTokens);
  const dearest = Math.max(
    scope.costOf({ model, usage: { inputTokens: tokens, outputTokens } }),
    scope.costOf({ model, usage: { inputTokens: 0, cacheWriteTokens: tokens, outputTokens } }),
  );
  return { tokens, usd: Math.min(usd, dearest) };
}

/** One attempt at each turn, in their order. */
function turnsWorstCase(
  agent: Agent,
  value: unknown,
  callsOfTurn: number,
  scope: WorstCaseScope,
): WorstCase[] {
  const { limits, maxTokens, maxResultLength } = agent;
  const turnsBefore = Array.from({ length: limits.turns }, (_, index) => index);
  const call = { ...agent, promptCache: '5m' } as const;
  // Then the limit holds it, whatever it is asked.
  if (limits.tokens !== undefined) return turnsBefore.map(() => callWorstCase(call, Infinity, scope));

  const opening = openingTokens(agent, value, scope);
  const resultTokens = Math.ceil(maxResultLength * tokensPerCharacter) + remarkTokens;
  const resultsOf = (turns: number): number => {
    const most = turns * callsOfTurn * resultTokens;
    const { toolCalls } = limits;
    if (toolCalls === undefined) return most;
    // Beside those that count, there may be calls that are not taken, and an answer that is refused.
    return Math.min(most, toolCalls * resultTokens + turns * (callsOfTurn * remarkTokens + resultTokens));
  };
  return turnsBefore.map((before) =>
    callWorstCase(call, opening + before * maxTokens + resultsOf(before), scope),
  );
}

function openingTokens(agent: Agent, value: unknown, scope: WorstCaseScope): number {
  const { name } = agent;
  const sizeOf = (messages: readonly ModelMessage[]): number =>
    mostOf(turnRequest(agent, messages, undefined)).usage.inputTokens;
  if (scope.inputTokens !== undefined) {
    scope.assume(
      `\`${name}\` is asked with no more than its input, beside its system prompt and its tools (set \`limits.tokens\`)`,
    );
    return sizeOf([]) + scope.inputTokens;
  }
  try {
    const tokens = sizeOf(openingOf(agent.prompt, parsedAtOnce(agent.input, value), shown(agent.name)));
    scope.assume(
      `\`${name}\` is asked with prompts no longer than those of the examples (set \`limits.tokens\`)`,
    );
    return tokens;
  } catch (error) {
    const { message } = describeError(error);
    scope.assume(
      `the prompt of \`${name}\` is no longer than its input, as \`prompt\` throws on one: ${message} (set \`limits.tokens\`)`,
    );
    return sizeOf([]) + tokensOfValue(value);
  }
}
