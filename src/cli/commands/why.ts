/** `signalbox why`: how a run came to where it is, with what each gate saw and said. */
import { isDeepStrictEqual } from 'node:util';

import type { Message } from '../../engine/run-state.ts';
import { why as stepsOf, type WhyStep } from '../../graph/why/why.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { type BlockOptions, printField } from '../field-block.ts';
import { readOutcome } from '../outcome.ts';
import { standInNotice } from '../outcome-view.ts';
import { runLine } from '../run-line.ts';
import type { Screen } from '../screen.ts';
import { withSession } from '../session.ts';
import { stateText } from '../state-text.ts';
import { oneLine } from '../text.ts';
import { span, time } from '../times.ts';
import { printVerdict } from '../verdict-view.ts';

export interface WhyOptions {
  readonly full?: boolean;
}

const indent = 4;
const mostLines = 6;

export async function why(cli: Cli, id: string, { full = false }: WhyOptions): CommandResult {
  const { screen } = cli;
  const { outcome, history } = await withSession(cli, { work: 'none' }, (session) =>
    readOutcome(session, id),
  );
  const steps = stepsOf(history);
  const { run, workflow, version, status, state, standIn, problem } = outcome;
  const stuck = problem === undefined ? {} : { problem };
  screen.document({ run, workflow, version, status, state, standIn, ...stuck, steps });
  screen.print(runLine(screen, outcome));
  if (standIn) screen.print(screen.paint('yellow', standInNotice));
  if (problem !== undefined) screen.print(screen.paint('red', oneLine(`stuck: ${problem}`)));
  screen.print();
  let before: number | undefined;
  for (const step of steps) {
    printStep(screen, step, before, full ? Infinity : mostLines);
    before = step.at;
  }
}

function printStep(screen: Screen, step: WhyStep, before: number | undefined, most: number): void {
  const { seq, at, what, message, by, gates, from, to, status, refused } = step;
  const options = { indent, mostLines: most };
  const later = before === undefined ? '' : ` +${span(at - before)}`;
  const head = `${String(seq ?? '').padStart(3)} ${screen.paint('dim', `${time(at)}${later}`)}`;
  const whom = by ? ` by ${by.id}` : '';
  screen.print(`${head}  ${screen.paint('bold', oneLine(`${what}${whom}`))}`);
  if (gates.some(({ saw }) => saw === undefined)) printGiven(screen, message, options);
  for (const verdict of gates) printVerdict(screen, verdict, options);
  if (refused !== undefined) printField(screen, 'refused', refused, { ...options, style: 'red' });
  if (to === undefined) return;
  const ended = status === 'running' || status === 'waiting' ? '' : ` (${status})`;
  const came = from === undefined || isDeepStrictEqual(from, to) ? '' : `${stateText(from)} → `;
  const label = came === '' && from !== undefined ? 'stays in' : 'goes to';
  printField(screen, label, `${came}${stateText(to)}${ended}`, options);
}

/** What gates see that name nothing of their own. */
function printGiven(screen: Screen, message: Message, options: BlockOptions): void {
  if (message.type === 'output') printField(screen, 'answer', message.output, options);
  if (message.type === 'error') printField(screen, 'error', message.error, options);
  if (message.type === 'event') printField(screen, 'event', message.event, options);
}
