/** What a person is asked, with all that they need to answer it. */
import { labelWidthOf, printField } from './field-block.ts';
import type { Field } from './json-schema.ts';
import { type RunOutcome } from './outcome.ts';
import { standInNotice } from './outcome-view.ts';
import type { Screen } from './screen.ts';
import { stateText } from './state-text.ts';
import { oneLine } from './text.ts';
import { ago, dateTime, until } from './times.ts';
import { describeWho } from '../gates/person.ts';
import type { Waiting } from './waiting.ts';

export interface InboxViewOptions {
  readonly full: boolean;
}

const indent = 2;
const mostLines = 12;

export function printInboxItem(
  screen: Screen,
  { run, workflow, version, state, standIn }: RunOutcome,
  waiting: Waiting,
  { full }: InboxViewOptions,
): void {
  const now = Date.now();
  const since = waiting.since.getTime();
  const due = waiting.due?.getTime();
  const options = { indent, mostLines: full ? Infinity : mostLines };
  const titles = waiting.questions.map(({ title }) => title).join('; ');
  screen.print(
    `${screen.paint('bold', oneLine(run))}  ${screen.paint('yellow', oneLine(titles) || 'An event')}`,
  );
  printField(screen, 'run of', `${workflow}@${version}, in ${stateText(state)}`, options);
  printField(screen, 'since', `${dateTime(since)}, ${ago(since, now)}`, options);
  if (due !== undefined) {
    printField(screen, 'due', `${dateTime(due)}, ${until(due, now)}`, options);
  }
  if (waiting.remind) {
    const at = waiting.remind.getTime();
    printField(screen, 'reminder', `${dateTime(at)}, ${until(at, now)}`, options);
  }
  for (const { instructions, who, proposed, problem } of waiting.questions) {
    if (instructions) printField(screen, 'what', instructions, options);
    if (who) printField(screen, 'for', describeWho(who), options);
    if (proposed !== undefined) printField(screen, 'proposed', proposed, options);
    if (problem !== undefined) printField(screen, 'problem', problem, { ...options, style: 'red' });
  }
  if (standIn) printField(screen, 'note', standInNotice, { ...options, style: 'yellow' });
  for (const [key, value] of Object.entries(waiting.shows)) {
    if (isNothing(value)) continue;
    const parts = partsOf(value);
    const labelWidth = labelWidthOf(parts.map(([label]) => label));
    screen.print(`  ${screen.paint('dim', oneLine(key))}`);
    for (const [label, inner] of parts)
      printField(screen, label, inner, { ...options, indent: 4, labelWidth });
  }
  const whose = waiting.questions.map(({ who }) => who && describeWho(who));
  for (const { event, label, who, fields, command, passes } of waiting.answers) {
    const refused = passes ? '' : '  (refused by a gate as it stands below)';
    const meaning = label === undefined ? '' : `  – ${label}`;
    const own = who && !whose.includes(describeWho(who)) ? `  for ${describeWho(who)}` : '';
    printField(
      screen,
      'answer',
      `${[event, ...fields.map(fieldText)].join('  ')}${meaning}${own}${refused}`,
      options,
    );
    // Never wrapped: it is there to be copied.
    screen.print(`    ${screen.paint('cyan', oneLine(command))}`);
  }
  screen.print();
}

function fieldText({ name, required, type }: Field): string {
  return `${name}${required ? '' : '?'}: ${type}`;
}

function isNothing(value: unknown): boolean {
  return (
    value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
  );
}

/** An object is shown field by field, a list item by item. */
function partsOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (Array.isArray(value)) return value.map((item: unknown) => ['-', item] as const);
  if (typeof value !== 'object' || value === null || value instanceof Date) return [['', value]];
  return Object.entries(value).filter(([, inner]) => !isNothing(inner));
}
