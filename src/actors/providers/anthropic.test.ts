/** The real SDK against a local server. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { clientOf, complete, failure, KEY, served } from '../../../test/support/anthropic-provider.ts';
import { decode, encode } from '../../engine/codec.ts';
import { InvalidOption, ModelCallFailed } from '../../errors.ts';
import { createMessagesServer } from '../../testing/messages-server/index.ts';
import { anthropic } from './anthropic.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a call that succeeds', () => {
  it('gives the text, tokens, request id and raw response', async () => {
    const usage = {
      input_tokens: 9,
      output_tokens: 5,
      cache_read_input_tokens: 3,
      cache_creation_input_tokens: 2,
    };
    const { provider } = await served([{ text: 'Hi there', usage }]);
    await expect(complete(provider)).resolves.toEqual({
      text: 'Hi there',
      content: [{ type: 'text', text: 'Hi there' }],
      stopReason: 'end_turn',
      usage: { inputTokens: 9, outputTokens: 5, cacheReadTokens: 3, cacheWriteTokens: 2 },
      requestId: 'req_local_1',
      model: 'claude-haiku-5-5',
      response: expect.objectContaining({ id: 'msg_local_1', usage }) as unknown,
    });
  });

  it('puts on record exactly what was sent, which is neither the input nor a header', async () => {
    const { provider, server } = await served(['Hi']);
    const sent = vi.fn<(request: unknown) => void>();
    await complete(provider, { sent });
    expect(sent.mock.calls).toEqual([[server.requests[0]?.body]]);
    expect(server.requests[0]?.body).toEqual({
      model: 'claude-haiku-5-5',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Hello' }],
    });
  });

  it('joins the text of several blocks and passes over what is not text, and makes do without usage, model and request id', async () => {
    const content = [
      { type: 'thinking', thinking: 'Hm', signature: 's' },
      { type: 'text', text: 'Hi ' },
      { type: 'text', text: 'there' },
    ];
    const message = { type: 'message', role: 'assistant', content, stop_reason: 'end_turn' };
    const provider = anthropic({ client: { messages: { create: () => Promise.resolve(message) } } });
    await expect(complete(provider)).resolves.toEqual({
      text: 'Hi there',
      content: [
        { type: 'opaque', value: content[0] },
        { type: 'text', text: 'Hi ' },
        { type: 'text', text: 'there' },
      ],
      stopReason: 'end_turn',
      model: 'claude-haiku-5-5',
      response: message,
    });
  });

  it('sends the part of a schema that the API takes, whatever stands at its root', async () => {
    const { provider, server } = await served(['"a"', '[1]']);
    await complete(provider, { schema: { type: 'string', enum: ['a', 'b'] } });
    await complete(provider, {
      schema: { type: 'array', items: { type: 'integer', minimum: 0 }, maxItems: 3 },
    });
    expect(server.requests.map(({ body }) => body.output_config?.format?.schema)).toEqual([
      { enum: ['a', 'b'] },
      {
        type: 'array',
        items: { type: 'integer', description: '{minimum: 0}' },
        description: '{maxItems: 3}',
      },
    ]);
  });
});

describe('an HTTP error', () => {
  it.each([
    [400, false, 'invalid_request_error'],
    [401, false, 'authentication_error'],
    [404, false, 'not_found_error'],
    [408, true, 'api_error'],
    [429, true, 'rate_limit_error'],
    [500, true, 'api_error'],
    [529, true, 'overloaded_error'],
  ])('%i is a failed call, retryable: %s, and the SDK does not retry it', async (status, retryable, type) => {
    const { provider, server } = await served(() => ({ status, message: 'No luck.' }));
    const error = await failure(provider);
    expect(error.details).toEqual({ kind: 'http', status, retryable, requestId: 'req_local_1' });
    expect(error.message).toContain(`${status} (${type}): No luck.`);
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after-ms': '1500', 'retry-after': '7' }, 1_500],
    [{ 'retry-after': 'Thu, 01 Jan 2015 00:00:00 GMT' }, 0],
  ])('says how long to wait: %o', async (headers, retryAfterMs) => {
    const { provider } = await served([{ status: 429, headers }]);
    expect((await failure(provider)).details).toMatchObject({ status: 429, retryAfterMs });
  });

  it('says how long to wait until a date', async () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    const { provider } = await served([{ status: 429, headers: { 'retry-after': inAMinute } }]);
    const { retryAfterMs } = (await failure(provider)).details;
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('passes over a wait that is no number', async () => {
    const { provider } = await served([{ status: 429, headers: { 'retry-after': 'soon' } }]);
    expect((await failure(provider)).details).not.toHaveProperty('retryAfterMs');
  });

  it.each(['true', 'false'])('is retryable as the API says: %s', async (overruled) => {
    const { provider } = await served([{ status: 418, headers: { 'x-should-retry': overruled } }]);
    expect((await failure(provider)).details).toMatchObject({ retryable: overruled === 'true' });
  });

  it('that quotes the key does not get it into the error', async () => {
    const { provider } = await served([{ status: 401, message: `Incorrect API key: ${KEY}` }]);
    const error = await failure(provider);
    expect(error.message).toContain('Incorrect API key: [key]');
    expect(encode(error)).not.toContain(KEY);
  });
});

describe('a call without an answer', () => {
  it.each([
    ['the connection is reset', { fault: 'reset' }, 'connection'],
    ['the body is cut', { fault: 'cut' }, 'unreadable'],
    ['the body is not JSON', { fault: 'malformed' }, 'unreadable'],
  ] as const)('fails when %s, and may be made again', async (_, fault, kind) => {
    const { provider, server } = await served(() => fault);
    const error = await failure(provider);
    expect(error.details).toEqual({ kind, retryable: true });
    expect(error.message).toMatch(/^The call to Anthropic's API failed: (the|what) /);
    expect(server.requests).toHaveLength(1);
  });

  it('fails when nobody listens', async () => {
    const server = await createMessagesServer({ answers: [] });
    await server.close();
    const error = await failure(anthropic({ client: clientOf(server.url) }));
    expect(error.details).toEqual({ kind: 'connection', retryable: true });
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('fails when none comes in time', async () => {
    const { server } = await served([{ fault: 'hang' }]);
    const client = new Anthropic({ baseURL: server.url, apiKey: KEY, timeout: 20 });
    expect((await failure(anthropic({ client }))).details).toEqual({ kind: 'timeout', retryable: true });
  });

  it('fails when its rest does not come in time, for which the SDK sets no limit', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = new Anthropic({ baseURL, apiKey: KEY, timeout: 100, logLevel: 'off' });
    const error = await failure(anthropic({ client }));
    expect(error.details).toEqual({ kind: 'timeout', retryable: true });
    expect(error.message).toContain('no answer came in time');
  });

  it('says how long it waits: not, where the answer is streamed', () => {
    const form = { maxTokens: 1_000, stream: false };
    const client = new Anthropic({ apiKey: KEY, timeout: 2_000 });
    expect(anthropic({ client }).timeoutMs?.(form)).toBe(2_000);
    expect(anthropic({ client }).timeoutMs?.({ ...form, stream: true })).toBe(Infinity);
    expect(anthropic({ client }).timeoutMs?.({ ...form, maxTokens: 30_000 })).toBe(Infinity);
    const untimed = { messages: { create: () => Promise.resolve({}) } };
    expect(anthropic({ client: untimed }).timeoutMs?.(form)).toBe(Infinity);
    // What the SDK waits for if it is not told.
    expect(anthropic().timeoutMs?.(form)).toBe(new Anthropic({ apiKey: KEY }).timeout);
  });

  it('fails when the answer is something else', async () => {
    const provider = anthropic({ client: { messages: { create: () => Promise.resolve('<html>') } } });
    expect((await failure(provider)).details).toEqual({ kind: 'unreadable', retryable: true });
  });

  it('fails for good when the SDK refuses to send it', async () => {
    const { provider, server } = await served([]);
    // Of this model the SDK wants shorter answers streamed than of others.
    const error = await failure(provider, { model: 'claude-opus-4@20250514', maxTokens: 10_000 });
    expect(error.details).toEqual({ kind: 'refused-to-send', retryable: false });
    expect(error.message).toContain('Streaming is required');
    expect(server.requests).toEqual([]);
  });

  it('fails for good when the API cannot be given the schema', async () => {
    const { provider, server } = await served([]);
    const error = await failure(provider, { schema: { description: 'anything' } });
    expect(error.details).toEqual({ kind: 'refused-to-send', retryable: false });
    expect(error.message).toContain('schema of `greet`');
    expect(server.requests).toEqual([]);
  });

  it('fails for good when the base URL is none', async () => {
    const error = await failure(anthropic({ client: clientOf('no url') }));
    expect(error.details).toEqual({ kind: 'refused-to-send', retryable: false });
    expect(error.message).toContain('Invalid URL');
  });

  it('fails with what a store can carry', async () => {
    const { provider } = await served([
      { status: 429 },
      { fault: 'reset' },
      { fault: 'cut' },
      { fault: 'malformed' },
    ]);
    for (let index = 0; index < 4; index++) {
      const error = await failure(provider);
      const restored = decode(encode(error)) as ModelCallFailed;
      expect(restored).toBeInstanceOf(ModelCallFailed);
      expect([restored.message, restored.details]).toEqual([error.message, error.details]);
      expect((restored.cause as Error).message).toBe((error.cause as Error).message);
    }
  });
});

describe('an abort', () => {
  it('before the call rejects with its reason, and nothing is sent', async () => {
    const { provider, server } = await served([]);
    const reason = new Error('The run was cancelled.');
    await expect(complete(provider, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.received).toBe(0);
  });

  it('in flight rejects with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('The machine left the state.');
    const { provider } = await served(() => {
      controller.abort(reason);
      return { fault: 'hang' };
    });
    await expect(complete(provider, { signal: controller.signal })).rejects.toBe(reason);
  });
});

describe('the environment', () => {
  it('gives key and base URL, read at the call', async () => {
    const provider = anthropic();
    const { server } = await served(['Hi']);
    vi.stubEnv('ANTHROPIC_API_KEY', KEY);
    vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
    await complete(provider);
    expect(
      server.requests[0]?.headers['authorization'] ?? server.requests[0]?.headers['x-api-key'],
    ).toContain(KEY);
  });

  it('needs no key where it has a base URL', async () => {
    const { server } = await served(['Hi']);
    vi.stubEnv('ANTHROPIC_API_KEY', '');
    vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
    await expect(complete(anthropic())).resolves.toMatchObject({ text: 'Hi' });
  });

  it('has the SDK print nothing of what it cannot read', async () => {
    const { server } = await served([{ fault: 'malformed' }]);
    vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
    const error = await failure(anthropic(), { onText: () => {} });
    expect(error.details).toMatchObject({ kind: 'unreadable' });
  });

  it('may change between calls', async () => {
    const provider = anthropic();
    const { server: first } = await served(['First', 'First again']);
    const { server: second } = await served(['Second']);
    vi.stubEnv('ANTHROPIC_API_KEY', KEY);
    const texts: string[] = [];
    for (const { url } of [first, second, first]) {
      vi.stubEnv('ANTHROPIC_BASE_URL', url);
      texts.push((await complete(provider)).text);
    }
    expect(texts).toEqual(['First', 'Second', 'First again']);
  });

  it('without any credentials is told apart from a failing API', async () => {
    for (const name of ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_BASE_URL'])
      vi.stubEnv(name, '');
    vi.stubEnv('ANTHROPIC_CONFIG_DIR', '/nonexistent');
    vi.stubEnv('HOME', '/nonexistent');
    const error = await failure(anthropic());
    expect(error.details).toEqual({ kind: 'refused-to-send', retryable: false });
    expect(error.message).toContain('Set ANTHROPIC_API_KEY, or ANTHROPIC_BASE_URL for a local server.');
  });

  it('without the SDK says what to install', async () => {
    vi.doMock('@anthropic-ai/sdk', () => {
      throw new Error("Cannot find package '@anthropic-ai/sdk'");
    });
    onTestFinished(() => {
      vi.doUnmock('@anthropic-ai/sdk');
    });
    vi.stubEnv('ANTHROPIC_API_KEY', KEY);
    const outcome = complete(anthropic());
    await expect(outcome).rejects.toThrow(InvalidOption);
    await expect(outcome).rejects.toThrow('npm install @anthropic-ai/sdk');
  });
});
