/**
 * What was stored of a run while a path is played, held against what the path says, step by step.
 *
 * I1. Each message that was stored is the path's next, and led where the path says: the same state as a whole, and the same
 *     verdicts.
 * I2. A process may tell the machine that the outcome of an invocation is unknown if one before it began to perform that one,
 *     which is irreversible and has no idempotency key. From then on the path does not say what comes; what comes then is
 *     held against `advance`.
 */
import { isDeepStrictEqual } from 'node:util';

import { advance } from '../../engine/advance.ts';
import { decodeEntry, type HistoryEntry, type MessageEntry } from '../../engine/history.ts';
import { stateOf } from '../../engine/progress.ts';
import type { Message, RunState } from '../../engine/run-state.ts';
import { OutcomeUnknown } from '../../errors.ts';
import type { Verdict } from '../../gates/verdict.ts';
import { carried } from '../../engine/codec.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { type ActionName, actionNames, type ExpectedPath } from './expected-steps.ts';

export interface RunRecordOptions {
  readonly workflow: AnyWorkflow;
  readonly path: ExpectedPath;
  fail(problem: string, difference?: Difference): void;
}

export interface Difference {
  readonly actual: unknown;
  readonly expected: unknown;
}

export interface RunRecord {
  /** How many messages were stored. */
  readonly applied: number;
  /** The state that was stored last. Undefined before the start. */
  readonly state: RunState | undefined;
  /** All log entries that were stored. */
  readonly log: readonly string[];
  /** Whether it went another way than the path because the outcome of an invocation is unknown. */
  readonly isElsewhere: boolean;
  /** Whether the state waits for this invocation, as far as the process that has the run may know. */
  isPending(key: string): boolean;
  /** Another process goes on. */
  beginLife(): void;
  wrote(log: readonly string[], state: string | undefined): void;
}

export function createRunRecord({ workflow, path, fail }: RunRecordOptions): RunRecord {
  const log: string[] = [];
  const begun = new Set<string>();
  let begunBefore: ReadonlySet<string> = new Set();
  let applied = 0;
  let state: RunState | undefined;
  /** The one before, until the process that wrote the last has heard that it was stored; so it may still go by it. */
  let previous: RunState | undefined;
  let isElsewhere = false;

  function take(entry: MessageEntry, next: RunState): void {
    const step = path.steps[applied];
    const { message } = entry;
    isElsewhere ||= message.type === 'error' && isCutShort(message);
    if (isElsewhere || (!step && message.type === 'timer')) {
      const led = advance(workflow, state, message);
      const { verdicts, actions } = led;
      compare(entry, next, { message, state: carried(led.state), verdicts, actions });
    } else if (step) compare(entry, next, step);
    else fail(`The run went on after the end of the path, with ${nameOf(message)}.`);
    previous = state;
    state = next;
    applied += 1;
  }

  function isCutShort({ key, error }: Extract<Message, { readonly type: 'error' }>): boolean {
    return error instanceof OutcomeUnknown && begunBefore.has(key);
  }

  function compare(entry: MessageEntry, next: RunState, expected: Shape): void {
    const { message, verdicts = [], actions = [] } = entry;
    const seen = partsOf({ message, state: next, verdicts, actions });
    for (const [part, wanted] of Object.entries(partsOf(expected))) {
      const actual = seen[part];
      if (isDeepStrictEqual(actual, wanted)) continue;
      return fail(`It is another ${part} than the path says.`, { actual, expected: wanted });
    }
  }

  function note(entry: HistoryEntry, stateText: string | undefined): void {
    if (entry.type === 'attempt' && entry.why === 'irreversible') begun.add(entry.key);
    if (entry.type === 'message' && stateText !== undefined) take(entry, stateOf(stateText));
  }

  return {
    log,
    get applied() {
      return applied;
    },
    get state() {
      return state;
    },
    get isElsewhere() {
      return isElsewhere;
    },
    isPending: (key) =>
      [state, previous].some((one) => one?.invocations.some((invocation) => invocation.key === key)),
    beginLife() {
      previous = undefined;
      begunBefore = new Set(begun);
    },
    wrote(entries, stateText) {
      for (const text of entries) note(decodeEntry(text), stateText);
      log.push(...entries);
    },
  };
}

interface Shape {
  readonly message: Message;
  readonly state: RunState;
  readonly verdicts: readonly Verdict[];
  readonly actions: readonly ActionName[];
}

/** What is compared, what says most first. */
function partsOf({ message, state, verdicts, actions }: Shape): Readonly<Record<string, unknown>> {
  const { snapshot, invocations, timers } = state;
  const { value, status, context, output, error } = snapshot;
  // A path is of no run in particular; what a failed run came from was compared before.
  const { runId: _, failedFrom: __, ...rest } = state;
  return {
    message: nameOf(message),
    'state value': value,
    status,
    'list of gate verdicts': verdicts.map(({ gate, passed }) => ({ gate, passed })),
    'list of actions': actionNames(actions),
    'list of pending invocations': invocations,
    'list of timers': timers,
    context,
    output,
    error,
    state: rest,
  };
}

function nameOf(message: Message): string {
  switch (message.type) {
    case 'event':
      return `event ${message.event.type}`;
    case 'timer':
      return `timer ${message.source && `${message.source} `}${message.id}`;
    case 'error':
      return `error of ${message.key} (${kindOf(message.error)})`;
    case 'output':
    case 'wake':
    case 'deferred':
      return `${message.type} of ${message.key}`;
    default:
      return message.type;
  }
}

function kindOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return String(code ?? name);
}
