/** What is in a run's inbox: events from outside, the wish to cancel, and what the engine has to remember. */
import type { EventObject } from 'xstate';

import type { InboxMessage } from '../../persistence/store.ts';
import type { Answerer } from '../gates/person.ts';
import { decode, encode } from './codec.ts';
import type { Invocation } from './run-state.ts';

export type Mail =
  /** With `hold` the event waits until a state accepts it; without, it is refused if the state at its turn does not. */
  | { readonly type: 'event'; readonly event: EventObject; readonly hold?: true; readonly by?: Answerer }
  | { readonly type: 'cancel'; readonly reason?: string }
  /** The run's own code has thrown where nothing awaits it: the run fails with this error. */
  | { readonly type: 'fail'; readonly error: unknown }
  /** What this deferred invocation waits for has happened. */
  | { readonly type: 'wake'; readonly key: string }
  /** A step is about to stop this invocation, which has to be told when the step is stored. */
  | { readonly type: 'stopped'; readonly invocation: Invocation }
  /** A step is about to end the run, and whoever started it has to be told when the step is stored. */
  | { readonly type: 'ended' };

/** What callers send; the rest the engine sends itself. */
export type SentMail = Extract<Mail, { readonly type: 'event' | 'cancel' }>;

export interface ReceivedMail {
  readonly id: number;
  readonly at: number;
  /** The key it was sent with. */
  readonly key?: string;
  readonly mail: Mail;
}

export function encodeMail(mail: Mail): string {
  return encode(mail, 'event');
}

export function receiveMail({ id, at, key, body }: InboxMessage): ReceivedMail {
  return { id, at, ...(key === undefined ? {} : { key }), mail: decode(body) as Mail };
}
