/**
 * `pathTests`: one test for each path of a workflow, for any test runner.
 *
 * A test plays its path on the real engine: the workflow's own machine, gates and delays, on a store and a virtual clock, with
 * actors that answer as the path says. No code of an actor or custom action runs. It fails if a state, status, gate verdict,
 * transition, pending invocation or timer comes out otherwise than the path says, if anything is performed that the machine
 * did not ask for, if an irreversible actor without an idempotency key is performed twice for one invocation, or if a key asks
 * for another effect than the one that was done under it.
 *
 * With `crash` it then plays the path again for each write that it made, by a process that dies just before the write has
 * reached the store, and by one that dies just after it, before anyone has heard of it; another process goes on. Each must end
 * as if nothing had died: the same messages, verdicts and states, the same output or error, and no more effects than one for
 * each invocation: what is performed again is the same effect only if it gives the same idempotency key. There is one
 * exception: if the process died while it performed an irreversible actor without an idempotency key, the machine is told
 * `OUTCOME_UNKNOWN`, and goes another way. Asserted is then that this actor is not performed again, that the state is the
 * one that `advance` gives for that error, and that the run has ended or that there is something that it waits for. What
 * comes after it, the paths show in which the actor answers so.
 */
import type { AssertionError } from 'node:assert';

import { memoryStore } from '../../../persistence/memory.ts';
import type { Store } from '../../../persistence/store.ts';
import { InvalidOption } from '../../errors.ts';
import { type Paths, paths, type PathsOptions, races, type Races } from '../../graph/index.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { assertCovered, coverageOf, describeCoverage, type PathCoverage } from './coverage.ts';
import { type ExpectedPath, expectedPath } from './expected-steps.ts';
import { playPath } from './play-path.ts';
import { racePaths } from './race-paths.ts';
import type { Script } from './script.ts';
import { scriptedWorkflow } from './scripted-workflow.ts';
import { assertTransitions } from './assert-transitions.ts';

export interface PathTestsOptions extends PathsOptions {
  /** Paths that `paths` has made. Default: made now, by the options of `paths` that are given here. */
  readonly paths?: Paths;
  /**
   * Add a test for each order of the workflow's races: those that `races` has made, or if true those that it finds now, by the
   * options that are given here. What they take does not count as covered. Default: none.
   */
  readonly races?: boolean | Races;
  /**
   * Whether the tests of a race fail in which both inputs are taken in either order, to different ends, if the workflow's
   * `accepted` does not say why that is right. Default: false.
   */
  readonly racesMeant?: boolean;
  /** Play each path again, killed and restored at each of its writes. Default: not. */
  readonly crash?: 'every-commit';
  /**
   * Opens a store, once for each test, which closes it. What a path leaves unfinished stays there, so it should be the tests'
   * own. Default: `memoryStore`.
   */
  readonly store?: () => Store | Promise<Store>;
  /** How much of the machine's transitions the paths must take, in per cent. Default: 100. */
  readonly threshold?: number;
  /** Transitions that need not be taken, by their id, with the reason. They do not count. */
  readonly excused?: Readonly<Record<string, string>>;
  /** How long the engine may take for one step, in milliseconds of real time. Default: 4,000. */
  readonly stepMs?: number;
}

export interface PathTest {
  readonly name: string;
  /** Rejects, with an `AssertionError` where there is something to compare, if the test fails. */
  run(): Promise<void>;
}

/** The tests, one for each path, then those of races, and the last for the coverage of the paths. */
export interface PathTests extends Iterable<PathTest> {
  /** What the paths cover, if all pass. */
  readonly coverage: PathCoverage;
  /** What was played so far. */
  readonly played: PlayedPaths;
}

export interface PlayedPaths {
  readonly paths: number;
  /** Steps of these paths, each counted once. */
  readonly steps: number;
  /** How often a process was killed and another went on. */
  readonly kills: number;
}

/**
 * Throws `InvalidOption` for an option that is not as described, and for paths of another workflow.
 *
 * @example
 * ```ts
 * // With any runner: vitest, jest, node:test.
 * for (const { name, run } of pathTests(supportTicket, { crash: 'every-commit' })) test(name, run);
 * ```
 */
export function pathTests(workflow: AnyWorkflow, options: PathTestsOptions = {}): PathTests {
  const { paths: given, races: racing = false, racesMeant = false, crash, ...others } = options;
  const { store = memoryStore, threshold = 100, excused = {} } = others;
  const { stepMs = 4_000, ...rest } = options;
  assertOptions(crash, threshold, stepMs);
  const { paths: found, graph } = given ?? paths(workflow, rest);
  const expected = found.map((path) => expectedPath(workflow, path));
  const taken = new Set(expected.flatMap(({ steps }) => steps.flatMap(({ transitions }) => transitions)));
  const racesFound = racing === true ? races(workflow, rest) : racing || undefined;
  const inRaces = racesFound ? racePaths(racesFound, racesMeant) : [];
  const coverage = coverageOf(workflow, taken, excused, graph.stuckGuards);

  const scripts = new Map<string, Script>();
  const scripted = scriptedWorkflow(workflow, (actor, input, scope) => {
    const script = scripts.get(scope.runId);
    // Of a run that an earlier test left in the store, whose end nobody waits for.
    return script ? script.answer(actor, input, scope) : new Promise(() => {});
  });
  const played = { paths: 0, steps: 0, kills: 0 };

  const play = async (path: ExpectedPath, opened: Store): Promise<void> => {
    const playing = { workflow, scripted, scripts, store: opened, path, stepMs };
    const { writes, log } = await playPath(playing);
    assertTransitions(workflow, path, log);
    if (crash) {
      for (const at of writes.keys()) {
        for (const when of ['before', 'after'] as const) {
          const { wasKilled } = await playPath({ ...playing, death: { at: at + 1, when } });
          if (wasKilled) played.kills += 1;
        }
      }
    }
    played.paths += 1;
    played.steps += path.steps.length;
  };

  const testOf = (path: ExpectedPath, problem?: AssertionError): PathTest => ({
    name: nameOf(path),
    async run() {
      if (problem) throw problem;
      const opened = await store();
      try {
        await play(path, opened);
      } finally {
        await opened.close();
      }
    },
  });
  const tests = expected.map((path) => testOf(path));
  for (const { name, path, problem } of inRaces) {
    tests.push(testOf(expectedPath(workflow, { ...path, name }), problem));
  }
  tests.push({
    name: describeCoverage(coverage),
    run: async () => assertCovered(coverage, threshold),
  });
  return { coverage, played, [Symbol.iterator]: () => tests[Symbol.iterator]() };
}

function nameOf({ name, steps, of }: ExpectedPath): string {
  return steps.length === of
    ? name
    : `${name} (its first ${steps.length} steps: a timer is due before the next)`;
}

function assertOptions(crash: unknown, threshold: number, stepMs: number): void {
  if (crash !== undefined && crash !== 'every-commit') {
    throw new InvalidOption(
      `Expected \`crash\` to be \`every-commit\` or left out, got \`${JSON.stringify(crash)}\`.`,
    );
  }
  if (!(threshold >= 0 && threshold <= 100)) {
    throw new InvalidOption(`Expected \`threshold\` to be a number from 0 to 100, got \`${threshold}\`.`);
  }
  if (!(stepMs > 0 && stepMs < 2 ** 31)) {
    throw new InvalidOption(
      `Expected \`stepMs\` to be a positive number of milliseconds, got \`${stepMs}\`.`,
    );
  }
}
