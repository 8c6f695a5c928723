import { setImmediate as nextTurn } from 'node:timers/promises';

import { createActor, setup, toPromise } from 'xstate';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { z } from 'zod';

import { agent, answer, base, call, Reply, resultsIn, run } from '../../../test/support/agent.ts';
import { served } from '../../../test/support/anthropic-provider.ts';
import type { ModelProvider } from '../providers/provider.ts';
import { fromTool } from '../from-tool.ts';
import { type AgentOutcome, fromAgent } from './from-agent.ts';

describe('an agent', () => {
  it('calls its tools until it has an answer', async () => {
    const { logic, server, looked } = await agent([
      { text: 'Let me see.', ...call('lookUp', { id: 7 }) },
      answer('It is seven.'),
    ]);
    await expect(run(logic)).resolves.toEqual({
      outcome: 'answered',
      answer: { reply: 'It is seven.' },
      turns: 2,
      toolCalls: 1,
      tokens: expect.any(Number) as number,
    });
    expect(looked).toEqual([7]);
    const second = server.requests[1]?.body;
    expect(second?.messages).toEqual([
      { role: 'user', content: 'What?' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Let me see.' },
          { type: 'tool_use', id: 'id-lookUp', name: 'lookUp', input: { id: 7 } },
        ],
      },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'id-lookUp', content: '{"found":"number 7"}' }],
      },
    ]);
    expect((second?.['tools'] as { name: string }[]).map(({ name }) => name)).toEqual([
      'lookUp',
      'answer',
      'hand_off',
    ]);
  });

  it('has its conversation cached', async () => {
    const { logic, server } = await agent([answer('Done.')]);
    await run(logic);
    expect(server.requests[0]?.body['cache_control']).toEqual({ type: 'ephemeral', ttl: '5m' });
  });

  it('calls several tools of a turn at once, and has their results in order', async () => {
    const begun: number[] = [];
    let release = (): void => {};
    const both = new Promise<void>((resolve) => (release = resolve));
    const { logic, server } = await agent(
      [
        {
          toolCalls: [
            { name: 'lookUp', input: { id: 3 }, id: 'a' },
            { name: 'lookUp', input: { id: 404 }, id: 'b' },
            { name: 'lookUp', input: { id: 1 }, id: 'c' },
          ],
        },
        answer('Both.'),
      ],
      {
        // Neither ends before both are begun.
        lookingUp: (id) => {
          begun.push(id);
          if (begun.length === 2) release();
          return both;
        },
      },
    );
    await expect(run(logic)).resolves.toMatchObject({ toolCalls: 3 });
    expect(resultsIn(server, 1, 2)).toMatchObject([
      { tool_use_id: 'a', content: '{"found":"number 3"}' },
      { tool_use_id: 'b', is_error: true },
      { tool_use_id: 'c', content: '{"found":"number 1"}' },
    ]);
  });

  it('is told what is wrong with its answer, and may mend it', async () => {
    const { logic, server } = await agent([answer('I'), answer('bad word'), answer('Good.')], {
      accept: ({ reply }) => (reply.includes('bad') ? ['It has a bad word.'] : []),
    });
    await expect(run(logic)).resolves.toMatchObject({ answer: { reply: 'Good.' }, turns: 3, toolCalls: 0 });
    expect(resultsIn(server, 2, 2)).toMatchObject([
      { is_error: true, content: expect.stringContaining('- reply: ') as string },
    ]);
    expect(resultsIn(server, 2, 4)).toMatchObject([
      { is_error: true, content: 'That answer was not accepted:\n- It has a bad word.' },
    ]);
  });

  it('may not answer before it has seen what it asked for in the same turn', async () => {
    const { logic, server, looked } = await agent([
      {
        toolCalls: [
          { name: 'answer', input: { answer: { reply: 'I guess seven.' } }, id: 'early' },
          { name: 'lookUp', input: { id: 8 }, id: 'look' },
        ],
      },
      answer('It is eight.'),
    ]);
    await expect(run(logic)).resolves.toMatchObject({ answer: { reply: 'It is eight.' }, toolCalls: 1 });
    expect(looked).toEqual([8]);
    expect(resultsIn(server, 1, 2)).toMatchObject([
      { tool_use_id: 'early', is_error: true, content: expect.stringContaining('by itself') as string },
      { tool_use_id: 'look', content: '{"found":"number 8"}' },
    ]);
  });

  it('is reminded once if it ends without an answer, and then no more', async () => {
    const { logic, server } = await agent(['I think I am done.', answer('Done.')]);
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'answered', turns: 2 });
    expect(server.requests[1]?.body.messages[2]?.content).toContain('Call `answer`');
    const mute = await agent(['Done.', 'Really.']);
    await expect(run(mute.logic)).rejects.toMatchObject({
      code: 'MODEL_ANSWER_INVALID',
      message: expect.stringContaining('though it was reminded') as string,
      details: { text: 'Really.' },
    });
  });

  it('goes on where the model only paused', async () => {
    const { logic, server } = await agent([{ text: 'Wait.', stopReason: 'pause_turn' }, answer('Done.')]);
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'answered', turns: 2 });
    expect(server.requests[1]?.body.messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
  });

  it('sends back no turn that has nothing in it', async () => {
    const { logic, server } = await agent([{ text: ' ' }, answer('Done.')]);
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'answered', turns: 2 });
    expect(server.requests[1]?.body.messages.map(({ role }) => role)).toEqual(['user', 'user']);
  });

  it('answers in text where text is the answer', async () => {
    const { provider, server } = await served([{}, 'No', 'Just so.']);
    const logic = fromAgent({ ...base, output: z.string().min(3), tools: [], provider });
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'answered', answer: 'Just so.', turns: 3 });
    expect((server.requests[0]?.body['tools'] as { name: string }[]).map(({ name }) => name)).toEqual([
      'hand_off',
    ]);
  });

  it('has a recursive answer described as it is', async () => {
    const Tree = z.object({
      name: z.string(),
      get parts() {
        return z.array(Tree);
      },
    });
    const { provider, server } = await served([
      call('answer', { answer: { name: 'a', parts: [{ name: 'b', parts: [] }] } }),
    ]);
    await run(fromAgent({ ...base, output: Tree, tools: [], provider }));
    const [tool] = server.requests[0]?.body['tools'] as { input_schema: object }[];
    // What it refers to stands in it.
    expect(
      z.fromJSONSchema(tool?.input_schema as never).safeParse({ answer: { name: 'a', parts: [{ name: 1 }] } })
        .success,
    ).toBe(false);
  });

  it('hands over to a person, unless it may not', async () => {
    const { logic } = await agent([call('hand_off', { reason: 'Only a person may waive a fee.' })]);
    await expect(run(logic)).resolves.toMatchObject({
      outcome: 'handed-off',
      reason: 'Only a person may waive a fee.',
      turns: 1,
    });
    const curt = await agent([call('hand_off', {})], { handOff: 'Hand over if you are asked for money.' });
    await expect(run(curt.logic)).resolves.toMatchObject({ reason: 'It gave no reason.' });
    const kept = await agent([call('hand_off', { reason: 'Tired.' }), answer('Well then.')], {
      handOff: false,
    });
    await expect(run(kept.logic)).resolves.toMatchObject({ outcome: 'answered' });
    expect(resultsIn(kept.server, 1, 2)[0]?.content).toContain('no tool `hand_off`');
  });
});

describe('a failure', () => {
  it.each([
    ['refusal', 'is a refusal'],
    ['max_tokens', 'cut off at `maxTokens`'],
    ['model_context_window_exceeded', 'context window is full'],
    ['stop_sequence', 'stop sequence'],
    ['some_new_reason', 'not known here'],
  ])('of the model by %s is typed, and not tried again', async (stopReason, words) => {
    const { logic, server } = await agent([{ text: 'No', stopReason }]);
    await expect(run(logic)).rejects.toMatchObject({
      code: 'MODEL_ANSWER_INVALID',
      message: expect.stringContaining(words) as string,
      details: { stopReason, text: 'No' },
    });
    expect(server.received).toBe(1);
  });

  it('that passes is tried again, for each turn anew', async () => {
    const { logic, server } = await agent(
      [{ status: 529 }, call('lookUp', { id: 7 }), { status: 529 }, answer('Seven.')],
      { retry: { attempts: 2, delayMs: 1 } },
    );
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'answered', turns: 2 });
    expect(server.received).toBe(4);
  });

  it.each([
    ['at once, if trying again would not help', [{ status: 400 }], { retryable: false, status: 400 }],
    ['after its attempts', [{ status: 529 }, { status: 529 }], { retryable: true, status: 529 }],
  ])('of a call is the machine’s %s', async (_, answers, details) => {
    const { logic, server } = await agent(answers, { retry: { attempts: 2, delayMs: 1 } });
    await expect(run(logic)).rejects.toMatchObject({ code: 'MODEL_CALL_FAILED', details });
    expect(server.received).toBe(answers.length);
  });

  it('of its input costs no call', async () => {
    const { logic, server } = await agent([]);
    const actor = createActor(logic, { input: { question: 7 } as never }).start();
    await expect(toPromise(actor)).rejects.toMatchObject({ code: 'ACTOR_VALUE_INVALID' });
    expect(server.received).toBe(0);
  });

  it('of one agent may be made good by another', async () => {
    const better = await agent([answer('By the better one.')]);
    const { logic } = await agent(['Done.', 'Really.'], { fallback: [better.logic] });
    await expect(run(logic)).resolves.toMatchObject({ answer: { reply: 'By the better one.' }, turns: 1 });
  });

  it('by abort ends tools and turns, and nothing more is asked', async () => {
    const signals: AbortSignal[] = [];
    const { logic, server } = await agent([call('lookUp', { id: 7 })], {
      lookingUp: (_, { signal }) => {
        signals.push(signal);
        return new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      },
    });
    const actor = createActor(logic, { input: { question: 'What?' } }).start();
    await vi.waitFor(() => expect(signals).toHaveLength(1));
    actor.stop();
    expect(signals[0]?.aborted).toBe(true);
    await vi.waitFor(() => expect(actor.getSnapshot().status).toBe('stopped'));
    expect(server.received).toBe(1);

    const asking: AbortSignal[] = [];
    const hanging: ModelProvider = {
      name: 'hanging',
      standIn: false,
      enforcesSchema: true,
      complete: (_, { signal }) => {
        asking.push(signal);
        return new Promise(() => {});
      },
    };
    const start = () =>
      createActor(fromAgent({ ...base, output: Reply, tools: [], provider: hanging }), {
        input: { question: 'What?' },
      }).start();
    start().stop();
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect(asking).toEqual([]);
    const waiting = start();
    await vi.waitFor(() => expect(asking).toHaveLength(1));
    waiting.stop();
    expect(asking[0]?.aborted).toBe(true);
  });
});

describe('the types', () => {
  it('of input, answer and checks come from zod', async () => {
    const { logic } = await agent([]);
    const outcome = () => run(logic);
    expectTypeOf<Awaited<ReturnType<typeof outcome>>>().toEqualTypeOf<AgentOutcome<{ reply: string }>>();
    type Answered = Extract<AgentOutcome<{ reply: string }>, { outcome: 'answered' }>;
    expectTypeOf<Answered['answer']>().toEqualTypeOf<{ reply: string }>();
    type Limit = Extract<AgentOutcome<unknown>, { outcome: 'limit' }>;
    expectTypeOf<Limit['limit']>().toEqualTypeOf<'turns' | 'tokens' | 'usd' | 'timeMs' | 'toolCalls'>();

    const input = z.object({ question: z.string(), words: z.number().default(100) });
    fromAgent({
      ...base,
      input,
      prompt: ({ question, words }) => `${question} (${words.toFixed()} words)`,
      output: Reply,
      tools: [],
      accept: ({ reply }, asked) => reply.length < asked.input.words,
    });
  });

  it('refuse wrong wiring', () => {
    const logic = fromAgent({ ...base, output: Reply, tools: [] });
    const machine = setup({ actors: { logic } });
    machine.createMachine({
      // @ts-expect-error -- the input has a question
      invoke: { src: 'logic', input: { query: 'What?' } },
    });
    machine.createMachine({
      invoke: {
        src: 'logic',
        input: { question: 'What?' },
        onDone: {
          guard: ({ event: { output } }) => output.outcome === 'answered' && output.answer.reply !== '',
        },
      },
    });
    machine.createMachine({
      invoke: {
        src: 'logic',
        input: { question: 'What?' },
        // @ts-expect-error -- there is an answer only where the outcome is `answered`
        onDone: { guard: ({ event }) => event.output.answer.reply !== '' },
      },
    });
    const notATool = () => Promise.resolve(1);
    // @ts-expect-error -- a function is no actor
    expect(() => fromAgent({ ...base, output: Reply, tools: [notATool] })).toThrow(/made by `fromTool`/);
    const tool = fromTool({
      name: 'toText',
      description: 'Takes text.',
      input: z.string(),
      output: z.string(),
      run: (text) => Promise.resolve(text),
    });
    expect(() => fromAgent({ ...base, output: Reply, tools: [tool] })).toThrow(/takes no object/);
  });
});
