/** What a run can take at most, for a person to read. */
import type { Figures } from '../graph/worst/figures.ts';
import type { WorstCaseReport } from '../graph/worst/worst-case.ts';
import type { Screen } from './screen.ts';
import { usdText } from './spend-text.ts';
import { renderTable } from './table.ts';
import { oneLine, wrap } from './text.ts';
import { span } from './times.ts';

/** In a few lines; with `places` from each state on. */
export function printWorst(
  screen: Screen,
  worst: WorstCaseReport,
  { places }: { readonly places: boolean },
): void {
  const { bounded, rounds, loops, run } = worst;
  printLine(screen, `At most ${amountsText(bounded)} a run${waitingText(bounded)}.`);
  for (const { event, each } of rounds) {
    printLine(
      screen,
      `And for each ${event}, as often as it comes: ${amountsText(each)}${waitingText(each)}.`,
    );
  }
  for (const { name } of loops) printLine(screen, `It can go round for ever by itself: ${name}.`);
  if (run.elapsedMs === Infinity && worst.untimed.length === 0 && rounds.length === 0) {
    printLine(screen, 'Where no timer ends it, waiting for people can take for ever.');
  }
  if (places) screen.print(tableOf(screen, worst));
  for (const note of notesOf(worst, places)) printLine(screen, note, 'dim');
}

function printLine(screen: Screen, text: string, style?: 'dim'): void {
  for (const line of wrap(oneLine(text), screen.width - 2)) {
    screen.print(`  ${style ? screen.paint(style, line) : line}`);
  }
}

/** `14 model calls, 182,000 tokens, $0.42 and 3 min 10 s`. */
function amountsText({ modelCalls, tokens, usd, timeMs }: Figures): string {
  if (modelCalls + tokens + usd === 0) return `no model call and ${timeText(timeMs)}`;
  return `${count(modelCalls, 'model call')}, ${count(tokens, 'token')}, ${moneyText(usd)} and ${timeText(timeMs)}`;
}

function waitingText({ timeMs, elapsedMs }: Figures): string {
  return elapsedMs > timeMs ? `; with waiting for people ${timeText(elapsedMs)}` : '';
}

function count(number: number, one: string): string {
  if (number === Infinity) return `any number of ${one}s`;
  return `${number.toLocaleString('en')} ${one}${number === 1 ? '' : 's'}`;
}

function moneyText(usd: number): string {
  return usd === Infinity ? 'any amount of money' : usdText(usd);
}

function timeText(ms: number): string {
  return ms === Infinity ? 'any time' : span(ms);
}

function tableOf(screen: Screen, { places }: WorstCaseReport): string {
  const cell = (worst: number, bounded: number, text: (amount: number) => string): string => {
    if (bounded === Infinity) return 'no bound';
    return worst === Infinity ? `${text(bounded)} +` : text(bounded);
  };
  const number = (amount: number): string => amount.toLocaleString('en');
  return renderTable(
    screen,
    [
      { title: 'at most, from', flexible: true, least: 20 },
      { title: 'calls', align: 'right' },
      { title: 'tokens', align: 'right' },
      { title: 'money', align: 'right' },
      { title: 'time', align: 'right' },
      { title: 'with waiting', align: 'right' },
    ],
    places.map(({ place, worst, bounded }) => [
      place,
      cell(worst.modelCalls, bounded.modelCalls, number),
      cell(worst.tokens, bounded.tokens, number),
      cell(worst.usd, bounded.usd, usdText),
      cell(worst.timeMs, bounded.timeMs, span),
      cell(worst.elapsedMs, bounded.elapsedMs, span),
    ]),
  )
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

function* notesOf(worst: WorstCaseReport, places: boolean): Iterable<string> {
  const { untimed, silent, unpriced, recursive, assumes, complete, rounds } = worst;
  if (places && worst.run.elapsedMs === Infinity) {
    const events = rounds.map(({ event }) => event);
    const besides = [...events, ...untimed, 'waiting that no timer ends'].join(', ');
    yield `+: and what has no bound: ${besides}.`;
  }
  if (untimed.length > 0) yield `Nothing bounds the time of ${untimed.join(', ')}: it is not counted.`;
  if (silent.length > 0) yield `Nothing at all is known of what these take: ${silent.join(', ')}.`;
  if (unpriced.length > 0) yield `Without a price, and not in the money: ${unpriced.join(', ')}.`;
  if (recursive.length > 0) yield `Start runs of themselves: ${recursive.join(', ')}.`;
  if (!complete) yield 'Some states were not gone on from; what comes after them is not counted.';
  if (assumes.length === 0) return;
  const what = places
    ? `: ${assumes.join('; ')}`
    : ` ${assumes.length === 1 ? 'one thing' : `${assumes.length} things`} that nothing enforces (--worst)`;
  yield `Assumed${what}.`;
}
