/** What a model actor says that it takes at most is held against what it takes when all goes wrong that can. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor, toPromise } from 'xstate';
import { z } from 'zod';

import { asking, callMs, costlyProvider, longest, type Said } from '../../test/support/costly-provider.ts';
import type { DurablePromiseLogic } from './durable-logic.ts';
import { fromModel, type ModelActorOptions } from './from-model.ts';
import { fromTool } from './from-tool.ts';
import { judgedBy } from './judged-by.ts';
import { standIn } from './providers/stand-in.ts';

const Asked = z.object({ body: z.string() });
const body = 'I was charged twice. '.repeat(20);

type Options = Partial<ModelActorOptions<z.ZodString, typeof Asked>>;

const maxTokens = 400;

function asker(options: Options = {}) {
  return fromModel({
    name: 'ask',
    model: 'claude-haiku-4-5',
    system: 'You answer.',
    input: Asked,
    output: z.string(),
    prompt: ({ body: text }) => `What about this?\n\n${text}`,
    maxTokens,
    retry: false,
    ...options,
  });
}

/** `lost`: the numbers of the calls that fail. All answers are refused, with more reasons than the model is told. */
async function tried(
  options: Options,
  lost: (call: number) => boolean,
  said: (call: number) => Said = () => longest(maxTokens),
) {
  const { provider, spent, requests } = costlyProvider((call) => (lost(call) ? 'lost' : said(call)));
  const logic = asker({ provider, accept: () => ['No. '.repeat(5_000)], ...options });
  const scope = asking();
  const worst = logic.signalbox.worstCase?.({ body }, scope);
  const error: unknown = await toPromise(createActor(logic, { input: { body } }).start()).catch(
    (thrown: unknown) => thrown,
  );
  return { spent, requests, worst, error, assumed: scope.assumed };
}

interface Plan {
  readonly attempts: number;
  readonly repairs: number;
  readonly textFirst: boolean;
  /** The numbers of the calls that fail. */
  readonly lost: readonly number[];
}

describe('the worst case of a model actor', () => {
  it('is what it takes if every attempt fails as late as it can', async () => {
    const retry = { attempts: 3, delayMs: 0 };
    // The text, the answer and its first repair come; what fails is the last repair, and that twice.
    const options = { retry, repairs: 2, textFirst: true };
    const { spent, worst, error } = await tried(options, (call) => call === 4 || call === 5);
    expect(error).toMatchObject({ code: 'GATE_REJECTED' });
    expect(spent.calls).toBe(6);
    expect(worst).toMatchObject({ modelCalls: 6, timeMs: 6 * callMs });
    // But for halves of tokens.
    expect(worst?.tokens).toBeGreaterThanOrEqual(spent.tokens);
    expect((worst?.tokens ?? 0) - spent.tokens).toBeLessThan(3 * spent.calls);
    expect(worst?.usd).toBeGreaterThanOrEqual(spent.usd);
    expect(worst?.usd).toBeCloseTo(spent.usd, 4);
  });

  it('has a bound for the reasons of a repair, of which the model is told the first', async () => {
    const { requests } = await tried({ accept: () => ['界'.repeat(3_000), 'Too late.'] }, () => false);
    expect(requests[1]?.messages.at(-1)?.content).toBe(
      `That answer was refused:\n- ${'界'.repeat(1_332)}\n(and more)\n\nAnswer again, in full, with that put right.`,
    );
    const short = await tried({ accept: () => ['Too long.'] }, () => false);
    expect(short.requests[1]?.messages.at(-1)?.content).not.toContain('and more');
  });

  it('is never less than what it takes', async () => {
    const plan: fc.Arbitrary<Plan> = fc.record({
      attempts: fc.integer({ min: 1, max: 4 }),
      repairs: fc.integer({ min: 0, max: 3 }),
      textFirst: fc.boolean(),
      lost: fc.array(fc.integer({ min: 1, max: 8 })),
    });
    const run = async ({ attempts, repairs, textFirst, lost }: Plan) => {
      const options = { retry: { attempts, delayMs: 0 }, repairs, textFirst };
      const { spent, worst } = await tried(options, (call) => lost.includes(call));
      expect(worst?.modelCalls).toBe(repairs + 1 + (textFirst ? 1 : 0) + attempts - 1);
      expect(worst?.modelCalls).toBeGreaterThanOrEqual(spent.calls);
      expect(worst?.tokens).toBeGreaterThanOrEqual(spent.tokens);
      expect(worst?.usd).toBeGreaterThanOrEqual(spent.usd);
    };
    await fc.assert(fc.asyncProperty(plan, run), { numRuns: 60 });
  });

  it('holds for any input with `maxPromptTokens`, and says what it rests on without', () => {
    const scope = asking();
    const short = asker().signalbox.worstCase?.({ body: '' }, scope);
    const long = asker().signalbox.worstCase?.({ body }, scope);
    expect(long?.tokens).toBeGreaterThan(short?.tokens ?? Infinity);
    expect(new Set(scope.assumed)).toEqual(
      new Set(['`ask` is asked with prompts no longer than those of the examples (set `maxPromptTokens`)']),
    );
    const bounded = asker({ maxPromptTokens: 5_000, repairs: 2 }).signalbox;
    const silent = asking();
    const same = { modelCalls: 3, tokens: 3 * (5_000 + maxTokens) };
    expect(bounded.worstCase?.({ body }, silent)).toMatchObject(same);
    expect(bounded.worstCase?.('not an input', silent)).toMatchObject(same);
    expect(bounded.worstCase?.(undefined, { ...silent, inputTokens: Infinity })).toMatchObject(same);
    expect(silent.assumed).toEqual([]);
  });

  it('takes an input that is not there yet for as long as it is told', () => {
    const scope = asking();
    const worstOf = (inputTokens: number) =>
      asker({ repairs: 0 }).signalbox.worstCase?.(undefined, { ...scope, inputTokens });
    expect((worstOf(1_000)?.tokens ?? 0) - (worstOf(0)?.tokens ?? 0)).toBe(1_000);
    expect(worstOf(Infinity)).toMatchObject({ modelCalls: 1, tokens: Infinity, usd: Infinity });
    expect(scope.assumed[0]).toBe(
      '`ask` is asked with no more than its input, beside its system prompt and its schema (set `maxPromptTokens`)',
    );
    const free = asker({ model: 'llama-of-ours', repairs: 0 }).signalbox;
    expect(free.worstCase?.(undefined, { ...scope, inputTokens: Infinity })).toMatchObject({ usd: 0 });
  });

  it('does not break on a `prompt` that throws, and says what it takes in its place', () => {
    const scope = asking();
    const picky = asker({
      prompt: () => {
        throw new Error('No body.');
      },
    });
    const worst = picky.signalbox.worstCase?.({ body }, scope);
    expect(scope.assumed).toEqual([
      'the prompt of `ask` is no longer than its input, as `prompt` throws on one: No body. (set `maxPromptTokens`)',
    ]);
    expect(worst?.tokens).toBeGreaterThan(asker().signalbox.worstCase?.({ body: '' }, scope)?.tokens ?? 0);
  });

  it('counts a prompt that is kept at what it costs to keep, and says if that is not known', () => {
    const scope = asking();
    const usdOf = (options: Options) => asker(options).signalbox.worstCase?.({ body }, scope)?.usd ?? 0;
    expect(usdOf({ promptCache: '5m' })).toBeGreaterThan(usdOf({}));
    expect(scope.assumed.some((what) => what.includes('for an hour'))).toBe(false);
    usdOf({ promptCache: '1h' });
    expect(scope.assumed.at(-1)).toBe(
      'keeping the prompt of `ask` for an hour costs no more than keeping it for five minutes',
    );
  });

  it('is without a bound in time where the provider sets none, and instant with a stand-in', () => {
    const ask = (provider: ReturnType<typeof standIn>) =>
      asker({ provider, repairs: 0 }).signalbox.worstCase?.({ body }, asking())?.timeMs;
    const stood = standIn({ ask: () => 'Well.' });
    expect(ask(stood)).toBe(0);
    expect(ask({ ...stood, timeoutMs: undefined })).toBe(Infinity);
  });
});

describe('a judge', () => {
  const Judgment = z.object({ passed: z.boolean(), reasons: z.array(z.string()) });
  const refusing: Said = [{ type: 'text', text: '{"passed":false,"reasons":["No."]}' }];

  function judgeOf(provider: NonNullable<Options['provider']>, options: object = {}) {
    return fromModel({
      name: 'judge',
      model: 'claude-haiku-4-5',
      input: z.string(),
      output: Judgment,
      prompt: (text) => `Is it fine?\n\n${text}`,
      maxTokens: 100,
      repairs: 0,
      retry: { attempts: 2, delayMs: 0 },
      provider,
      ...options,
    });
  }

  const judged = (judge: DurablePromiseLogic<z.infer<typeof Judgment>, string>, options: Options = {}) =>
    asker({ accept: judgedBy(judge, (text: string) => text), ...options });

  it('counts with all that it is asked, each time with all its attempts', async () => {
    // Each judgement fails once; each answer is another, so each is judged.
    const judging = costlyProvider((call) => (call % 2 === 1 ? 'lost' : refusing));
    const answering = costlyProvider((call) => longest(maxTokens, `${call}`));
    const logic = judged(judgeOf(judging.provider), { provider: answering.provider, repairs: 2 });
    const worst = logic.signalbox.worstCase?.({ body }, asking());
    const error: unknown = await toPromise(createActor(logic, { input: { body } }).start()).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ code: 'GATE_REJECTED' });
    // What waits for the judge's next attempt is not asked again.
    expect(answering.spent.calls).toBe(3);
    expect(judging.spent.calls).toBe(6);
    expect(worst?.modelCalls).toBe(9);
    expect(worst?.tokens).toBeGreaterThanOrEqual(answering.spent.tokens + judging.spent.tokens);
    expect(worst?.waits).toBe(true);
  });

  it('that fails for good costs no other answer, if the whole is tried again', async () => {
    const judging = costlyProvider((call) =>
      call <= 2 ? 'lost' : [{ type: 'text', text: '{"passed":true,"reasons":[]}' }],
    );
    const answering = costlyProvider(() => longest(maxTokens));
    const options = { provider: answering.provider, retry: { attempts: 2, delayMs: 0 } };
    const logic = judged(judgeOf(judging.provider), options);
    await toPromise(createActor(logic, { input: { body } }).start());
    expect(answering.spent.calls).toBe(1);
    expect(judging.spent.calls).toBe(3);
  });

  it('is not what a check is that throws: the model is asked anew, where that is to be tried again', async () => {
    const answering = costlyProvider((call) => longest(maxTokens, `${call}`));
    const logic = asker({
      accept: (text: string) => {
        if (text.startsWith('1')) throw new RangeError('Not to be read.');
        return true;
      },
      provider: answering.provider,
      retry: { attempts: 2, delayMs: 0, on: () => true },
    });
    expect(await toPromise(createActor(logic, { input: { body } }).start())).toMatch(/^2/);
    expect(answering.spent.calls).toBe(2);
  });

  it('that answers amiss is not the fault of whoever is judged', async () => {
    const judging = costlyProvider(() => [{ type: 'text', text: '{"passed":"so so"}' }]);
    const answering = costlyProvider(() => longest(maxTokens));
    const logic = judged(judgeOf(judging.provider), { provider: answering.provider, repairs: 3 });
    const failed = toPromise(createActor(logic, { input: { body } }).start());
    await expect(failed).rejects.toThrow("The model's answer to `judge` does not match its schema");
    expect(answering.spent.calls).toBe(1);
  });

  it('has its failures declared by whoever asks it', () => {
    const judge = judgeOf(standIn({}), { maxPromptTokens: 9 });
    const messages = ({ signalbox }: Pick<typeof judge, 'signalbox'>) =>
      (signalbox.failures ?? []).map(({ message }) => message);
    const tool = fromTool({
      name: 'write',
      input: z.string(),
      output: z.string(),
      run: async () => 'x',
      accept: judgedBy(judge, (text: string) => text),
    });
    expect(messages(tool as never)).toEqual([
      ...messages(judge),
      'The output of `write` was not accepted: It was not accepted.',
    ]);
    // Of failures that no machine could tell apart there is one.
    expect(messages(judged(judge) as never).filter((message) => message.includes('`judge`'))).toEqual([
      expect.stringContaining('`maxPromptTokens`'),
    ]);
  });
});
