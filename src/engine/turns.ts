/** What an executor takes next: a message for the machine with its source, or mail for the executor itself. */
import type { ReceivedMail } from './mail.ts';
import type { Flight, Outcome } from './performer.ts';
import type { Message } from './run-state.ts';

export interface Turn {
  /** When it came about, which orders turns: an event's arrival, a timer's deadline, a result's completion. */
  readonly at: number;
  readonly message?: Message;
  readonly mail?: ReceivedMail;
  readonly flight?: Flight;
}

/** Of a message from the inbox that is applied `now`. */
export function turnOfMail(mail: ReceivedMail, now: number): Turn {
  const { mail: content, at } = mail;
  switch (content.type) {
    case 'cancel': {
      const { reason } = content;
      return { at, mail, message: { type: 'cancel', at: now, ...(reason === undefined ? {} : { reason }) } };
    }
    case 'event':
      return { at, mail, message: { type: 'event', at: now, event: content.event } };
    case 'fail':
      return { at, mail, message: { type: 'fail', at: now, error: content.error } };
    case 'wake':
      return { at, mail, message: { type: 'wake', at: now, key: content.key } };
    case 'stopped':
    case 'ended':
      return { at, mail };
  }
}

/** Of an invocation that has settled at `at`. */
export function turnOfOutcome(flight: Flight, outcome: Outcome, at: number): Turn {
  return { at, flight, message: messageOf(flight, outcome, at) };
}

/** Outputs, by far the most frequent, are not spread: each step makes one. */
function messageOf({ invocation: { key }, attempt }: Flight, outcome: Outcome, at: number): Message {
  switch (outcome.type) {
    case 'output': {
      const { output } = outcome;
      return output === undefined ? { type: 'output', at, key } : { type: 'output', output, at, key };
    }
    case 'error':
      return { type: 'error', error: outcome.error, at, key };
    case 'deferred':
      return { ...outcome, at, key, attempt };
  }
}
