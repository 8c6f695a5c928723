/** What is in a run's inbox: events from outside, and the wish to cancel. */
import type { EventObject } from 'xstate';

import type { InboxMessage } from '../../persistence/store.ts';
import { decode, encode } from './codec.ts';

export type Mail =
  /** With `hold` the event waits until a state accepts it; without, it is refused if the state at its turn does not. */
  | { readonly type: 'event'; readonly event: EventObject; readonly hold?: true }
  | { readonly type: 'cancel'; readonly reason?: string };

export interface ReceivedMail {
  readonly id: number;
  readonly at: number;
  readonly mail: Mail;
}

export function encodeMail(mail: Mail): string {
  return encode(mail, 'event');
}

export function receiveMail({ id, at, body }: InboxMessage): ReceivedMail {
  return { id, at, mail: decode(body) as Mail };
}
