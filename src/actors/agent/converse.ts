/** The conversation of an agent: turn by turn, each from the journal if it was had before. */
import type { z, ZodType } from 'zod';

import { Deferred, type DurableActor, type InvocationScope, type TokenUsage } from '../../invocation.ts';
import { describeError } from '../../plain-error.ts';
import { costOf, listPrices } from '../../prices.ts';
import { refusalOf } from '../answer-checks.ts';
import { callModel } from '../call-model.ts';
import { issuesOf } from '../check-value.ts';
import { answerInvalid } from '../model-answer.ts';
import { retried } from '../policies/retry.ts';
import type {
  ContentBlock,
  ModelMessage,
  ModelResponse,
  ToolCallBlock,
  ToolResultBlock,
} from '../providers/provider.ts';
import { type Agent, type AgentLimits, type AgentOutcome, type AgentUse, ANSWER, HAND_OFF } from './agent.ts';

/** What is kept of a turn: enough to go on from it. */
type Turn = Pick<ModelResponse, 'content' | 'text' | 'stopReason' | 'stopDetail' | 'model' | 'usage'>;

const REMINDER = `You gave no answer. Call \`${ANSWER}\` with it, or another of your tools.`;

export async function converse<TOutput extends ZodType, TInput extends ZodType>(
  agent: Agent<TOutput, TInput>,
  input: z.output<TInput>,
  scope: InvocationScope,
): Promise<AgentOutcome<z.output<TOutput>>> {
  const { name, limits, actors } = agent;
  const asked = agent.prompt(input);
  let messages: readonly ModelMessage[] =
    typeof asked === 'string' ? [{ role: 'user', content: asked }] : asked;
  const spent = createMeter();
  const startedAt = limits.timeMs === undefined ? 0 : await scope.once('started', async () => scope.now());

  for (let number = 1; ; number++) {
    const limit = spent.limitBefore(agent, number, () => scope.now() - startedAt);
    if (limit) return { outcome: 'limit', limit, ...spent.use(number - 1) };
    const turn = await turnOf(agent, messages, number, input, scope);
    spent.add(turn);
    const { stopReason, content, text } = turn;
    if (stopReason !== 'end_turn' && stopReason !== 'tool_use' && stopReason !== 'pause_turn') {
      throw answerInvalid(name, turn, `stopped for the reason \`${stopReason}\` in turn ${number}`);
    }
    messages = [...messages, { role: 'assistant', content }];
    const calls = content.filter((block): block is ToolCallBlock => block.type === 'tool-call');
    const use = spent.use(number);

    if (calls.length === 0) {
      if (stopReason === 'pause_turn') continue;
      if (agent.answersInText && text.trim() !== '') {
        const judged = await judgedOf(agent, text, input, scope.within(`answer ${number}`));
        if ('answer' in judged) return { outcome: 'answered', answer: judged.answer, ...use };
        messages = [...messages, { role: 'user', content: judged.wrong }];
        continue;
      }
      messages = [...messages, { role: 'user', content: agent.answersInText ? 'Go on.' : REMINDER }];
      continue;
    }

    const handOff = calls.find((call) => call.name === HAND_OFF);
    if (handOff && agent.handOff !== false) {
      return { outcome: 'handed-off', reason: reasonOf(handOff.input), ...use };
    }
    const results: ToolResultBlock[] = [];
    const answer = calls.find((call) => call.name === ANSWER && !agent.answersInText);
    if (answer) {
      const given = (answer.input as { answer?: unknown } | null)?.answer;
      const judged = await judgedOf(agent, given, input, scope.within(`answer ${number}`));
      if ('answer' in judged) return { outcome: 'answered', answer: judged.answer, ...use };
      results.push(failed(answer, judged.wrong));
    }
    const others = calls.filter((call) => call !== answer);
    const allowed = limits.toolCalls === undefined ? Infinity : limits.toolCalls - spent.toolCalls;
    if (others.length > allowed) return { outcome: 'limit', limit: 'toolCalls', ...use };
    spent.toolCalls += others.length;
    const called = await settledAll(
      others.map(
        (call, index) => () =>
          calledTool(agent, actors.get(call.name), call, `${number}.${index + 1}`, scope),
      ),
    );
    const byId = new Map([...results, ...called].map((result) => [result.id, result]));
    // One result for each call, in their order, as the API wants it.
    messages = [...messages, { role: 'user', content: calls.map(({ id }) => byId.get(id) as ContentBlock) }];
  }
}

async function turnOf<TOutput extends ZodType, TInput extends ZodType>(
  { name, model, maxTokens, system, provider, modelTools, retry, stream = false }: Agent<TOutput, TInput>,
  messages: readonly ModelMessage[],
  number: number,
  input: z.output<TInput>,
  scope: InvocationScope,
): Promise<Turn> {
  const part = `turn ${number}`;
  const request = {
    actor: name,
    model,
    maxTokens,
    ...(system !== undefined && { system }),
    messages,
    ...(modelTools.length > 0 && { tools: modelTools }),
    promptCache: '5m' as const,
    input,
  };
  const take = async (): Promise<Turn> => {
    const response = await callModel(provider, request, scope, { stream });
    const { content, text, stopReason, stopDetail, usage } = response;
    return {
      content,
      text,
      stopReason,
      model: response.model,
      ...(stopDetail !== undefined && { stopDetail }),
      ...(usage && { usage }),
    };
  };
  return scope.once(part, () => (retry ? retried(retry, undefined, scope.within(part), take) : take()));
}

/** The answer as its schema gives it back, or what is wrong with it, in words for the model. */
async function judgedOf<TOutput extends ZodType, TInput extends ZodType>(
  { output, accept }: Agent<TOutput, TInput>,
  given: unknown,
  input: z.output<TInput>,
  scope: InvocationScope,
): Promise<{ answer: z.output<TOutput> } | { wrong: string }> {
  const checked = await output.safeParseAsync(given);
  if (!checked.success) return { wrong: `That answer is not valid:\n${linesOf(issuesOf(checked.error))}` };
  const reasons = accept && (await refusalOf(accept, checked.data, input as z.input<TInput>, scope));
  if (!reasons) return { answer: checked.data };
  return { wrong: `That answer was not accepted:\n${reasons.map((reason) => `- ${reason}`).join('\n')}` };
}

function linesOf(issues: ReturnType<typeof issuesOf>): string {
  return issues
    .map(({ path, message }) => `- ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`)
    .join('\n');
}

async function calledTool(
  { maxResultLength }: { readonly maxResultLength: number },
  tool: DurableActor | undefined,
  call: ToolCallBlock,
  place: string,
  scope: InvocationScope,
): Promise<ToolResultBlock> {
  if (!tool) return failed(call, `There is no tool \`${call.name}\`. Use those that you were given.`);
  const parsed = await (tool.input as ZodType).safeParseAsync(call.input);
  if (!parsed.success) return failed(call, `The input is not valid:\n${linesOf(issuesOf(parsed.error))}`);
  const part = `call ${place} ${tool.name}`;
  return scope.once<ToolResultBlock>(part, async () => {
    try {
      const output = await tool.perform(call.input, scope.within(part));
      const text = typeof output === 'string' ? output : (JSON.stringify(output) ?? 'Done.');
      return { type: 'tool-result', id: call.id, content: cut(text, maxResultLength) };
    } catch (error) {
      if (isNotForTheModel(error, scope.signal)) throw error;
      const { message, code } = describeError(error);
      return failed(call, cut(code === undefined ? message : `${code}: ${message}`, maxResultLength));
    }
  });
}

const notForTheModel: ReadonlySet<unknown> = new Set(['OUTCOME_UNKNOWN', 'BUDGET_EXCEEDED', 'LEASE_LOST']);

function isNotForTheModel(error: unknown, signal: AbortSignal): boolean {
  if (error instanceof Deferred || signal.aborted) return true;
  return typeof error === 'object' && error !== null && 'code' in error && notForTheModel.has(error.code);
}

/** All of them are begun and waited for, so that none goes on unseen; then the first failure counts, waits last. */
async function settledAll<T>(tasks: ReadonlyArray<() => Promise<T>>): Promise<T[]> {
  const settled = await Promise.allSettled(tasks.map((task) => task()));
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  const failure = failures.find((one) => !(one instanceof Deferred)) ?? soonest(failures as Deferred[]);
  if (failure !== undefined) throw failure as Error;
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

function soonest(waits: readonly Deferred[]): Deferred | undefined {
  return waits.toSorted((one, other) => one.until - other.until)[0];
}

function failed({ id }: ToolCallBlock, content: string): ToolResultBlock {
  return { type: 'tool-result', id, content, isError: true };
}

function cut(text: string, length: number): string {
  return text.length <= length
    ? text
    : `${text.slice(0, length)}\n(cut after ${length} of ${text.length} characters)`;
}

function reasonOf(input: unknown): string {
  const reason = typeof input === 'object' && input !== null && 'reason' in input ? input.reason : undefined;
  return typeof reason === 'string' && reason.trim() !== '' ? reason : 'It gave no reason.';
}

/** Adds up what the turns use, and says when the next could be too much. */
function createMeter() {
  let tokens = 0;
  let usd = 0;
  /** What a turn reads, all that came before it is read again by the next. */
  let context = 0;
  return {
    toolCalls: 0,
    add({ usage, model }: Turn): void {
      if (!usage) return;
      tokens += tokensOf(usage);
      usd += costOf(listPrices, { model, usage }) ?? 0;
      context = tokensOf(usage);
    },
    use(turns: number): AgentUse {
      return { turns, toolCalls: this.toolCalls, tokens };
    },
    limitBefore(
      { limits, maxTokens, model }: Pick<Agent<ZodType, ZodType>, 'limits' | 'maxTokens' | 'model'>,
      turn: number,
      elapsedMs: () => number,
    ): keyof AgentLimits | undefined {
      if (turn > limits.turns) return 'turns';
      if (limits.timeMs !== undefined && elapsedMs() >= limits.timeMs) return 'timeMs';
      if (limits.tokens !== undefined && tokens + context + maxTokens > limits.tokens) return 'tokens';
      const usage = { inputTokens: context, outputTokens: maxTokens };
      const next = costOf(listPrices, { model, usage }) ?? 0;
      if (limits.usd !== undefined && usd + next > limits.usd) return 'usd';
      return undefined;
    },
  };
}

function tokensOf({
  inputTokens,
  outputTokens,
  cacheReadTokens = 0,
  cacheWriteTokens = 0,
}: TokenUsage): number {
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
}
