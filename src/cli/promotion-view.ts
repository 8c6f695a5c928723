/** The promotion check for a person to read, and to sign. */
import type { Evidence, EvidenceItem, Problem, PromotionLine } from '../graph/promotion/line.ts';
import type { Promotion } from '../graph/promotion/promotion.ts';
import type { Cli } from './cli.ts';
import { commandLine } from './command-line.ts';
import { printField } from './field-block.ts';
import type { Screen, Style } from './screen.ts';
import { fit, oneLine, widthOf, wrap } from './text.ts';
import { dateTime } from './times.ts';

export interface PromotionViewOptions {
  /** All runs and transitions, by their ids. */
  readonly full: boolean;
}

/** It is printed on paper, too. */
const widest = 110;

const styles: Readonly<Record<PromotionLine['verdict'], Style>> = {
  passes: 'green',
  fails: 'red',
  informs: 'cyan',
};

export function printPromotion(
  { screen: terminal, globals }: Cli,
  name: string,
  filled: Promotion,
  options: PromotionViewOptions,
): void {
  const screen = { ...terminal, width: Math.min(terminal.width, widest) };
  const { workflow, title, owner, lines, runs } = filled;
  const head = `Promotion check of ${workflow}${title === undefined ? '' : `: ${title}`}`;
  screen.print(screen.paint('bold', oneLine(head)));
  screen.print(screen.paint('dim', oneLine(factsOf(filled, Date.now()).join(' · '))));
  if (runs === 0) {
    screen.print();
    screen.print('There are no runs on record. Start some, on inputs as they come:');
    const command = commandLine(globals, ['run', name, '--input', '<file or folder>']).replace(
      "'<file or folder>'",
      '<file or folder>',
    );
    screen.print(`    ${screen.paint('cyan', oneLine(command))}`);
  }
  for (const [index, line] of lines.entries()) {
    screen.print();
    printLine(screen, index + 1, line, options);
  }
  screen.print();
  const failing = lines.filter(({ verdict }) => verdict === 'fails').length;
  const sum = failing === 0 ? 'No line fails.' : `${failing} of ${lines.length} lines fail.`;
  screen.print(screen.paint(failing === 0 ? 'green' : 'red', sum));
  screen.print();
  for (const who of [`Owner${owner === undefined ? '' : ` (${owner})`}`, 'Reviewer']) {
    screen.print(`${fit(oneLine(who), 30).padEnd(32)}${'_'.repeat(36)}  Date ${'_'.repeat(14)}`);
  }
}

/** What the document rests on. */
export function factsOf({ owner, runs, graph }: Promotion, now: number): string[] {
  const { nodes, cut } = graph;
  const left = cut > 0 ? `, ${cut} of them not gone on from` : '';
  return [
    `owner: ${owner ?? 'nobody'}`,
    `${runs} ${runs === 1 ? 'run' : 'runs'} on record`,
    `${nodes.toLocaleString('en')} states of a run explored${left}`,
    dateTime(now),
  ];
}

const words: Readonly<Record<PromotionLine['verdict'], string>> = {
  passes: 'passes',
  fails: 'FAILS',
  informs: 'for information',
};

function printLine(
  screen: Screen,
  number: number,
  { asks, verdict, says, evidence, problems }: PromotionLine,
  options: PromotionViewOptions,
): void {
  const style = styles[verdict];
  screen.print(`${number}  ${screen.paint('bold', oneLine(asks))}  ${screen.paint(style, words[verdict])}`);
  for (const line of wrap(oneLine(says), screen.width - 3)) screen.print(`   ${line}`);
  for (const [index, problem] of problems.entries()) {
    printProblem(screen, problem);
    // What is to be done about several is said once.
    if (problems[index + 1]?.fix !== problem.fix) printField(screen, 'fix', problem.fix, block);
  }
  for (const topic of evidence) printTopic(screen, topic, options);
}

const block = { indent: 3, mostLines: Infinity };

function printProblem(screen: Screen, { where, what, path }: Problem): void {
  printField(screen, 'problem', what.includes(where) ? what : `${where}: ${what}`, {
    ...block,
    style: 'red',
  });
  if (path !== undefined) printField(screen, 'path', path, block);
}

/** What is longer stands on a line of its own. */
const longestName = 38;

function printTopic(screen: Screen, { topic, items }: Evidence, options: PromotionViewOptions): void {
  screen.print(`   ${screen.paint('dim', topic)}`);
  const names = items.map(({ name }) => oneLine(name));
  const column = Math.max(0, ...names.map(widthOf).filter((width) => width <= longestName));
  for (const [index, item] of items.entries()) {
    const name = names[index] ?? '';
    const margin = ' '.repeat(5 + column + 2);
    const lines = wrap(oneLine(textOf(item, options)), screen.width - margin.length);
    const isLong = widthOf(name) > longestName;
    if (isLong) screen.print(`     ${name}`);
    for (const [row, line] of lines.entries()) {
      const head = row === 0 && !isLong ? `     ${name}${' '.repeat(column - widthOf(name) + 2)}` : margin;
      screen.print(`${head}${line}`.trimEnd());
    }
  }
}

const mostRuns = 5;

function textOf(
  { name, says, runs = [], transitions = [] }: EvidenceItem,
  { full }: PromotionViewOptions,
): string {
  const told = runs.filter((id) => id !== name);
  const shown = full ? told : told.slice(0, mostRuns);
  const left = told.length - shown.length;
  const ids = shown.length > 0 ? ` [${shown.join(', ')}${left > 0 ? `, and ${left} more` : ''}]` : '';
  const others = full ? transitions.filter((id) => id !== name) : [];
  const ways = others.length > 0 ? ` {${others.join('; ')}}` : '';
  return `${says}${ids}${ways}`;
}
