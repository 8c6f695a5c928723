/**
 * Runs one script against one machine in three ways, and says what each step led to in the same words:
 *
 * - `live`: through `advance` with a host cache, so that the host is the one that delivered the message before;
 * - `restored`: through `advance` in what could be a new process each time: the state goes through text, the workflow is made anew;
 * - `plain`: through XState's own `createActor`, with a clock and promises moved by hand.
 *
 * The code of promises and actions made here may only run in the third way; elsewhere it throws, and is counted.
 */
import type { AnyStateMachine } from 'xstate';
import { expect } from 'vitest';

import { advanceDriver } from './advance-driver.ts';
import { plainDriver, takeEscaped } from './plain-driver.ts';
import type { Seen, Step } from './seen.ts';

/** Every way that a script can be run. */
export const ways = {
  live: () => advanceDriver(false),
  restored: () => advanceDriver(true),
  plain: plainDriver,
};

export interface Script {
  readonly input?: unknown;
  readonly steps?: readonly Step[];
  /** Left out where XState itself does something else, which the test then says. */
  readonly ways?: ReadonlyArray<keyof typeof ways>;
}

/** Run the script in every way, expect the same each time, and give what was seen after the start and after each step. */
export async function sameEveryWay(machine: AnyStateMachine, script: Script = {}): Promise<Seen[]> {
  const { input, steps = [], ways: wanted = ['live', 'restored', 'plain'] } = script;
  const ran = new Map<string, Seen[]>();
  const kept: unknown[][] = [];
  // What other tests have let run is none of this script's.
  takeEscaped();
  for (const way of wanted) {
    const driven = ways[way]()(machine);
    const seen = [await driven.start(input)];
    const states = [driven.stored?.()];
    for (const step of steps) {
      seen.push(await driven.step(step));
      states.push(driven.stored?.());
    }
    ran.set(way, seen);
    if (driven.stored) kept.push(states);
  }
  expect(takeEscaped(), 'code that ran inside advance').toEqual([]);
  const live = ran.get('live') ?? [];
  for (const [way, seen] of ran) {
    for (const [index, after] of seen.entries()) {
      const before = index === 0 ? 'the start' : JSON.stringify(steps[index - 1]);
      expect(after, `${way}, after ${before}`).toEqual(live[index]);
    }
  }
  for (const states of kept) expect(states, 'what a store would give back').toStrictEqual(kept[0]);
  return live;
}
