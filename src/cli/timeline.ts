/** A run's history for a person to read: each entry with when, what, where it led, and all that is on record of it. */
import type { ProposalRecord } from '../gates/edit.ts';
import type { HistoryEntry, MessageEntry } from '../engine/history.ts';
import type { Message, Timer } from '../engine/run-state.ts';
import { exchangesOf } from '../engine/spend.ts';
import { type ExchangeOptions, isShownBy, marked, printExchange } from './exchange-view.ts';
import { printField } from './field-block.ts';
import type { Screen, Style } from './screen.ts';
import { pathOf, timerText, titleOf } from './entry-title.ts';
import { oneLine } from './text.ts';
import { dateTime, span, time } from './times.ts';

export interface TimelineOptions {
  readonly full: boolean;
}

const indent = 4;
const mostLines = 6;

export function printTimeline(
  screen: Screen,
  history: readonly HistoryEntry[],
  { full }: TimelineOptions,
): void {
  const options: ExchangeOptions = { indent, mostLines: full ? Infinity : mostLines, full };
  const standsIn = createStandInMemory();
  let armed: ReadonlySet<string> = new Set();
  let before: number | undefined;
  for (const [index, entry] of history.entries()) {
    const later = before === undefined ? '' : ` +${span(entry.at - before)}`;
    const head = `${String(index + 1).padStart(3)} ${screen.paint('dim', `${time(entry.at)}${later}`)}`;
    screen.print(`${head}  ${screen.paint('bold', oneLine(titleOf(entry)))}`);
    printEntry(screen, entry, { ...options, standIn: standsIn(entry) });
    if (entry.type === 'message' && entry.timers) {
      const fresh = entry.timers.filter((timer) => !armed.has(nameOf(timer)));
      for (const { id, deadline } of fresh) {
        const when = `${timerText(id)} at ${dateTime(deadline)} (in ${span(deadline - entry.at)})`;
        printField(screen, 'timer', when, options);
      }
      armed = new Set(entry.timers.map(nameOf));
    }
    before = entry.at;
  }
}

/** Whether what an entry gives came from a stand-in: by its own exchanges, or by earlier ones of the same actor. */
function createStandInMemory(): (entry: HistoryEntry) => boolean {
  const paths = new Map<string, boolean>();
  return (entry) => {
    const path = actorOf(entry);
    const exchanges = exchangesOf(entry);
    if (path === undefined) return false;
    if (exchanges.length > 0)
      paths.set(
        path,
        exchanges.some(({ standIn }) => standIn),
      );
    return paths.get(path) ?? false;
  };
}

function actorOf(entry: HistoryEntry): string | undefined {
  const key =
    entry.type === 'message' ? 'key' in entry.message && entry.message.key : 'key' in entry && entry.key;
  return key === false ? undefined : key.slice(0, key.lastIndexOf('#'));
}

interface EntryOptions extends ExchangeOptions {
  readonly standIn: boolean;
}

function printEntry(screen: Screen, entry: HistoryEntry, options: EntryOptions): void {
  const field = (label: string, value: unknown, style?: Style): void =>
    printField(screen, label, value, { ...options, ...(style ? { style } : {}) });
  const exchanges = exchangesOf(entry);
  for (const exchange of exchanges) printExchange(screen, exchange, options);
  const last = exchanges.at(-1);

  switch (entry.type) {
    case 'message':
      if (entry.message.type !== 'output') printMessage(field, entry.message);
      else if (!isShownBy(last, entry.message.output)) {
        field('result', marked(entry.message.output ?? 'nothing', options.standIn));
      }
      printVerdicts(field, entry);
      if (entry.edit) printEdit(field, entry.edit);
      for (const { path, input } of entry.started ?? []) field('invokes', named(path, input));
      for (const key of entry.stopped ?? []) field('stopped', pathOf(key));
      for (const { type, params } of entry.actions ?? []) field('action', named(type, params));
      for (const { event } of entry.emitted ?? []) field('emitted', event);
      if (entry.error !== undefined) field('error', entry.error, 'red');
      return;
    case 'refused':
      field('event', entry.event);
      return field('reason', entry.reason, 'red');
    case 'kept':
      if (!isShownBy(last, entry.value)) field('value', marked(entry.value, options.standIn));
      return;
    case 'actionFailed':
      return field('error', entry.error, 'red');
    case 'attempt':
    case 'discarded':
      return;
  }
}

type PrintField = (label: string, value: unknown, style?: Style) => void;

function named(name: string, value: unknown): string {
  if (value === undefined) return name;
  const text = marked(value);
  return `${name}${text.includes('\n') ? '\n' : ' '}${text}`;
}

function printMessage(field: PrintField, message: Message): void {
  switch (message.type) {
    case 'start':
      if (message.input !== undefined) field('input', message.input);
      return;
    case 'event': {
      const { type: _, ...payload } = message.event;
      if (Object.keys(payload).length > 0) field('data', payload);
      return;
    }
    case 'error':
    case 'fail':
      return field('error', message.error, 'red');
    case 'cancel':
      if (message.reason !== undefined) field('reason', message.reason);
      return;
    case 'deferred':
      return field('because', message.reason);
    case 'output':
    case 'timer':
    case 'wake':
    case 'retry':
      return;
  }
}

/** What became of what a model proposed. */
function printEdit(field: PrintField, { fate, proposed, changed, changes }: ProposalRecord): void {
  if (fate === 'edited' && changed) {
    for (const { path, from, to } of changes) {
      field(
        'changed',
        `${path.join('.') || 'all'}: ${marked(from ?? 'nothing')} → ${marked(to ?? 'nothing')}`,
      );
    }
  } else field(fate === 'rejected' ? 'rejected' : 'accepted', proposed);
}

/** A gate that says no without a reason only chose between ways; one with reasons held something back. */
function printVerdicts(field: PrintField, { verdicts = [] }: MessageEntry): void {
  for (const { gate, passed, reasons, saw } of verdicts) {
    const style = passed ? 'green' : reasons.length > 0 ? 'red' : 'dim';
    field('gate', [`${passed ? '✓' : '✗'} ${gate}`, ...reasons].join('\n'), style);
    if (saw !== undefined && !passed) field('saw', saw);
  }
}

function nameOf({ source, id, deadline }: Timer): string {
  return `${source} ${id} ${deadline}`;
}
