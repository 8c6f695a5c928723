/** The transitions that a run took, by its history. */
import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';

import { advance } from '../../engine/advance.ts';
import { decodeEntry } from '../../engine/history.ts';
import type { RunState } from '../../engine/run-state.ts';
import { transitionsTaken, watchedWorkflow } from '../../graph/watch/watched-workflow.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import type { ExpectedPath } from './expected-steps.ts';

/** Throws an `AssertionError` if the messages that are on record take other transitions than the path's steps. */
export function assertTransitions(workflow: AnyWorkflow, path: ExpectedPath, log: readonly string[]): void {
  const watched = watchedWorkflow(workflow);
  const messages = log.map(decodeEntry).flatMap((entry) => (entry.type === 'message' ? [entry.message] : []));
  let state: RunState | undefined;
  for (const [index, { name, transitions: expected }] of path.steps.entries()) {
    const message = messages[index];
    if (!message) throw new AssertionError({ message: `Step ${index + 1}, ${name}, is not on record.` });
    const led = advance(watched.workflow, state, message);
    // Nothing is kept of what it tells besides.
    watched.take();
    state = led.state;
    const actual = transitionsTaken(led.actions);
    if (isDeepStrictEqual(actual, expected)) continue;
    throw new AssertionError({
      message: `Step ${index + 1} of ${path.of}, ${name}, took other transitions than the path says.\n  of path: ${path.name}`,
      actual,
      expected,
      operator: 'deepStrictEqual',
    });
  }
}
