/**
 * What is on record of a run, entry by entry, in the order in which it happened.
 *
 * An entry is what one atomic write of the store added. Folding `advance` over the `message` entries gives every state
 * that the run was in.
 */
import type { EventObject, StateValue } from 'xstate';

import type { RunStatus } from '../../persistence/store.ts';
import type { ProposalRecord } from '../gates/edit.ts';
import type { Answerer } from '../gates/person.ts';
import type { Verdict } from '../gates/verdict.ts';
import { decode, encode } from './codec.ts';
import type { Exchange } from '../invocation.ts';
import type { Emitted, Invocation, Message, Timer } from './run-state.ts';

export type HistoryEntry =
  | MessageEntry
  | RefusedEntry
  | AttemptEntry
  | KeptEntry
  | DiscardedEntry
  | ActionFailedEntry;

/** A message was applied. Fields that would be empty are left out. */
export interface MessageEntry {
  readonly type: 'message';
  readonly at: number;
  /** The sequence number of the state that it led to; 1 is the start. */
  readonly seq: number;
  readonly message: Message;
  /** The inbox id of a message that came through the inbox. */
  readonly messageId?: number;
  /** Who sent the event, if they said so. */
  readonly by?: Answerer;
  /** What became of what a model proposed, if the event is an answer to a question that proposes something. */
  readonly edit?: ProposalRecord;
  /** The state value that it led to. */
  readonly value?: StateValue;
  readonly status: RunStatus;
  readonly verdicts?: readonly Verdict[];
  readonly started?: readonly Invocation[];
  readonly stopped?: readonly string[];
  /** All timers that are armed now, if they are other than before. */
  readonly timers?: readonly Timer[];
  readonly actions?: ReadonlyArray<{
    readonly type: string;
    readonly path: string;
    readonly params?: unknown;
  }>;
  readonly emitted?: readonly Emitted[];
  /** What an invocation exchanged with the outside before this, its result. */
  readonly exchanges?: readonly Exchange[];
  /** The attempt that gave this result. */
  readonly attempt?: number;
  readonly output?: unknown;
  readonly error?: unknown;
  /** The run was ended without its machine, which no worker could host: `stopped` hooks of its actors did not run. */
  readonly unhosted?: true;
  /** Of a `retry`: the run goes on from the state that this step led to, instead of the one before it failed. */
  readonly from?: number;
}

/** An event was not accepted when it was its turn. */
export interface RefusedEntry {
  readonly type: 'refused';
  readonly at: number;
  readonly messageId: number;
  readonly event: EventObject;
  readonly reason: string;
  /** `ANSWER_NOT_ALLOWED` if who sent it may not; left out if the state does not accept it. */
  readonly code?: 'ANSWER_NOT_ALLOWED';
}

/** A performance of an invocation began that must be known of: an irreversible one, or one after a crash. */
export interface AttemptEntry {
  readonly type: 'attempt';
  readonly at: number;
  readonly key: string;
  readonly attempt: number;
  readonly why: 'irreversible' | 'taken over';
}

/** An invocation kept a value with `once` or `cached`. */
export interface KeptEntry {
  readonly type: 'kept';
  readonly at: number;
  readonly key: string;
  readonly name: string;
  readonly value: unknown;
  readonly exchanges?: readonly Exchange[];
}

/** An invocation ended after the machine had moved on; only what it exchanged with the outside is kept. */
export interface DiscardedEntry {
  readonly type: 'discarded';
  readonly at: number;
  readonly key: string;
  readonly exchanges: readonly Exchange[];
}

/** A custom action threw. The state that decided it stands. */
export interface ActionFailedEntry {
  readonly type: 'actionFailed';
  readonly at: number;
  readonly action: string;
  readonly path: string;
  readonly error: unknown;
}

export function encodeEntry(entry: HistoryEntry): string {
  return encode(entry, 'history entry');
}

export function decodeEntry(text: string): HistoryEntry {
  return decode(text) as HistoryEntry;
}
