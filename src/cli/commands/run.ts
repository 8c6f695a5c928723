/** `signalbox run`: starts a run for each input, and goes on with them until all are at rest. */
import { assertSound } from '../../graph/checks/assert-sound.ts';
import { loadCatalog } from '../catalog.ts';
import { assertNoConflict, checkInputs, type RunToStart } from '../check-inputs.ts';
import type { Cli, CommandResult } from '../cli.ts';
import type { RunToDrive } from '../drive.ts';
import { finishRuns } from '../finish-runs.ts';
import { readInputs } from '../read-inputs.ts';
import { type Session, withSession } from '../session.ts';
import type { AnyWorkflow } from '../../workflow.ts';

export interface RunOptions {
  readonly input?: string;
  readonly id?: string;
  readonly concurrency: number;
  /** Take a workflow in which `check` finds errors. */
  readonly unchecked?: true;
}

export async function run(
  cli: Cli,
  name: string,
  { input, id, concurrency, unchecked }: RunOptions,
): CommandResult {
  const catalog = await loadCatalog(cli.globals.workflows);
  const workflow = catalog.find(name);
  // Those that come with Signalbox were checked when they were made.
  const isReady = catalog.ready.some((ready) => ready.workflow === workflow);
  if (!isReady && !unchecked) assertSound(workflow, {}, '`--unchecked` runs it nevertheless.');
  const given = input === undefined ? [{ value: undefined, where: 'No `--input`' }] : await readInputs(input);
  const runs = checkInputs(workflow, given, id);
  return withSession(cli, { work: 'own', create: true, catalog, concurrency }, async (session) => {
    await assertNoConflict(session.store, workflow, runs);
    await session.serve([workflow.name]);
    return finishRuns(session, startRuns(session, workflow, runs));
  });
}

/** One after the other, without waiting for what becomes of them: once stored, they need this process no more. */
export function startRuns(
  { engine }: Session,
  workflow: AnyWorkflow,
  runs: readonly RunToStart[],
): readonly RunToDrive[] {
  let before: Promise<unknown> = Promise.resolve();
  return runs.map(({ id, input }) => {
    const started = before.then(() => engine.start(workflow, { id, input }));
    // Whoever drives the runs is told by the first that fails; those after it fail with it.
    started.catch(() => {});
    before = started;
    return { id, started };
  });
}
