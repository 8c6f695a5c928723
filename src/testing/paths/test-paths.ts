/** `testPaths`: makes the tests of `pathTests` with the test runner at hand. */
import { InvalidOption } from '../../errors.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { pathTests, type PathTests, type PathTestsOptions } from './path-tests.ts';

export interface TestPathsOptions extends PathTestsOptions {
  /** The runner's `it` or `test`. Default: the global one, which jest has, and vitest with `globals: true`. */
  readonly it?: DefineTest;
  /** The runner's `describe`. Default: the global one; if there is none, the tests stand by themselves. */
  readonly describe?: DefineGroup;
  /** How long one test may take, in milliseconds, where the runner takes it as the third argument. Default: 60,000. */
  readonly timeoutMs?: number;
}

export type DefineTest = (name: string, run: () => Promise<void>, timeoutMs?: number) => unknown;
export type DefineGroup = (name: string, body: () => void) => unknown;

/**
 * Make one test for each path of a workflow, and one that fails if the paths take less of its transitions than asked for. What
 * a test plays and asserts is described with `pathTests`.
 *
 * Throws `InvalidOption` if there is no test runner, for an option that is not as described, and for paths of another
 * workflow.
 *
 * @example
 * ```ts
 * import { describe, it } from 'vitest';
 * import { testPaths } from 'signalbox/testing';
 *
 * testPaths(supportTicket, {
 *   describe,
 *   it,
 *   crash: 'every-commit',
 *   examples: [{ name: 'charged twice', input: ticket, events: { APPROVE: [{ by: 'dana' }] } }],
 *   excused: { 'awaitingApproval after approvalTime 0': 'The supervisor is not on call yet.' },
 * });
 * ```
 */
export function testPaths(workflow: AnyWorkflow, options: TestPathsOptions = {}): PathTests {
  const runner = globalThis as { readonly it?: DefineTest; readonly describe?: DefineGroup };
  const { it = runner.it, describe = options.it ? undefined : runner.describe, ...rest } = options;
  const { timeoutMs = 60_000, ...pathOptions } = rest;
  if (typeof it !== 'function') {
    throw new InvalidOption(
      "There is no global `it`. Pass the test runner's own: `testPaths(workflow, { describe, it })`.",
    );
  }
  const tests = pathTests(workflow, pathOptions);
  const define = (): void => {
    for (const { name, run } of tests) it(name, run, timeoutMs);
  };
  if (describe) describe(`paths of ${workflow.ref}`, define);
  else define();
  return tests;
}
