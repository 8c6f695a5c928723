/** `signalbox delete`: removes a run with all that is on record of it. */
import type { Cli, CommandResult } from '../cli.ts';
import { withSession } from '../session.ts';

export interface DeleteOptions {
  readonly force?: true;
  /** In milliseconds. */
  readonly timeout?: number;
}

export async function deleteRun(cli: Cli, id: string, { force, timeout }: DeleteOptions): CommandResult {
  return withSession(cli, { work: 'none' }, async ({ engine }) => {
    await engine.delete(id, { force: force === true, timeoutMs: timeout });
    cli.screen.document({ run: id, deleted: true });
    cli.screen.print(`Deleted ${id}.`);
  });
}
