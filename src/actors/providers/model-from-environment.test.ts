import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { createMessagesServer } from '../../testing/messages-server/index.ts';
import { modelFromEnvironment } from './model-from-environment.ts';
import { standIn } from './stand-in.ts';

beforeEach(() => {
  vi.stubEnv('ANTHROPIC_API_KEY', '');
  vi.stubEnv('ANTHROPIC_BASE_URL', '');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the model from the environment', () => {
  const model = modelFromEnvironment({ standIn: standIn({ greet: () => 'Hello by rule' }) });

  it('is the stand-in without key and base URL', async () => {
    expect(model).toMatchObject({ name: 'stand-in', standIn: true, enforcesSchema: true });
    await expect(greeted()).resolves.toBe('Hello by rule');
  });

  it.each(['ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL'])(
    'is real with %s, set after it was made',
    (variable) => {
      vi.stubEnv(variable, 'http://127.0.0.1:1');
      expect(model).toMatchObject({ name: 'anthropic', standIn: false, enforcesSchema: true });
    },
  );

  it('asks the API that the environment names', async () => {
    const server = await createMessagesServer({ answers: ['Hello by API'] });
    onTestFinished(() => server.close());
    vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
    await expect(greeted()).resolves.toBe('Hello by API');
  });

  it('counts tokens where there is an API that can', async () => {
    const messages = [{ role: 'user', content: 'Hello' }] as const;
    const request = { actor: 'greet', model: 'claude-haiku-5-5', maxTokens: 10, messages, input: undefined };
    const { signal } = new AbortController();
    expect(model.countTokens).toBeUndefined();
    const server = await createMessagesServer({ answers: [] });
    onTestFinished(() => server.close());
    vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
    await expect(model.countTokens?.(request, { signal })).resolves.toBeGreaterThan(0);
  });

  async function greeted(): Promise<string> {
    const messages = [{ role: 'user', content: 'Hello' }] as const;
    const response = await model.complete(
      { actor: 'greet', model: 'claude-haiku-5-5', maxTokens: 10, messages, input: undefined },
      { signal: new AbortController().signal, key: 'run-1/greet#1', sent: () => {} },
    );
    return response.text;
  }
});
