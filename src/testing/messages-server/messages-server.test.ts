import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { createMessagesServer, type MessagesServerOptions } from './index.ts';

const hello = {
  model: 'claude-haiku-5-5',
  max_tokens: 10,
  messages: [{ role: 'user' as const, content: 'Hello' }],
};

describe('the messages server', () => {
  it('answers the real SDK in the order of its list, and keeps the requests', async () => {
    const { client, server } = await served(['One', { json: { two: 2 } }]);
    const first = await client.messages.create(hello);
    const second = await client.messages.create({ ...hello, max_tokens: 20 });
    expect([first.content, second.content]).toEqual([
      [{ type: 'text', text: 'One' }],
      [{ type: 'text', text: '{"two":2}' }],
    ]);
    expect([first._request_id, second._request_id]).toEqual(['req_local_1', 'req_local_2']);
    expect(first.usage.input_tokens).toBeGreaterThan(0);
    expect(first.usage.output_tokens).toBe(1);
    expect(server.requests.map(({ body }) => body.max_tokens)).toEqual([10, 20]);
  });

  it('answers by a function of the body, late if it likes', async () => {
    const { client } = await served(async ({ messages }, index) => {
      await Promise.resolve();
      return `${index}: ${String(messages[0]?.content)}`;
    });
    expect((await client.messages.create(hello)).content).toEqual([{ type: 'text', text: '0: Hello' }]);
  });

  it.each([429, 500, 529])('answers %i with headers', async (status) => {
    const { client } = await served([{ status, message: 'Wait.', headers: { 'retry-after': '7' } }]);
    const error = await client.messages.create(hello).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect(error).toMatchObject({ status, apiMessage: 'Wait.', requestID: 'req_local_1' });
    expect((error as InstanceType<typeof Anthropic.APIError>).headers?.get('retry-after')).toBe('7');
  });

  it.each([
    ['reset', Anthropic.APIConnectionError],
    ['cut', TypeError],
    ['malformed', SyntaxError],
  ] as const)('can fail with a fault: %s', async (fault, errorClass) => {
    const { client } = await served([{ fault }]);
    await expect(client.messages.create(hello)).rejects.toThrow(errorClass);
  });

  it('ends a call that it left hanging when it is closed', async () => {
    const server = await createMessagesServer({
      answers: () => {
        setImmediate(() => void server.close());
        return { fault: 'hang' };
      },
    });
    await expect(clientOf(server.url).messages.create(hello)).rejects.toThrow(Anthropic.APIConnectionError);
  });

  it.each<[string, MessagesServerOptions['answers'], string]>([
    ['the list has no answer to', [], 'the script has no answer'],
    ['the script knows nothing of', () => undefined, 'the script has no answer'],
    ['the script throws on', () => Promise.reject(new Error('Who asks?')), 'Who asks?'],
  ])('answers 500 to a request that %s, and remembers it', async (_, answers, why) => {
    const { client, server } = await served(answers, { surprises: 1 });
    await expect(client.messages.create(hello)).rejects.toThrow(`500 `);
    expect(server.unexpected).toEqual([
      expect.stringMatching(`Request 1 was not expected: .*${why.slice(4)}`),
    ]);
  });

  it.each([
    ['another path', '/v1/complete', '{}'],
    ['a body that is not JSON', '/v1/messages', '{'],
    ['a body without messages', '/v1/messages', '{"model":"m","max_tokens":1}'],
  ])('refuses %s, and remembers it', async (_, path, body) => {
    const { server } = await served(['never given'], { surprises: 1 });
    const response = await fetch(server.url + path, { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: server.unexpected[0] },
      request_id: 'req_local_refused',
    });
    expect(server.requests).toEqual([]);
  });
});

describe('a scripted message', () => {
  it('has thinking, blocks, text and tool calls in the order of the API', async () => {
    const { client } = await served([
      {
        blocks: [{ type: 'redacted_thinking', data: 'x' }],
        thinking: 'Hm',
        text: 'Let me see.',
        toolCalls: [
          { name: 'lookUp', input: { id: 7 } },
          { name: 'lookUp', input: {}, id: 'toolu_mine' },
        ],
      },
    ]);
    const { content, stop_reason, usage } = await client.messages.create(hello);
    expect(content).toEqual([
      { type: 'redacted_thinking', data: 'x' },
      { type: 'thinking', thinking: 'Hm', signature: 'signed_req_local_1' },
      { type: 'text', text: 'Let me see.' },
      { type: 'tool_use', id: 'toolu_1_local_1', name: 'lookUp', input: { id: 7 } },
      { type: 'tool_use', id: 'toolu_mine', name: 'lookUp', input: {} },
    ]);
    expect(stop_reason).toBe('tool_use');
    expect(usage.output_tokens).toBeGreaterThan(20);
  });

  it.each(['max_tokens', 'refusal', 'pause_turn', null])('stops as it is told: %s', async (stopReason) => {
    const stopDetails = { category: 'cyber' };
    const { client } = await served([{ stopReason, stopDetails }]);
    await expect(client.messages.create(hello)).resolves.toMatchObject({
      content: [],
      stop_reason: stopReason,
      stop_details: { type: 'refusal', category: 'cyber', explanation: null },
      usage: { output_tokens: 0 },
    });
  });
});

describe('what is kept', () => {
  it('may be the first few, or nothing, while all are counted', async () => {
    const { client, server } = await served(() => 'Hi', { keep: 2 });
    for (const max_tokens of [1, 2, 3]) await client.messages.create({ ...hello, max_tokens });
    expect(server.requests.map(({ body }) => body.max_tokens)).toEqual([1, 2]);
    expect(server.received).toBe(3);
  });
});

describe('a wait', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([
    ['for the first byte', { text: 'Late', delayMs: 60_000 }],
    ['for an error', { status: 529, delayMs: 60_000 }],
    ['for a fault', { fault: 'reset', delayMs: 60_000 }],
    ['between events', { text: 'Late', eventDelayMs: 60_000 }],
  ] as const)('%s ends when the client goes', async (_, answer) => {
    const controller = new AbortController();
    const { client } = await served(() => {
      setImmediate(() => controller.abort());
      return answer;
    });
    const set = vi.spyOn(globalThis, 'setTimeout');
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    const { signal } = controller;
    await expect(client.messages.stream(hello, { signal }).finalMessage()).rejects.toThrow('aborted');
    const timer = set.mock.results[set.mock.calls.findIndex(([, ms]) => ms === 60_000)];
    expect(timer).toBeDefined();
    await vi.waitFor(() => expect(cleared).toHaveBeenCalledWith(timer?.value));
  });

  it('is as long as the script says', async () => {
    const { client } = await served([{ text: 'Two and more.', delayMs: 15, eventDelayMs: 5 }]);
    const before = performance.now();
    await client.messages.stream(hello).finalMessage();
    // A timer may be a millisecond early.
    expect(performance.now() - before).toBeGreaterThan(14 + 8 * 4);
  });
});

describe('a stream', () => {
  it('has the events of the API, in its order', async () => {
    const { server } = await served([
      { thinking: 'Hm', text: 'Good morning!', toolCalls: [{ name: 'wave', input: { hands: 2 }, id: 't' }] },
    ]);
    const response = await fetch(`${server.url}/v1/messages`, {
      method: 'POST',
      body: JSON.stringify({ ...hello, stream: true }),
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('request-id')).toBe('req_local_1');
    const events = (await response.text()).trimEnd().split('\n\n').map(parseEvent);
    expect(events.every(({ event, data }) => event === data.type)).toBe(true);
    const deltas = events.map(({ event, data }) => data.delta?.type ?? event);
    expect(deltas).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'thinking_delta',
      'signature_delta',
      'content_block_stop',
      'content_block_start',
      'text_delta',
      'text_delta',
      'content_block_stop',
      'content_block_start',
      'input_json_delta',
      'input_json_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(events[0]?.data).toMatchObject({
      message: { id: 'msg_local_1', content: [], stop_reason: null, usage: { output_tokens: 1 } },
    });
    expect(events[10]?.data).toMatchObject({ index: 2, content_block: { id: 't', input: {} } });
    expect(events[11]?.data.delta).toEqual({ type: 'input_json_delta', partial_json: '' });
    expect(events[14]?.data).toMatchObject({ delta: { stop_reason: 'tool_use', stop_sequence: null } });
  });

  it('comes in pieces that add up to the message, as the SDK has it', async () => {
    const answer = {
      text: 'Grüße 👋 from the other side.',
      thinking: 'Whom shall I greet?',
      toolCalls: [{ name: 'wave', input: { hands: 2, to: ['you', 'me'] }, id: 't' }],
    };
    const { client } = await served(() => answer);
    const stream = client.messages.stream(hello);
    const texts: string[] = [];
    stream.on('text', (delta) => texts.push(delta));
    const streamed = await stream.finalMessage();
    expect(texts).toEqual(['Grüße 👋 from', ' the other s', 'ide.']);
    expect(stream.request_id).toBe('req_local_1');
    const whole = await client.messages.create(hello);
    const asSecond = JSON.parse(JSON.stringify(streamed).replaceAll('local_1', 'local_2')) as unknown;
    expect(asSecond).toMatchObject(JSON.parse(JSON.stringify(whole)) as object);
  });

  it.each([
    ['cut', 'cut off'],
    ['unended', 'in order'],
    ['malformed', 'in order'],
    ['error', 'in order'],
  ] as const)('may be %s after so many events, and ends %s', async (fault, ending) => {
    for (const afterEvents of [0, 1, 6]) {
      const { server } = await served([{ fault, afterEvents }]);
      const response = await fetch(`${server.url}/v1/messages`, {
        method: 'POST',
        body: JSON.stringify({ ...hello, stream: true }),
      });
      let body = '';
      const reading = (async () => {
        for await (const chunk of response.body ?? []) body += Buffer.from(chunk as Uint8Array).toString();
      })();
      await (ending === 'in order' ? reading : expect(reading).rejects.toThrow('terminated'));
      const whole = body.split('\n\n').slice(0, afterEvents).map(parseEvent);
      expect(whole.map(({ event }) => event)).toEqual(
        [
          'message_start',
          'content_block_start',
          'ping',
          'content_block_delta',
          'content_block_delta',
          'content_block_delta',
        ].slice(0, afterEvents),
      );
      const rest = body.split('\n\n').slice(afterEvents).join('\n\n');
      expect(rest).toMatch(
        {
          cut: /"content_bl$/,
          unended: /^$/,
          malformed: /data: \{"type":\n\n$/,
          error: /^event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error"/,
        }[fault],
      );
    }
  });

  it.each([
    ['error', Anthropic.APIError],
    ['unended', SyntaxError],
  ] as const)('is none where none was asked for: %s', async (fault, errorClass) => {
    const { client } = await served([{ fault, errorStatus: 429 }]);
    await expect(client.messages.create(hello)).rejects.toThrow(errorClass);
  });

  function parseEvent(text: string): { event: string; data: { type: string; delta?: { type?: string } } } {
    const [event = '', data = ''] = text.split('\n');
    return {
      event: event.replace(/^event: /, ''),
      data: JSON.parse(data.replace(/^data: /, '')) as { type: string },
    };
  }
});

describe('a conversation with tools', () => {
  const called = {
    role: 'assistant' as const,
    content: [{ type: 'tool_use' as const, id: 't', name: 'n', input: {} }],
  };
  const result = { type: 'tool_result' as const, tool_use_id: 't', content: 'ok' };

  it('goes on with the result of each call', async () => {
    const { client } = await served(['Done']);
    const messages = [...hello.messages, called, { role: 'user' as const, content: [result] }];
    await expect(client.messages.create({ ...hello, messages })).resolves.toBeDefined();
  });

  it.each([
    ['no message', []],
    ['words', [{ role: 'user' as const, content: 'What now?' }]],
    ["another call's result", [{ role: 'user' as const, content: [{ ...result, tool_use_id: 'u' }] }]],
  ])('is refused, as the API would, when the call is followed by %s', async (_, next) => {
    const { client, server } = await served([], { surprises: 1 });
    const messages = [...hello.messages, called, ...next];
    await expect(client.messages.create({ ...hello, messages })).rejects.toThrow('400');
    expect(server.unexpected[0]).toContain('`t`');
  });
});

describe('a count of tokens', () => {
  it('is answered by the length of what is asked', async () => {
    const { client, server } = await served([]);
    const { max_tokens: _, ...asked } = hello;
    const { input_tokens: short } = await client.messages.countTokens(asked);
    const { input_tokens: long } = await client.messages.countTokens({ ...asked, system: 'x'.repeat(4_000) });
    expect(short).toBeGreaterThan(0);
    expect(long - short).toBeGreaterThan(990);
    expect(server.received).toBe(0);
  });

  it('takes a file for what its picture may cost, not for its bytes', async () => {
    const { client } = await served([]);
    const source = { type: 'base64' as const, media_type: 'image/png' as const, data: 'x'.repeat(1_000_000) };
    const messages = [{ role: 'user' as const, content: [{ type: 'image' as const, source }] }];
    const { input_tokens } = await client.messages.countTokens({ model: hello.model, messages });
    expect(input_tokens).toBeGreaterThan(1_000);
    expect(input_tokens).toBeLessThan(2_000);
  });
});

async function served(
  answers: MessagesServerOptions['answers'],
  { surprises = 0, ...options }: { surprises?: number; keep?: number } = {},
) {
  const server = await createMessagesServer({ answers, ...options });
  onTestFinished(async () => {
    await server.close();
    expect(server.unexpected).toHaveLength(surprises);
  });
  return { server, client: clientOf(server.url) };
}

function clientOf(baseURL: string): Anthropic {
  return new Anthropic({ baseURL, apiKey: 'any', maxRetries: 0, logLevel: 'off' });
}
