/** What models cost. Prices are a provider's list prices of a day; they change, so users may bring their own. */
import { InvalidOption } from './errors.ts';
import type { TokenUsage, Usage } from './invocation.ts';

/** US dollars per million tokens. */
export interface Rates {
  /** Of the prompt, without what is read from or written to the cache. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

export interface ModelPrice extends Rates {
  /** The rates of a call whose whole prompt, cached or not, is longer than so many tokens: for all its tokens. */
  readonly longPrompt?: Rates & { readonly aboveTokens: number };
}

export interface PriceTable {
  /** The day on which these were the prices: `2026-10-24`. */
  readonly asOf: string;
  /** Where they are from. */
  readonly source: string;
  /** By the model's name. A name that ends in a date is also found without it: `claude-haiku-4-5-20251001`. */
  readonly models: Readonly<Record<string, ModelPrice>>;
}

/**
 * Anthropic's list prices for calls of the Claude API, cache writes at the price of the default five minutes. Other
 * platforms, batches, fast mode, regional inference and longer caching have other prices, and server tools such as web
 * search are charged besides. A model that is missing here has no known price.
 */
export const listPrices: PriceTable = {
  asOf: '2026-10-24',
  source: 'https://platform.claude.com/docs/en/about-claude/pricing',
  models: {
    'claude-fable-5-1': { input: 10, output: 50, cacheRead: 0.25, cacheWrite: 12.5 },
    'claude-mythos-5-1': { input: 10, output: 50, cacheRead: 0.25, cacheWrite: 12.5 },
    'claude-fable-5': { input: 10, output: 50, cacheRead: 1, cacheWrite: 12.5 },
    'claude-mythos-5': { input: 10, output: 50, cacheRead: 1, cacheWrite: 12.5 },
    'claude-opus-5-5': { input: 4, output: 20, cacheRead: 0.2, cacheWrite: 5 },
    'claude-opus-5': { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 },
    'claude-opus-4-8': { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 },
    'claude-opus-4-7': { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 },
    'claude-opus-4-6': { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 },
    'claude-opus-4-5': { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 },
    'claude-sonnet-5-5': { input: 2, output: 10, cacheRead: 0.1, cacheWrite: 2.5 },
    'claude-sonnet-5': { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5 },
    'claude-sonnet-4-6': { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
    'claude-sonnet-4-5': { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
    'claude-haiku-5-5': {
      input: 0.1,
      output: 0.5,
      cacheRead: 0.01,
      cacheWrite: 0.125,
      longPrompt: { aboveTokens: 100_000, input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite: 0.625 },
    },
    'claude-haiku-4-5': { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 },
  },
};

/**
 * A price table of your own, checked.
 *
 * @throws InvalidOption `INVALID_OPTION` if a price is missing, or not an amount of money.
 *
 * @example
 * const prices = priceTable({
 *   asOf: '2026-11-21',
 *   source: 'our contract',
 *   models: { ...listPrices.models, 'llama-4': { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } },
 * });
 * const engine = createEngine({ workflows, store, prices });
 */
export function priceTable(table: PriceTable): PriceTable {
  const { asOf, source, models } = table;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(asOf) || Number.isNaN(Date.parse(asOf))) {
    throw new InvalidOption(
      `Expected \`asOf\` of a price table to be a day, \`2026-10-24\`, got \`${asOf}\`.`,
    );
  }
  if (typeof source !== 'string' || source === '') {
    throw new InvalidOption(
      `Expected \`source\` of a price table to say where it is from, got \`${source}\`.`,
    );
  }
  for (const [model, price] of Object.entries(models)) {
    assertRates(`models['${model}']`, price);
    const { longPrompt } = price;
    if (longPrompt === undefined) continue;
    assertRates(`models['${model}'].longPrompt`, longPrompt);
    if (Number.isInteger(longPrompt.aboveTokens) && longPrompt.aboveTokens > 0) continue;
    throw new InvalidOption(
      `Expected \`models['${model}'].longPrompt.aboveTokens\` of a price table to be a positive integer, got ` +
        `\`${longPrompt.aboveTokens}\`.`,
    );
  }
  return table;
}

const kinds = ['input', 'output', 'cacheRead', 'cacheWrite'] as const;

function assertRates(place: string, rates: Rates): void {
  for (const kind of kinds) {
    if (Number.isFinite(rates[kind]) && rates[kind] >= 0) continue;
    throw new InvalidOption(
      `Expected \`${place}.${kind}\` of a price table to be US dollars per million tokens, got \`${rates[kind]}\`.`,
    );
  }
}

const perMillion = 1_000_000;

/** What one call costs in US dollars; undefined if the table has no price for its model. */
export function costOf(table: PriceTable, { model, usage }: Usage): number | undefined {
  const price = findPrice(table, model);
  if (!price) return undefined;
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 } = usage;
  const { input, output, cacheRead, cacheWrite } = ratesFor(price, usage);
  return (
    (inputTokens * input +
      outputTokens * output +
      cacheReadTokens * cacheRead +
      cacheWriteTokens * cacheWrite) /
    perMillion
  );
}

function ratesFor(price: ModelPrice, usage: TokenUsage): Rates {
  const { inputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 } = usage;
  const { longPrompt } = price;
  const isLong = longPrompt && inputTokens + cacheReadTokens + cacheWriteTokens > longPrompt.aboveTokens;
  return isLong ? longPrompt : price;
}

const date = /-\d{8}$/;

/** The name as it stands, else without its date. A later version of a model is another model. */
function findPrice({ models }: PriceTable, model: string): ModelPrice | undefined {
  const name = Object.hasOwn(models, model) ? model : model.replace(date, '');
  return Object.hasOwn(models, name) ? models[name] : undefined;
}
