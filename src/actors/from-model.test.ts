import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { assign, createActor, setup, toPromise, type AnyActorLogic, type OutputFrom } from 'xstate';
import { z } from 'zod';

import { decode, encode } from '../engine/codec.ts';
import type { DurableLogic, Exchange, InvocationScope } from '../invocation.ts';
import { exchange } from '../engine/exchanging.ts';
import { listPrices } from '../prices.ts';
import { plainScope } from './plain-scope.ts';
import {
  ActorValueInvalid,
  InvalidOption,
  ModelAnswerInvalid,
  ModelCallFailed,
  type SignalboxError,
} from '../errors.ts';
import { createMessagesServer, type MessagesServerOptions } from '../testing/messages-server/index.ts';
import { fromModel } from './from-model.ts';
import { anthropic, type AnthropicOptions } from './providers/anthropic.ts';
import type { ModelProvider } from './providers/provider.ts';
import { standIn } from './providers/stand-in.ts';

const Ticket = z.object({ body: z.string() });
const Classification = z.object({
  category: z.enum(['billing', 'technical']),
  sure: z.boolean().default(true),
});

const KEY = 'sk-ant-a-secret-that-stays-here';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('an answer', () => {
  it('is parsed, checked and given back as the schema gives it', async () => {
    const { provider, server } = await served([{ json: { category: 'billing' } }]);
    const { answer } = await asked(classifier({ provider }), { body: 'Charged twice' });
    expect(answer).toEqual({ category: 'billing', sure: true });
    expect(server.requests.map(({ body }) => body)).toEqual([
      {
        model: 'claude-haiku-5-5',
        max_tokens: 8192,
        system: 'You sort tickets.',
        messages: [{ role: 'user', content: 'Sort: Charged twice' }],
        output_config: {
          format: {
            type: 'json_schema',
            schema: {
              type: 'object',
              properties: {
                category: { enum: ['billing', 'technical'] },
                sure: { type: 'boolean', description: '{default: true}' },
              },
              required: ['category'],
              additionalProperties: false,
            },
          },
        },
      },
    ]);
  });

  it('is the text itself where the output is a plain string', async () => {
    const { provider, server } = await served(['Dear customer, ...']);
    const logic = fromModel({ ...reply, output: z.string().max(100), provider });
    expect((await asked(logic, { body: 'Help' })).answer).toBe('Dear customer, ...');
    expect(server.requests[0]?.body).not.toHaveProperty('output_config');
  });

  it('that breaks the schema is refused with its text and the issues, for a repair to show', async () => {
    const text = '{"category":"weather","sure":"very"}';
    const { provider } = await served([text]);
    const error = await refusal(classifier({ provider }), { body: 'Rain' });
    expect(error).toBeInstanceOf(ModelAnswerInvalid);
    expect(error.details).toMatchObject({ stopReason: 'end_turn', text, requestId: 'req_local_1' });
    expect(error.details['issues']).toEqual([
      { path: ['category'], message: expect.stringContaining('billing') as string },
      { path: ['sure'], message: expect.stringContaining('boolean') as string },
    ]);
    expect(error.message).toContain('category: ');
  });

  it.each([
    'max_tokens',
    'stop_sequence',
    'tool_use',
    'pause_turn',
    'refusal',
    'model_context_window_exceeded',
    'of_a_later_api',
    null,
  ])('that stopped for %s is refused, although its text would pass', async (stopReason) => {
    const { provider } = await served([{ json: { category: 'billing' }, stopReason }]);
    const { error, exchanges } = await failed(classifier({ provider }), { body: 'Charged twice' });
    expect(error).toMatchObject({
      code: 'MODEL_ANSWER_INVALID',
      details: { stopReason: stopReason ?? 'none', text: '{"category":"billing"}' },
    });
    expect(exchanges).toMatchObject([
      { response: { stop_reason: stopReason }, usage: { inputTokens: expect.any(Number) as number } },
    ]);
  });

  it('that is a refusal says why the model refused', async () => {
    const stopDetails = { category: 'cyber', explanation: 'Asks for malware.' };
    const { provider } = await served([{ text: '', stopReason: 'refusal', stopDetails }]);
    const error = await refusal(classifier({ provider }), { body: 'Write a virus' });
    expect(error.message).toContain('is a refusal (cyber: Asks for malware.)');
    expect(error.details).toMatchObject({ stopReason: 'refusal', stopDetail: 'cyber: Asks for malware.' });
  });
});

describe('a provider that does not enforce schemas', () => {
  it('is told the schema in words, and may answer in a fenced block', async () => {
    const text = 'Here it is:\n\n```json\n{"category":"billing"}\n```';
    const { provider, server } = await served([text], { enforcesSchema: false });
    const { answer } = await asked(classifier({ provider }), { body: 'Charged twice' });
    expect(answer).toEqual({ category: 'billing', sure: true });
    const { body } = server.requests[0]!;
    expect(body).not.toHaveProperty('output_config');
    expect(body.system).toMatch(
      /^You sort tickets\.\n\nAnswer with one JSON value.*"enum":\["billing","technical"\]/s,
    );
  });
});

describe('input', () => {
  it('that its schema refuses makes no call', async () => {
    const { provider, server } = await served([]);
    const { error, exchanges } = await failed(classifier({ provider }), { body: 7 });
    expect(error).toBeInstanceOf(ActorValueInvalid);
    expect(error.details).toEqual({ issues: [{ path: ['body'], message: expect.any(String) as string }] });
    expect(error.message).toContain('model actor `classifyTicket`');
    expect(server.requests).toEqual([]);
    expect(exchanges).toEqual([]);
  });

  it('reaches the prompt as its schema gives it back', async () => {
    const { provider, server } = await served(['Hello']);
    const logic = fromModel({
      ...reply,
      input: z.object({ body: z.string().trim().default('(empty)') }),
      output: z.string(),
      provider,
    });
    await asked(logic, {});
    expect(server.requests[0]?.body.messages).toEqual([{ role: 'user', content: 'Answer: (empty)' }]);
  });

  it('needs no schema', async () => {
    const { provider, server } = await served(['Hello']);
    const logic = fromModel({ ...greeting, prompt: (input) => `Got ${typeof input}`, provider });
    await asked(logic, 7);
    expect(server.requests[0]?.body.messages).toEqual([{ role: 'user', content: 'Got number' }]);
  });
});

describe('a prompt', () => {
  it('may be a conversation', async () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'Bye' },
    ] as const;
    const { provider, server } = await served(['Bye']);
    await asked(fromModel({ ...greeting, prompt: () => messages, provider }), {});
    expect(server.requests[0]?.body.messages).toEqual(messages);
  });

  it('that does not end with the user is refused before any call', async () => {
    const { provider, server } = await served([]);
    const prompt = () => [{ role: 'assistant', content: 'Hello' }] as const;
    const error = await refusal(fromModel({ ...greeting, prompt, provider }), {});
    expect(error).toBeInstanceOf(InvalidOption);
    expect(server.requests).toEqual([]);
  });
});

describe('text first', () => {
  const script = [
    'The customer was charged twice, so this is billing.',
    { json: { category: 'billing' } },
  ] as const;

  it('asks for text, then for the fields in it', async () => {
    const { provider, server } = await served(script);
    const { answer, exchanges } = await asked(classifier({ provider, textFirst: true }), {
      body: 'Charged twice',
    });
    expect(answer).toEqual({ category: 'billing', sure: true });
    const [first, second] = server.requests.map(({ body }) => body);
    expect(first).not.toHaveProperty('output_config');
    expect(second).toHaveProperty('output_config');
    expect(second?.messages).toEqual([
      { role: 'user', content: 'Sort: Charged twice' },
      { role: 'assistant', content: 'The customer was charged twice, so this is billing.' },
      { role: 'user', content: expect.stringContaining('Extract the fields') as string },
    ]);
    expect(exchanges.map(({ requestId }) => requestId)).toEqual(['req_local_1', 'req_local_2']);
  });

  it('extracts as the option says', async () => {
    const { provider, server } = await served(script);
    const textFirst = { prompt: 'Name the category.' };
    await asked(classifier({ provider, textFirst }), { body: 'Charged twice' });
    expect(server.requests[1]?.body.messages.at(-1)).toEqual({ role: 'user', content: 'Name the category.' });
  });

  it('does not ask for the text again when the invocation is performed again', async () => {
    const { provider, server } = await served([script[0], { status: 529 }, script[1]]);
    const logic = classifier({ provider, textFirst: true });
    const journal = new Map<string, unknown>();
    await expect(asked(logic, { body: 'Charged twice' }, { journal })).rejects.toThrow('529');
    expect(journal).toEqual(new Map([['once text', script[0]]]));

    const { answer } = await asked(logic, { body: 'Charged twice' }, { journal });
    expect(answer).toEqual({ category: 'billing', sure: true });
    expect(server.requests).toHaveLength(3);
    expect(server.requests[2]?.body.messages[1]).toEqual({ role: 'assistant', content: script[0] });
  });

  it('does not keep a text that was cut off', async () => {
    const { provider } = await served([{ text: 'The customer was', stopReason: 'max_tokens' }]);
    const journal = new Map<string, unknown>();
    const answer = asked(classifier({ provider, textFirst: true }), { body: 'Hm' }, { journal });
    await expect(answer).rejects.toThrow('cut off');
    expect(journal.size).toBe(0);
  });
});

describe('a cache key', () => {
  const cache = { key: ({ body }: z.input<typeof Ticket>) => body.toLowerCase() };

  it('shares one answer among the inputs that have it', async () => {
    const { provider, server } = await served([
      { json: { category: 'billing' } },
      { json: { category: 'technical' } },
    ]);
    const logic = classifier({ provider, cache });
    const journal = new Map<string, unknown>();
    const first = await asked(logic, { body: 'TWICE' }, { journal });
    const second = await asked(logic, { body: 'twice' }, { journal });
    const other = await asked(logic, { body: 'crash' }, { journal });
    expect([first.answer, second.answer, other.answer].map(({ category }) => category)).toEqual([
      'billing',
      'billing',
      'technical',
    ]);
    expect(second.exchanges).toEqual([]);
    expect(server.requests).toHaveLength(2);
  });

  it('does not share an answer that was refused', async () => {
    const { provider } = await served([{ json: { category: 'weather' } }, { json: { category: 'billing' } }]);
    const logic = classifier({ provider, cache });
    const journal = new Map<string, unknown>();
    await expect(asked(logic, { body: 'twice' }, { journal })).rejects.toThrow(ModelAnswerInvalid);
    expect((await asked(logic, { body: 'twice' }, { journal })).answer.category).toBe('billing');
  });

  it('must be a key', async () => {
    const { provider, server } = await served([]);
    const error = await refusal(classifier({ provider, cache: { key: () => '' } }), { body: 'twice' });
    expect(error).toBeInstanceOf(InvalidOption);
    expect(server.requests).toEqual([]);
  });
});

describe('a repair', () => {
  const billing = { json: { category: 'billing', sure: true } };

  it('shows the model its answer and what is wrong with it', async () => {
    const { provider, server } = await served(['{"category":"weather"}', billing]);
    const { answer, exchanges } = await asked(classifier({ provider, repairs: 1 }), { body: 'Rain' });
    expect(answer).toEqual({ category: 'billing', sure: true });
    const [question, refused, wrong] = server.requests[1]?.body.messages ?? [];
    expect(question).toEqual(server.requests[0]?.body.messages[0]);
    expect(refused).toEqual({ role: 'assistant', content: '{"category":"weather"}' });
    expect(wrong?.content).toMatch(/refused:\n- category: .*billing.*\n/);
    expect(exchanges).toHaveLength(2);
  });

  it('is bounded', async () => {
    const { provider, server } = await served(() => '{"category":"weather"}');
    const error = await refusal(classifier({ provider, repairs: 2 }), { body: 'Rain' });
    expect(error).toBeInstanceOf(ModelAnswerInvalid);
    expect(server.requests).toHaveLength(3);
    expect(server.requests[2]?.body.messages).toHaveLength(5);
  });

  it('mends an answer that was not accepted, with the reasons as they stand', async () => {
    const { provider, server } = await served([{ json: { category: 'technical', sure: true } }, billing]);
    const accept = ({ category }: { category: string }) =>
      category === 'technical' ? ['The ticket names no device.'] : [];
    const { answer } = await asked(classifier({ provider, repairs: 1, accept }), { body: 'Rain' });
    expect(answer.category).toBe('billing');
    expect(server.requests[1]?.body.messages[2]?.content).toContain('- The ticket names no device.\n');
  });

  it('that does not help ends with what was not accepted', async () => {
    const { provider } = await served(() => billing);
    const error = await refusal(classifier({ provider, accept: () => ['No.'] }), { body: 'Rain' });
    expect(error).toMatchObject({
      code: 'GATE_REJECTED',
      details: { reasons: ['No.'], output: { category: 'billing' } },
    });
  });

  it('does not ask again for what asking cannot mend', async () => {
    const { provider, server } = await served([{ text: 'I cannot', stopReason: 'refusal' }]);
    const error = await refusal(classifier({ provider, repairs: 3 }), { body: 'Rain' });
    expect(error).toMatchObject({ details: { stopReason: 'refusal' } });
    expect(server.requests).toHaveLength(1);
  });

  it('goes on after a crash with the answer that was refused before it', async () => {
    const { provider, server } = await served(['{"category":"weather"}', { status: 400 }, billing]);
    const journal = new Map<string, unknown>();
    const logic = classifier({ provider, repairs: 1 });
    await expect(asked(logic, { body: 'Rain' }, { journal })).rejects.toThrow('400');
    const { answer } = await asked(logic, { body: 'Rain' }, { journal });
    expect(answer.category).toBe('billing');
    expect(server.requests.map(({ body }) => body.messages.length)).toEqual([1, 3, 3]);
  });
});

describe('an abort', () => {
  it('in flight rejects with its reason and closes the connection', async () => {
    const arrived = promised<void>();
    const { provider } = await served(() => {
      arrived.resolve();
      return { fault: 'hang' };
    });
    const controller = new AbortController();
    const reason = new Error('The machine left the state.');
    const outcome = failed(classifier({ provider }), { body: 'Hm' }, { signal: controller.signal });
    await arrived.promise;
    controller.abort(reason);
    const { error, exchanges } = await outcome;
    expect(error).toBe(reason);
    expect(exchanges).toMatchObject([{ error: { message: 'The machine left the state.' } }]);
  });

  it('rejects with its reason, whatever the provider makes of it', async () => {
    const controller = new AbortController();
    const reason = new Error('The machine left the state.');
    const provider = providerThat(() => {
      controller.abort(reason);
      throw new Error('Socket closed');
    });
    const { error } = await failed(classifier({ provider }), { body: 'Hm' }, { signal: controller.signal });
    expect(error).toBe(reason);
  });

  it('before the call makes none', async () => {
    const { provider, server } = await served([]);
    const { error, exchanges } = await failed(
      classifier({ provider }),
      { body: 'Hm' },
      { signal: AbortSignal.abort() },
    );
    expect(error.name).toBe('AbortError');
    expect([server.requests, exchanges]).toEqual([[], []]);
  });
});

describe('on record', () => {
  it('stands each call as it went over the wire, without the key', async () => {
    const usage = {
      input_tokens: 12,
      output_tokens: 6,
      cache_read_input_tokens: 4,
      cache_creation_input_tokens: null,
    };
    const { provider, server } = await served([{ json: { category: 'billing' }, usage }, { status: 429 }]);
    const logic = classifier({ provider });
    const { exchanges } = await asked(logic, { body: 'Charged twice' });
    const failure = await failed(logic, { body: 'Charged twice' });

    expect(exchanges).toEqual([
      {
        kind: 'model',
        by: 'anthropic',
        request: server.requests[0]?.body,
        response: expect.objectContaining({
          type: 'message',
          content: [{ type: 'text', text: '{"category":"billing"}' }],
        }),
        model: 'claude-haiku-5-5',
        usage: { inputTokens: 12, outputTokens: 6, cacheReadTokens: 4 },
        requestId: 'req_local_1',
        at: expect.any(Number),
        costUsd: expect.any(Number),
        latencyMs: expect.any(Number),
      },
    ]);
    expect(failure.exchanges).toEqual([
      {
        kind: 'model',
        by: 'anthropic',
        request: server.requests[1]?.body,
        error: { name: 'ModelCallFailed', message: failure.error.message, code: 'MODEL_CALL_FAILED' },
        model: 'claude-haiku-5-5',
        requestId: 'req_local_2',
        at: expect.any(Number),
        latencyMs: expect.any(Number),
      },
    ]);
    expect(server.requests[0]?.headers['authorization']).toContain(KEY);
    expect(encode([exchanges, failure.exchanges, failure.error])).not.toContain(KEY);
  });

  it('stands what was asked, without the input, if the provider failed before it sent anything', async () => {
    const provider = providerThat(() => {
      throw new RangeError('Down');
    });
    const { exchanges } = await failed(classifier({ provider }), { body: 'Hm' });
    expect(exchanges).toMatchObject([
      { request: { messages: [{ content: 'Sort: Hm' }] }, error: { name: 'RangeError', message: 'Down' } },
    ]);
    expect(exchanges[0]?.request).not.toHaveProperty('input');
  });

  it('stands that a stand-in answered', async () => {
    const provider = standIn({ classifyTicket: () => ({ category: 'billing' }) });
    const { exchanges } = await asked(classifier({ provider }), { body: 'Hm' });
    expect(exchanges).toMatchObject([{ by: 'stand-in', standIn: true, model: 'stand-in' }]);
    expect(exchanges[0]).not.toHaveProperty('usage');
  });

  it('stands nothing that a store cannot carry', async () => {
    const { provider } = await served([
      { json: { category: 'billing' } },
      { status: 429 },
      { fault: 'reset' },
    ]);
    const logic = classifier({ provider });
    const { exchanges } = await asked(logic, { body: 'Hm' });
    expect(JSON.parse(JSON.stringify(exchanges))).toEqual(exchanges);
    for (const { error } of [await failed(logic, { body: 'Hm' }), await failed(logic, { body: 'Hm' })]) {
      const restored = decode(encode(error)) as ModelCallFailed;
      expect(restored).toBeInstanceOf(ModelCallFailed);
      expect(restored.details).toEqual(error.details);
    }
  });
});

describe('under a plain createActor', () => {
  it('answers in a machine', async () => {
    const { provider } = await served([{ json: { category: 'technical' } }]);
    const actor = createActor(machineWith(classifier({ provider })), {
      input: { body: 'It crashes' },
    }).start();
    await expect(toPromise(actor)).resolves.toBe('technical');
  });

  it('uses Anthropic from the environment if it is given no provider', async () => {
    const { server } = await served([{ json: { category: 'technical' } }]);
    vi.stubEnv('ANTHROPIC_API_KEY', KEY);
    vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
    const actor = createActor(classifier(), { input: { body: 'It crashes' } }).start();
    await expect(toPromise(actor)).resolves.toEqual({ category: 'technical', sure: true });
    expect(server.requests).toHaveLength(1);
  });

  it('aborts the call when the actor is stopped', async () => {
    const arrived = promised<AbortSignal>();
    const provider = providerThat((_, { signal }) => {
      arrived.resolve(signal);
      return new Promise((__, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    });
    const actor = createActor(classifier({ provider }), { input: { body: 'Hm' } }).start();
    const signal = await arrived.promise;
    expect(signal.aborted).toBe(false);
    actor.stop();
    expect(signal.aborted).toBe(true);
  });
});

describe('options', () => {
  it.each([
    [{ name: '' }, 'Expected `name` of a model actor to be a non-empty string, got an empty string.'],
    [
      { model: undefined },
      'Expected `model` of model actor `classifyTicket` to be a non-empty string, got `undefined`.',
    ],
    [
      { maxTokens: 0 },
      'Expected `maxTokens` of model actor `classifyTicket` to be a positive integer, got `0`.',
    ],
    [{ maxTokens: 1.5 }, 'a positive integer, got `1.5`'],
    [{ output: {} }, 'Expected `output` of model actor `classifyTicket` to be a zod schema, got an object.'],
    [{ input: 'Ticket' }, 'to be a zod schema, got `Ticket`'],
    [{ prompt: 'Sort this' }, 'to be a function, got `Sort this`'],
    [{ system: () => 'x' }, 'to be a string, got a function'],
    [{ textFirst: 'yes' }, 'to be a boolean or `{ prompt }`, got `yes`'],
    [{ cache: { key: 'id' } }, 'with `key` a function to a string, got an object'],
    [{ repairs: -1 }, 'to be a whole number from 0, got `-1`'],
    [{ retry: { attempts: 0 } }, 'to be a positive integer, got `0`'],
    [{ promptCache: '2h' }, 'to be `5m` or `1h`, got `2h`'],
    [{ timeoutMs: 0 }, 'to be a positive number of milliseconds, got `0`'],
    [{ provider: null }, 'to be a model provider, got `null`'],
    [
      { output: z.object({ at: z.date() }) },
      'to be what JSON can hold. Date cannot be represented in JSON Schema',
    ],
  ])('are refused where they are given: %o', (wrong, message) => {
    const define = () => fromModel({ ...sorting, output: Classification, ...(wrong as object) });
    expect(define).toThrow(InvalidOption);
    expect(define).toThrow(message);
  });
});

const sorting = {
  name: 'classifyTicket',
  model: 'claude-haiku-5-5',
  system: 'You sort tickets.',
  prompt: () => 'Sort',
};

const reply = {
  name: 'draftReply',
  model: 'claude-sonnet-5-5',
  input: Ticket,
  prompt: ({ body }: { body: string }) => `Answer: ${body}`,
};

const greeting = { name: 'greet', model: 'claude-haiku-5-5', output: z.string() };

interface Choices {
  provider?: ModelProvider;
  textFirst?: boolean | { prompt: string };
  cache?: { key: (input: z.input<typeof Ticket>) => string };
  repairs?: number;
  accept?: (answer: z.output<typeof Classification>) => string[];
}

function classifier(choices: Choices = {}) {
  return fromModel({
    ...sorting,
    input: Ticket,
    output: Classification,
    prompt: ({ body }) => `Sort: ${body}`,
    // What is tried again, and when, is the policies' to test.
    retry: false,
    repairs: 0,
    ...choices,
  });
}

function machineWith(classifyTicket: ReturnType<typeof classifier>) {
  return setup({
    types: {} as {
      input: { body: string };
      context: { body: string; category?: string };
      output: string | undefined;
    },
    actors: { classifyTicket },
  }).createMachine({
    context: ({ input }) => ({ body: input.body }),
    initial: 'classifying',
    states: {
      classifying: {
        invoke: {
          src: 'classifyTicket',
          input: ({ context }) => context,
          onDone: {
            target: 'classified',
            actions: assign({ category: ({ event }) => event.output.category }),
          },
        },
      },
      classified: { type: 'final' },
    },
    output: ({ context }) => context.category,
  });
}

async function served(
  answers: MessagesServerOptions['answers'],
  options: Omit<AnthropicOptions, 'client'> = {},
) {
  const server = await createMessagesServer({ answers });
  onTestFinished(async () => {
    await server.close();
    expect(server.unexpected).toEqual([]);
  });
  const client = new Anthropic({ baseURL: server.url, apiKey: KEY });
  return { server, provider: anthropic({ client, ...options }) };
}

function providerThat(complete: ModelProvider['complete']): ModelProvider {
  return { name: 'scripted', standIn: false, enforcesSchema: true, complete };
}

interface Circumstances {
  signal?: AbortSignal;
  /** What `once` and `cached` keep from one performance to the next. */
  journal?: Map<string, unknown>;
}

async function asked<TLogic extends AnyActorLogic & DurableLogic>(
  logic: TLogic,
  input: unknown,
  circumstances: Circumstances = {},
): Promise<{ answer: OutputFrom<TLogic>; exchanges: Exchange[] }> {
  const exchanges: Exchange[] = [];
  const answer = await logic.signalbox.perform(input, scopeOf(exchanges, circumstances));
  return { answer: answer as OutputFrom<TLogic>, exchanges };
}

async function failed(logic: DurableLogic, input: unknown, circumstances: Circumstances = {}) {
  const exchanges: Exchange[] = [];
  const outcome = logic.signalbox.perform(input, scopeOf(exchanges, circumstances));
  const error = await outcome.then(
    () => new Error('Expected a failure, got an answer.'),
    (thrown: unknown) => thrown as SignalboxError,
  );
  return { error: error as SignalboxError, exchanges };
}

async function refusal(logic: DurableLogic, input: unknown): Promise<SignalboxError> {
  return (await failed(logic, input)).error;
}

function scopeOf(
  exchanges: Exchange[],
  { signal = new AbortController().signal, journal = new Map<string, unknown>() }: Circumstances,
): InvocationScope {
  const keep = async <T>(name: string, fn: () => Promise<T>): Promise<T> => {
    if (!journal.has(name)) journal.set(name, await fn());
    return journal.get(name) as T;
  };
  return {
    ...plainScope('run-1/classify', signal),
    once: (name, fn) => keep(`once ${name}`, fn),
    kept: <T>(name: string) => journal.get(`once ${name}`) as T | undefined,
    cached: (key, fn) => keep(`cached ${key}`, fn),
    exchange: (call) =>
      exchange(call, {
        runId: 'run-1',
        workflow: 'test',
        key: 'run-1/test#1',
        part: undefined,
        signal: signal,
        now: Date.now,
        prices: listPrices,
        budget: undefined,
        intercept: undefined,
        record: (made) => exchanges.push(made),
      }),
  };
}

function promised<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
