/** Machines and walks through them made at random: every way to run them must agree. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { playOut, scenarios } from '../../test/fuzz/random-machine.ts';
import { sameEveryWay } from '../../test/support/drive.ts';
import type { Seen } from '../../test/support/seen.ts';

describe('any machine', () => {
  it('goes the same way live, restored before every message, and in plain XState', async () => {
    // XState warns of events to actors that have stopped, in its development build.
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const met = { steps: 0, timers: 0, children: 0, failed: 0, done: 0 };
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const { machine, steps, seen: walked } = await playOut(scenario);
        const last = walked.at(-1) as Seen;
        // Where a machine throws, XState leaves behind what it had begun.
        const seen = await sameEveryWay(machine, {
          steps,
          ...(last.status === 'error' ? { ways: ['live', 'restored'] } : {}),
        });
        met.steps += steps.length;
        met.timers += seen.some(({ timers }) => timers.length > 1) ? 1 : 0;
        met.children += seen.some(({ children }) => Object.keys(children as object).length > 1) ? 1 : 0;
        met.failed += last.status === 'error' ? 1 : 0;
        met.done += last.status === 'done' ? 1 : 0;
      }),
      { numRuns: 100, endOnFailure: true },
    );
    // Otherwise the machines have become too plain to tell anything.
    expect(met.steps).toBeGreaterThan(200);
    expect(Math.min(met.timers, met.children)).toBeGreaterThan(10);
  });
});
