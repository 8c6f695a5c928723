/**
 * The server-sent events in which the Messages API streams a message.
 * https://platform.claude.com/docs/en/build-with-claude/streaming
 */
import type { WireMessage } from './message.ts';

/** Each as it goes over the wire. Put together by their rules they are the message. */
export function streamEvents(message: WireMessage): string[] {
  const { content, stop_reason, stop_sequence, stop_details, usage, ...rest } = message;
  const start = { ...rest, content: [], stop_reason: null, stop_sequence: null, stop_details: null };
  const events = [
    streamEvent('message_start', { message: { ...start, usage: { ...usage, output_tokens: 1 } } }),
  ];
  for (const [index, block] of content.entries()) {
    const { opened, deltas } = inPieces(block);
    events.push(streamEvent('content_block_start', { index, content_block: opened }));
    if (index === 0) events.push(streamEvent('ping'));
    for (const delta of deltas) events.push(streamEvent('content_block_delta', { index, delta }));
    events.push(streamEvent('content_block_stop', { index }));
  }
  events.push(
    streamEvent('message_delta', { delta: { stop_reason, stop_sequence, stop_details }, usage }),
    streamEvent('message_stop'),
  );
  return events;
}

export function streamEvent(type: string, data: Readonly<Record<string, unknown>> = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}

type Block = Readonly<Record<string, unknown>>;

function inPieces(block: Block): { readonly opened: Block; readonly deltas: readonly Block[] } {
  switch (block['type']) {
    case 'text':
      return {
        opened: { ...block, text: '' },
        deltas: pieces(String(block['text'])).map((text) => ({ type: 'text_delta', text })),
      };
    case 'tool_use':
      return {
        opened: { ...block, input: {} },
        // The first is always empty.
        deltas: ['', ...pieces(JSON.stringify(block['input']))].map((partial_json) => ({
          type: 'input_json_delta',
          partial_json,
        })),
      };
    case 'thinking':
      return {
        opened: { ...block, thinking: '', signature: '' },
        deltas: [
          ...pieces(String(block['thinking'])).map((thinking) => ({ type: 'thinking_delta', thinking })),
          { type: 'signature_delta', signature: block['signature'] },
        ],
      };
    default:
      return { opened: block, deltas: [] };
  }
}

/** By code points, so that no character is torn. */
function pieces(text: string): readonly string[] {
  return text.match(/[^]{1,12}/gu) ?? [];
}
