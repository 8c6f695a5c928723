/** `signalbox cancel`: ends a run; what it has in flight is stopped. */
import { EventNotAccepted } from '../../errors.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { readOutcome } from '../outcome.ts';
import { printOutcomes } from '../outcome-view.ts';
import { withSession } from '../session.ts';

export interface CancelOptions {
  readonly reason?: string;
  /** In milliseconds. */
  readonly timeout?: number;
}

export async function cancel(cli: Cli, id: string, { reason, timeout }: CancelOptions): CommandResult {
  return withSession(cli, { work: 'own' }, async (session) => {
    const { engine } = session;
    const { status } = await engine.run(id).cancel(reason, { timeoutMs: timeout });
    if (status !== 'cancelled') {
      throw new EventNotAccepted(`Run \`${id}\` has ended (${status}); there is nothing to cancel.`);
    }
    const { outcome } = await readOutcome(session, id);
    cli.screen.document(outcome);
    printOutcomes(cli, [outcome]);
  });
}
