/**
 * `fromAgent`: the fenced loop for the long tail, where the steps are not known beforehand. A model calls tools of an
 * allow-list until it has an answer, hands over to a person, or runs into a limit.
 *
 * I1. Each turn of the model and each result of a tool is in the journal before the next turn: a crash repeats none.
 * I2. Nothing is called that is not on the list, nor with input that its schema refuses.
 * I3. A turn that could overrun a limit is not begun, and nothing goes on past the time.
 */
import type { z, ZodType } from 'zod';

import type { DurableActor, InvocationScope } from '../../invocation.ts';
import { allPermissions } from '../../permissions.ts';
import type { AnswerChecks } from '../answer-checks.ts';
import { checkValue } from '../check-value.ts';
import { durableLogic, type DurablePromiseLogic } from '../durable-logic.ts';
import { underPolicies } from '../policies/policies.ts';
import { anthropic } from '../providers/anthropic.ts';
import { assertAgentOptions, shown } from './agent-options.ts';
import { agentOutput } from './agent-output.ts';
import { agentWorstCase } from './agent-worst-case.ts';
import type { Agent, AgentActorOptions, AgentOutcome } from './agent.ts';
import { conversationFailures, converse } from './converse.ts';
import { answerTool, handOffTool, listedTool } from './model-tools.ts';

export type { AgentActorOptions, AgentLimits, AgentOutcome, AgentTool, AgentUse } from './agent.ts';

/**
 * Logic that lets a model work on its own, within a fence.
 *
 * After a crash it goes on where it was: turns, results of tools, failed attempts and the time it was begun are kept. What
 * was under way is begun again, a tool with the same idempotency key.
 *
 * Rejects with `ACTOR_VALUE_INVALID` if the input is refused; `MODEL_CALL_FAILED` if a call failed for good;
 * `MODEL_ANSWER_INVALID` if the model refused, a turn was cut off, or it gave no answer though it was reminded;
 * `BUDGET_EXCEEDED` if the run's budget is spent. All else, errors of tools included, is told to the model.
 *
 * @example
 * ```ts
 * const helpOut = fromAgent({
 *   name: 'helpOut',
 *   model: 'claude-sonnet-5-5',
 *   input: z.object({ question: z.string() }),
 *   output: z.object({ reply: z.string() }),
 *   prompt: ({ question }) => question,
 *   tools: [searchArticles, lookUpAccount],
 *   limits: { turns: 8, usd: 0.1 },
 * });
 * // onDone: [{ guard: ({ event }) => event.output.outcome === 'answered', target: 'checking' }, { target: 'awaitingPerson' }]
 * ```
 */
export function fromAgent<TOutput extends ZodType, TInput extends ZodType>(
  options: AgentActorOptions<TOutput, TInput>,
): DurablePromiseLogic<AgentOutcome<z.output<TOutput>>, z.input<TInput>> {
  assertAgentOptions(options);
  const { name, tools } = options;
  const agent = agentFrom(options);
  const actor: DurableActor = {
    kind: 'agent',
    name,
    input: options.input,
    output: agentOutput(agent),
    irreversible: false,
    fallible: true,
    // Asking again costs again.
    idempotent: false,
    permissions: allPermissions(tools.map(({ signalbox }) => signalbox)),
    parts: { chosenBy: 'model', names: tools.map(({ signalbox }) => signalbox.name) },
    failures: conversationFailures(agent),
    answerTokens: agent.maxTokens + useTokens,
    worstCase: (value, scope) => agentWorstCase(agent, value, options.circuitBreaker?.openMs ?? 0, scope),
    perform: async (value: unknown, scope: InvocationScope) => {
      const input = await checkValue(options.input, value, `Input of ${shown(name)}`);
      return converse(agent, input, scope);
    },
  };
  // Each turn is retried by itself, and each answer accepted where it can still be mended.
  const { accept: _, retry: __, ...policies } = options;
  return durableLogic(
    underPolicies<AgentOutcome<z.output<TOutput>>, z.input<TInput>, z.output<TInput>>(actor, policies),
  );
}

/** Of what is said beside the answer: how it ended, and what it took. */
const useTokens = 50;

function agentFrom<TOutput extends ZodType, TInput extends ZodType>({
  name,
  model,
  system,
  input: inputSchema,
  output,
  prompt,
  tools,
  accept,
  handOff,
  limits = {},
  maxTokens = 4_096,
  maxResultLength = 20_000,
  stream = false,
  retry = { attempts: 3 },
  provider = anthropic(),
}: AgentActorOptions<TOutput, TInput>): Agent {
  const actors = tools.map(({ signalbox }) => signalbox);
  const answer = answerTool(name, output);
  return {
    name,
    model,
    system,
    input: inputSchema,
    output,
    prompt: (input) => prompt(input as z.output<TInput>),
    accept: accept as AnswerChecks<unknown, unknown> | undefined,
    limits: { ...limits, turns: limits.turns ?? 10 },
    maxTokens,
    maxResultLength,
    stream,
    retry,
    provider,
    answersInText: answer === undefined,
    actors: new Map(actors.map((tool) => [tool.name, tool])),
    modelTools: [
      ...actors.map((tool) => listedTool(name, tool)),
      ...(answer ? [answer] : []),
      ...(handOff === false ? [] : [handOffTool(handOff)]),
    ],
  };
}
