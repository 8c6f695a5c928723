/** Runs that no worker executes until a person has looked at them. */
import type { RunProblem, StoredRun } from '../../../persistence/store.ts';
import { NoWorkerError, RunStuck, SnapshotNotRestorable } from '../../errors.ts';
import { problemOf } from '../progress.ts';
import { snapshotOf, sourceOf } from '../run-snapshot.ts';
import type { EngineCore } from './core.ts';

/** Why no worker executes the run, as is stored with it or can be seen here. A live lease says that one does. */
export function problemOfRun(core: EngineCore, stored: StoredRun): RunProblem | undefined {
  const { id, problem, lease } = stored;
  if (core.held(id) || core.workers.isLive(lease)) return undefined;
  if (problem && isOfRun(problem)) return problem;
  if (!core.hasWorkflow(stored)) return undefined;
  try {
    snapshotOf(sourceOf(core.workflowOf(stored), stored));
    return undefined;
  } catch (error) {
    if (error instanceof SnapshotNotRestorable) return problemOf(error);
    throw error;
  }
}

/** A store that was away is no reason of the run's. */
export function isOfRun({ code }: RunProblem): boolean {
  return code !== 'STORE_UNAVAILABLE';
}

export function stuckError(
  runId: string,
  problem: RunProblem,
  facts: Readonly<Record<string, unknown>> = {},
): RunStuck {
  return new RunStuck(`No worker executes run \`${runId}\`: ${problem.message}`, {
    details: { runId, problem, ...facts },
  });
}

export function noWorkerError(
  { id, workflow, version }: StoredRun,
  facts: Readonly<Record<string, unknown>>,
): NoWorkerError {
  return new NoWorkerError(
    `No live worker executes runs of \`${workflow}@${version}\`, such as \`${id}\`. Start one, with \`createEngine({ workflows })\` and \`engine.work()\`.`,
    { details: { runId: id, workflow, version, ...facts } },
  );
}
