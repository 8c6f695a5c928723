/** `signalbox inbox`: what people are asked, and how they answer. */
import type { Engine } from '../../engine/engine.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { hasEnded } from '../drive.ts';
import { everyRun } from '../every-run.ts';
import { printInboxItem } from '../inbox-view.ts';
import { readOutcome, type RunOutcome } from '../outcome.ts';
import { withSession } from '../session.ts';
import type { Waiting } from '../waiting.ts';

export interface InboxOptions {
  readonly workflow?: string;
  readonly full?: boolean;
}

export async function inbox(
  cli: Cli,
  id: string | undefined,
  { workflow, full = false }: InboxOptions,
): CommandResult {
  const { screen } = cli;
  const items = await withSession(cli, { work: 'none' }, async (session) => {
    const ids = id === undefined ? await askingRuns(session.engine, workflow) : [id];
    const found: Array<{ outcome: RunOutcome; waiting: Waiting }> = [];
    for (const each of ids) {
      const { outcome } = await readOutcome(session, each);
      if (outcome.waiting) found.push({ outcome, waiting: outcome.waiting });
    }
    return found;
  });
  // Whoever has waited longest comes first.
  items.sort((one, other) => one.waiting.since.getTime() - other.waiting.since.getTime());
  screen.document({
    inbox: items.map(({ outcome: { run, workflow: name, version, state, standIn }, waiting }) => ({
      run,
      workflow: name,
      version,
      state,
      standIn,
      ...waiting,
    })),
  });
  if (items.length === 0)
    return screen.print(id === undefined ? 'Nobody is asked anything.' : 'The run asks nobody anything.');
  for (const { outcome, waiting } of items) printInboxItem(screen, outcome, waiting, { full });
}

async function askingRuns(engine: Engine, workflow: string | undefined): Promise<readonly string[]> {
  const ids: string[] = [];
  const query = { tag: 'person', ...(workflow === undefined ? {} : { workflow }) };
  for await (const run of everyRun(engine, query)) if (!hasEnded(run)) ids.push(run.id);
  return ids;
}
