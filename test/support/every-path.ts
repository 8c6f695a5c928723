/** Every path of a ready workflow on the real engine, each killed and restored at each of its writes; and how many there were. */
import type { AnyWorkflow } from 'signalbox';
import { check, type Paths, races } from 'signalbox/graph';
import { testPaths } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';

import { stateNodes } from '../../src/actor-sources.ts';

/** So that CI takes minutes; of a graph that is cut, what is found is so all the same. */
const mostNodes = 1_000;

export function testEveryPath(workflow: AnyWorkflow, given: Paths): void {
  const start = performance.now();
  const { coverage, played } = testPaths(workflow, { describe, it, crash: 'every-commit', paths: given });

  // What may come in either order does so; a race whose order decides how it ends would have to be meant.
  const found = races(workflow, { maxNodes: mostNodes });
  testPaths(workflow, {
    describe,
    it,
    paths: { ...given, paths: [] },
    threshold: 0,
    races: found,
    racesMeant: true,
  });

  it(`${workflow.name}: nothing is wrong with it that was not accepted with a reason`, () => {
    const { findings, stale } = check(workflow, { maxNodes: mostNodes });
    const told = findings.map(({ severity, rule, where, message }) => ({ severity, rule, where, message }));
    // Of a graph that is not whole, not everything is known to be reached.
    expect(told.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(stale).toEqual([]);
  });

  it(`${workflow.name}: its paths are played, and what they cover is told`, () => {
    expect(coverage.covered).toBe(coverage.of);
    // A message is one write at least, and each is killed twice.
    expect(played.kills).toBeGreaterThanOrEqual(2 * played.steps);
    const states = stateNodes(workflow.machine).filter(
      ({ parent, type }) => parent && type !== 'history',
    ).length;
    const seconds = ((performance.now() - start) / 1_000).toFixed(1);
    process.stdout.write(
      `${workflow.name}: ${states} states, ${coverage.covered} of ${coverage.of} transitions, ${played.paths} paths, ${played.steps} steps, ${played.kills} kills, ${found.races.length} races in both orders, ${seconds} s\n`,
    );
  });
}
