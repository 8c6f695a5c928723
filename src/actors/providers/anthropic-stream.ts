/**
 * A streamed message of the Messages API, put together from its events.
 * https://platform.claude.com/docs/en/build-with-claude/streaming
 *
 * The SDK can do this too, but completes a tool's input that was cut in the middle as best it can, and takes blocks that
 * were never closed. Here a message is whole or there is none.
 *
 * I1. A message is given only after `message_stop`, with every block closed and every input of a finished call parsed.
 * I2. What `onText` was told, joined, is the text of the message.
 */

export interface MessageDraft {
  /** Throws `unreadable` at an event that cannot be. Events of unknown types are passed over, as the API asks. */
  take(event: unknown): void;
  /** The message in the form in which it would have come in one piece, or undefined if it has not ended. */
  whole(): StreamedMessage | undefined;
}

export type StreamedMessage = Readonly<Record<string, unknown>> & { readonly content: readonly Fields[] };

export interface MessageDraftOptions {
  readonly onText?: ((delta: string) => void) | undefined;
  /** Makes the error. */
  readonly unreadable: (what: string) => Error;
}

type Fields = Record<string, unknown>;

interface DraftBlock {
  readonly fields: Fields;
  /** The input of a tool so far. */
  json: string;
  open: boolean;
}

/** Stop reasons of a model that has written all it wanted to. */
const FINISHED: ReadonlySet<unknown> = new Set(['end_turn', 'tool_use', 'stop_sequence']);

export function createMessageDraft({ onText, unreadable }: MessageDraftOptions): MessageDraft {
  let message: Fields | undefined;
  let ended = false;
  const blocks: DraftBlock[] = [];

  const blockOf = ({ index }: Fields): DraftBlock => {
    const block = typeof index === 'number' ? blocks[index] : undefined;
    if (!block?.open)
      throw unreadable(`the stream has an event for block ${String(index)}, which is not open`);
    return block;
  };

  const begin = (event: Fields): void => {
    if (message) throw unreadable('the stream has two beginnings');
    message = { ...fieldsOf(event['message'], 'message_start'), content: [] };
  };

  const openBlock = (event: Fields): void => {
    const fields = { ...fieldsOf(event['content_block'], 'content_block_start') };
    if (event['index'] !== blocks.length) throw unreadable('the stream has its blocks out of order');
    blocks.push({ fields, json: '', open: true });
    if (fields['type'] !== 'text') return;
    const { text = '' } = fields;
    if (typeof text !== 'string') throw unreadable('the stream has a text that is none');
    if (text !== '') onText?.(text);
  };

  const grow = (block: DraftBlock, delta: Fields): void => {
    const { fields } = block;
    const append = (field: string, ofType: string): string => {
      const piece = delta[field];
      if (typeof piece !== 'string' || fields['type'] !== ofType) {
        throw unreadable(`the stream has a \`${String(delta['type'])}\` that does not fit its block`);
      }
      fields[field] = `${(fields[field] as string | undefined) ?? ''}${piece}`;
      return piece;
    };
    switch (delta['type']) {
      case 'text_delta': {
        const piece = append('text', 'text');
        onText?.(piece);
        return;
      }
      case 'thinking_delta':
        append('thinking', 'thinking');
        return;
      case 'signature_delta':
        fields['signature'] = delta['signature'];
        return;
      case 'citations_delta':
        fields['citations'] = [
          ...((fields['citations'] as unknown[] | null | undefined) ?? []),
          delta['citation'],
        ];
        return;
      case 'input_json_delta':
        if (typeof delta['partial_json'] !== 'string')
          throw unreadable('the stream has an input that is not text');
        block.json += delta['partial_json'];
    }
  };

  const inputOf = (json: string, stopReason: unknown): unknown => {
    try {
      return JSON.parse(json) as unknown;
    } catch {
      if (FINISHED.has(stopReason)) throw unreadable('the input of a tool call is not JSON');
      // Cut off by a limit: what there is of it is shown as it is.
      return json;
    }
  };

  const end = (): void => {
    if (blocks.some(({ open }) => open)) throw unreadable('the stream ends with a block that is not closed');
    const draft = message as Fields;
    draft['content'] = blocks.map(({ fields, json }) =>
      json === '' ? fields : { ...fields, input: inputOf(json, draft['stop_reason']) },
    );
    ended = true;
  };

  const fieldsOf = (value: unknown, where: string): Fields => {
    if (!isFields(value)) throw unreadable(`the stream has a \`${where}\` that is not complete`);
    return value;
  };

  return {
    take(event) {
      if (ended) return;
      if (!isFields(event)) throw unreadable('the stream has an event that is not an object');
      const { type } = event;
      if (type === 'message_start') return begin(event);
      if (!message) throw unreadable(`the stream begins with \`${String(type)}\``);
      switch (type) {
        case 'content_block_start':
          return openBlock(event);
        case 'content_block_delta':
          return grow(blockOf(event), fieldsOf(event['delta'], type));
        case 'content_block_stop':
          blockOf(event).open = false;
          return;
        case 'message_delta':
          Object.assign(message, fieldsOf(event['delta'], type));
          if (isFields(event['usage'])) {
            message['usage'] = { ...(message['usage'] as Fields | undefined), ...present(event['usage']) };
          }
          return;
        case 'message_stop':
          end();
      }
    },
    whole: () => (ended ? (message as unknown as StreamedMessage) : undefined),
  };
}

/** Counts are of the whole message; those that do not apply are left out, or null. */
function present(usage: Fields): Fields {
  return Object.fromEntries(Object.entries(usage).filter(([, count]) => count != null));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
