/** What is summed up of a run: its worst case, and how long it may take with all that it waits for. */
import type { WorstCase } from '../../invocation.ts';

export interface Figures extends Pick<WorstCase, 'modelCalls' | 'tokens' | 'usd'> {
  /**
   * In milliseconds, the time that it can take by itself. The clock stands still while nothing is under way and a state, not
   * just the machine's root, accepts an event from outside: what people take is not counted, nor the timer that ends their time.
   */
  readonly timeMs: number;
  /** In milliseconds, from the first message to the last, waiting for people included; `Infinity` where no timer ends that. */
  readonly elapsedMs: number;
}

export type Measure = keyof Figures;

/** Those that are summed up over what is started; the other two are times. */
export const sums = ['modelCalls', 'tokens', 'usd'] as const;
export const measures: readonly Measure[] = [...sums, 'timeMs', 'elapsedMs'];

export const noFigures: Figures = { modelCalls: 0, tokens: 0, usd: 0, timeMs: 0, elapsedMs: 0 };
export const unboundedFigures: Figures = {
  modelCalls: Infinity,
  tokens: Infinity,
  usd: Infinity,
  timeMs: Infinity,
  elapsedMs: Infinity,
};

/** Of each measure the most. */
export function most(all: readonly Figures[]): Figures {
  return figuresOf((measure) => all.reduce((worst, one) => Math.max(worst, one[measure]), 0));
}

export function figuresOf(amountOf: (measure: Measure) => number): Figures {
  return {
    modelCalls: amountOf('modelCalls'),
    tokens: amountOf('tokens'),
    usd: roundedUsd(amountOf('usd')),
    timeMs: amountOf('timeMs'),
    elapsedMs: amountOf('elapsedMs'),
  };
}

/** To a billionth of a dollar, less than a token of any model costs: sums of fractions end in dust otherwise. */
function roundedUsd(usd: number): number {
  return usd === Infinity ? usd : Math.round(usd * 1e9) / 1e9;
}
