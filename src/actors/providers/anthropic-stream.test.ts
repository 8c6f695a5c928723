/** Answers that are streamed: by the real SDK from a real server, and event by event. */
import { describe, expect, it } from 'vitest';

import { complete, failure, KEY, served } from '../../../test/support/anthropic-provider.ts';
import { encode } from '../../engine/codec.ts';
import type { FaultAnswer, MessageAnswer } from '../../testing/messages-server/index.ts';
import { anthropic } from './anthropic.ts';
import { createMessageDraft } from './anthropic-stream.ts';

const answer: MessageAnswer = {
  thinking: 'Whom shall I greet?',
  text: 'Grüße 👋 from the other side.',
  toolCalls: [{ name: 'wave', input: { hands: 2, to: ['you', '👋'] }, id: 'toolu_1' }],
};

describe('a streamed answer', () => {
  it('is what it would be in one piece, and is told of while it comes', async () => {
    const { provider, server } = await served(() => answer);
    const pieces: string[] = [];
    const streamed = await complete(provider, { onText: (piece) => pieces.push(piece) });
    const { requestId, response, ...whole } = await complete(provider);
    expect(streamed).toEqual({
      ...whole,
      requestId: 'req_local_1',
      response: JSON.parse(JSON.stringify(response).replaceAll('local_2', 'local_1')) as unknown,
      content: [
        { type: 'opaque', value: expect.objectContaining({ signature: 'signed_req_local_1' }) as unknown },
        ...whole.content.slice(1),
      ],
    });
    expect(requestId).toBe('req_local_2');
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join('')).toBe(answer.text);
    expect(server.requests.map(({ body }) => body['stream'])).toEqual([true, undefined]);
    expect(encode(streamed.response)).not.toContain(KEY);
  });

  it.each([
    ['max_tokens', {}],
    ['stop_sequence', {}],
    ['pause_turn', {}],
    ['refusal', { category: 'cyber', explanation: 'No.' }],
    ['model_context_window_exceeded', {}],
  ])('says why it stopped: %s', async (stopReason, stopDetails) => {
    const usage = { input_tokens: 3, output_tokens: 4, cache_read_input_tokens: 5 };
    const { provider } = await served(() => ({ text: 'Half', stopReason, stopDetails, usage }));
    const streamed = await complete(provider, { onText: () => {} });
    const { requestId: _, response: __, ...whole } = await complete(provider);
    expect(streamed).toMatchObject({ ...whole, stopReason, text: 'Half' });
    expect(streamed.usage).toEqual({ inputTokens: 3, outputTokens: 4, cacheReadTokens: 5 });
  });

  it.each([
    [21_333, undefined],
    [21_334, true],
    [128_000, true],
  ])('is what the SDK wants of %i tokens: %s', async (maxTokens, stream) => {
    const { provider, server } = await served(['Long']);
    const sent: unknown[] = [];
    const calling = complete(provider, { maxTokens, sent: (request) => sent.push(request) });
    await expect(calling).resolves.toMatchObject({ text: 'Long' });
    expect(server.requests[0]?.body['stream']).toBe(stream);
    expect(sent).toEqual([server.requests[0]?.body]);
  });

  it('comes whole from a client that does not stream', async () => {
    const message = { content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn' };
    const provider = anthropic({ client: { messages: { create: () => Promise.resolve(message) } } });
    await expect(complete(provider, { onText: () => {} })).resolves.toMatchObject({ text: 'Hi' });
  });
});

describe('a stream that breaks', () => {
  /** The last of them ends the message. */
  const events = 20;

  it.each(Array.from({ length: events }, (_, afterEvents) => afterEvents))(
    'after %i events is a failed call, however it breaks',
    async (afterEvents) => {
      const { provider, server } = await served([
        { ...answer, fault: 'cut', afterEvents },
        { ...answer, fault: 'unended', afterEvents },
        { ...answer, fault: 'malformed', afterEvents },
        { ...answer, fault: 'error', afterEvents },
      ]);
      const told: string[] = [];
      const onText = (piece: string) => told.push(piece);
      const whys = ['the answer was cut off', 'the answer was cut off', 'an event of the stream is not JSON'];
      for (const [index, why] of whys.entries()) {
        const { details, message } = await failure(provider, { onText });
        expect(details).toEqual({ kind: 'unreadable', retryable: true, requestId: `req_local_${index + 1}` });
        expect(message).toContain(why);
      }
      const overloaded = { kind: 'http', status: 529, retryable: true, requestId: 'req_local_4' };
      expect((await failure(provider, { onText })).details).toEqual(overloaded);
      expect(server.received).toBe(4);
    },
  );

  it('after the end of its message has done no harm', async () => {
    const faults: FaultAnswer['fault'][] = ['cut', 'unended', 'malformed', 'error'];
    const { provider } = await served(faults.map((fault) => ({ ...answer, fault, afterEvents: events })));
    for (const _ of faults) {
      await expect(complete(provider, { onText: () => {} })).resolves.toMatchObject({ text: answer.text });
    }
  });

  it.each([
    [400, false],
    [401, false],
    [413, false],
    [429, true],
    [500, true],
    [504, true],
    [529, true],
  ])('with an error event that stands for %i is retryable: %s', async (status, retryable) => {
    const { provider } = await served([{ fault: 'error', errorStatus: status }]);
    const error = await failure(provider, { onText: () => {} });
    expect(error.details).toEqual({ kind: 'http', status, retryable, requestId: 'req_local_1' });
    expect(error.message).toMatch(new RegExp(`failed: ${status} \\(\\w+\\): Scripted ${status}\\.`));
  });

  it('before it began fails as any call does', async () => {
    const { provider } = await served([{ status: 429, headers: { 'retry-after': '7' } }, { fault: 'reset' }]);
    const throttled = await failure(provider, { onText: () => {} });
    expect(throttled.details).toMatchObject({ status: 429, retryable: true, retryAfterMs: 7_000 });
    const reset = await failure(provider, { onText: () => {} });
    expect(reset.details).toEqual({ kind: 'connection', retryable: true });
  });

  it.each<[string, object | undefined, object, string]>([
    ['ends before it begins', undefined, { kind: 'unreadable' }, 'cut off'],
    [
      'has an error event of a type not known here',
      { name: 'APIError', message: '{}', type: 'sparkle_error', apiMessage: 'No sparkles.' },
      { kind: 'http' },
      'sparkle_error: No sparkles.',
    ],
    [
      'has an error event that is not JSON',
      { name: 'APIError', message: 'oops', type: null },
      { kind: 'http' },
      'oops',
    ],
    [
      'stays silent for too long',
      { name: 'TypeError', message: 'terminated', cause: withCode('UND_ERR_BODY_TIMEOUT') },
      { kind: 'timeout' },
      'did not come in time',
    ],
    [
      'fails in a way of its own',
      { name: 'Error', message: 'Who knows?' },
      { kind: 'unreadable' },
      'cut off',
    ],
  ])('is no answer if it %s', async (_, thrown, details, why) => {
    const provider = anthropic({ client: { messages: { create: () => Promise.resolve(breaking(thrown)) } } });
    const error = await failure(provider, { onText: () => {} });
    expect(error.details).toEqual({ ...details, retryable: true });
    expect(error.message).toContain(why);
  });

  async function* breaking(thrown: object | undefined) {
    await Promise.resolve();
    yield* [];
    if (thrown) throw Object.assign(new Error(), thrown);
  }

  function withCode(code: string): Error {
    return Object.assign(new Error('Timeout'), { code });
  }
});

describe('an abort in the middle of a stream', () => {
  it.each([
    ['that hangs', { ...answer, fault: 'hang', afterEvents: 9 }],
    ['that is slow', { text: 'word '.repeat(2_000), eventDelayMs: 1 }],
  ] as const)('%s rejects with its reason', async (_, slow) => {
    const { provider } = await served([slow]);
    const controller = new AbortController();
    const reason = new Error('The machine left the state.');
    const outcome = complete(provider, { signal: controller.signal, onText: () => controller.abort(reason) });
    await expect(outcome).rejects.toBe(reason);
  });
});

describe('who looks on', () => {
  it('and throws gets back what it threw, and no more text', async () => {
    const { provider } = await served([{ ...answer, fault: 'hang', afterEvents: 9 }]);
    const mistake = new TypeError('screen is undefined');
    let told = 0;
    const onText = () => {
      told++;
      throw mistake;
    };
    await expect(complete(provider, { onText })).rejects.toBe(mistake);
    expect(told).toBe(1);
  });
});

describe('a message put together from events', () => {
  const start = { type: 'message_start', message: { id: 'msg_1', content: [], usage: { input_tokens: 3 } } };
  const text = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } };
  const tool = { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', input: {} } };
  const hi = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } };
  const stop = { type: 'content_block_stop', index: 0 };
  const delta = (stop_reason: string) => ({ type: 'message_delta', delta: { stop_reason } });
  const end = { type: 'message_stop' };

  it.each<[string, unknown[]]>([
    ['is not an object', [start, null]],
    ['is a list', [start, []]],
    ['comes before the beginning', [text]],
    ['is a second beginning', [start, start]],
    ['is a beginning without a message', [{ type: 'message_start' }]],
    ['opens a block too far on', [start, { ...text, index: 1 }]],
    ['opens a block twice', [start, text, text]],
    ['opens no block', [start, { type: 'content_block_start', index: 0 }]],
    ['opens a text that is none', [start, { ...text, content_block: { type: 'text', text: 7 } }]],
    ['is for a block that was never opened', [start, hi]],
    ['is for a block that is closed', [start, text, stop, hi]],
    ['is for no block', [start, text, { ...hi, index: undefined }]],
    ['closes a block twice', [start, text, stop, stop]],
    ['has no delta', [start, text, { type: 'content_block_delta', index: 0 }]],
    ['has a text that is none', [start, text, { ...hi, delta: { type: 'text_delta', text: 7 } }]],
    ['has a text for a tool', [start, tool, hi]],
    ['has an input that is no text', [start, tool, { ...hi, delta: { type: 'input_json_delta' } }]],
    ['ends the message with a block open', [start, text, hi, end]],
    ['ends it with a tool call that is cut', [start, tool, input('{"id":'), stop, delta('tool_use'), end]],
  ])('is none when an event %s', (_, events) => {
    const draft = draftOf();
    for (const event of events.slice(0, -1)) draft.take(event);
    expect(() => draft.take(events.at(-1))).toThrow(/^broken: /);
    expect(draft.whole()).toBeUndefined();
  });

  it('passes over what it does not know, and what comes after the end', () => {
    const draft = draftOf();
    const unknown = { ...hi, delta: { type: 'sparkle_delta', sparkle: 1 } };
    for (const event of [
      start,
      { type: 'sparkle' },
      text,
      hi,
      unknown,
      stop,
      delta('end_turn'),
      end,
      start,
    ]) {
      draft.take(event);
    }
    expect(draft.whole()).toEqual({
      id: 'msg_1',
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 3 },
    });
  });

  it('takes the text that a block is opened with', () => {
    const told: string[] = [];
    const draft = draftOf((piece) => told.push(piece));
    const opened = { ...text, content_block: { type: 'text', text: 'Oh. ' } };
    for (const event of [start, opened, hi, stop, delta('end_turn'), end]) draft.take(event);
    expect(draft.whole()?.content).toEqual([{ type: 'text', text: 'Oh. Hi' }]);
    expect(told).toEqual(['Oh. ', 'Hi']);
  });

  it('shows what there is of a tool call that a limit has cut off', () => {
    const draft = draftOf();
    for (const event of [start, tool, input('{"id":'), stop, delta('max_tokens'), end]) draft.take(event);
    expect(draft.whole()).toMatchObject({
      content: [{ type: 'tool_use', input: '{"id":' }],
      stop_reason: 'max_tokens',
    });
  });

  it('keeps the sources of a text, and counts of the whole message', () => {
    const draft = draftOf();
    const source = (citation: string) => ({ ...hi, delta: { type: 'citations_delta', citation } });
    const counted = { ...delta('end_turn'), usage: { input_tokens: null, output_tokens: 9 } };
    for (const event of [start, text, hi, source('a'), source('b'), stop, counted, end]) draft.take(event);
    expect(draft.whole()).toMatchObject({
      content: [{ type: 'text', text: 'Hi', citations: ['a', 'b'] }],
      usage: { input_tokens: 3, output_tokens: 9 },
    });
  });

  function input(partial_json: string) {
    return { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json } };
  }
});

function draftOf(onText?: (piece: string) => void) {
  return createMessageDraft({ onText, unreadable: (what) => new Error(`broken: ${what}`) });
}
