/**
 * What a run has used and cost, from the exchanges in its history: in all, by model, and by the actor that asked. A call
 * is an exchange that says what tokens it used; one with a tool is none, nor one that failed without an answer.
 */
import type { Exchange } from '../invocation.ts';
import type { HistoryEntry } from './history.ts';

export interface Spend {
  /** Calls of models, those of stand-ins and recordings included. */
  readonly calls: number;
  /** Calls that a recording or a stand-in answered: their tokens are counted, and cost nothing. */
  readonly free: number;
  readonly tokens: SpentTokens;
  /** US dollars, for the calls whose price is known. */
  readonly costUsd: number;
  /** Calls that were charged, and the price table had no price for. */
  readonly unpriced: number;
}

export interface SpentTokens {
  /** Without those read from or written to the cache. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly total: number;
}

export interface RunSpend extends Spend {
  readonly byModel: Readonly<Record<string, Spend>>;
  /** By the path of the invocation's actor: all its invocations together. */
  readonly byPath: Readonly<Record<string, Spend>>;
}

/**
 * Adds up a run's history.
 *
 * @example
 * const { costUsd, byPath } = spendOf(await run.history());
 */
export function spendOf(entries: readonly HistoryEntry[]): RunSpend {
  const total = createSum();
  const byModel = new Map<string, Sum>();
  const byPath = new Map<string, Sum>();
  for (const entry of entries) {
    for (const exchange of exchangesOf(entry)) {
      if (!exchange.usage) continue;
      const sums = [total, sumAt(byModel, exchange.model ?? exchange.by), sumAt(byPath, pathOf(entry))];
      for (const sum of sums) sum.add(exchange);
    }
  }
  return { ...total.value(), byModel: valuesOf(byModel), byPath: valuesOf(byPath) };
}

/** What an entry has on record of exchanges with models and tools. */
export function exchangesOf(entry: HistoryEntry): readonly Exchange[] {
  return 'exchanges' in entry ? (entry.exchanges ?? []) : [];
}

interface Sum {
  add(exchange: Exchange): void;
  value(): Spend;
}

function createSum(): Sum {
  let [calls, free, costUsd, unpriced] = [0, 0, 0, 0];
  let [input, output, cacheRead, cacheWrite] = [0, 0, 0, 0];
  return {
    add(exchange) {
      calls++;
      input += exchange.usage?.inputTokens ?? 0;
      output += exchange.usage?.outputTokens ?? 0;
      cacheRead += exchange.usage?.cacheReadTokens ?? 0;
      cacheWrite += exchange.usage?.cacheWriteTokens ?? 0;
      if (exchange.standIn || exchange.replayed) free++;
      else if (exchange.costUsd === undefined) unpriced++;
      else costUsd += exchange.costUsd;
    },
    value: () => ({
      calls,
      free,
      tokens: { input, output, cacheRead, cacheWrite, total: input + output + cacheRead + cacheWrite },
      costUsd: rounded(costUsd),
      unpriced,
    }),
  };
}

/** To a billionth of a dollar, less than a token of any model costs: sums of fractions end in dust otherwise. */
function rounded(usd: number): number {
  return Math.round(usd * 1e9) / 1e9;
}

function sumAt(sums: Map<string, Sum>, name: string): Sum {
  const sum = sums.get(name) ?? createSum();
  sums.set(name, sum);
  return sum;
}

function valuesOf(sums: ReadonlyMap<string, Sum>): Readonly<Record<string, Spend>> {
  return Object.fromEntries([...sums].map(([name, sum]) => [name, sum.value()]));
}

/** An invocation's key is its path and, after the last `#`, how often that was entered. */
function pathOf(entry: HistoryEntry): string {
  const key = keyOf(entry);
  return key.slice(0, key.lastIndexOf('#'));
}

function keyOf(entry: HistoryEntry): string {
  if ('key' in entry) return entry.key;
  return entry.type === 'message' && 'key' in entry.message ? entry.message.key : '#';
}
