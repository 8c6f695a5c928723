/**
 * The inbox messages that a leased run has been handed and has not taken yet.
 *
 * It owns their order, and which of them can be taken now; what becomes of one is the executor's.
 *
 * I1. Of those that can be taken the oldest comes first. An event with `hold` can be taken once the state accepts it.
 * I2. An event with `hold` costs nothing while the state does not accept its type. A guard that has refused it is asked
 *     again only when the state has changed in what guards look at.
 */
import type { InboxMessage } from '../../persistence/store.ts';
import { type ReceivedMail, receiveMail } from './mail.ts';

/** What decides whether a message can be taken. */
export interface Acceptance {
  /** Two that are equal have guards that answer the same. */
  readonly footing: unknown;
  readonly hasEnded: boolean;
  /** Whether some transition takes events of this type, guards aside. */
  acceptsType(type: string): boolean;
  accepts(message: ReceivedMail): boolean;
  /** Whether this invocation is under way, so that it need not be told to look again. */
  isBusy(key: string): boolean;
}

export interface RunInbox {
  readonly size: number;
  /** The highest id that was handed to this worker; 0 if none. */
  readonly seen: number;
  add(messages: readonly InboxMessage[]): void;
  next(acceptance: Acceptance): ReceivedMail | undefined;
  remove(message: ReceivedMail): void;
  /** Held events that no state has accepted so far, each once. */
  takeRefused(): readonly ReceivedMail[];
}

/** Held events of one type, oldest first. */
interface Held {
  readonly messages: ReceivedMail[];
  footing: unknown;
  /** How many from the oldest on were refused on this footing. */
  refused: number;
  /** The id up to which they have been told. */
  told: number;
}

export function createRunInbox(first: readonly InboxMessage[]): RunInbox {
  const ready: ReceivedMail[] = [];
  /** By the type of the events. */
  const held = new Map<string, Held>();
  /** By the key of the invocation that they wake. */
  const wakes = new Map<string, ReceivedMail[]>();
  const refused: ReceivedMail[] = [];
  let size = 0;
  let seen = 0;

  function queueOf({ mail }: ReceivedMail): ReceivedMail[] {
    if (mail.type === 'wake') return entryOf(wakes, mail.key, () => []);
    if (mail.type !== 'event' || !mail.hold) return ready;
    return entryOf(held, mail.event.type, () => ({ messages: [], footing: undefined, refused: 0, told: 0 }))
      .messages;
  }

  function add(messages: readonly InboxMessage[]): void {
    for (const message of messages) {
      const received = receiveMail(message);
      queueOf(received).push(received);
      seen = message.id;
    }
    size += messages.length;
  }

  /** None that is not older than `before`, which can be taken in any case. */
  function firstAccepted(
    type: string,
    queue: Held,
    acceptance: Acceptance,
    before: number,
  ): ReceivedMail | undefined {
    const { messages } = queue;
    if (acceptance.hasEnded) return messages[0];
    if (queue.footing !== acceptance.footing) {
      queue.footing = acceptance.footing;
      queue.refused = 0;
    }
    const isKnown = acceptance.acceptsType(type);
    // A type that no transition names may still lead somewhere; if it does not for the oldest, it does for none.
    const limit = isKnown ? messages.length : 1;
    for (; queue.refused < limit; queue.refused++) {
      const message = messages[queue.refused];
      if (!message || message.id > before) break;
      if (acceptance.accepts(message)) return message;
    }
    const last = isKnown ? queue.refused : messages.length;
    for (let index = last - 1; index >= 0; index--) {
      const message = messages[index] as ReceivedMail;
      if (message.id <= queue.told) break;
      refused.push(message);
    }
    queue.told = Math.max(queue.told, messages[last - 1]?.id ?? 0);
    return undefined;
  }

  add(first);

  return {
    get size() {
      return size;
    },
    get seen() {
      return seen;
    },
    add,
    next(acceptance) {
      let oldest = ready[0];
      const consider = (message: ReceivedMail | undefined): void => {
        if (message && (!oldest || message.id < oldest.id)) oldest = message;
      };
      for (const [key, queue] of wakes) if (!acceptance.isBusy(key)) consider(queue[0]);
      for (const [type, queue] of held) {
        consider(firstAccepted(type, queue, acceptance, oldest?.id ?? Infinity));
      }
      return oldest;
    },
    remove(message) {
      const queue = queueOf(message);
      queue.splice(queue.indexOf(message), 1);
      size -= 1;
      if (queue.length > 0) return;
      if (message.mail.type === 'wake') wakes.delete(message.mail.key);
      if (message.mail.type === 'event') held.delete(message.mail.event.type);
    },
    takeRefused: () => refused.splice(0),
  };
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
