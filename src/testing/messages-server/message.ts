/** A scripted answer as a message of the Messages API. */
import type { MessageAnswer } from './answers.ts';
import { countTokens, type MessagesRequestBody, tokensIn } from './request.ts';

export interface WireMessage {
  readonly content: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly usage: Readonly<Record<string, unknown>>;
  readonly stop_reason: string | null;
  readonly [key: string]: unknown;
}

export function messageOf(requestId: string, answer: MessageAnswer, body: MessagesRequestBody): WireMessage {
  const { json, text = JSON.stringify(json), toolCalls = [], thinking, blocks = [], stopDetails } = answer;
  const { stopReason = toolCalls.length > 0 ? 'tool_use' : 'end_turn', usage } = answer;
  const content = [
    ...blocks,
    ...(thinking === undefined ? [] : [{ type: 'thinking', thinking, signature: `signed_${requestId}` }]),
    ...(text === undefined ? [] : [{ type: 'text', text }]),
    ...toolCalls.map(({ id, name, input }, index) => ({
      type: 'tool_use',
      id: id ?? requestId.replace('req', `toolu_${index + 1}`),
      name,
      input,
    })),
  ];
  return {
    id: requestId.replace('req', 'msg'),
    type: 'message',
    role: 'assistant',
    model: body.model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details: stopDetails ? { type: 'refusal', category: null, explanation: null, ...stopDetails } : null,
    usage: usage ?? {
      input_tokens: countTokens(body),
      output_tokens: content.length === 0 ? 0 : outputTokens(content, text),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
    },
  };
}

function outputTokens(content: WireMessage['content'], text: string | undefined): number {
  return content.length === 1 && text !== undefined ? Math.ceil(text.length / 4) : tokensIn(content);
}
