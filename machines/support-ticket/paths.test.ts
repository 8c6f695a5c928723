/** Every path of the support ticket, generated, then played: what no route may do, no path does. */
import { explore, type Move, type PathStep, paths } from 'signalbox/graph';
import { testPaths } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';

import { supportTicket } from './index.ts';
import { refundLimits } from './policy.ts';
import type { MailReceipt, RefundDecision } from './schemas.ts';

const found = paths(supportTicket);
const { paths: all, coverage } = found;

/** The steps of all paths, each with those before it. */
const steps = all.flatMap(({ name, steps: path }) =>
  path.map((step, index) => ({ name, step, before: path.slice(0, index) })),
);

/** What the actor answered, if it did. */
function answer<TOutput>(move: Move, src: string): TOutput | undefined {
  return move.type === 'answer' && move.path === src && 'output' in move
    ? (move.output as TOutput)
    : undefined;
}

function takes({ transitions }: PathStep, transition: string): boolean {
  return transitions.includes(transition);
}

describe('the paths of the support ticket', () => {
  it('take every transition', () => {
    expect(coverage.missing).toEqual([]);
    expect(coverage.leftOut).toEqual([]);
    expect(coverage.covered).toBe(coverage.of);
  });

  it('end with every part dealt with, or with the ticket given up', () => {
    const ends = all.map(({ steps: path }) => path.at(-1));
    for (const end of ends) expect(end?.status).toBe('done');
    expect(new Set(ends.map((end) => end?.value))).toEqual(new Set(['done', 'closed']));
  });

  it('refund no more than the limit, but where a person has approved it', () => {
    const ordered = steps.filter(
      ({ step, before }) => step.value === 'refunding' && before.at(-1)?.value !== 'refunding',
    );
    const ways = ordered.map(({ name, step, before }) => {
      const decision = answer<RefundDecision>(step.move, 'decideRefund');
      if (decision) {
        expect(decision.amount, name).toBeLessThanOrEqual(refundLimits[decision.currency] ?? 0);
        return 'decided';
      }
      // The same order, given once more.
      if (before.some(({ value }) => value === 'refunding')) return 'again';
      return step.move.name;
    });
    expect(new Set(ways)).toEqual(new Set(['decided', 'again', 'APPROVE', 'EDIT']));
  });

  it('are of a graph in which no refund over the limit is ordered on the word of the model', () => {
    const orders = explore(supportTicket).edges.filter(
      ({ to, move }) => to.state?.snapshot.value === 'refunding' && move.name === 'decideRefund',
    );
    expect(orders.length).toBeGreaterThan(0);
    for (const { move, alike } of orders) {
      for (const one of [move, ...alike]) {
        const { amount, currency } = answer<RefundDecision>(one, 'decideRefund') ?? {};
        expect(amount).toBeLessThanOrEqual(refundLimits[currency ?? ''] ?? 0);
      }
    }
  });

  it('send no mail for a part once it has gone out', () => {
    for (const { name, steps: path } of all) {
      let sent = false;
      for (const [index, step] of path.entries()) {
        const isSending = step.value === 'sending' && path[index - 1]?.value !== 'sending';
        expect(sent && isSending, name).toBe(false);
        if (takes(step, 'partFinished always 0')) sent = false;
        if (answer<MailReceipt>(step.move, 'sendReply')?.status === 'sent') sent = true;
      }
    }
  });

  it('let no draft out that its check has not passed, but by the word of a person', () => {
    const ready = steps.filter(({ step }) =>
      step.transitions.some((id) => id.startsWith('replyReady always')),
    );
    const ways = ready.map(({ name, step }) => {
      if (step.move.type === 'event') return step.move.name;
      const verdict = step.verdicts.find(({ gate }) => gate === 'replyChecked');
      expect(verdict?.passed, name).toBe(true);
      return 'checked';
    });
    expect(new Set(ways)).toEqual(new Set(['checked', 'REPLY', 'APPROVE_REPLY']));
  });
});

testPaths(supportTicket, { describe, it, paths: found });
