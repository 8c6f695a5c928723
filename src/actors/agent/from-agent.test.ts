import Anthropic from '@anthropic-ai/sdk';
import { assign, createActor, setup, toPromise } from 'xstate';
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import { z } from 'zod';

import { createMemoryData, memoryStore } from '../../../persistence/memory.ts';
import { createEngine } from '../../engine/engine.ts';
import { InvalidOption } from '../../errors.ts';
import { createMessagesServer, type MessagesServerOptions } from '../../testing/messages-server/index.ts';
import { defineWorkflow } from '../../workflow.ts';
import type { DurablePromiseLogic } from '../durable-logic.ts';
import { fromTool } from '../from-tool.ts';
import { anthropic } from '../providers/anthropic.ts';
import { type AgentActorOptions, type AgentOutcome, fromAgent } from './from-agent.ts';

const Question = z.object({ question: z.string() });
const Reply = z.object({ reply: z.string().min(3) });

const call = (name: string, input: unknown, id = `id-${name}`) => ({ toolCalls: [{ name, input, id }] });
const answer = (reply: string) => call('answer', { answer: { reply } });

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

  it('has the results of several calls in their order', async () => {
    const { logic, server } = await agent([
      {
        toolCalls: [
          { name: 'lookUp', input: { id: 3 }, id: 'slow' },
          { name: 'lookUp', input: { id: 1 }, id: 'quick' },
        ],
      },
      answer('Both.'),
    ]);
    await run(logic);
    expect(server.requests[1]?.body.messages[2]?.content).toMatchObject([
      { tool_use_id: 'slow', content: '{"found":"number 3"}' },
      { tool_use_id: 'quick', content: '{"found":"number 1"}' },
    ]);
  });

  it('is told what is wrong with its answer, and may mend it', async () => {
    const { logic, server } = await agent([answer('I'), answer('bad word'), answer('Good.')], {
      accept: ({ reply }) => (reply.includes('bad') ? ['It has a bad word.'] : []),
    });
    await expect(run(logic)).resolves.toMatchObject({ answer: { reply: 'Good.' }, turns: 3 });
    const told = server.requests[2]?.body.messages.map(({ content }) => JSON.stringify(content)) ?? [];
    expect(told[2]).toContain('- reply: ');
    expect(told[4]).toContain('- It has a bad word.');
  });

  it('is reminded if it ends without an answer', async () => {
    const { logic } = await agent(['I think I am done.', answer('Done.')]);
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'answered', turns: 2 });
  });

  it('answers in text where text is the answer', async () => {
    const { provider } = await served(['Just so.']);
    const logic = fromAgent({ ...base, output: z.string(), tools: [], provider });
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'answered', answer: 'Just so.' });
  });

  it('hands over to a person, unless it may not', async () => {
    const { logic } = await agent([call('hand_off', { reason: 'Only a person may waive a fee.' })]);
    await expect(run(logic)).resolves.toMatchObject({
      outcome: 'handed-off',
      reason: 'Only a person may waive a fee.',
      turns: 1,
    });
    const kept = await agent([call('hand_off', { reason: 'Tired.' }), answer('Well then.')], {
      handOff: false,
    });
    await expect(run(kept.logic)).resolves.toMatchObject({ outcome: 'answered' });
  });
});

describe('the fence', () => {
  it('calls nothing that is not on the list, whoever asks for it', async () => {
    const { logic, server, looked } = await agent([call('refundEverybody', { all: true }), answer('No.')]);
    await run(logic);
    expect(looked).toEqual([]);
    expect(server.requests[1]?.body.messages[2]?.content).toMatchObject([
      { is_error: true, content: expect.stringContaining('no tool `refundEverybody`') as string },
    ]);
  });

  it('calls nothing with input that its schema refuses', async () => {
    const { logic, server, looked } = await agent([call('lookUp', { id: 'x' }), answer('No.')]);
    await run(logic);
    expect(looked).toEqual([]);
    expect(server.requests[1]?.body.messages[2]?.content).toMatchObject([
      { is_error: true, content: expect.stringContaining('- id: ') as string },
    ]);
  });

  it('tells the model how a tool failed, without its stack', async () => {
    const { logic, server } = await agent([call('lookUp', { id: 404 }), answer('Gone.')]);
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'answered' });
    const [result] = server.requests[1]?.body.messages[2]?.content as { content: string }[];
    expect(result).toMatchObject({ is_error: true, content: 'E_GONE: There is no 404.' });
  });

  it('cuts a result that is too long', async () => {
    const { logic, server } = await agent([call('lookUp', { id: 7 }), answer('Seven.')], {
      maxResultLength: 5,
    });
    await run(logic);
    const [result] = server.requests[1]?.body.messages[2]?.content as { content: string }[];
    expect(result?.content).toBe('{"fou\n(cut after 5 of 20 characters)');
  });

  it.each<[string, object, number]>([
    ['turns', { turns: 2 }, 2],
    ['toolCalls', { toolCalls: 1 }, 2],
    ['tokens', { tokens: 4_150 }, 1],
    ['usd', { usd: 0.020_49 }, 1],
  ])('ends at its limit of %s', async (limit, limits, turns) => {
    const { logic, server } = await agent(() => call('lookUp', { id: 7 }), { limits });
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'limit', limit });
    expect(server.requests).toHaveLength(turns);
  });

  it('ends at its limit of time', async () => {
    const { logic, server } = await agent(() => ({ ...call('lookUp', { id: 7 }), delayMs: 15 }), {
      limits: { timeMs: 10 },
    });
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'limit', limit: 'timeMs', turns: 1 });
    expect(server.requests).toHaveLength(1);
  });

  it('has no irreversible tool, none without a description, no two of a name', () => {
    const tool = (options: object) =>
      fromTool({
        name: 'pay',
        description: 'Pays.',
        input: z.object({}),
        output: z.object({}),
        run: () => Promise.resolve({}),
        ...options,
      });
    const define =
      (...tools: ReturnType<typeof tool>[]) =>
      () =>
        fromAgent({ ...base, output: Reply, tools });
    expect(define(tool({ irreversible: true }))).toThrow(/`pay` of agent `helper` is irreversible/);
    expect(define(tool({ description: undefined }))).toThrow(/no `description`/);
    expect(define(tool({}), tool({}))).toThrow(/has a name that another has/);
    expect(define(tool({ name: 'answer' }))).toThrow(InvalidOption);
    expect(define(tool({ name: 'with space' }))).toThrow(/name that models do not take/);
    expect(() =>
      fromAgent({ ...base, model: 'unheard-of', output: Reply, tools: [], limits: { usd: 1 } }),
    ).toThrow(/no price of `unheard-of` is known/);
  });

  it('touches what its tools touch', () => {
    const tool = fromTool({
      name: 'lookUp',
      description: 'Looks up.',
      input: z.object({}),
      output: z.object({}),
      reads: ['crm'],
      run: () => Promise.resolve({}),
    });
    expect(fromAgent({ ...base, output: Reply, tools: [tool] }).signalbox.permissions).toEqual({
      reads: ['crm'],
      writes: [],
    });
  });
});

describe('a failure', () => {
  it.each(['refusal', 'max_tokens'])('of the model by %s is typed', async (stopReason) => {
    const { logic } = await agent([{ text: 'No', stopReason }]);
    await expect(run(logic)).rejects.toMatchObject({ code: 'MODEL_ANSWER_INVALID', details: { stopReason } });
  });

  it('that passes is tried again, for each turn anew', async () => {
    const { logic, server } = await agent(
      [{ status: 529 }, call('lookUp', { id: 7 }), { status: 529 }, answer('Seven.')],
      { retry: { attempts: 2, delayMs: 1 } },
    );
    await expect(run(logic)).resolves.toMatchObject({ outcome: 'answered', turns: 2 });
    expect(server.requests).toHaveLength(4);
  });

  it('by abort ends it', async () => {
    const { logic } = await agent(() => ({ fault: 'hang' as const }));
    const actor = createActor(logic, { input: { question: 'What?' } }).start();
    actor.stop();
    expect(actor.getSnapshot().status).toBe('stopped');
  });
});

describe('in the engine', () => {
  it('repeats no turn and no tool after a crash', async () => {
    const { logic, server, looked } = await agent([
      call('lookUp', { id: 1 }, 'a'),
      call('lookUp', { id: 2 }, 'b'),
      { fault: 'hang' },
      answer('Two.'),
    ]);
    const machine = setup({
      types: { context: {} as { outcome?: unknown }, output: {} as unknown },
      actors: { helpOut: logic },
    }).createMachine({
      id: 'helped',
      context: {},
      initial: 'helping',
      states: {
        helping: {
          invoke: {
            src: 'helpOut',
            input: { question: 'What?' },
            onDone: { target: 'helped', actions: assign({ outcome: ({ event }) => event.output }) },
            onError: 'failed',
          },
        },
        helped: { type: 'final' },
        failed: { type: 'final' },
      },
      output: ({ context }: { context: { outcome?: unknown } }) => context.outcome,
    });
    const workflow = defineWorkflow({ machine, version: '1' });
    const data = createMemoryData();
    let dead = false;
    const whole = memoryStore({ data });
    const mortal = new Proxy(whole, {
      get: (target, name) =>
        dead && typeof target[name as keyof typeof target] === 'function'
          ? () => new Promise(() => {})
          : target[name as keyof typeof target],
    });
    const first = createEngine({
      workflows: [workflow],
      store: mortal,
      leaseMs: 60,
      pollMs: 10,
      onProblem: () => {},
    });
    await first.start(workflow, { id: 'r' });
    await expect.poll(() => server.requests.length).toBe(3);
    dead = true;

    const second = createEngine({
      workflows: [workflow],
      store: memoryStore({ data }),
      leaseMs: 60,
      pollMs: 10,
    });
    await second.resume('r');
    onTestFinished(() => second.stop());
    await expect(second.run('r').result({ timeoutMs: 10_000 })).resolves.toMatchObject({
      outcome: 'answered',
      turns: 3,
    });
    expect(server.requests).toHaveLength(4);
    expect(looked).toEqual([1, 2]);
    void first.stop();
  });
});

describe('the types', () => {
  it('of input and outcome come from zod', async () => {
    const { logic } = await agent([]);
    expectTypeOf(logic.signalbox.name).toEqualTypeOf<string>();
    const outcome = () => run(logic);
    expectTypeOf<Awaited<ReturnType<typeof outcome>>>().toEqualTypeOf<AgentOutcome<{ reply: string }>>();
    setup({ actors: { logic } }).createMachine({
      // @ts-expect-error -- the input has a question
      invoke: { src: 'logic', input: { query: 'What?' } },
    });
  });
});

const base = {
  name: 'helper',
  model: 'claude-haiku-4-5',
  input: Question,
  prompt: ({ question }: z.output<typeof Question>) => question,
};

type Options = Partial<AgentActorOptions<typeof Reply, typeof Question>>;

async function agent(answers: MessagesServerOptions['answers'], options: Options = {}) {
  const { server, provider } = await served(answers);
  const looked: number[] = [];
  const lookUp = fromTool({
    name: 'lookUp',
    description: 'Looks up a number.',
    input: z.object({ id: z.number() }),
    output: z.object({ found: z.string() }),
    run: async ({ id }) => {
      if (id === 404) throw Object.assign(new Error('There is no 404.'), { code: 'E_GONE' });
      looked.push(id);
      for (let turn = 0; turn < id; turn++) await Promise.resolve();
      return { found: `number ${id}` };
    },
  });
  const logic = fromAgent({ ...base, output: Reply, tools: [lookUp], provider, ...options });
  return { logic, server, looked };
}

async function served(answers: MessagesServerOptions['answers']) {
  const server = await createMessagesServer({ answers });
  onTestFinished(() => server.close());
  const client = new Anthropic({ baseURL: server.url, apiKey: 'any', logLevel: 'off' });
  return { server, provider: anthropic({ client }) };
}

function run<TAnswer>(logic: DurablePromiseLogic<AgentOutcome<TAnswer>, z.input<typeof Question>>) {
  return toPromise(createActor(logic, { input: { question: 'What?' } }).start());
}
