/**
 * A run's history folded over `advance` once more: what each of its messages did in the machine.
 *
 * A history tells messages and where each led; which transitions were taken is found out with a machine that tells. Nothing
 * is performed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StateValue } from 'xstate';

import { advance, createHostCache } from '../../engine/advance.ts';
import type { HistoryEntry, MessageEntry } from '../../engine/history.ts';
import type { RunState } from '../../engine/run-state.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { transitionsTaken, watchedWorkflow } from '../watch/watched-workflow.ts';

export interface FoldedStep {
  readonly entry: MessageEntry;
  /** Before the message, and after it; undefined before the start. */
  readonly before: RunState | undefined;
  readonly after: RunState;
  /** Ids of the machine's transitions, in the order in which they were taken. */
  readonly transitions: readonly string[];
}

export interface FoldedHistory {
  readonly steps: readonly FoldedStep[];
  /** The message from which on the history does not fit the workflow as it is here; undefined if all of it does. */
  readonly misfit: number | undefined;
}

/** The workflow must be of the version that the run is on. */
export function foldHistory(workflow: AnyWorkflow, history: readonly HistoryEntry[]): FoldedHistory {
  const watched = watchedWorkflow(workflow);
  const hosts = createHostCache();
  const steps: FoldedStep[] = [];
  let before: RunState | undefined;
  for (const entry of history) {
    if (entry.type !== 'message') continue;
    const led = attempted(() => advance(watched.workflow, before, entry.message, hosts));
    watched.take();
    if (!led || !fits(led.state.snapshot.value, entry.value)) return { steps, misfit: entry.seq };
    steps.push({ entry, before, after: led.state, transitions: transitionsTaken(led.actions) });
    before = led.state;
  }
  return { steps, misfit: undefined };
}

/** A history of another machine may hold what this one cannot be given. */
function attempted<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch {
    return undefined;
  }
}

function fits(led: StateValue | undefined, recorded: StateValue | undefined): boolean {
  return recorded === undefined || isDeepStrictEqual(led, recorded);
}
