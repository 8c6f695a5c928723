/** What an entry of a history is, in a line. */
import type { HistoryEntry, MessageEntry } from '../engine/history.ts';
import { stateText } from './state-text.ts';
import { fit } from './text.ts';
import { span } from './times.ts';

const longestName = 40;

export function titleOf(entry: HistoryEntry): string {
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
      return `${pathOf(entry.key)}: ${fit(keptName(entry.name), longestName)}`;
    case 'discarded':
      return `${pathOf(entry.key)} ended too late; its result was not used`;
    case 'actionFailed':
      return `action ${entry.action} failed`;
  }
}

/** What an actor kept under which name: `attempt 1 failed`, `item 3`. */
function keptName(name: string): string {
  const [kind, , ...rest] = name.split(' ');
  return kind === 'once' ? rest.join(' ').replaceAll('%2F', '/').replaceAll('%25', '%') : name;
}

function messageTitle({ message, attempt, by }: MessageEntry): string {
  const tries = attempt === undefined ? '' : ` (attempt ${attempt})`;
  switch (message.type) {
    case 'start':
      return 'start';
    case 'event':
      return `${message.event.type}${by ? ` by ${by.id}` : byWhom(message.event)}`;
    case 'output':
      return `${pathOf(message.key)} answered${tries}`;
    case 'error':
      return `${pathOf(message.key)} failed${tries}`;
    case 'timer':
      return `timer ${timerText(message.id)} fired`;
    case 'deferred':
      return `${pathOf(message.key)} waits until ${new Date(message.until).toISOString()}${tries}`;
    case 'wake':
      return `${pathOf(message.key)} goes on`;
    case 'fail':
      return 'failed';
    case 'cancel':
    case 'retry':
      return message.type;
  }
}

function byWhom(event: object): string {
  return 'by' in event && typeof event.by === 'string' ? ` by ${event.by}` : '';
}

/** `xstate.after.approvalTime.<state id>` is `approvalTime of <state>`. */
export function timerText(id: string): string {
  const after = /^xstate\.after\.([^.]+)\.(.+)$/.exec(id);
  if (!after) return id;
  const [, delay = '', stateId = ''] = after;
  const name = /^\d+$/.test(delay) ? span(Number(delay)) : delay;
  return `${name} of ${stateId.split('.').slice(1).join('.') || stateId}`;
}

/** An invocation's key is its path and how often that was entered. */
export function pathOf(key: string): string {
  const cut = key.lastIndexOf('#');
  const path = key.slice(0, cut);
  const times = key.slice(cut + 1);
  return times === '1' ? path : `${path} (${times})`;
}
