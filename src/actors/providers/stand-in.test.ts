import { describe, expect, it, vi } from 'vitest';

import { InvalidOption } from '../../errors.ts';
import type { ModelProvider, ModelRequest } from './provider.ts';
import { standIn } from './stand-in.ts';

interface Ticket {
  body: string;
}

const provider = standIn({
  classify: ({ body }: Ticket) => ({ category: body.includes('refund') ? 'billing' : 'general' }),
  draft: (_: Ticket, { schema }) => (schema ? { reply: 'We will.' } : 'They want their money. We will.'),
  broken: () => '{"reply":',
  nothing: () => undefined,
});

describe('a stand-in model', () => {
  it('says that it is one', async () => {
    expect(provider).toMatchObject({ name: 'stand-in', standIn: true });
    await expect(complete('classify')).resolves.toMatchObject({ model: 'stand-in' });
    expect(await complete('classify')).not.toHaveProperty('usage');
  });

  it('answers by the rule of the actor that asks, from its input alone', async () => {
    const answers = await Promise.all([
      complete('classify', { input: { body: 'refund me' } }),
      complete('classify', { input: { body: 'hello' } }),
      complete('classify', { input: { body: 'refund me' }, messages: [] }),
    ]);
    expect(answers.map(({ text }) => text)).toEqual([
      '{"category":"billing"}',
      '{"category":"general"}',
      '{"category":"billing"}',
    ]);
  });

  it('gives a string as it is, so that a rule can give text first, or an answer that is broken', async () => {
    await expect(complete('draft')).resolves.toMatchObject({ text: 'They want their money. We will.' });
    await expect(complete('draft', { schema: {} })).resolves.toMatchObject({ text: '{"reply":"We will."}' });
    await expect(complete('broken')).resolves.toMatchObject({ text: '{"reply":', stopReason: 'end_turn' });
  });

  it('puts the prompt on record as a model would have been sent it', async () => {
    const sent = vi.fn<(request: unknown) => void>();
    await complete('classify', { system: 'Sort.' }, { sent });
    expect(sent.mock.calls).toEqual([[{ system: 'Sort.', messages: [{ role: 'user', content: 'Hello' }] }]]);
  });

  it.each(['refund', 'toString'])('has no answer to an actor without a rule: %s', async (actor) => {
    const outcome = complete(actor);
    await expect(outcome).rejects.toThrow(InvalidOption);
    await expect(outcome).rejects.toThrow(`no rule for \`${actor}\``);
    await expect(outcome).rejects.toThrow('`classify`, `draft`');
  });

  it('refuses a rule that gives nothing', async () => {
    await expect(complete('nothing')).rejects.toThrow('got `undefined`');
  });

  it('does not answer once aborted', async () => {
    const reason = new Error('Gone.');
    await expect(complete('classify', {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

function complete(
  actor: string,
  wanted: Partial<ModelRequest> = {},
  call: Partial<Parameters<ModelProvider['complete']>[1]> = {},
) {
  return provider.complete(
    {
      actor,
      model: 'claude-haiku-5-5',
      maxTokens: 100,
      messages: [{ role: 'user', content: 'Hello' }],
      input: { body: '' },
      ...wanted,
    },
    { signal: new AbortController().signal, key: 'run-1/ask#1', sent: () => {}, ...call },
  );
}
