import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it, onTestFinished } from 'vitest';

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

describe('a stream', () => {
  it('comes in pieces that add up to the message', async () => {
    const answer = {
      text: 'Grüße 👋 from the other side.',
      blocks: [{ type: 'thinking', thinking: 'Whom shall I greet?', signature: 'sig' }],
      toolCalls: [{ name: 'wave', input: { hands: 2, to: ['you', 'me'] } }],
    };
    const { client } = await served([answer, answer]);
    const whole = await client.messages.create(hello);
    const stream = client.messages.stream(hello);
    const texts: string[] = [];
    stream.on('text', (delta) => texts.push(delta));
    const streamed = await stream.finalMessage();
    expect(texts.length).toBeGreaterThan(2);
    expect(texts.join('')).toBe(answer.text);
    const { id: _, content, ...rest } = whole;
    expect({ ...streamed, content: undefined }).toMatchObject({
      ...rest,
      content: undefined,
      id: 'msg_local_2',
    });
    expect(streamed.content.map((block) => ({ ...block, id: 'any' }))).toMatchObject(
      content.map((block) => ({ ...block, id: 'any' })),
    );
    expect(stream.request_id).toBe('req_local_2');
  });

  it.each([1, 2, 3, 4, 6, 7])('may be cut after %i events', async (afterEvents) => {
    const { client } = await served([{ fault: 'cut', afterEvents }]);
    await expect(client.messages.stream(hello).finalMessage()).rejects.toThrow(Error);
  });

  it.each(['malformed', 'error', 'unended'] as const)('may be %s', async (fault) => {
    const { client } = await served([{ fault }]);
    await expect(client.messages.stream(hello).finalMessage()).rejects.toThrow(Error);
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
    expect(server.requests).toEqual([]);
  });
});

async function served(answers: MessagesServerOptions['answers'], { surprises = 0 } = {}) {
  const server = await createMessagesServer({ answers });
  onTestFinished(async () => {
    await server.close();
    expect(server.unexpected).toHaveLength(surprises);
  });
  return { server, client: clientOf(server.url) };
}

function clientOf(baseURL: string): Anthropic {
  return new Anthropic({ baseURL, apiKey: 'any', maxRetries: 0, logLevel: 'off' });
}
