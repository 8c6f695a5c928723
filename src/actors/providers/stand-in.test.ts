import { describe, expect, it, vi } from 'vitest';

import { InvalidOption } from '../../errors.ts';
import type { ModelCall, ModelMessage, ModelProvider, ModelRequest, ModelResponse } from './provider.ts';
import { callTools, standIn, type StandInRule } from './stand-in.ts';

interface Ticket {
  body: string;
}

const rules: Readonly<Record<string, StandInRule>> = {
  classify: ({ body }: Ticket) => ({ category: body.includes('refund') ? 'billing' : 'general' }),
  draft: (_: Ticket, { schema }) => (schema ? { reply: 'We will.' } : 'They want their money. We will.'),
  broken: () => '{"reply":',
  nothing: () => undefined,
  assist: (_, { messages }) =>
    messages.length < 5
      ? callTools(
          [
            { name: 'lookUp', input: { turn: messages.length } },
            { name: 'wave', input: {} },
          ],
          messages.length === 1 ? 'Let me see.' : '',
        )
      : 'It is on its way.',
};
const provider = standIn(rules);

const question: ModelRequest = {
  actor: 'classify',
  model: 'claude-haiku-5-5',
  maxTokens: 100,
  messages: [{ role: 'user', content: 'Hello' }],
  input: { body: '' },
};

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

  it('calls tools turn by turn, as an agent has it', async () => {
    const messages: ModelMessage[] = [{ role: 'user', content: 'Where is my order?' }];
    const tools = [{ name: 'lookUp', description: 'Looks up.', inputSchema: { type: 'object' } }];
    const sent = vi.fn<(request: unknown) => void>();
    const turns: ModelResponse[] = [];
    for (let turn = 0; turn < 3; turn++) {
      const response = await complete('assist', { messages: [...messages], tools }, { sent });
      turns.push(response);
      messages.push(
        { role: 'assistant', content: response.content },
        { role: 'user', content: [{ type: 'tool-result', id: 'any', content: 'ok' }] },
      );
    }
    expect(turns).toMatchObject([
      {
        text: 'Let me see.',
        stopReason: 'tool_use',
        content: [
          { type: 'text', text: 'Let me see.' },
          { type: 'tool-call', id: 'call_1_1', name: 'lookUp', input: { turn: 1 } },
          { type: 'tool-call', id: 'call_1_2', name: 'wave', input: {} },
        ],
      },
      { text: '', stopReason: 'tool_use', content: [{ id: 'call_3_1' }, { id: 'call_3_2' }] },
      { text: 'It is on its way.', stopReason: 'end_turn', content: [{ type: 'text' }] },
    ]);
    expect(turns[0]?.response).toEqual({ content: turns[0]?.content });
    expect(sent.mock.calls[0]).toEqual([{ messages: messages.slice(0, 1), tools }]);
  });

  it('takes a value with `toolCalls` for what it is', async () => {
    const calling = standIn({ plan: () => ({ toolCalls: [] }) });
    const response = await calling.complete({ ...question, actor: 'plan' }, callOf());
    expect(response).toMatchObject({ text: '{"toolCalls":[]}', stopReason: 'end_turn' });
  });

  it.each([
    ['draft', ['They ', 'want ', 'their ', 'money. ', 'We ', 'will.']],
    ['classify', ['{"category":"general"}']],
    ['spaced', ['  \n ', ' a \n', 'b ']],
  ])('tells whoever looks on of its text in pieces: %s', async (actor, pieces) => {
    const told: string[] = [];
    const spaced = standIn({ ...rules, spaced: () => pieces.join('') });
    const onText = (piece: string) => told.push(piece);
    const { text } = await spaced.complete({ ...question, actor }, { ...callOf(), onText });
    expect(told.join('')).toBe(text);
    if (actor !== 'spaced') expect(told).toEqual(pieces);
  });

  it('tells nobody of an answer that came after the abort', async () => {
    const controller = new AbortController();
    const late = standIn({ greet: () => (controller.abort(new Error('Gone.')), 'Hi') });
    const onText = vi.fn<(piece: string) => void>();
    const calling = late.complete(
      { ...question, actor: 'greet' },
      { ...callOf(), signal: controller.signal, onText },
    );
    await expect(calling).rejects.toThrow('Gone.');
    expect(onText).not.toHaveBeenCalled();
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

function callOf(): ModelCall {
  return { signal: new AbortController().signal, key: 'run-1/ask#1', sent: () => {} };
}

function complete(
  actor: string,
  wanted: Partial<ModelRequest> = {},
  call: Partial<Parameters<ModelProvider['complete']>[1]> = {},
) {
  return provider.complete({ ...question, actor, ...wanted }, { ...callOf(), ...call });
}
