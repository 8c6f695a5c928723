/** A message of a run in the words in which `paths` names its steps. */
import type { Message } from '../../engine/run-state.ts';
import { timerName } from '../moves.ts';
import { errorLabel } from '../outcomes/error-label.ts';
import { labelOf } from '../outcomes/label-of.ts';

export function wordsOf(message: Message): string {
  switch (message.type) {
    case 'start':
      return 'start';
    case 'event': {
      const { type, ...payload } = message.event;
      const label = labelOf(payload);
      return label === 'ok' ? type : `${type} ${label}`;
    }
    case 'output':
      return `${pathOf(message.key)} → ${labelOf(message.output)}`;
    case 'error':
      return `${pathOf(message.key)} → ${errorWords(message.error)}`;
    case 'timer':
      return timerWords(message.id);
    case 'deferred':
      return `${pathOf(message.key)} waits: ${message.reason}`;
    case 'wake':
      return `${pathOf(message.key)} goes on`;
    case 'fail':
      return `fails: ${errorWords(message.error)}`;
    case 'retry':
      return 'retry';
    case 'cancel':
      return message.reason === undefined ? 'cancel' : `cancel: ${message.reason}`;
  }
}

/** An invocation's key is its path and how often that was entered. */
function pathOf(key: string): string {
  return key.slice(0, key.lastIndexOf('#'));
}

function errorWords(error: unknown): string {
  return error instanceof Error ? errorLabel(error) : `failed: ${labelOf(error)}`;
}

function timerWords(id: string): string {
  const name = timerName(id);
  return name === id ? `timer ${id}` : name;
}
