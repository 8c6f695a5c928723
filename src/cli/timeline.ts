/** A run's history for a person to read: each entry with when, what, where it led, and all that is on record of it. */

import type { HistoryEntry, MessageEntry } from '../engine/history.ts';
import type { Message, Timer } from '../engine/run-state.ts';
import { printExchange } from './exchange-view.ts';
import { type BlockOptions, printField } from './field-block.ts';
import { exchangesOf } from './outcome.ts';
import type { Screen } from './screen.ts';
import { stateText } from './state-text.ts';
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
  const options: BlockOptions = { indent, mostLines: full ? Infinity : mostLines };
  let armed = new Set<string>();
  let before: number | undefined;
  for (const [index, entry] of history.entries()) {
    const later = before === undefined ? '' : ` +${span(entry.at - before)}`;
    const head = `${String(index + 1).padStart(3)} ${screen.paint('dim', `${time(entry.at)}${later}`)}`;
    screen.print(`${head}  ${oneLine(titleOf(entry))}`);
    printEntry(screen, entry, options);
    if (entry.type === 'message' && entry.timers) {
      for (const timer of entry.timers)
        if (!armed.has(nameOf(timer))) printTimer(screen, timer, entry.at, options);
      armed = new Set(entry.timers.map(nameOf));
    }
    before = entry.at;
  }
}

function titleOf(entry: HistoryEntry): string {
  switch (entry.type) {
    case 'message': {
      const led = entry.value === undefined ? '' : ` → ${stateText(entry.value)}`;
      const ended = entry.status === 'running' || entry.status === 'waiting' ? '' : ` (${entry.status})`;
      return `${messageTitle(entry)}${led}${ended}`;
    }
    case 'refused':
      return `${entry.event.type} was refused`;
    case 'attempt':
      return `${pathOf(entry.key)}: attempt ${entry.attempt} begins (${entry.why})`;
    case 'kept':
      return `${pathOf(entry.key)} kept \`${entry.name}\``;
    case 'discarded':
      return `${pathOf(entry.key)} ended too late; its result was not used`;
    case 'actionFailed':
      return `action ${entry.action} failed`;
  }
}

function messageTitle({ message, attempt }: MessageEntry): string {
  const tries = attempt === undefined ? '' : ` (attempt ${attempt})`;
  switch (message.type) {
    case 'start':
      return 'start';
    case 'event':
      return `${message.event.type}${byWhom(message.event)}`;
    case 'output':
      return `${pathOf(message.key)} answered${tries}`;
    case 'error':
      return `${pathOf(message.key)} failed${tries}`;
    case 'timer':
      return `timer ${timerText(message.id)} fired`;
    case 'cancel':
      return 'cancel';
  }
}

function byWhom(event: object): string {
  return 'by' in event && typeof event.by === 'string' ? ` by ${event.by}` : '';
}

function printEntry(screen: Screen, entry: HistoryEntry, options: BlockOptions): void {
  const field = (label: string, value: unknown, style?: BlockOptions['style']): void =>
    printField(screen, label, value, { ...options, ...(style ? { style } : {}) });
  const exchanges = exchangesOf(entry);
  for (const exchange of exchanges) printExchange(screen, exchange, options);
  const source = exchanges.some(({ standIn }) => standIn) ? 'STAND-IN: ' : '';

  switch (entry.type) {
    case 'message':
      printMessage(field, entry.message, source);
      printVerdicts(field, entry);
      for (const { path, input } of entry.started ?? [])
        field('invokes', input === undefined ? path : [path, input]);
      for (const key of entry.stopped ?? []) field('stopped', pathOf(key));
      for (const { type, params } of entry.actions ?? [])
        field('action', params === undefined ? type : [type, params]);
      for (const { event } of entry.emitted ?? []) field('emitted', event);
      if (entry.output !== undefined) field('output', entry.output, 'green');
      if (entry.error !== undefined) field('error', entry.error, 'red');
      return;
    case 'refused':
      field('event', entry.event);
      return field('reason', entry.reason, 'red');
    case 'kept':
      return field('value', typeof entry.value === 'string' ? `${source}${entry.value}` : entry.value);
    case 'actionFailed':
      return field('error', entry.error, 'red');
    case 'attempt':
    case 'discarded':
      return;
  }
}

type PrintField = (label: string, value: unknown, style?: BlockOptions['style']) => void;

function printMessage(field: PrintField, message: Message, source: string): void {
  switch (message.type) {
    case 'start':
      if (message.input !== undefined) field('input', message.input);
      return;
    case 'event': {
      const { type: _, ...payload } = message.event;
      if (Object.keys(payload).length > 0) field('data', payload);
      return;
    }
    case 'output':
      if (message.output !== undefined)
        field('result', source === '' ? message.output : [source.trim(), message.output]);
      return;
    case 'error':
      return field('error', message.error, 'red');
    case 'cancel':
      if (message.reason !== undefined) field('reason', message.reason);
      return;
    case 'timer':
      return;
  }
}

function printVerdicts(field: PrintField, { verdicts = [] }: MessageEntry): void {
  for (const { gate, passed, reasons, saw } of verdicts) {
    field('gate', [`${passed ? '✓' : '✗'} ${gate}`, ...reasons].join('\n'), passed ? 'green' : 'red');
    if (saw !== undefined && !passed) field('saw', saw);
  }
}

function printTimer(screen: Screen, { id, deadline }: Timer, at: number, options: BlockOptions): void {
  printField(
    screen,
    'timer',
    `${timerText(id)} at ${dateTime(deadline)} (in ${span(deadline - at)})`,
    options,
  );
}

function nameOf({ source, id, deadline }: Timer): string {
  return `${source} ${id} ${deadline}`;
}

/** `xstate.after.approvalTime.<state id>` is `approvalTime of <state>`. */
function timerText(id: string): string {
  const after = /^xstate\.after\.(.+?)\.([^.]+(?:\..+)?)$/.exec(id);
  if (!after) return id;
  const [, delay = '', stateId = ''] = after;
  const name = /^\d+$/.test(delay) ? span(Number(delay)) : delay;
  return `${name} of ${stateId.split('.').slice(1).join('.') || stateId}`;
}

/** An invocation's key is its path and how often that was entered. */
function pathOf(key: string): string {
  const cut = key.lastIndexOf('#');
  const path = cut < 0 ? key : key.slice(0, cut);
  const times = cut < 0 ? '1' : key.slice(cut + 1);
  return times === '1' ? path : `${path} (${times})`;
}
