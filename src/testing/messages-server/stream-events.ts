/** The server-sent events in which the Messages API streams a message. https://platform.claude.com/docs/en/build-with-claude/streaming */
import type { WireMessage } from './send-answer.ts';

export interface StreamEvent {
  /** As it goes over the wire. */
  readonly text: string;
}

const pieceLength = 12;

export function eventsOf(message: WireMessage): StreamEvent[] {
  const { content, stop_reason, stop_sequence, stop_details, usage, ...start } = message;
  const events = [
    event('message_start', {
      message: {
        ...start,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...usage, output_tokens: 1 },
      },
    }),
    event('ping', {}),
  ];
  for (const [index, block] of content.entries()) {
    const { opened, deltas } = inPieces(block);
    events.push(
      event('content_block_start', { index, content_block: opened }),
      ...deltas.map((delta) => event('content_block_delta', { index, delta })),
      event('content_block_stop', { index }),
    );
  }
  events.push(
    event('message_delta', { delta: { stop_reason, stop_sequence, stop_details }, usage }),
    event('message_stop', {}),
  );
  return events;
}

type Block = Readonly<Record<string, unknown>>;

function inPieces(block: Block): { opened: Block; deltas: Block[] } {
  switch (block['type']) {
    case 'text':
      return {
        opened: { ...block, text: '' },
        deltas: pieces(String(block['text'])).map((text) => ({ type: 'text_delta', text })),
      };
    case 'tool_use':
      return {
        opened: { ...block, input: {} },
        deltas: pieces(JSON.stringify(block['input'])).map((partial_json) => ({
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
function pieces(text: string): string[] {
  const characters = [...text];
  return Array.from({ length: Math.ceil(characters.length / pieceLength) }, (_, index) =>
    characters.slice(index * pieceLength, (index + 1) * pieceLength).join(''),
  );
}

function event(type: string, data: Block): StreamEvent {
  return { text: `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n` };
}
