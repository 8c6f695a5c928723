/** What an agent says that it takes at most is held against what it takes when its model does the worst that it can. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor, toPromise } from 'xstate';
import { z } from 'zod';

import { asking, callMs, costlyProvider, type Said } from '../../../test/support/costly-provider.ts';
import { fromModel } from '../from-model.ts';
import { fromTool } from '../from-tool.ts';
import { judgedBy } from '../judged-by.ts';
import { modelCallFailed } from '../providers/call-failed.ts';
import { type AgentActorOptions, fromAgent } from './from-agent.ts';

const Question = z.object({ question: z.string() });
const input = { question: 'What?' };
const maxTokens = 200;
const maxResultLength = 300;

type Options = Partial<AgentActorOptions<z.ZodString, typeof Question>>;

const look = fromTool({
  name: 'look',
  description: 'Looks.',
  input: z.object({ text: z.string() }),
  output: z.string(),
  timeoutMs: 500,
  run: async () => '界'.repeat(10_000),
});

function helper(options: Options = {}) {
  return fromAgent({
    name: 'help',
    model: 'claude-haiku-4-5',
    input: Question,
    output: z.string(),
    prompt: ({ question }) => question,
    tools: [look],
    maxTokens,
    maxResultLength,
    retry: false,
    ...options,
  });
}

/** As many calls as a turn has room for, and text for the rest. */
function calling(turn: number, count: number): Said {
  const calls = Array.from({ length: count }, (_, index) => ({
    type: 'tool-call' as const,
    id: `${turn}.${index}`,
    name: 'look',
    input: { text: '' },
  }));
  return [{ type: 'text', text: 'x'.repeat(maxTokens) }, ...calls];
}

async function tried(options: Options, say: (call: number) => Said) {
  const { provider, spent } = costlyProvider(say);
  const logic = helper({ provider, ...options });
  const scope = asking();
  const worst = logic.signalbox.worstCase?.(input, scope);
  const ended: unknown = await toPromise(createActor(logic, { input }).start()).catch(
    (error: unknown) => error,
  );
  return { spent, worst, ended, assumed: scope.assumed };
}

describe('the worst case of an agent', () => {
  it('is all its turns, in a conversation that grows, with all attempts', async () => {
    const options = { limits: { turns: 4 }, retry: { attempts: 2, delayMs: 0 } };
    // Each turn fails once.
    const { spent, worst, ended, assumed } = await tried(options, (call) =>
      call % 2 === 1 ? 'lost' : calling(call, 3),
    );
    expect(ended).toMatchObject({ outcome: 'limit', limit: 'turns', turns: 4 });
    expect(spent.calls).toBe(8);
    expect(worst).toMatchObject({ modelCalls: 8, waits: true, timeMs: 8 * callMs + 4 * 500 });
    expect(worst?.tokens).toBeGreaterThanOrEqual(spent.tokens);
    expect(worst?.usd).toBeGreaterThanOrEqual(spent.usd);
    expect(assumed).toEqual([
      '`help` is asked with prompts no longer than those of the examples (set `limits.tokens`)',
    ]);
  });

  it('is never less than what it takes, whatever its model does', async () => {
    const Did = fc.oneof(
      fc.constant<Said>('lost'),
      fc.integer({ min: 0, max: 6 }).map((count) => calling(count, count)),
      fc.constant<Said>([{ type: 'text', text: 'Refused. '.repeat(30) }]),
    );
    const plan = fc.record({
      turns: fc.integer({ min: 1, max: 4 }),
      toolCalls: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
      tokens: fc.option(fc.integer({ min: 1_500, max: 9_000 }), { nil: undefined }),
      attempts: fc.integer({ min: 1, max: 3 }),
      did: fc.array(Did, { minLength: 1, maxLength: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ turns, toolCalls, tokens, attempts, did }) => {
        const limits = {
          turns,
          ...(toolCalls !== undefined && { toolCalls }),
          ...(tokens !== undefined && { tokens }),
        };
        const options = {
          limits,
          retry: { attempts, delayMs: 0 },
          accept: () => ['No. '.repeat(1_000)],
        };
        const { spent, worst } = await tried(options, (call) => did[call % did.length] ?? 'lost');
        expect(worst?.modelCalls).toBe(turns * attempts);
        expect(worst?.modelCalls).toBeGreaterThanOrEqual(spent.calls);
        expect(worst?.tokens).toBeGreaterThanOrEqual(spent.tokens);
        if (tokens !== undefined) expect(worst?.tokens).toBe(tokens);
      }),
      { numRuns: 60 },
    );
  });

  it('is its limits, which hold whatever its input is', () => {
    const worstOf = (limits: object, attempts = 1) => {
      const scope = asking({ attempts });
      const worst = helper({ limits }).signalbox.worstCase?.(input, scope);
      expect(scope.assumed).toEqual(
        'tokens' in limits ? [] : [expect.stringContaining('set `limits.tokens`')],
      );
      return worst;
    };
    expect(worstOf({ turns: 5, tokens: 10_000 })).toMatchObject({ modelCalls: 5, tokens: 10_000 });
    // At the price of Haiku 4.5: written to the cache, and then 5 times 200 tokens of answers.
    expect(worstOf({ turns: 5, tokens: 10_000 })?.usd).toBeCloseTo((10_000 * 1.25 + 1_000 * 5) / 1e6, 9);
    expect(worstOf({ turns: 5, usd: 0.05 })?.usd).toBe(0.05);
    expect(worstOf({ turns: 5, timeMs: 700 })?.timeMs).toBe(700);
    // A further attempt goes on where the last one was, and may lose the call that it was cut off in.
    expect(worstOf({ turns: 5, tokens: 10_000 }, 3)).toMatchObject({ modelCalls: 7, tokens: 30_000 });
  });

  it('has as many results in it as tools may be called', () => {
    const tokensOf = (toolCalls?: number) =>
      helper({ limits: { turns: 3, ...(toolCalls && { toolCalls }) } }).signalbox.worstCase?.(input, asking())
        ?.tokens ?? 0;
    expect(tokensOf(1)).toBeLessThan(tokensOf(4));
    expect(tokensOf(4)).toBeLessThan(tokensOf());
    expect(tokensOf(1_000)).toBe(tokensOf());
  });

  it('holds as the model is told no more of what is wrong than of a result', async () => {
    const { provider, requests } = costlyProvider((call) => [
      call === 1
        ? { type: 'tool-call', id: '1', name: 'look', input: { text: 5 } }
        : { type: 'text', text: 'Well.' },
    ]);
    const many = fromTool({
      name: 'look',
      description: 'Looks.',
      input: z.object({ text: z.string(`Expected a text. ${'x'.repeat(1_000)}`) }),
      output: z.string(),
      run: async () => 'seen',
    });
    const logic = helper({
      provider,
      tools: [many],
      accept: () => ['No. '.repeat(1_000)],
      limits: { turns: 3 },
    });
    await toPromise(createActor(logic, { input }).start());
    const [, second, third] = requests.map(({ messages }) => JSON.stringify(messages.at(-1)?.content));
    for (const told of [second, third]) {
      expect(told).toMatch(/\(cut after 300 of \d+ characters\)/);
      expect(told?.length).toBeLessThan(500);
    }
  });

  it('counts a call that broke off as if it had been charged, in its limits too', async () => {
    const { provider, spent } = costlyProvider(() => 'lost');
    const tokens = 2_500;
    const logic = helper({ provider, limits: { tokens }, retry: { attempts: 50, delayMs: 0 } });
    expect(await toPromise(createActor(logic, { input }).start())).toEqual({
      outcome: 'limit',
      limit: 'tokens',
      turns: 0,
      toolCalls: 0,
      tokens: 0,
    });
    expect(spent.calls).toBe(2);
    expect(spent.tokens).toBeLessThanOrEqual(tokens);
  });

  it('counts nothing of a call that found nobody to talk to, and tries again', async () => {
    const answered = costlyProvider(() => 'lost').provider;
    let calls = 0;
    const provider: typeof answered = {
      ...answered,
      complete: async () => {
        calls += 1;
        const cause = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
        const details = { kind: 'connection', retryable: true } as const;
        throw modelCallFailed('the model', 'there is no network', details, cause);
      },
    };
    const logic = helper({ provider, limits: { tokens: 2_500 }, retry: { attempts: 5, delayMs: 0 } });
    await expect(toPromise(createActor(logic, { input }).start())).rejects.toMatchObject({
      code: 'MODEL_CALL_FAILED',
    });
    expect(calls).toBe(5);
  });

  it('counts the models that judge its answers, and declares what these fail with', async () => {
    const judging = costlyProvider(() => [{ type: 'text', text: '{"passed":false,"reasons":["No."]}' }]);
    const judge = fromModel({
      name: 'judge',
      model: 'claude-haiku-4-5',
      input: z.string(),
      output: z.object({ passed: z.boolean(), reasons: z.array(z.string()) }),
      prompt: (text) => text,
      maxTokens: 50,
      maxPromptTokens: 2_000,
      repairs: 0,
      retry: false,
      provider: judging.provider,
    });
    const options = { limits: { turns: 3 }, accept: judgedBy(judge, (text: string) => text) };
    const { spent, worst } = await tried(options, (call) => [{ type: 'text', text: `Answer ${call}.` }]);
    expect(spent.calls + judging.spent.calls).toBe(6);
    expect(worst?.modelCalls).toBe(6);
    const declared = (helper(options).signalbox.failures ?? []).map(({ message }) => message);
    expect(declared).toContainEqual(expect.stringContaining('The model was not asked for `judge`'));
  });

  it('does not break on a `prompt` that throws, nor on an input that is not there yet', () => {
    const scope = asking();
    const prompt = () => {
      throw new Error('No question.');
    };
    expect(helper({ prompt }).signalbox.worstCase?.(input, scope)?.modelCalls).toBe(10);
    expect(helper().signalbox.worstCase?.(undefined, { ...scope, inputTokens: 500 })?.modelCalls).toBe(10);
    expect(scope.assumed).toEqual([
      'the prompt of `help` is no longer than its input, as `prompt` throws on one: No question. (set `limits.tokens`)',
      '`help` is asked with no more than its input, beside its system prompt and its tools (set `limits.tokens`)',
    ]);
  });
});
