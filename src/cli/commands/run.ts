/** `signalbox run`: starts a run for each input, and goes on with them until all are at rest. */
import { RunFailed } from '../../errors.ts';
import { loadCatalog } from '../catalog.ts';
import { assertNoConflict, checkInputs, type RunToStart } from '../check-inputs.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { finishRuns } from '../finish-runs.ts';
import { readInputs } from '../read-inputs.ts';
import { type Session, withSession } from '../session.ts';
import type { AnyWorkflow } from '../../workflow.ts';

export interface RunOptions {
  readonly input?: string;
  readonly id?: string;
  readonly concurrency: number;
}

export async function run(cli: Cli, name: string, { input, id, concurrency }: RunOptions): CommandResult {
  const catalog = await loadCatalog(cli.globals.workflows);
  const workflow = catalog.find(name);
  const given = input === undefined ? [{ value: undefined, where: 'No `--input`' }] : await readInputs(input);
  const runs = checkInputs(workflow, given, id);
  return withSession(cli, { work: 'own', create: true, catalog, concurrency }, async (session) => {
    await assertNoConflict(session.store, workflow, runs);
    await session.serve([workflow.name]);
    await startRuns(session, workflow, runs);
    return finishRuns(
      session,
      runs.map((each) => each.id),
    );
  });
}

/** All are stored before the first is waited for: what happens to this process then does not matter to them. */
export async function startRuns(
  { engine }: Session,
  workflow: AnyWorkflow,
  runs: readonly RunToStart[],
): Promise<void> {
  for (const { id, input, where } of runs) {
    try {
      await engine.start(workflow, { id, input });
    } catch (error) {
      if (error instanceof RunFailed) throw new RunFailed(`${where}: ${error.message}`, { cause: error });
      throw error;
    }
  }
}
