/** What the API is sent, and what its answers become. */
import { describe, expect, it } from 'vitest';

import {
  callFailure,
  clientOf,
  complete,
  count,
  failure,
  served,
} from '../../../test/support/anthropic-provider.ts';
import { anthropic } from './anthropic.ts';
import type { ContentBlock, ModelMessage } from './provider.ts';

const lookUp = {
  name: 'lookUp',
  description: 'Looks up an order.',
  inputSchema: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] },
};
const lookUpOnWire = {
  name: 'lookUp',
  description: 'Looks up an order.',
  input_schema: lookUp.inputSchema,
};

describe('a file', () => {
  it.each<[string, ContentBlock, unknown]>([
    [
      'an image',
      { type: 'file', mediaType: 'image/png', source: { base64: 'aWJn' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aWJn' } },
    ],
    [
      'an image at an address',
      { type: 'file', mediaType: 'image/webp', source: { url: 'https://example.com/a.webp' } },
      { type: 'image', source: { type: 'url', url: 'https://example.com/a.webp' } },
    ],
    [
      'a PDF with a title',
      { type: 'file', mediaType: 'application/pdf', source: { base64: 'cGRm' }, title: 'Invoice' },
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'cGRm' },
        title: 'Invoice',
      },
    ],
    [
      'a PDF at an address',
      { type: 'file', mediaType: 'application/pdf', source: { url: 'https://example.com/a.pdf' } },
      { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } },
    ],
  ])('goes out as %s', async (_, file, onWire) => {
    const { provider, server } = await served(['An invoice.']);
    const content: ContentBlock[] = [file, { type: 'text', text: 'What is this?' }];
    await complete(provider, { messages: [{ role: 'user', content }] });
    expect(server.requests[0]?.body.messages).toEqual([
      { role: 'user', content: [onWire, { type: 'text', text: 'What is this?' }] },
    ]);
  });

  it('of a kind that the API does not know is not sent', async () => {
    const { provider, server } = await served([]);
    const file = { type: 'file', mediaType: 'image/tiff', source: { base64: 'aWJn' } } as const;
    const error = await failure(provider, { messages: [{ role: 'user', content: [file] }] });
    expect(error.details).toEqual({ kind: 'refused-to-send', retryable: false });
    expect(error.message).toContain('`image/tiff`');
    expect(server.received).toBe(0);
  });
});

describe.each([
  ['whole', undefined],
  ['streamed', () => {}],
])('a conversation with tools, %s', (_, onText) => {
  it('goes out as it came, thinking included', async () => {
    const { provider, server } = await served([
      {
        thinking: 'Which order?',
        blocks: [{ type: 'redacted_thinking', data: 'secret' }],
        text: 'Let me see.',
        toolCalls: [
          { name: 'lookUp', input: { id: 7 }, id: 'toolu_a' },
          { name: 'lookUp', input: {}, id: 'toolu_b' },
        ],
      },
      'It is on its way.',
    ]);
    const asked: ModelMessage = { role: 'user', content: 'Where is my order?' };
    const streaming = onText ? { onText } : {};
    const called = await complete(provider, { tools: [lookUp], messages: [asked], ...streaming });
    expect([called.stopReason, called.text]).toEqual(['tool_use', 'Let me see.']);
    expect(called.content).toEqual([
      { type: 'opaque', value: { type: 'redacted_thinking', data: 'secret' } },
      {
        type: 'opaque',
        value: { type: 'thinking', thinking: 'Which order?', signature: 'signed_req_local_1' },
      },
      { type: 'text', text: 'Let me see.' },
      { type: 'tool-call', id: 'toolu_a', name: 'lookUp', input: { id: 7 } },
      { type: 'tool-call', id: 'toolu_b', name: 'lookUp', input: {} },
    ]);

    const results: ContentBlock[] = [
      { type: 'tool-result', id: 'toolu_a', content: '{"status":"sent"}' },
      { type: 'tool-result', id: 'toolu_b', content: 'Which one?', isError: true },
    ];
    const messages: ModelMessage[] = [
      asked,
      { role: 'assistant', content: called.content },
      { role: 'user', content: results },
    ];
    const answer = await complete(provider, { tools: [lookUp], messages, ...streaming });
    expect([answer.stopReason, answer.text]).toEqual(['end_turn', 'It is on its way.']);

    const bodies = server.requests.map(({ body }) => body);
    expect(bodies.map(({ tools }) => tools)).toEqual([[lookUpOnWire], [lookUpOnWire]]);
    const { content } = called.response as { content: unknown };
    expect(bodies[1]?.messages).toEqual([
      asked,
      { role: 'assistant', content },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_a', content: '{"status":"sent"}' },
          { type: 'tool_result', tool_use_id: 'toolu_b', content: 'Which one?', is_error: true },
        ],
      },
    ]);
  });
});

describe('a prompt that is kept', () => {
  const kept = { type: 'ephemeral', ttl: '1h' };

  it('has a breakpoint after system prompt and tools, and one after the conversation', async () => {
    const { provider, server } = await served(['Hi']);
    await complete(provider, { system: 'Be kind.', tools: [lookUp], promptCache: '1h' });
    expect(server.requests[0]?.body).toMatchObject({
      cache_control: kept,
      system: [{ type: 'text', text: 'Be kind.', cache_control: kept }],
      tools: [lookUpOnWire],
    });
    expect(JSON.stringify(server.requests[0]?.body).match(/cache_control/g)).toHaveLength(2);
  });

  it('has the first after the last tool if there is no system prompt', async () => {
    const { provider, server } = await served(['Hi']);
    await complete(provider, { tools: [{ ...lookUp, name: 'first' }, lookUp], promptCache: '5m' });
    const breakpoint = { cache_control: { type: 'ephemeral', ttl: '5m' } };
    expect(server.requests[0]?.body['tools']).toEqual([
      { ...lookUpOnWire, name: 'first' },
      { ...lookUpOnWire, ...breakpoint },
    ]);
    expect(server.requests[0]?.body).toMatchObject(breakpoint);
  });

  it('is none unless it is asked for', async () => {
    const { provider, server } = await served(['Hi']);
    await complete(provider, { system: 'Be kind.', tools: [lookUp] });
    expect(server.requests[0]?.body).toMatchObject({ system: 'Be kind.', tools: [lookUpOnWire] });
    expect(JSON.stringify(server.requests[0]?.body)).not.toContain('cache_control');
  });
});

describe('a server that does not enforce schemas', () => {
  it('is not sent one', async () => {
    const { server } = await served(['{}']);
    const provider = anthropic({ client: clientOf(server.url), enforcesSchema: false });
    await complete(provider, { schema: { type: 'object' } });
    expect(server.requests[0]?.body).not.toHaveProperty('output_config');
  });
});

describe('a count of tokens', () => {
  it('is of all that would be sent, and no request for an answer', async () => {
    const { provider, server } = await served([]);
    const short = await count(provider);
    const long = await count(provider, { system: 'x'.repeat(4_000), tools: [lookUp] });
    expect(short).toBeGreaterThan(0);
    expect(long).toBeGreaterThan(short + 1_000);
    expect(server.received).toBe(0);
  });

  it('fails as a call does', async () => {
    const { provider, server } = await served([]);
    await server.close();
    const error = await callFailure(count(provider));
    expect(error.details).toEqual({ kind: 'connection', retryable: true });
    server.close = () => Promise.resolve();
  });

  it('fails for good with a client that cannot count', async () => {
    const provider = anthropic({ client: { messages: { create: () => Promise.resolve() } } });
    const error = await callFailure(count(provider));
    expect(error.details).toEqual({ kind: 'refused-to-send', retryable: false });
  });

  it('fails when what comes back is none', async () => {
    const messages = { create: () => Promise.resolve(), countTokens: () => Promise.resolve({ tokens: 3 }) };
    const error = await callFailure(count(anthropic({ client: { messages } })));
    expect(error.details).toEqual({ kind: 'unreadable', retryable: true });
  });
});
