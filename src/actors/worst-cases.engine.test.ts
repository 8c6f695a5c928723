/** What actors say that they take at most is held against what they take on an engine, by its clock. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';

import { asking, callMs, costlyProvider, longest } from '../../test/support/costly-provider.ts';
import { createWorld, performing, type World } from '../../test/support/world.ts';
import { sqliteStore } from '../../persistence/sqlite/index.ts';
import { createEngine } from '../engine/engine.ts';
import type { WorstCase } from '../invocation.ts';
import { createVirtualClock, type VirtualClock } from '../testing/virtual-clock.ts';
import type { DurablePromiseLogic } from './durable-logic.ts';
import { fromMap } from './from-map.ts';
import { fromModel } from './from-model.ts';
import { fromTool, type ToolActorOptions } from './from-tool.ts';
import { fromVote } from './from-vote.ts';

const Num = z.number();
const Nums = z.array(z.number());
const stepMs = 50;

/** How long it takes by the clock, and what it says that it takes at most. */
async function measured<TOutput, TInput>(
  make: (clock: () => VirtualClock) => DurablePromiseLogic<TOutput, TInput>,
  input: TInput,
): Promise<{ took: number; worst: WorstCase | undefined; ended: unknown }> {
  let world: World | undefined;
  const clock = (): VirtualClock => world?.clock ?? createVirtualClock();
  const logic = make(clock);
  world = createWorld(performing(logic, input));
  const run = await world.engine().start('performing', { id: 'r' });
  const begun = world.clock.now();
  await world.clock.advance(0);
  while ((await run.snapshot()).status !== 'done') {
    if (world.clock.now() - begun > 600_000) throw new Error('It does not end.');
    await world.clock.advance(stepMs);
  }
  const worst = logic.signalbox.worstCase?.(input, asking());
  return { took: world.clock.now() - begun, worst, ended: await run.result() };
}

type NumTool = ToolActorOptions<typeof Num, typeof Num>;

/** Takes as long as its input says, by the clock of the engine. */
function busy(clock: () => VirtualClock, options: Partial<NumTool> = {}) {
  return fromTool({
    name: 'work',
    input: Num,
    output: Num,
    run: (ms) => new Promise((resolve) => clock().at(clock().now() + ms, () => resolve(ms))),
    ...options,
  });
}

const hanging = () => new Promise<never>(() => {});
const down = () => Promise.reject(Object.assign(new Error('Down.'), { status: 503 }));

describe('the worst case of a tool', () => {
  it('has no bound in time of its own, and takes no model', () => {
    const tool = busy(() => createVirtualClock());
    expect(tool.signalbox.worstCase?.(5, asking())).toEqual({
      modelCalls: 0,
      tokens: 0,
      usd: 0,
      timeMs: Infinity,
    });
  });

  it('is all its attempts and the waits between them', async () => {
    const { took, worst, ended } = await measured(
      (clock) =>
        busy(clock, {
          run: hanging,
          timeoutMs: 1_000,
          retry: { attempts: 3, delayMs: 500, factor: 4, maxDelayMs: 1_500, jitter: 0 },
        }),
      1,
    );
    expect(ended).toMatchObject({ error: { code: 'TIMED_OUT' } });
    expect(worst?.timeMs).toBe(3 * 1_000 + 500 + 1_500);
    expect(took).toBe(worst?.timeMs);
  });

  it('is no more than all the time that it has', async () => {
    const { took, worst } = await measured(
      (clock) => busy(clock, { run: hanging, totalTimeoutMs: 2_000, retry: { attempts: 9, delayMs: 10 } }),
      1,
    );
    expect(worst?.timeMs).toBe(2_000);
    expect(took).toBe(2_000);
  });

  it('counts the time for which an open circuit is left alone', async () => {
    const { took, worst } = await measured(
      (clock) =>
        busy(clock, {
          run: down,
          timeoutMs: 100,
          circuitBreaker: { failures: 1, openMs: 60_000 },
          retry: { attempts: 3, delayMs: 10 },
        }),
      1,
    );
    expect(worst?.timeMs).toBe(3 * 100 + 2 * 60_000);
    expect(took).toBeLessThanOrEqual(worst?.timeMs ?? 0);
    expect(took).toBeGreaterThan(50_000);
  });

  it('goes through all that stand in for it', async () => {
    const waiting = { run: hanging, timeoutMs: 1_000 } as const;
    const { took, worst } = await measured((clock) => {
      const last = busy(clock, { ...waiting, name: 'last' });
      const second = busy(clock, {
        ...waiting,
        name: 'second',
        retry: { attempts: 2, delayMs: 100, jitter: 0 },
      });
      return busy(clock, { ...waiting, fallback: [second, last] });
    }, 1);
    expect(worst?.timeMs).toBe(1_000 + 2_100 + 1_000);
    expect(took).toBe(worst?.timeMs);
  });
});

describe('the worst case of a map', () => {
  const mapping = (each: DurablePromiseLogic<number, number>, options: object = {}) =>
    fromMap({ name: 'map', input: Nums, items: (all: number[]) => all, each, ...options });

  it('takes its items in waves', async () => {
    const { took, worst } = await measured(
      (clock) =>
        mapping(busy(clock, { timeoutMs: 1_000, run: hanging }), {
          concurrency: 2,
          onFailure: { atMost: 9 },
        }),
      [1, 2, 3, 4, 5],
    );
    expect(worst?.timeMs).toBe(3_000);
    expect(took).toBe(3_000);
  });

  it('is never shorter than it takes, however its items wait and are tried again', async () => {
    const plan = fc.record({
      count: fc.integer({ min: 1, max: 7 }),
      concurrency: fc.integer({ min: 1, max: 4 }),
      attempts: fc.integer({ min: 1, max: 3 }),
      delayMs: fc.constantFrom(0, 50, 700, 3_000),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ count, concurrency, attempts, delayMs }) => {
        const items = Array.from({ length: count }, (_, index) => index);
        const { took, worst } = await measured(
          (clock) =>
            mapping(
              busy(clock, {
                run: hanging,
                timeoutMs: 500,
                retry: { attempts, delayMs, jitter: 0, factor: 1 },
              }),
              { concurrency, onFailure: { atMost: 9 } },
            ),
          items,
        );
        // The clock is looked at this often.
        expect(took).toBeLessThanOrEqual((worst?.timeMs ?? 0) + stepMs);
      }),
      { numRuns: 15 },
    );
  });

  it('asks as many models as it has items and groups, each with what it is given', async () => {
    const writing = costlyProvider(() => longest(60));
    const write = fromModel({
      name: 'write',
      model: 'claude-haiku-4-5',
      input: Num,
      output: z.string(),
      prompt: (number) => `Write about ${number}.`,
      maxTokens: 60,
      repairs: 0,
      provider: writing.provider,
    });
    const merge = fromModel({
      name: 'merge',
      model: 'claude-haiku-4-5',
      input: z.array(z.string()),
      output: z.string(),
      prompt: (texts) => texts.join(''),
      maxTokens: 60,
      repairs: 0,
      provider: writing.provider,
    });
    for (const count of [0, 1, 2, 3, 4, 8, 9, 10, 27, 28]) {
      const before = { ...writing.spent };
      const logic = fromMap({
        name: 'map',
        input: Nums,
        items: (all) => all,
        each: write,
        concurrency: 3,
        reduce: { by: merge, fanIn: 3 },
      });
      const numbers = Array.from({ length: count }, (_, index) => index);
      const { worst } = await measured(() => logic, numbers);
      const spent = writing.spent.calls - before.calls;
      const tokens = writing.spent.tokens - before.tokens;
      // Three attempts for each call: two more than it took.
      expect(worst?.modelCalls).toBe(spent * 3);
      expect(worst?.tokens).toBeGreaterThanOrEqual(tokens * 3);
      expect(worst?.tokens).toBeLessThan(tokens * 3 * 1.1 + 1);
    }
  });

  it('counts as many items as there may be, or says that it counts those that there are', () => {
    const each = busy(() => createVirtualClock(), { timeoutMs: 1_000 });
    const counted = asking();
    expect(mapping(each, { concurrency: 1 }).signalbox.worstCase?.([1, 2], counted)?.timeMs).toBe(2_000);
    expect(counted.assumed).toEqual(['`map` has no more items than those of the examples (set `maxItems`)']);
    const silent = asking();
    const bounded = mapping(each, { concurrency: 2, maxItems: 7 }).signalbox;
    for (const input of [[], [1], [1, 2, 3]])
      expect(bounded.worstCase?.(input, silent)?.timeMs).toBeGreaterThanOrEqual(4_000);
    expect(bounded.worstCase?.(undefined, { ...silent, inputTokens: 100 })?.timeMs).toBe(4_000);
    expect(silent.assumed).toEqual([]);
    const unknown = mapping(each).signalbox.worstCase?.(undefined, { ...silent, inputTokens: 100 });
    expect(unknown?.timeMs).toBe(Infinity);
  });

  it('does not break on `items` that throw, and says what it takes in their place', () => {
    const each = busy(() => createVirtualClock(), { timeoutMs: 1_000 });
    const items = () => {
      throw new Error('No items.');
    };
    const scope = asking();
    expect(mapping(each, { items }).signalbox.worstCase?.([1], scope)?.timeMs).toBe(0);
    expect(scope.assumed).toEqual([
      '`map` does nothing where `items` throws, as it does on an input: No items. (set `maxItems`)',
    ]);
    expect(mapping(each, { items, maxItems: 2 }).signalbox.worstCase?.([1], asking())?.timeMs).toBe(1_000);
  });
});

describe('the worst case of a vote', () => {
  const voting = (clock: () => VirtualClock, options: object = {}) =>
    fromVote({
      name: 'vote',
      input: Num,
      voters: { ask: busy(clock, { run: hanging, timeoutMs: 1_000 }), times: 5 },
      ...options,
    });

  it.each([
    ['a majority', {}, 1_000 + 2 * 1_000],
    ['all of them', { decide: 'unanimous' }, 1_000],
    ['two at a time', { concurrency: 2 }, 3_000],
  ])('asks all voters, for %s', async (_, options, timeMs) => {
    const { took, worst } = await measured((clock) => voting(clock, options), 1);
    expect(worst?.timeMs).toBe(timeMs);
    expect(took).toBeLessThanOrEqual(timeMs);
  });

  it('asks its judge with all that they said', async () => {
    const { provider, spent } = costlyProvider((call) =>
      call <= 3 ? longest(50) : [{ type: 'text', text: '{"choice":0}' }],
    );
    const model = { model: 'claude-haiku-4-5', maxTokens: 50, repairs: 0, retry: false, provider } as const;
    const ask = fromModel({ ...model, name: 'ask', input: Num, output: z.string(), prompt: () => 'What?' });
    const judge = fromModel({
      ...model,
      name: 'judge',
      input: z.object({ answers: z.array(z.string()) }),
      output: z.object({ choice: z.int() }),
      prompt: ({ answers }) => answers.join(''),
    });
    const { worst } = await measured(
      () => fromVote({ name: 'vote', input: Num, voters: { ask, times: 3 }, decide: { judge } }),
      1,
    );
    expect(worst).toMatchObject({ modelCalls: 4, timeMs: 2 * callMs });
    expect(spent.calls).toBe(4);
    expect(worst?.tokens).toBeGreaterThanOrEqual(spent.tokens);
    expect(worst?.tokens).toBeLessThan(spent.tokens + 10);
  });
});

describe('on an engine with a file', () => {
  async function ended<TOutput, TInput>(
    logic: DurablePromiseLogic<TOutput, TInput>,
    input: TInput,
  ): Promise<unknown> {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-worst-'));
    const store = sqliteStore(join(folder, 'runs.db'));
    const engine = createEngine({
      workflows: [performing(logic, input)],
      store,
    });
    onTestFinished(async () => {
      await engine.stop();
      await store.close();
      rmSync(folder, { recursive: true });
    });
    const run = await engine.start('performing', { id: 'r' });
    return run.result();
  }

  /** What a machine could tell errors apart by. */
  const told = (error: unknown) => {
    const { name, code, details = {} } = error as { name: string; code: string; details?: object };
    return { name, code, details: Object.keys(details).sort() };
  };

  it('a model is not asked more than it may be, and that is a failure that it declares', async () => {
    const { provider, spent } = costlyProvider(() => longest(50));
    const ask = fromModel({
      name: 'ask',
      model: 'claude-haiku-4-5',
      input: z.string(),
      output: z.string(),
      prompt: (text) => text,
      maxPromptTokens: 1_000,
      provider,
    });
    expect(await ended(ask, 'x'.repeat(1_000))).toMatchObject({
      error: null,
      output: expect.any(String),
    });
    expect(spent.calls).toBe(1);
    const { error } = (await ended(ask, 'x'.repeat(1_001))) as { error: unknown };
    expect(error).toMatchObject({
      code: 'MODEL_CALL_FAILED',
      message:
        'The model was not asked for `ask`: the request could have 1001 tokens, and its `maxPromptTokens` are 1000. Put less into its prompt, or raise them.',
      details: { kind: 'refused-to-send', retryable: false, tokens: 1_001, maxPromptTokens: 1_000 },
    });
    // Nor tried again.
    expect(spent.calls).toBe(1);
    expect((ask.signalbox.failures ?? []).map(told)).toContainEqual(told(error));
    const free = fromModel({ name: 'ask', model: 'm', output: z.string(), prompt: () => '', provider });
    expect((free.signalbox.failures ?? []).map(told)).not.toContainEqual(told(error));
  });

  it('a repair is not asked for if it holds more than there may be', async () => {
    const { provider, spent } = costlyProvider(() => longest(600));
    const ask = fromModel({
      name: 'ask',
      model: 'claude-haiku-4-5',
      input: z.string(),
      output: z.string(),
      prompt: (text) => text,
      accept: () => false,
      maxTokens: 600,
      maxPromptTokens: 1_000,
      provider,
    });
    expect(await ended(ask, 'x')).toMatchObject({ error: { code: 'MODEL_CALL_FAILED' } });
    expect(spent.calls).toBe(1);
  });

  it('a map begins none of more items than there may be, and that is a failure that it declares', async () => {
    const begun: number[] = [];
    const each = fromTool({
      name: 'work',
      input: Num,
      output: Num,
      run: async (number) => {
        begun.push(number);
        return number;
      },
    });
    const map = fromMap({ name: 'map', input: Nums, items: (all) => all, each, maxItems: 2 });
    expect(await ended(map, [1, 2])).toMatchObject({ output: [1, 2] });
    const { error } = (await ended(map, [3, 4, 5])) as { error: unknown };
    expect(error).toMatchObject({
      code: 'ACTOR_VALUE_INVALID',
      message:
        'Input of map `map` was refused: Expected at most 2 items, got 3. Split it before, or raise `maxItems`.',
      details: { actor: 'map', items: 3, maxItems: 2 },
    });
    expect(begun).toEqual([1, 2]);
    expect((map.signalbox.failures ?? []).map(told)).toEqual([told(error)]);
  });

  it.each([
    ['maxItems', () => fromMap({ name: 'map', input: Nums, items: (all) => all, each: tool(), maxItems: 0 })],
    [
      'maxPromptTokens',
      () => fromModel({ name: 'ask', model: 'm', output: Num, prompt: () => '', maxPromptTokens: 1.5 }),
    ],
  ])('`%s` is a positive integer', (option, make) => {
    expect(make).toThrow(new RegExp(`^Expected \`${option}\` of .* to be a positive integer, got `));
  });

  const tool = () => busy(() => createVirtualClock());
});
