/** The Anthropic provider with the real SDK, against a local Messages server. */
import Anthropic from '@anthropic-ai/sdk';
import { expect, onTestFinished } from 'vitest';

import { anthropic } from '../../src/actors/providers/anthropic.ts';
import type { ModelProvider, ModelRequest, ModelResponse } from '../../src/actors/providers/provider.ts';
import { ModelCallFailed } from '../../src/errors.ts';
import {
  createMessagesServer,
  type MessagesServer,
  type MessagesServerOptions,
} from '../../src/testing/messages-server/index.ts';

export const KEY = 'sk-ant-a-secret-that-stays-here';

const question: ModelRequest = {
  actor: 'greet',
  model: 'claude-haiku-5-5',
  maxTokens: 100,
  messages: [{ role: 'user', content: 'Hello' }],
  input: { never: 'sent' },
};

export interface Served {
  readonly server: MessagesServer;
  readonly provider: ModelProvider;
}

/** `unexpected`: how many requests the server is going to refuse. */
export async function served(
  answers: MessagesServerOptions['answers'],
  { unexpected = 0 } = {},
): Promise<Served> {
  const server = await createMessagesServer({ answers });
  onTestFinished(async () => {
    await server.close();
    expect(server.unexpected).toHaveLength(unexpected);
  });
  return { server, provider: anthropic({ client: clientOf(server.url) }) };
}

export function clientOf(baseURL: string): Anthropic {
  return new Anthropic({ baseURL, apiKey: KEY, logLevel: 'off' });
}

export interface Wanted extends Partial<ModelRequest> {
  readonly signal?: AbortSignal;
  readonly sent?: (request: unknown) => void;
  readonly onText?: (delta: string) => void;
}

export function complete(
  provider: ModelProvider,
  { signal = new AbortController().signal, sent = () => {}, onText, ...wanted }: Wanted = {},
): Promise<ModelResponse> {
  const call = { signal, sent, key: 'run-1/greet#1', ...(onText && { onText }) };
  return provider.complete({ ...question, ...wanted }, call);
}

export function count(provider: ModelProvider, wanted: Partial<ModelRequest> = {}): Promise<number> {
  const { signal } = new AbortController();
  if (!provider.countTokens) throw new Error('The provider cannot count.');
  return provider.countTokens({ ...question, ...wanted }, { signal });
}

export async function failure(provider: ModelProvider, wanted: Wanted = {}): Promise<ModelCallFailed> {
  return callFailure(complete(provider, wanted));
}

export async function callFailure(calling: Promise<unknown>): Promise<ModelCallFailed> {
  const error: unknown = await calling.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ModelCallFailed);
  return error as ModelCallFailed;
}
