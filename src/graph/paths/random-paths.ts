/**
 * `randomPaths`: walks through a workflow, for one that is too large to be explored. Each takes one of the messages that its
 * state can get, until the run ends or the walk is long enough.
 *
 * The same seed gives the same walks.
 */
import fc from 'fast-check';
import type { AnyStateMachine } from 'xstate';

import { viewState } from '../../engine/advance.ts';
import { InvalidOption } from '../../errors.ts';
import type { AnyWorkflow, WorkflowExample } from '../../workflow.ts';
import { createMoves } from '../moves.ts';
import { startsOf } from '../starts.ts';
import { transitionsOf } from '../transitions.ts';
import type { Path, PathStep } from './path.ts';
import { namedPaths } from './path-name.ts';
import { createWalker } from './walker.ts';

export interface RandomPathsOptions {
  /** What to start with, and what actors answer and events hold beside what their schemas tell. Default: the workflow's own. */
  readonly examples?: ReadonlyArray<WorkflowExample<unknown>>;
  /** How many walks. Default: 100. */
  readonly count?: number;
  /** The most steps of a walk. Default: 100. */
  readonly maxSteps?: number;
  /** Default: 1. */
  readonly seed?: number;
}

export interface RandomPaths {
  readonly paths: readonly Path[];
  /** Ids of the machine's transitions that no walk took. */
  readonly missing: readonly string[];
}

/** Throws `InvalidOption` for an option or example that is not as described. */
export function randomPaths(workflow: AnyWorkflow, options: RandomPathsOptions = {}): RandomPaths {
  const { count = 100, maxSteps = 100, seed = 1 } = options;
  assertCount('count', count);
  assertCount('maxSteps', maxSteps);
  const examples = options.examples ?? workflow.examples ?? [];
  const moves = createMoves(workflow, examples);
  const starts = startsOf(workflow, examples);
  const walker = createWalker(workflow);

  // Each number stands for one of however many messages there are when its turn comes.
  const choices = fc.array(fc.nat(), { minLength: maxSteps, maxLength: maxSteps, size: 'max' });
  const walks = fc.sample(choices, { numRuns: count, seed }).map((numbers): readonly PathStep[] => {
    const walk = walker.start();
    for (const number of numbers) {
      const { state } = walk;
      if (state && state.snapshot.status !== 'active') break;
      const possible = state ? moves.of(state, viewState(workflow, state)) : starts;
      const move = possible[number % possible.length];
      if (!move) break;
      // An event that a guard refuses is no step.
      walk.take(move);
    }
    return walk.steps;
  });
  const taken = new Set(walks.flatMap((steps) => steps.flatMap(({ transitions }) => transitions)));
  const all = transitionsOf(workflow.machine as AnyStateMachine).map(({ id }) => id);
  return { paths: namedPaths(walks), missing: all.filter((id) => !taken.has(id)) };
}

function assertCount(option: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new InvalidOption(`Expected \`${option}\` to be a positive integer, got \`${value}\`.`);
}
