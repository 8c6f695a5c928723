/** `signalbox retry`: lets a failed run go on from where it failed, or from an earlier step, until it has ended or waits. */
import type { Cli, CommandResult } from '../cli.ts';
import { findRun } from '../find-run.ts';
import { finishRuns } from '../finish-runs.ts';
import { withSession } from '../session.ts';

export interface RetryOptions {
  readonly from?: number;
  readonly repeatIrreversible?: true;
  /** In milliseconds. */
  readonly timeout?: number;
}

export async function retry(
  cli: Cli,
  id: string,
  { from, repeatIrreversible, timeout }: RetryOptions,
): CommandResult {
  return withSession(cli, { work: 'own' }, async (session) => {
    const { name } = await findRun(session, id);
    await session.serve([name]);
    const options = { from, repeatIrreversible: repeatIrreversible === true, timeoutMs: timeout };
    await session.engine.run(id).retry(options);
    return finishRuns(session, [{ id }], { timeoutMs: timeout });
  });
}
