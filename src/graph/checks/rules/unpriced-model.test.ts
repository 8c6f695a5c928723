import { expect, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';

import { durableLogic } from '../../../actors/durable-logic.ts';
import { type PriceTable, priceTable } from '../../../prices.ts';
import { type AnyWorkflow, defineWorkflow } from '../../../workflow.ts';
import { check } from '../check.ts';

const asking = (...models: readonly string[]) =>
  durableLogic<unknown, unknown>({
    kind: 'model',
    name: 'ask',
    output: z.literal('ok'),
    irreversible: false,
    idempotent: true,
    worstCase: (_, { costOf }) => {
      const usage = { inputTokens: 100, outputTokens: 10 };
      const usd = models.reduce((sum, model) => sum + costOf({ model, usage }), 0);
      return { modelCalls: models.length, tokens: 110 * models.length, usd, timeMs: 1_000 };
    },
    perform: () => Promise.reject(new Error('Nothing is performed.')),
  });

function found(models: readonly string[], prices?: PriceTable) {
  const invoke = (src: string, next: string) => ({ invoke: { id: src, src, onDone: next, onError: next } });
  const machine = setup({
    actors: { known: asking('claude-haiku-4-5'), ask: asking(...models), again: asking(...models) },
  }).createMachine({
    id: 'asking',
    initial: 'a',
    states: {
      a: invoke('known', 'b'),
      b: invoke('ask', 'c'),
      c: invoke('again', 'd'),
      d: { type: 'final' },
    },
  } as never);
  const workflow = defineWorkflow({ machine, version: '1', owner: 'us' } as never) as unknown as AnyWorkflow;
  return check(workflow, prices ? { prices } : {})
    .findings.filter(({ rule }) => rule === 'unpriced-model')
    .map(({ where, message, witness }) => [where, message, witness?.name]);
}

it('finds each model that the price table does not know, once', () => {
  expect(found(['nobody-knows', 'claude-haiku-4-5', 'nor-this'])).toEqual([
    [
      'nobody-knows',
      'There is no price of 2026-10-24 for `nobody-knows`, which `ask` and `again` may ask.',
      'known → ok',
    ],
    [
      'nor-this',
      'There is no price of 2026-10-24 for `nor-this`, which `ask` and `again` may ask.',
      'known → ok',
    ],
  ]);
});

it('does not find one that it knows, also if it stands there without its date, or in a table of one’s own', () => {
  expect(found(['claude-haiku-4-5', 'claude-haiku-4-5-20251001'])).toEqual([]);
  const price = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 };
  const models = { 'nobody-knows': price, 'claude-haiku-4-5': price };
  const prices = priceTable({ asOf: '2026-11-01', source: 'us', models });
  expect(found(['nobody-knows'], prices)).toEqual([]);
  const [other] = found(['nor-this'], prices);
  expect(other).toContain('There is no price of 2026-11-01 for `nor-this`, which `ask` and `again` may ask.');
});
