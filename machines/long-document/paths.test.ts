/** Every path of the long document, generated, then played: what no route may do, no path does. */
import { paths } from 'signalbox/graph';
import { testPaths } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';

import { longDocument } from './index.ts';

const found = paths(longDocument);
const { paths: all, coverage } = found;

/** The steps of all paths, each with those before it. */
const steps = all.flatMap(({ name, steps: path }) =>
  path.map((step, index) => ({ name, step, before: path.slice(0, index) })),
);

describe('the paths of the long document', () => {
  it('take every transition', () => {
    expect(coverage.missing).toEqual([]);
    expect(coverage.leftOut).toEqual([]);
    expect(coverage.covered).toBe(coverage.of);
  });

  it('end with a summary, with nothing to read, or stopped', () => {
    expect(new Set(all.map(({ steps: path }) => path.at(-1)?.value))).toEqual(
      new Set(['done', 'empty', 'stopped']),
    );
  });

  it('ask no model of a document that may not be paid for unasked, but after GO_AHEAD', () => {
    const dear = steps.filter(({ name }) => name.startsWith('may cost nothing unasked'));
    expect(dear.length).toBeGreaterThan(0);
    const asked = dear.filter(({ step }) => step.value === 'summarizingChunks');
    expect(asked.length).toBeGreaterThan(0);
    for (const { name, step, before } of asked) {
      expect(
        [...before, step].map(({ move }) => move.name),
        name,
      ).toContain('GO_AHEAD');
    }
  });

  it('give out a summary only if its figures stand in the document, or a person accepts it', () => {
    const ways = steps
      .filter(({ step }) => step.value === 'done')
      .map(({ name, step }) => {
        if (step.move.type === 'event') return step.move.name;
        expect(step.verdicts.find(({ gate }) => gate === 'figuresStand')?.passed, name).toBe(true);
        return 'checked';
      });
    // What is left of the parts when some are left out is checked like any other summary.
    expect(new Set(ways)).toEqual(new Set(['checked', 'ACCEPT', 'LEAVE_OUT']));
  });

  it('leave a chunk out only where a person says so', () => {
    const missing = steps.filter(
      ({ step: { move } }) =>
        move.type === 'answer' &&
        move.path === 'summarizeChunks' &&
        ('error' in move || (move.output as { failures: readonly unknown[] }).failures.length > 0),
    );
    expect(missing.length).toBeGreaterThan(0);
    for (const { name, step } of missing) expect(step.value, name).toBe('awaitingMissingChunks');
  });
});

testPaths(longDocument, { describe, it, paths: found });
