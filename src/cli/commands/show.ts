/** `signalbox show`: one run's timeline. */
import type { Cli, CommandResult } from '../cli.ts';
import { printField } from '../field-block.ts';
import { readOutcome } from '../outcome.ts';
import { printWaiting, standInNotice } from '../outcome-view.ts';
import { runLine } from '../run-line.ts';
import { withSession } from '../session.ts';
import { spendText } from '../spend-text.ts';
import { oneLine } from '../text.ts';
import { printTimeline } from '../timeline.ts';
import { dateTime, span } from '../times.ts';

export interface ShowOptions {
  readonly full?: boolean;
}

export async function show(cli: Cli, id: string, { full = false }: ShowOptions): CommandResult {
  const { screen } = cli;
  const { outcome, history } = await withSession(cli, { work: 'none' }, (session) =>
    readOutcome(session, id),
  );
  screen.document({ ...outcome, history });
  const { status, createdAt, tookMs, spend, standIn, problem } = outcome;
  screen.print(runLine(screen, outcome));
  const steps = `${history.length} ${history.length === 1 ? 'entry' : 'entries'}`;
  const facts = [
    `started ${dateTime(createdAt.getTime())}`,
    `took ${span(tookMs)}`,
    steps,
    spendText([spend]),
  ];
  screen.print(facts.filter(Boolean).join(' · '));
  if (standIn) screen.print(screen.paint('yellow', standInNotice));
  if (problem !== undefined) screen.print(screen.paint('red', oneLine(`stuck: ${problem}`)));
  screen.print();
  printTimeline(screen, history, { full });
  if (status === 'done' || status === 'failed') {
    const options = { indent: 0, mostLines: full ? Infinity : 12 };
    const isDone = status === 'done';
    const value = isDone ? outcome.output : outcome.error;
    screen.print();
    if (value !== undefined)
      printField(screen, isDone ? 'output' : 'error', value, { ...options, style: isDone ? 'green' : 'red' });
  }
  printWaiting(cli, [outcome]);
}
