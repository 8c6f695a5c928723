import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../test/support/world.ts';
import type { DurablePromiseLogic } from '../actors/durable-logic.ts';
import { fromMap } from '../actors/from-map.ts';
import { fromModel } from '../actors/from-model.ts';
import { anthropic } from '../actors/providers/anthropic.ts';
import { standIn } from '../actors/providers/stand-in.ts';
import { createMessagesServer, type MessagesServerOptions } from '../testing/messages-server/index.ts';
import { spendOf } from './spend.ts';

/** 1,000 tokens in and 100 out cost 1,500 millionths of a dollar with claude-haiku-4-5. */
const usage = { input_tokens: 1_000, output_tokens: 100 };
const answer = { text: 'Fine.', usage };

describe('a budget', () => {
  it.each([
    ['tokens', { tokens: 3_400 }],
    // 1,000 tokens out, and about 600 in.
    ['money', { usd: 0.0075 }],
  ])('of %s is for all calls of a run, and one that could overrun it is not made', async (_, budget) => {
    const { logic, server } = await asking(() => answer);
    const world = createWorld(performing(logic, upTo(5), { budget }));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({
      error: {
        code: 'BUDGET_EXCEEDED',
        message: expect.stringMatching(/could overrun the budget of run `r`: .* It was not made/) as string,
      },
    });
    expect(server.requests).toHaveLength(2);
    expect(spendOf(await run.history())).toMatchObject({ calls: 2, costUsd: 0.003 });
  });

  it('counts what calls that are under way may use', async () => {
    const { logic, server } = await asking(() => ({ ...answer, delayMs: 20 }), { concurrency: 5 });
    const world = createWorld(performing(logic, upTo(5), { budget: { tokens: 3_400 } }));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ error: { code: 'BUDGET_EXCEEDED' } });
    expect(server.requests.length).toBeLessThanOrEqual(2);
  });

  it('that is spent ends a map that bears failures', async () => {
    const { logic, server } = await asking(() => answer, { onFailure: { atMost: 5 } });
    const world = createWorld(performing(logic, upTo(5), { budget: { tokens: 3_400 } }));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ error: { code: 'BUDGET_EXCEEDED' } });
    expect(server.requests).toHaveLength(2);
  });

  it('counts in full what a dead worker may have spent', async () => {
    let hang = true;
    const { logic, server } = await asking(() => (hang ? { fault: 'hang' } : answer));
    const world = createWorld(performing(logic, upTo(1), { budget: { tokens: 3_000 } }));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await expect.poll(() => server.requests.length).toBe(1);
    first.die();
    hang = false;
    await world.leasesRunOut();
    const second = world.engine();
    expect(await second.run('r').result()).toMatchObject({ error: { code: 'BUDGET_EXCEEDED' } });
    expect(server.requests).toHaveLength(1);
  });

  it('does not count a call that was refused', async () => {
    let first = true;
    const { logic } = await asking(() => {
      const refused = first;
      first = false;
      return refused ? { status: 529 } : answer;
    });
    const world = createWorld(performing(logic, upTo(1), { budget: { tokens: 2_000 } }));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(60_000);
    expect(await run.result()).toMatchObject({ output: ['Fine.'] });
  });

  it('of money needs prices', async () => {
    const { logic, server } = await asking(() => answer, { model: 'llama-local' });
    const world = createWorld(performing(logic, upTo(1), { budget: { usd: 1 } }));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({
      error: {
        code: 'BUDGET_EXCEEDED',
        message: expect.stringContaining('no price is known for `llama-local`') as string,
      },
    });
    expect(server.requests).toEqual([]);
  });

  it('has prices that may be one’s own', async () => {
    const { logic } = await asking(() => answer, { model: 'llama-local' });
    const world = createWorld(performing(logic, upTo(1), { budget: { usd: 1 } }));
    const free = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
    const prices = { asOf: '2026-01-01', source: 'ours', models: { 'llama-local': free } };
    const run = await world.engine({ prices }).start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ output: ['Fine.'] });
  });

  it('is not spent by a stand-in', async () => {
    const { logic } = await asking([], { provider: standIn({ ask: () => 'By rule.' }) });
    const world = createWorld(performing(logic, upTo(3), { budget: { tokens: 1, usd: 0 } }));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ output: ['By rule.', 'By rule.', 'By rule.'] });
  });

  it.each([{}, { tokens: -1 }, { usd: NaN }])('refuses %o', async (budget) => {
    const { logic } = await asking([]);
    expect(() => performing(logic, upTo(1), { budget })).toThrow(
      'Expected `budget` of workflow `performing`',
    );
  });
});

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

async function asking(
  answers: MessagesServerOptions['answers'],
  options: {
    concurrency?: number;
    model?: string;
    provider?: ReturnType<typeof standIn>;
    onFailure?: { atMost: number };
  } = {},
) {
  const { concurrency = 1, model = 'claude-haiku-4-5', provider, onFailure } = options;
  const server = await createMessagesServer({ answers });
  onTestFinished(() => server.close());
  const client = new Anthropic({ baseURL: server.url, apiKey: 'any', logLevel: 'off' });
  const each = fromModel({
    name: 'ask',
    model,
    maxTokens: 1_000,
    input: z.number(),
    output: z.string(),
    prompt: (number) => `How is ${number}?`,
    provider: provider ?? anthropic({ client }),
  });
  const map = {
    name: 'askAll',
    input: z.array(z.number()),
    items: (numbers: number[]) => numbers,
    each,
    concurrency,
  };
  const logic = onFailure ? fromMap({ ...map, onFailure }) : fromMap(map);
  return { logic: logic as DurablePromiseLogic<unknown, number[]>, server };
}
