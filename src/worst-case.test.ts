/** How worst cases add up: what is done at the same time takes no longer than is said, in whatever order it is done. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { WorstCase } from './invocation.ts';
import {
  forPart,
  inSequence,
  nothing,
  oneOf,
  repeated,
  together,
  unbounded,
  within,
  worstCaseOf,
} from './worst-case.ts';

const one: WorstCase = { modelCalls: 1, tokens: 10, usd: 0.5, timeMs: 100 };
const other: WorstCase = { modelCalls: 2, tokens: 5, usd: 0.25, timeMs: 200, waits: true };

describe('worst cases', () => {
  it('add up one after another, and wait if one of them does', () => {
    expect(inSequence([one, other])).toEqual({
      modelCalls: 3,
      tokens: 15,
      usd: 0.75,
      timeMs: 300,
      waits: true,
    });
    expect(inSequence([one, one])).not.toHaveProperty('waits');
    expect(inSequence([])).toEqual(nothing);
  });

  it('are repeated, and nothing is nothing however often', () => {
    expect(repeated(other, 3)).toEqual(inSequence([other, other, other]));
    expect(repeated(unbounded, 0)).toEqual(nothing);
    expect(repeated({ ...nothing, tokens: 1 }, Infinity)).toEqual({ ...nothing, tokens: Infinity });
  });

  it('are the highest of each kind where it is one of them', () => {
    expect(oneOf([one, other])).toEqual({ modelCalls: 2, tokens: 10, usd: 0.5, timeMs: 200, waits: true });
  });

  it('go as far as limits let them', () => {
    expect(within(unbounded, { tokens: 7, timeMs: 9 })).toEqual({ ...unbounded, tokens: 7, timeMs: 9 });
    expect(within(one, { tokens: 100 })).toEqual(one);
  });

  it('have no bound if an actor says nothing of itself', () => {
    const scope = { attempts: 2, costOf: () => 0, assume: () => {}, ofRun: () => nothing };
    expect(worstCaseOf({}, 1, scope)).toEqual(unbounded);
    expect(forPart({ ...scope, inputTokens: 9 }, 5)).toMatchObject({ attempts: 5 });
    expect(forPart({ ...scope, inputTokens: 9 }, 5)).not.toHaveProperty('inputTokens');
    expect(forPart(scope, 5, 0)).toMatchObject({ inputTokens: 0 });
  });
});

const times = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 12 });
const places = fc.integer({ min: 1, max: 5 });

describe('worst cases side by side', () => {
  it('take the sum of all, but for their time', () => {
    expect(together([one, one, one], 2)).toEqual({ ...inSequence([one, one, one]), timeMs: 200 });
    expect(together([], 2)).toEqual(nothing);
    expect(together([unbounded, one], 1).timeMs).toBe(Infinity);
  });

  it('take no less time when each takes less', () => {
    const shortened = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(times, shortened, places, (all, parts, concurrency) => {
        const cases = all.map((timeMs) => ({ ...nothing, timeMs }));
        const shorter = all.map((timeMs, index) => ({ ...nothing, timeMs: timeMs * (parts[index] ?? 1) }));
        expect(together(shorter, concurrency).timeMs).toBeLessThanOrEqual(
          together(cases, concurrency).timeMs,
        );
      }),
    );
  });

  it('take no longer than is said where some wait, and others take their place meanwhile', () => {
    const tasks = fc.array(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(tasks, places, (all, concurrency) => {
        const cases = all.map((spells) => ({ ...nothing, timeMs: sumOf(spells), waits: spells.length > 1 }));
        expect(played(all, concurrency)).toBeLessThanOrEqual(together(cases, concurrency).timeMs + 1e-9);
      }),
      { numRuns: 500 },
    );
  });
});

/** How long it takes, millisecond by millisecond. Each task works and waits by turns; one that waits leaves its place. */
function played(tasks: ReadonlyArray<readonly number[]>, concurrency: number): number {
  const left = tasks.map((spells) => [...spells]);
  const ready = tasks.map((_, index) => index);
  const working = new Set<number>();
  const waiting = new Set<number>();
  for (let now = 0; ; now++) {
    while (working.size < concurrency) {
      const next = ready.shift();
      if (next === undefined) break;
      working.add(next);
    }
    if (working.size === 0 && waiting.size === 0) return now;
    for (const index of [...working, ...waiting]) {
      const spells = left[index] ?? [];
      spells[0] = (spells[0] ?? 1) - 1;
      if (spells[0] > 0) continue;
      spells.shift();
      const worked = working.delete(index);
      waiting.delete(index);
      if (spells.length === 0) continue;
      if (worked) waiting.add(index);
      // Whose wait is over goes before those that were never begun.
      else ready.unshift(index);
    }
  }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
