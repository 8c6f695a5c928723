/** One turn of an agent's model: from the journal if it was had before. */
import { costsNothing } from '../../engine/budget.ts';
import { ModelCallFailed } from '../../errors.ts';
import type { InvocationScope, OutsideCall, TokenUsage, Usage } from '../../invocation.ts';
import { callModel } from '../call-model.ts';
import { answerInvalid } from '../model-answer.ts';
import { retried } from '../policies/retry.ts';
import { withExchange } from '../policies/with-exchange.ts';
import type { ContentBlock, ModelMessage, ModelRequest, ModelResponse } from '../providers/provider.ts';
import type { Agent } from './agent.ts';
import type { Meter } from './meter.ts';
import type { Fence } from './within-fence.ts';

/** What is kept of a turn: enough to go on from it. */
export type Turn = Pick<
  ModelResponse,
  'content' | 'stopReason' | 'stopDetail' | 'model' | 'usage' | 'requestId'
>;

export async function takeTurn(
  agent: Agent,
  number: number,
  { messages, input }: { readonly messages: readonly ModelMessage[]; readonly input: unknown },
  meter: Meter,
  fence: Fence,
): Promise<Turn> {
  const { provider, retry, stream } = agent;
  const part = `turn ${number}`;
  let mostUsage: TokenUsage | undefined;
  const within = fence.scope.within(part);
  let lost = 0;
  for (let call = lostCall(within, 1); call; call = lostCall(within, lost + 1)) {
    lost += 1;
    meter.addLost(call);
  }
  const scope = withExchange(within, (made) => async <T>(call: OutsideCall<T>) => {
    if (!call.atMost) return made.exchange(call);
    const most = meter.mostOf(call.atMost, messages.at(-1));
    const limit = meter.limitBefore(most);
    if (limit) fence.stop(limit);
    mostUsage = call.atMost.usage;
    try {
      return await made.exchange(call);
    } catch (error) {
      if (mayBeCharged(error) && !made.signal.aborted)
        await within.once(lostName(lost + 1), async () => most);
      throw error;
    }
  });

  const take = async (): Promise<Turn> => {
    const response = await callModel(provider, turnRequest(agent, messages, input), scope, { stream });
    const { content, stopReason, stopDetail, model, requestId } = response;
    // A provider that does not say what was used is not thereby free.
    const usage = response.usage ?? (provider.standIn ? undefined : mostUsage);
    return {
      content: content.filter((block) => !isBlank(block)),
      stopReason,
      model,
      ...(stopDetail !== undefined && { stopDetail }),
      ...(requestId !== undefined && { requestId }),
      ...(usage && { usage }),
    };
  };
  const turn = await fence.scope.once(part, () => (retry ? retried(retry, undefined, scope, take) : take()));
  meter.addTurn(turn);
  assertWhole(agent.name, number, turn);
  return turn;
}

/** What a call to it could have used that failed, from the journal. */
function lostCall(scope: InvocationScope, number: number): Usage | undefined {
  return scope.kept<Usage>(lostName(number));
}

function lostName(number: number): string {
  return `call ${number} lost`;
}

function mayBeCharged(error: unknown): boolean {
  return error instanceof ModelCallFailed && !costsNothing(error);
}

export function textOf({ content }: Pick<Turn, 'content'>): string {
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
}

export function turnRequest(
  { name, model, maxTokens, system, modelTools }: Agent,
  messages: readonly ModelMessage[],
  input: unknown,
): ModelRequest {
  return {
    actor: name,
    model,
    maxTokens,
    ...(system !== undefined && { system }),
    messages,
    ...(modelTools.length > 0 && { tools: modelTools }),
    promptCache: '5m',
    input,
  };
}

/** It may come as an answer, and is refused in a conversation. */
function isBlank(block: ContentBlock): boolean {
  return block.type === 'text' && block.text.trim() === '';
}

/** Why there is no going on from a turn that ended like this. */
const BROKEN_OFF: Readonly<Record<string, string>> = {
  max_tokens: 'was cut off at `maxTokens`; raise it or ask for less',
  refusal: 'is a refusal',
  stop_sequence: 'was cut off by a stop sequence',
  model_context_window_exceeded:
    "was cut off because the model's context window is full; allow fewer turns, or lower `maxResultLength`",
};

const WHOLE: ReadonlySet<string> = new Set(['end_turn', 'tool_use', 'pause_turn']);

function assertWhole(name: string, number: number, turn: Turn): void {
  const { stopReason } = turn;
  if (WHOLE.has(stopReason)) return;
  const why = Object.hasOwn(BROKEN_OFF, stopReason)
    ? BROKEN_OFF[stopReason]
    : `stopped for a reason that is not known here, \`${stopReason}\``;
  throw answerInvalid(name, { ...turn, text: textOf(turn) }, `${why} (turn ${number})`);
}
