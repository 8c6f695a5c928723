/** How a run's state and what a message led to are written down for a store. */
import type { Progress, RunProblem, RunStatus } from '../../persistence/store.ts';
import { errorClassesOf } from '../error-classes.ts';
import { SnapshotNotRestorable } from '../errors.ts';
import type { AnswerRecord } from './answers.ts';
import { decode, encode } from './codec.ts';
import type { MessageEntry } from './history.ts';
import type { Exchange } from '../invocation.ts';
import type { Mutable } from './mutable.ts';
import type { AnyWorkflow } from '../workflow.ts';
import type { Advanced, RunState } from './run-state.ts';

export function statusOf({ snapshot, invocations }: RunState): RunStatus {
  switch (snapshot.status) {
    case 'active':
      return invocations.length > 0 ? 'running' : 'waiting';
    case 'done':
      return 'done';
    case 'error':
      return 'failed';
    case 'stopped':
      return 'cancelled';
  }
}

export function hasEnded(status: RunStatus): boolean {
  return status !== 'running' && status !== 'waiting';
}

/** What a run shows of the error that keeps workers from executing it. */
export function problemOf(error: Error): RunProblem {
  return { code: 'code' in error ? String(error.code) : error.name, message: error.message };
}

/** When the run needs a worker next if nothing comes from outside; `null`: never. */
export function wakeAtOf({ timers: [next], invocations }: RunState): number | null {
  let soonest = next?.deadline ?? Infinity;
  for (const { notBefore = Infinity } of invocations) soonest = Math.min(soonest, notBefore);
  return soonest === Infinity ? null : soonest;
}

export function progressOf(state: RunState, tags: readonly string[]): Omit<Progress, 'log'> {
  return {
    state: encode(state, 'state'),
    status: statusOf(state),
    value: JSON.stringify(state.snapshot.value),
    tags,
  };
}

/** The state as `progressOf` wrote it. What the text is stays out of the error: it may be anything. */
export function stateOf(text: string, workflow?: Pick<AnyWorkflow, 'errors'>): RunState {
  try {
    return decode(text, errorClassesOf(workflow?.errors)) as RunState;
  } catch (cause) {
    throw new SnapshotNotRestorable(
      'The stored state cannot be read; it is damaged, or was written by a newer Signalbox.',
      {
        cause,
      },
    );
  }
}

export interface Led {
  readonly seq: number;
  readonly led: Advanced;
  readonly before: RunState | undefined;
  readonly turn: {
    readonly message: MessageEntry['message'];
    readonly mail?: { readonly id: number } | undefined;
    readonly answered?: AnswerRecord | undefined;
    readonly flight?: { readonly attempt: number; readonly exchanges: readonly Exchange[] } | undefined;
  };
}

/**
 * The history entry of a message. Empty fields are left out: entries are most of what a store keeps. Assigned field by field,
 * because every step makes one and spreads are slow.
 */
export function entryOf({ seq, led, before, turn }: Led): MessageEntry {
  const { state, verdicts, started, stopped, actions, emitted } = led;
  const { message, mail, flight, answered } = turn;
  const { value, output, error } = state.snapshot;
  const entry: Mutable<Omit<MessageEntry, 'status'>> & { status?: RunStatus } = {
    type: 'message',
    at: message.at,
    seq,
    message,
  };
  if (mail) entry.messageId = mail.id;
  if (answered) Object.assign(entry, answered);
  if (value !== undefined) entry.value = value;
  entry.status = statusOf(state);
  if (verdicts.length > 0)
    entry.verdicts = verdicts.map(({ saw, ...verdict }) => ({ ...verdict, ...shown('saw', saw) }));
  if (started.length > 0) entry.started = started;
  if (stopped.length > 0) entry.stopped = stopped;
  if ((before?.timers.length ?? 0) > 0 || state.timers.length > 0) entry.timers = state.timers;
  if (actions.length > 0)
    entry.actions = actions.map(({ type, path, params }) => ({ type, path, ...shown('params', params) }));
  if (emitted.length > 0) entry.emitted = emitted;
  if (flight && flight.exchanges.length > 0) entry.exchanges = flight.exchanges;
  if (flight && flight.attempt > 1) entry.attempt = flight.attempt;
  if (output !== undefined) entry.output = output;
  if (error !== undefined) entry.error = error;
  return entry as MessageEntry;
}

/** A field for the record. What cannot be stored is described; nothing depends on it coming back. */
function shown<TKey extends string>(key: TKey, value: unknown): { readonly [K in TKey]?: unknown } {
  if (value === undefined) return {};
  try {
    encode(value, key);
    return { [key]: value } as { [K in TKey]: unknown };
  } catch (error) {
    return { [key]: `(not stored: ${(error as Error).message})` } as { [K in TKey]: unknown };
  }
}
