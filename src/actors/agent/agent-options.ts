/** Refuses what an agent cannot be made from, where it is made. */
import type { ZodType } from 'zod';

import { InvalidOption } from '../../errors.ts';
import type { DurableActor } from '../../invocation.ts';
import { assertAnswerChecks } from '../answer-checks.ts';
import { isSchema } from '../check-value.ts';
import { assertOption, isName } from '../option.ts';
import { assertRetry } from '../policies/retry.ts';
import { type AgentActorOptions, type AgentTool, ANSWER, HAND_OFF } from './agent.ts';

/** Long before this a model loses its way among them, and each turn pays for the descriptions of all. */
const MOST_TOOLS = 128;
const LONGEST_DESCRIPTION = 10_000;

export function assertAgentOptions<TOutput extends ZodType, TInput extends ZodType>(
  options: AgentActorOptions<TOutput, TInput>,
): void {
  const { name, model, input, output, system, prompt, tools, accept, retry, provider } = options;
  assertOption(isName(name), 'name', 'an agent', 'a non-empty string', name);
  const assert = (holds: boolean, option: string, expected: string, got: unknown): void =>
    assertOption(holds, option, shown(name), expected, got);
  assert(isName(model), 'model', 'a non-empty string', model);
  assert(isSchema(input), 'input', 'a zod schema', input);
  assert(isSchema(output), 'output', 'a zod schema', output);
  assert(system === undefined || typeof system === 'string', 'system', 'a string', system);
  assert(typeof prompt === 'function', 'prompt', 'a function', prompt);
  if (accept) assertAnswerChecks(accept, shown(name));
  if (retry) assertRetry(retry, shown(name));
  const { handOff } = options;
  const worded = handOff === undefined || handOff === false || isName(handOff);
  assert(worded, 'handOff', 'a non-empty string or `false`', handOff);
  const complete = provider === undefined || typeof provider?.complete === 'function';
  assert(complete, 'provider', 'a model provider', provider);
  assertNumbers(options);
  assertTools(name, tools);
}

function assertNumbers<TOutput extends ZodType, TInput extends ZodType>({
  name,
  maxTokens,
  maxResultLength,
  limits = {},
}: AgentActorOptions<TOutput, TInput>): void {
  const { turns, tokens, toolCalls, usd, timeMs } = limits;
  const counts = {
    maxTokens,
    maxResultLength,
    'limits.turns': turns,
    'limits.tokens': tokens,
    'limits.toolCalls': toolCalls,
  };
  for (const [option, value] of Object.entries(counts)) {
    const holds = value === undefined || (Number.isSafeInteger(value) && value > 0);
    assertOption(holds, option, shown(name), 'a positive integer', value);
  }
  for (const [option, value] of Object.entries({ 'limits.usd': usd, 'limits.timeMs': timeMs })) {
    const holds = value === undefined || (Number.isFinite(value) && value > 0);
    assertOption(holds, option, shown(name), 'a positive number', value);
  }
}

function assertTools(agent: string, tools: readonly AgentTool[]): void {
  const expected = 'a list of actors made by `fromTool` or `fromMcp`';
  assertOption(Array.isArray(tools), 'tools', shown(agent), expected, tools);
  const few = tools.length <= MOST_TOOLS;
  assertOption(few, 'tools', shown(agent), `at most ${MOST_TOOLS} actors`, `${tools.length} actors`);
  const names = new Set<string>([ANSWER, HAND_OFF]);
  for (const tool of tools) {
    const actor = (tool as Partial<AgentTool> | undefined)?.signalbox;
    assertOption(actor !== undefined, 'tools', shown(agent), expected, tool);
    if (!actor) continue;
    const why = whyNot(actor, names);
    if (why) throw toolRefused(agent, actor.name, why);
    names.add(actor.name);
  }
}

function whyNot(
  { name, description, input, irreversible, workflows = [], stopped }: DurableActor,
  taken: ReadonlySet<string>,
): string | undefined {
  if (irreversible) {
    return 'is irreversible. Have the agent propose it in its answer, and do it in the machine, behind a gate.';
  }
  if (workflows.length > 0 || stopped) {
    return 'starts runs that would go on when the agent is stopped. Start them from the machine.';
  }
  if (!isName(description))
    return 'has no `description`, so the model cannot know when to call it. Give it one.';
  if (description.length > LONGEST_DESCRIPTION) {
    return `has a \`description\` of ${description.length} characters. Keep it under ${LONGEST_DESCRIPTION}.`;
  }
  if (!isSchema(input)) return 'has no `input` schema.';
  if (!/^[\w-]{1,64}$/.test(name)) {
    return 'has a name that models do not take: use up to 64 letters, digits, `_`, `-`.';
  }
  if (taken.has(name)) return 'has a name that another has, or that the agent needs itself. Rename it.';
  return undefined;
}

export function toolRefused(agent: string, tool: string, why: string): InvalidOption {
  return new InvalidOption(`Tool \`${tool}\` of ${shown(agent)} ${why}`, {
    details: { option: 'tools', tool },
  });
}

export function shown(name: string): string {
  return `agent \`${name}\``;
}
