/** Every path of the helpdesk router, generated and not run: what no route may do, no path does. */
import { type PathStep, paths } from 'signalbox/graph';
import { describe, expect, it } from 'vitest';

import { testEveryPath } from '../../test/support/every-path.ts';
import { helpdeskRouter } from './index.ts';
import type { IncidentReceipt, MailReceipt } from './schemas.ts';

const found = paths(helpdeskRouter);
const { paths: all, coverage } = found;

/** The steps of all paths, each with those before it. */
const steps = all.flatMap(({ name, steps: path }) =>
  path.map((step, index) => ({ name, step, before: path.slice(0, index) })),
);

/** What the actor answered in this step, if it did. */
function answer<TOutput>({ move }: PathStep, src: string): TOutput | undefined {
  return move.type === 'answer' && move.path === src && 'output' in move
    ? (move.output as TOutput)
    : undefined;
}

describe('the paths of the helpdesk router', () => {
  it('take every transition', () => {
    expect(coverage.missing).toEqual([]);
    expect(coverage.leftOut).toEqual([]);
    expect(coverage.covered).toBe(coverage.of);
  });

  it('end in one of the ways in which a request may end', () => {
    const ends = all.map(({ steps: path }) => path.at(-1));
    for (const end of ends) expect(end?.status).toBe('done');
    expect(new Set(ends.map((end) => end?.value))).toEqual(
      new Set(['answered', 'unsent', 'noAddress', 'unanswered', 'closed', 'empty']),
    );
  });

  it('end once the mail is out, so that it goes out once', () => {
    const sent = steps.filter(({ step }) => answer<MailReceipt>(step, 'sendReply')?.status === 'sent');
    expect(sent.length).toBeGreaterThan(0);
    for (const { name, step } of sent) expect(step.value, name).toBe('answered');
  });

  it('page nobody again once the on-call team was paged', () => {
    for (const { name, steps: path } of all) {
      const paged = path.findIndex(
        (step) => answer<IncidentReceipt>(step, 'openIncident')?.status === 'opened',
      );
      if (paged < 0) continue;
      expect(
        path.slice(paged).map(({ value }) => value),
        name,
      ).not.toContain('openingIncident');
    }
  });

  it('send nothing to a request without an address', () => {
    const without = steps.filter(({ name }) => name.startsWith('without an address'));
    expect(without.some(({ step }) => step.value === 'noAddress')).toBe(true);
    expect(without.some(({ step }) => step.value === 'sending')).toBe(false);
  });

  it('let no draft out that its check has not passed, but by the word of a person', () => {
    const ready = steps.filter(({ step }) =>
      step.transitions.some((id) => id.startsWith('replyReady always')),
    );
    const passed = ({ verdicts }: PathStep, gate: string) =>
      verdicts.find((one) => one.gate === gate)?.passed;
    const ways = ready.map(({ name, step }) => {
      const { move } = step;
      if (move.type !== 'event') expect(passed(step, 'replyChecked'), name).toBe(true);
      // What is barred does not go out, whoever says so.
      if (move.name === 'SEND_DRAFT') expect(passed(step, 'draftMayGo'), name).toBe(true);
      return move.type === 'event' ? move.name : 'checked';
    });
    expect(new Set(ways)).toEqual(new Set(['checked', 'REPLY', 'SEND_DRAFT']));
  });
});

testEveryPath(helpdeskRouter, found);
