/**
 * A run's budget: what its calls may use and cost in all. A call is reserved at the most that it can use before it is made,
 * and settled at what it has used.
 *
 * I1. A reservation is in the journal before its call is made, so that what a dead worker may have spent counts in full.
 * I2. A call is made only if all that is settled, all that is reserved, and the most that it can use are within the budget.
 */
import { BudgetExceeded } from '../errors.ts';
import type { OutsideCall, TokenUsage, Usage } from '../invocation.ts';
import { isBeforeSending } from '../plain-error.ts';
import { costOf, type PriceTable } from '../prices.ts';
import type { RunBudget } from '../workflow.ts';

export interface Budget {
  /** Throws `BudgetExceeded` if the call could overrun what is left. Undefined if it costs nothing. */
  reserve(call: Pick<OutsideCall<unknown>, 'by' | 'atMost'>): Promise<Reservation | undefined>;
}

export interface Reservation {
  settle(model: string, usage: TokenUsage): Promise<void>;
  /** The call cost nothing. */
  free(): Promise<void>;
  /** The call failed: free if it was not sent or was refused, else it counts in full. */
  release(error: unknown): Promise<void>;
}

export interface BudgetPorts {
  readonly runId: string;
  readonly limits: RunBudget;
  readonly prices: PriceTable;
  readonly journal: ReadonlyMap<string, string>;
  /** Keep a value of the run's own. Rejects if this worker no longer holds the run. */
  keep(name: string, text: string): Promise<void>;
}

interface Amount {
  readonly tokens: number;
  /** US dollars. */
  readonly usd: number;
}

const reservedPrefix = 'reserved ';
const spentPrefix = 'spent ';

export function createBudget({ runId, limits, prices, journal, keep }: BudgetPorts): Budget {
  /** Effective amounts by reservation: settled, else reserved. */
  const amounts = new Map<string, Amount>();
  for (const prefix of [reservedPrefix, spentPrefix]) {
    for (const [name, text] of journal) {
      if (name.startsWith(prefix)) amounts.set(name.slice(prefix.length), JSON.parse(text) as Amount);
    }
  }
  /** Kept up to date, so that a call costs the same however many there were before. */
  let used: Amount = { tokens: 0, usd: 0 };
  for (const amount of amounts.values()) used = sum(used, amount);
  // Not how many there are: one that could not be stored has left its number unused.
  let count = Math.max(0, ...[...amounts.keys()].map(Number));

  function become(id: string, amount: Amount | undefined): void {
    const before = amounts.get(id) ?? nothing;
    const { tokens, usd } = amount ?? nothing;
    used = sum(used, { tokens: tokens - before.tokens, usd: usd - before.usd });
    if (amount) amounts.set(id, amount);
    else amounts.delete(id);
  }

  function amountOf(by: string, { model, usage }: Usage): Amount {
    const usd = costOf(prices, { model, usage });
    if (usd === undefined && limits.usd !== undefined) {
      throw new BudgetExceeded(
        `Run \`${runId}\` has a budget of $${limits.usd}, but no price is known for \`${model}\` of ${by}, so the call was not made. Add it to \`createEngine({ prices })\`.`,
        { details: { runId, model, reason: 'no price' } },
      );
    }
    return { tokens: tokensOf(usage), usd: usd ?? 0 };
  }

  function assertWithin(by: string, { tokens, usd }: Amount): void {
    const spent = used;
    const over =
      limits.tokens !== undefined && spent.tokens + tokens > limits.tokens
        ? `${spent.tokens} of ${limits.tokens} tokens are used, and the call could use ${tokens}`
        : limits.usd !== undefined && spent.usd + usd > limits.usd + roundingUsd
          ? `${dollars(spent.usd)} of ${dollars(limits.usd)} are spent, and the call could cost ${dollars(usd)}`
          : undefined;
    if (over === undefined) return;
    throw new BudgetExceeded(
      `The call to ${by} could overrun the budget of run \`${runId}\`: ${over}. It was not made.`,
      {
        details: { runId, budget: limits, spent, atMost: { tokens, usd } },
      },
    );
  }

  return {
    async reserve({ by, atMost }) {
      if (!atMost) return undefined;
      const most = amountOf(by, atMost);
      assertWithin(by, most);
      // Unique among all workers of the run: a later one has seen all that those before it reserved.
      const id = `${(count += 1)}`;
      become(id, most);
      try {
        await keep(reservedPrefix + id, JSON.stringify(most));
      } catch (error) {
        become(id, undefined);
        throw error;
      }
      const settleAt = async (amount: Amount): Promise<void> => {
        become(id, amount);
        await keep(spentPrefix + id, JSON.stringify(amount));
      };
      return {
        settle: (model, usage) =>
          settleAt({ tokens: tokensOf(usage), usd: costOf(prices, { model, usage }) ?? most.usd }),
        free: () => settleAt(nothing),
        release: async (error) => {
          if (costsNothing(error)) await settleAt(nothing);
        },
      };
    },
  };
}

const nothing: Amount = { tokens: 0, usd: 0 };

function sum(one: Amount, other: Amount): Amount {
  return { tokens: one.tokens + other.tokens, usd: one.usd + other.usd };
}

/** Sums of floating-point dollars may be off by this much, far below a token's price. */
const roundingUsd = 1e-9;

/** An answer with an error status was not charged, nor what was not sent; of a connection that broke nobody knows. */
export function costsNothing(error: unknown): boolean {
  const details =
    typeof error === 'object' && error !== null && 'details' in error ? error.details : undefined;
  const kind = (details as { readonly kind?: unknown } | undefined)?.kind;
  return kind === 'http' || kind === 'refused-to-send' || isBeforeSending(error);
}

/** All that a call has used, read from a cache or written to it too. */
export function tokensOf({
  inputTokens,
  outputTokens,
  cacheReadTokens = 0,
  cacheWriteTokens = 0,
}: TokenUsage): number {
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
}

function dollars(usd: number): string {
  return `$${usd.toFixed(4)}`;
}
