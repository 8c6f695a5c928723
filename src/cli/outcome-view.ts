/** Runs and how they stand, as a table with what there is to say below it. */
import { commandLine } from './command-line.ts';
import type { Cli } from './cli.ts';
import type { RunOutcome, Tokens } from './outcome.ts';
import { stateText, statusStyles } from './state-text.ts';
import { summaryOf } from './summary.ts';
import { spendText } from './spend-text.ts';
import { type Cell, renderTable } from './table.ts';
import { fit, oneLine } from './text.ts';
import { span, until } from './times.ts';

const longestOutcome = 240;
const columns = [
  // A UUID stays in one piece, to be copied.
  { title: 'run', flexible: true, least: 36 },
  { title: 'status' },
  { title: 'state', flexible: true },
  { title: 'outcome', flexible: true },
  { title: 'tokens', align: 'right' },
  { title: 'took', align: 'right' },
] as const;

export function printOutcomes({ screen }: Cli, outcomes: readonly RunOutcome[]): void {
  const rows = outcomes.map((outcome): Cell[] => [
    outcome.run,
    { text: outcome.status, style: statusStyles[outcome.status] },
    stateOf(outcome),
    outcomeText(outcome),
    tokensText(outcome.tokens),
    span(outcome.tookMs),
  ]);
  screen.print(renderTable(screen, columns, rows));
  screen.print();
  screen.print(
    [`${countText(outcomes)}.`, spendText(outcomes.map(({ spend }) => spend))].join(' ').trimEnd(),
  );
  if (outcomes.some(({ standIn }) => standIn)) screen.print(screen.paint('yellow', standInNotice));
}

/** Where a run ended with its status, the state says no more. */
function stateOf({ state, status }: RunOutcome): string {
  const text = stateText(state);
  return text === status ? '' : text;
}

/** Said wherever a stand-in's answers are shown. */
export const standInNotice = 'STAND-IN: where a model would have answered, plain rules did.';

/** `25 runs: 13 done, 12 waiting`. */
function countText(outcomes: readonly RunOutcome[]): string {
  const counts = new Map<string, number>();
  for (const { status } of outcomes) counts.set(status, (counts.get(status) ?? 0) + 1);
  const each = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
  return `${outcomes.length} ${outcomes.length === 1 ? 'run' : 'runs'}: ${each}`;
}

export function outcomeText(outcome: RunOutcome): string {
  return fit(oneLine(wholeOutcome(outcome)), longestOutcome);
}

function wholeOutcome({ run, status, output, error, problem, waiting }: RunOutcome): string {
  if (problem !== undefined) return `stuck: ${problem}`;
  if (status === 'done') return summaryOf(output, { without: run });
  if (status === 'failed') return error instanceof Error ? error.message : String(error);
  if (!waiting) return '';
  const due = waiting.due ? `; timer ${until(waiting.due.getTime(), Date.now())}` : '';
  const titles = waiting.questions.map(({ title }) => title).join('; ');
  return `${titles || `for ${waiting.answers.map(({ event }) => event).join(', ')}`}${due}`;
}

function tokensText({ input, output }: Tokens): string {
  return input + output === 0 ? '–' : `${input.toLocaleString('en')}+${output.toLocaleString('en')}`;
}

/** What waits for an answer, each with the command that gives the first of those that it takes. */
export function printWaiting(
  { screen, globals }: Cli,
  outcomes: readonly RunOutcome[],
  most = Infinity,
): void {
  const waiting = outcomes.filter((outcome) => outcome.waiting);
  if (waiting.length === 0) return;
  screen.print();
  const verb = waiting.length === 1 ? 'waits' : 'wait';
  screen.print(screen.paint('bold', `${waiting.length} ${verb} for an answer:`));
  for (const outcome of differentFirst(waiting).slice(0, most)) {
    const { answers } = outcome.waiting ?? { answers: [] };
    const first = answers.find(({ passes }) => passes) ?? answers[0];
    const others = answers.filter((answer) => answer !== first).map(({ event }) => event);
    const orElse = others.length > 0 ? screen.paint('dim', `  or ${others.join(', ')}`) : '';
    screen.print(`${oneLine(outcome.run)}  ${outcomeText(outcome)}${orElse}`);
    if (first) screen.print(`    ${screen.paint('cyan', oneLine(first.command))}`);
  }
  if (waiting.length > most) screen.print(screen.paint('dim', `… and ${waiting.length - most} more`));
  screen.print(`To see what each is about: ${screen.paint('cyan', commandLine(globals, ['inbox']))}`);
}

/** One of each question before the second of any, and of those the one whose first answer passes as it stands. */
function differentFirst(waiting: readonly RunOutcome[]): readonly RunOutcome[] {
  const titleOf = (outcome: RunOutcome): string => outcome.waiting?.questions[0]?.title ?? '';
  const isSimple = (outcome: RunOutcome): boolean => outcome.waiting?.answers[0]?.passes === true;
  const firsts = [...new Set(waiting.map(titleOf))].map((title) => {
    const same = waiting.filter((outcome) => titleOf(outcome) === title);
    return same.find(isSimple) ?? same[0];
  });
  return [
    ...firsts.filter((outcome) => outcome !== undefined),
    ...waiting.filter((outcome) => !firsts.includes(outcome)),
  ];
}
