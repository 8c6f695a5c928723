/** A path: a list of messages from the start of a run, each with what comes of it. */
import type { StateValue } from 'xstate';

import type { RunState } from '../../engine/run-state.ts';
import type { Verdict } from '../../gates/verdict.ts';
import type { Move } from '../moves.ts';

export interface Path {
  /** `classify → billing, draft → too long, draft → ok, refund → failed, APPROVE`. No two of a set have the same. */
  readonly name: string;
  readonly steps: readonly PathStep[];
}

export interface PathStep {
  readonly name: string;
  readonly move: Move;
  /** Milliseconds since the epoch. Time passes when a timer fires, and up to it when something comes late. */
  readonly at: number;
  /** Ids of the machine's transitions that it takes. */
  readonly transitions: readonly string[];
  /** What it leads to. */
  readonly value: StateValue | undefined;
  readonly status: RunState['snapshot']['status'];
  readonly verdicts: readonly Verdict[];
}
