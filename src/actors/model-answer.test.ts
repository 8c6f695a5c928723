import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { ModelAnswerInvalid } from '../errors.ts';
import { answeredValue, completeText, type AnswerForm } from './model-answer.ts';

const Answer = z.object({ category: z.enum(['billing', 'technical']), note: z.string().optional() });

describe('an answer in JSON', () => {
  it.each([
    ['pure JSON', '{"category":"billing"}'],
    ['JSON with space around it', '\n {"category":"billing"} \n'],
  ])('may be %s', async (_, text) => {
    await expect(value(text, 'json')).resolves.toEqual({ category: 'billing' });
    await expect(value(text, 'json-in-text')).resolves.toEqual({ category: 'billing' });
  });

  it.each([
    ['a fenced block', '```json\n{"category":"billing"}\n```'],
    ['a fenced block without a language', '```\n{"category":"billing"}\n```'],
    [
      'a fenced block with words around it',
      'Here it is:\n\n```json\n{"category":"billing"}\n```\nAnything else?',
    ],
  ])('may be %s only where the schema was not enforced', async (_, text) => {
    await expect(value(text, 'json-in-text')).resolves.toEqual({ category: 'billing' });
    await expect(value(text, 'json')).rejects.toThrow("The model's answer to `sort` is not JSON.");
  });

  it('may hold a fence in a string', async () => {
    const answer = { category: 'billing', note: '```\ncode\n```' };
    await expect(value(JSON.stringify(answer), 'json-in-text')).resolves.toEqual(answer);
    await expect(value(`\`\`\`json\n${JSON.stringify(answer)}\n\`\`\``, 'json-in-text')).resolves.toEqual(
      answer,
    );
  });

  it.each([
    'Surely billing.',
    '{"category":"billing"} as I said',
    '{"category":"bil',
    '```json\n{"category":"billing"}\n```\nor\n```json\n{"category":"technical"}\n```',
  ])('is refused when it is something else: %j', async (text) => {
    for (const form of ['json', 'json-in-text'] as const) {
      const error = await refusal(text, form);
      expect(error.details).toEqual({
        stopReason: 'end_turn',
        text,
        issues: [{ path: [], message: expect.stringMatching(/^Expected JSON\. ./) as string }],
      });
      expect(error.message).not.toContain('billing');
    }
  });

  it('is refused with the issues when its schema refuses it', async () => {
    const error = await refusal('{"category":"weather","note":7}', 'json');
    expect(error.details['issues']).toEqual([
      { path: ['category'], message: expect.stringContaining('billing') as string },
      { path: ['note'], message: expect.stringContaining('string') as string },
    ]);
    expect(error.message).toMatch(/does not match its schema: category: .*; note: /);
  });
});

describe('an answer in text', () => {
  it('is checked as it is', async () => {
    const response = { text: '{"a":1}', stopReason: 'end_turn', model: 'm', content: [], response: null };
    await expect(answeredValue('say', response, z.string(), 'text')).resolves.toBe('{"a":1}');
    await expect(answeredValue('say', response, z.string().max(3), 'text')).rejects.toThrow(
      ModelAnswerInvalid,
    );
  });

  it.each(['', ' \n\t'])('is refused when it is empty: %j', (text) => {
    const response = { text, stopReason: 'end_turn', model: 'm', content: [], response: null };
    expect(() => completeText('say', response)).toThrow("The model's answer to `say` is empty.");
  });
});

describe('an answer that is not complete', () => {
  it.each([
    ['max_tokens', 'was cut off at `maxTokens`'],
    ['stop_sequence', 'was cut off by a stop sequence'],
    ['tool_use', 'is a call of a tool'],
    ['pause_turn', 'was paused'],
    ['refusal', 'is a refusal (cyber: No.)'],
    ['model_context_window_exceeded', "the model's context window is full"],
    ['none', 'a reason that is not known here, `none`'],
    ['toString', 'a reason that is not known here, `toString`'],
  ])('is refused, whatever its text: %s', async (stopReason, why) => {
    const response = {
      text: '{"category":"billing"}',
      content: [],
      stopReason,
      ...(stopReason === 'refusal' && { stopDetail: 'cyber: No.' }),
      requestId: 'req_1',
      model: 'm',
      response: null,
    };
    const answering = answeredValue('sort', response, Answer, 'json');
    await expect(answering).rejects.toBeInstanceOf(ModelAnswerInvalid);
    await expect(answering).rejects.toThrow(why);
    await expect(answering).rejects.toMatchObject({ details: { stopReason, requestId: 'req_1' } });
  });
});

function value(text: string, form: AnswerForm): Promise<z.output<typeof Answer>> {
  return answeredValue('sort', { text, stopReason: 'end_turn' }, Answer, form);
}

async function refusal(text: string, form: AnswerForm): Promise<ModelAnswerInvalid> {
  const error: unknown = await value(text, form).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ModelAnswerInvalid);
  return error as ModelAnswerInvalid;
}
