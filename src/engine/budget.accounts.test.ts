/** How a budget keeps its accounts, whatever becomes of the store and of who reserved. */
import { describe, expect, it } from 'vitest';

import { StoreUnavailable } from '../errors.ts';
import type { TokenUsage } from '../invocation.ts';
import { listPrices } from '../prices.ts';
import { createBudget } from './budget.ts';
import { exchange } from './exchanging.ts';

const model = 'claude-haiku-4-5';
const usage = (inputTokens: number): TokenUsage => ({ inputTokens, outputTokens: 0 });
const most = (tokens: number) => ({ by: 'them', atMost: { model, usage: usage(tokens) } });

function accounts(tokens: number) {
  const journal = new Map<string, string>();
  const failing = { now: false };
  const open = () =>
    createBudget({
      runId: 'r',
      limits: { tokens },
      prices: listPrices,
      journal,
      async keep(name, text) {
        if (failing.now) throw new StoreUnavailable('Gone.');
        // As a store does: the first value of a name stays.
        if (!journal.has(name)) journal.set(name, text);
      },
    });
  return { journal, failing, open };
}

describe('the accounts of a budget', () => {
  it('are the same for whoever has the run next', async () => {
    const { open } = accounts(1_000);
    const first = open();
    await (await first.reserve(most(400)))?.settle(model, usage(100));
    await first.reserve(most(500));
    const next = open();
    await expect(next.reserve(most(401))).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      details: { spent: { tokens: 600 } },
    });
    await expect(next.reserve(most(400))).resolves.toBeDefined();
  });

  it('charge nothing for a call that found nobody to talk to, and all of one that broke off', async () => {
    const { open } = accounts(1_000);
    const budget = open();
    const failed = (code: string) =>
      new Error('The call failed.', { cause: Object.assign(new Error('fetch failed'), { code }) });
    await (await budget.reserve(most(400)))?.release(failed('ECONNREFUSED'));
    await (await budget.reserve(most(400)))?.release(failed('ECONNRESET'));
    await expect(budget.reserve(most(601))).rejects.toMatchObject({ details: { spent: { tokens: 400 } } });
    await expect(budget.reserve(most(600))).resolves.toBeDefined();
  });

  it('lose nothing when one reservation could not be stored', async () => {
    const { failing, open } = accounts(1_000);
    const first = open();
    await first.reserve(most(100));
    failing.now = true;
    await expect(first.reserve(most(100))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    failing.now = false;
    await first.reserve(most(300));
    const next = open();
    await next.reserve(most(200));
    await expect(next.reserve(most(401))).rejects.toMatchObject({ details: { spent: { tokens: 600 } } });
    await expect(open().reserve(most(401))).rejects.toMatchObject({ details: { spent: { tokens: 600 } } });
  });

  it('are settled at what was used, also if that was more', async () => {
    const { open } = accounts(1_000);
    const budget = open();
    await (await budget.reserve(most(100)))?.settle(model, usage(950));
    await expect(budget.reserve(most(51))).rejects.toMatchObject({ details: { spent: { tokens: 950 } } });
  });

  it('cost as much for the ten thousandth call as for the first', async () => {
    const { open } = accounts(20_000);
    const budget = open();
    for (let call = 0; call < 10_000; call++) await (await budget.reserve(most(2)))?.settle(model, usage(1));
    await expect(budget.reserve(most(10_001))).rejects.toMatchObject({
      details: { spent: { tokens: 10_000 } },
    });
  });

  it('are not charged for a call that was called off while it was reserved', async () => {
    const { open } = accounts(1_000);
    const budget = open();
    const controller = new AbortController();
    let calls = 0;
    const made = exchange(
      {
        kind: 'model',
        request: {},
        ...most(1_000),
        perform: async () => (calls += 1),
        describe: (response) => ({ response }),
      },
      {
        runId: 'r',
        workflow: 'w',
        key: 'r/k#1',
        part: undefined,
        signal: controller.signal,
        now: Date.now,
        prices: listPrices,
        budget: {
          async reserve(call) {
            const reserved = await budget.reserve(call);
            controller.abort(new Error('Left.'));
            return reserved;
          },
        },
        intercept: undefined,
        record: () => {},
      },
    );
    await expect(made).rejects.toThrow('Left.');
    expect(calls).toBe(0);
    await expect(budget.reserve(most(1_000))).resolves.toBeDefined();
  });
});
