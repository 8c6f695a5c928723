/** What runs have used and cost, in a line: `3 calls · 4,120 tokens · $0.0123 · 1 call without a known price`. */
import type { Spend } from '../engine/spend.ts';

/** Empty if no model was called. */
export function spendText(spends: readonly Spend[]): string {
  const sum = (count: (spend: Spend) => number): number =>
    spends.reduce((total, each) => total + count(each), 0);
  const calls = sum((spend) => spend.calls);
  if (calls === 0) return '';
  const unpriced = sum((spend) => spend.unpriced);
  const parts = [
    callsText(calls),
    `${sum(({ tokens }) => tokens.total).toLocaleString('en')} tokens`,
    ...(unpriced < calls ? [usdText(sum(({ costUsd }) => costUsd))] : []),
    ...(unpriced > 0 ? [`${callsText(unpriced)} without a known price`] : []),
  ];
  return parts.join(' · ');
}

const leastShown = 0.0001;

/** With cents from a dollar on, and to a hundredth of a cent below. */
export function usdText(usd: number): string {
  if (usd === 0) return '$0';
  if (usd < leastShown) return `<$${leastShown}`;
  const digits = usd < 1 ? 4 : 2;
  return `$${usd.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

function callsText(count: number): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'call' : 'calls'}`;
}
