/** How a run's state and what a message led to are written down for a store. */
import type { Progress, RunProblem, RunStatus } from '../../persistence/store.ts';
import { errorClassesOf } from '../error-classes.ts';
import { SnapshotNotRestorable } from '../errors.ts';
import type { AnswerRecord } from './answers.ts';
import { decode, encode } from './codec.ts';
import type { MessageEntry } from './history.ts';
import type { Exchange } from '../invocation.ts';
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
  const deadlines = invocations.flatMap(({ notBefore }) => notBefore ?? []);
  if (next) deadlines.push(next.deadline);
  const soonest = Math.min(...deadlines);
  return Number.isFinite(soonest) ? soonest : null;
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

/** The history entry of a message. What would be empty is left out: this is most of what a store keeps. */
export function entryOf({ seq, led, before, turn }: Led): MessageEntry {
  const { state, verdicts, started, stopped, actions, emitted } = led;
  const { message, mail, flight, answered } = turn;
  const { value, output, error } = state.snapshot;
  const timersChanged = (before?.timers.length ?? 0) > 0 || state.timers.length > 0;
  return {
    type: 'message',
    at: message.at,
    seq,
    message,
    ...(mail ? { messageId: mail.id } : {}),
    ...answered,
    ...(value === undefined ? {} : { value }),
    status: statusOf(state),
    ...(verdicts.length > 0
      ? { verdicts: verdicts.map(({ saw, ...verdict }) => ({ ...verdict, ...shown('saw', saw) })) }
      : {}),
    ...(started.length > 0 ? { started } : {}),
    ...(stopped.length > 0 ? { stopped } : {}),
    ...(timersChanged ? { timers: state.timers } : {}),
    ...(actions.length > 0
      ? { actions: actions.map(({ type, path, params }) => ({ type, path, ...shown('params', params) })) }
      : {}),
    ...(emitted.length > 0 ? { emitted } : {}),
    ...(flight && flight.exchanges.length > 0 ? { exchanges: flight.exchanges } : {}),
    ...(flight && flight.attempt > 1 ? { attempt: flight.attempt } : {}),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
  };
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
