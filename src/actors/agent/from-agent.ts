/**
 * `fromAgent`: the fenced loop for the long tail, where the steps are not known beforehand. A model calls tools of an
 * allow-list until it has an answer, hands over to a person, or runs into a limit.
 *
 * I1. Each turn of the model and each result of a tool is in the journal before the next turn: a crash repeats none.
 * I2. Nothing is called that is not on the list, nor with input that its schema refuses.
 * I3. A turn that could overrun a limit is not begun.
 */
import { z, type ZodType } from 'zod';

import { InvalidOption } from '../../errors.ts';
import type { DurableActor, InvocationScope } from '../../invocation.ts';
import { checkValue, isSchema } from '../check-value.ts';
import { durableLogic, type DurablePromiseLogic } from '../durable-logic.ts';
import { assertOption, isName } from '../option.ts';
import { allPermissions, underPolicies } from '../policies/policies.ts';
import { costOf, listPrices } from '../../prices.ts';
import { assertRetry } from '../policies/retry.ts';
import { anthropic } from '../providers/anthropic.ts';
import type { ModelTool } from '../providers/provider.ts';
import {
  type AgentActorOptions,
  type AgentLimits,
  type AgentOutcome,
  type AgentTool,
  ANSWER,
  HAND_OFF,
} from './agent.ts';
import { converse } from './converse.ts';

export type { AgentActorOptions, AgentLimits, AgentOutcome, AgentTool, AgentUse } from './agent.ts';

const DEFAULTS = { turns: 10, maxTokens: 4_096, maxResultLength: 20_000 };

const NOTHING = { inputTokens: 0, outputTokens: 0 };

const HAND_OFF_WHEN = 'Hand over to a person if you cannot answer with what you know and your tools give.';

/**
 * Logic that lets a model work on its own, within a fence.
 *
 * Rejects with `ACTOR_VALUE_INVALID` if the input is refused; `MODEL_CALL_FAILED` if a call failed for good;
 * `MODEL_ANSWER_INVALID` if the model refused, or a turn was cut off; `BUDGET_EXCEEDED` and `OUTCOME_UNKNOWN` as they come.
 * All else, errors of tools included, is told to the model.
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
  assertOptions(options);
  const { name, tools, handOff = HAND_OFF_WHEN, limits = {}, retry = { attempts: 3 } } = options;
  const answerTool = answerToolOf(options);
  const builtIn: ModelTool[] = [
    ...(answerTool ? [answerTool] : []),
    ...(handOff === false ? [] : [handOffTool(handOff)]),
  ];
  const agent = {
    ...options,
    limits: { turns: DEFAULTS.turns, ...limits },
    maxTokens: options.maxTokens ?? DEFAULTS.maxTokens,
    maxResultLength: options.maxResultLength ?? DEFAULTS.maxResultLength,
    provider: options.provider ?? anthropic(),
    retry,
    answersInText: answerTool === undefined,
    actors: new Map(tools.map(({ signalbox: tool }) => [tool.name, tool])),
    modelTools: [...tools.map(({ signalbox: tool }) => modelToolOf(name, tool)), ...builtIn],
  };
  const actor: DurableActor = {
    kind: 'agent',
    name,
    input: options.input,
    irreversible: false,
    idempotent: false,
    permissions: allPermissions(tools.map(({ signalbox }) => signalbox)),
    perform: async (value: unknown, scope: InvocationScope) => {
      const input = await checkValue(options.input, value, `Input of ${shown(name)}`);
      return converse(agent, input, scope);
    },
  };
  // Each turn is retried by itself, and each answer accepted where it can still be mended.
  const { accept: _, retry: __, ...policies } = options;
  return durableLogic(underPolicies<AgentOutcome<z.output<TOutput>>, z.input<TInput>>(actor, policies));
}

function modelToolOf(agent: string, { name, description, input }: DurableActor): ModelTool {
  return {
    name,
    description: description as string,
    inputSchema: jsonSchemaOf(input as ZodType, `\`input\` of tool \`${name}\` of ${shown(agent)}`),
  };
}

function answerToolOf<TOutput extends ZodType, TInput extends ZodType>({
  name,
  output,
}: AgentActorOptions<TOutput, TInput>): ModelTool | undefined {
  const schema = jsonSchemaOf(output, `\`output\` of ${shown(name)}`);
  if (schema['type'] === 'string' && !('enum' in schema) && !('const' in schema)) return undefined;
  return {
    name: ANSWER,
    description: 'Give your final answer. Call it once, when you are done.',
    inputSchema: { type: 'object', properties: { answer: schema }, required: ['answer'] },
  };
}

function handOffTool(when: string): ModelTool {
  return {
    name: HAND_OFF,
    description: `${when} Say why, and what you have found out so far.`,
    inputSchema: { type: 'object', properties: { reason: { type: 'string' } }, required: ['reason'] },
  };
}

function jsonSchemaOf(schema: ZodType, where: string): Record<string, unknown> {
  try {
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    return rest;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidOption(`Expected ${where} to be what JSON can hold. ${why}`, { cause });
  }
}

function assertOptions<TOutput extends ZodType, TInput extends ZodType>(
  options: AgentActorOptions<TOutput, TInput>,
): void {
  const {
    name,
    model,
    input,
    output,
    prompt,
    tools,
    limits = {},
    handOff,
    maxTokens,
    maxResultLength,
  } = options;
  assertOption(isName(name), 'name', 'an agent', 'a non-empty string', name);
  const assert = (holds: boolean, option: string, expected: string, got: unknown): void =>
    assertOption(holds, option, shown(name), expected, got);
  assert(isName(model), 'model', 'a non-empty string', model);
  assert(isSchema(input), 'input', 'a zod schema', input);
  assert(isSchema(output), 'output', 'a zod schema', output);
  assert(typeof prompt === 'function', 'prompt', 'a function', prompt);
  if (options.retry) assertRetry(options.retry, shown(name));
  const worded = handOff === undefined || handOff === false || isName(handOff);
  assert(worded, 'handOff', 'a non-empty string or `false`', handOff);
  for (const [option, value] of Object.entries({ maxTokens, maxResultLength, ...prefixed(limits) })) {
    assert(value === undefined || value > 0, option, 'a positive number', value);
  }
  if (limits.usd !== undefined && costOf(listPrices, { model, usage: NOTHING }) === undefined) {
    assert(false, 'limits.usd', `left out, as no price of \`${model}\` is known`, limits.usd);
  }
  assert(Array.isArray(tools), 'tools', 'a list of actors made by `fromTool` or `fromMcp`', tools);
  const names = new Set([ANSWER, HAND_OFF]);
  for (const tool of tools) {
    const actor = (tool as Partial<AgentTool> | undefined)?.signalbox;
    assert(actor !== undefined, 'tools', 'a list of actors made by `fromTool` or `fromMcp`', tool);
    if (actor) assertTool(name, actor, names);
  }
}

function assertTool(
  agent: string,
  { name, description, input, irreversible }: DurableActor,
  names: Set<string>,
): void {
  const refuse = (why: string): never => {
    throw new InvalidOption(`Tool \`${name}\` of ${shown(agent)} ${why}`, {
      details: { option: 'tools', tool: name },
    });
  };
  if (irreversible) {
    refuse(
      'is irreversible. Have the agent propose it in its answer, and do it in the machine, behind a gate.',
    );
  }
  if (!isName(description))
    refuse('has no `description`, so the model cannot know when to call it. Give it one.');
  if (!isSchema(input)) refuse('has no `input` schema.');
  if (!/^[\w-]{1,64}$/.test(name))
    refuse('has a name that models do not take: use up to 64 letters, digits, `_`, `-`.');
  if (names.has(name)) refuse('has a name that another has, or that the agent needs itself. Rename it.');
  names.add(name);
}

function prefixed(limits: AgentLimits): Record<string, number | undefined> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, value]) => [`limits.${name}`, value as number]),
  );
}

function shown(name: string): string {
  return `agent \`${name}\``;
}
