import { describe, expect, it } from 'vitest';

import type { Exchange } from '../invocation.ts';
import type { HistoryEntry } from './history.ts';
import { spendOf } from './spend.ts';

function called(changes: Partial<Exchange> = {}): Exchange {
  return {
    kind: 'model',
    by: 'anthropic',
    at: 1000,
    request: {},
    response: {},
    model: 'claude-haiku-5-5',
    usage: { inputTokens: 100, outputTokens: 10 },
    costUsd: 0.1,
    latencyMs: 5,
    ...changes,
  };
}

function unpriced(changes: Partial<Exchange> = {}): Exchange {
  const { costUsd: _, ...exchange } = called({ model: 'homemade', ...changes });
  return exchange;
}

function answered(key: string, exchanges: readonly Exchange[]): HistoryEntry {
  const message = { type: 'output', at: 1000, key } as const;
  return { type: 'message', at: 1000, seq: 2, status: 'running', message, exchanges };
}

const history: readonly HistoryEntry[] = [
  { type: 'message', at: 1000, seq: 1, status: 'running', message: { type: 'start', at: 1000 } },
  {
    type: 'kept',
    at: 1000,
    key: 'parts/draft#1',
    name: 'answer',
    value: 1,
    exchanges: [
      called({ usage: { inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4 } }),
    ],
  },
  answered('parts/draft#1', [called({ costUsd: 0.2 }), unpriced()]),
  answered('parts/draft#2', [called()]),
  { type: 'attempt', at: 1000, key: 'parts/draft#3', attempt: 2, why: 'taken over' },
  { type: 'discarded', at: 1000, key: 'odd#name#1', exchanges: [called({ costUsd: 0.3 })] },
];

describe('what a run has spent', () => {
  it('is the sum over all exchanges, those kept on the way and those whose result came too late included', () => {
    expect(spendOf(history)).toMatchObject({
      calls: 5,
      free: 0,
      tokens: { input: 401, output: 42, cacheRead: 3, cacheWrite: 4, total: 450 },
      costUsd: 0.7,
      unpriced: 1,
    });
  });

  it('is told by model, and by the path of the actor that asked', () => {
    const { byModel, byPath } = spendOf(history);
    expect(Object.keys(byModel)).toEqual(['claude-haiku-5-5', 'homemade']);
    expect(byModel['claude-haiku-5-5']).toMatchObject({ calls: 4, costUsd: 0.7, unpriced: 0 });
    expect(byModel['homemade']).toMatchObject({ calls: 1, costUsd: 0, unpriced: 1, tokens: { total: 110 } });
    expect(Object.keys(byPath)).toEqual(['parts/draft', 'odd#name']);
    expect(byPath['parts/draft']).toMatchObject({ calls: 4, costUsd: 0.4, unpriced: 1 });
    expect(byPath['odd#name']).toMatchObject({ calls: 1, costUsd: 0.3 });
  });

  it('counts what recordings and stand-ins answered, but no money for it', () => {
    const exchanges = [called({ replayed: true }), unpriced({ replayed: true }), called({ standIn: true })];
    expect(spendOf([answered('draft#1', [...exchanges, called()])])).toMatchObject({
      calls: 4,
      free: 3,
      tokens: { total: 440 },
      costUsd: 0.1,
      unpriced: 0,
    });
  });

  it('counts no call for tools, and for models that did not answer', () => {
    const { usage: _, ...failed } = unpriced();
    const tool = { kind: 'tool', by: 'crm', at: 1000, request: {}, response: {}, latencyMs: 1 };
    const { byModel, byPath, ...total } = spendOf([answered('look#1', [failed, tool])]);
    expect(total).toMatchObject({ calls: 0, tokens: { total: 0 }, costUsd: 0, unpriced: 0 });
    expect([byModel, byPath]).toEqual([{}, {}]);
  });

  it('has no dust of fractions, and is fine with any name', () => {
    const exchanges = Array.from({ length: 10 }, () => called({ costUsd: 0.1, model: '__proto__' }));
    const { costUsd, byModel } = spendOf([answered('draft#1', exchanges)]);
    expect(costUsd).toBe(1);
    expect(Object.keys(byModel)).toEqual(['__proto__']);
  });
});
