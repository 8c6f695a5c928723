/** What a run waits for: the question, since when and until when, what to look at, and each answer with its command. */
import { userInfo } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { StateValue } from 'xstate';

import type { StateQuestion } from '../engine/advance.ts';
import type { HistoryEntry } from '../engine/history.ts';
import type { AcceptedEvent, RunSnapshot } from '../engine/run-snapshot.ts';
import type { Globals } from './cli.ts';
import { commandLine } from './command-line.ts';
import { exampleOf, type Field, fieldsOf, type JsonSchema } from './json-schema.ts';
import { toJson } from './plain-value.ts';

export interface Waiting {
  readonly questions: readonly StateQuestion[];
  /** When the run came into the state that waits. */
  readonly since: Date;
  /** When the soonest timer takes it further. */
  readonly due?: Date;
  /** The parts of the context that the questions name; all of it if they name none. */
  readonly shows: Readonly<Record<string, unknown>>;
  readonly answers: readonly Answer[];
}

export interface Answer {
  readonly event: string;
  readonly fields: readonly Field[];
  readonly schema?: JsonSchema;
  /** Answers so as it stands, but for the words that are `…`. */
  readonly command: string;
  /** Whether the gates let it through as it stands. */
  readonly passes: boolean;
}

export interface WaitingQuestion {
  readonly globals: Globals;
  readonly snapshot: RunSnapshot;
  readonly history: readonly HistoryEntry[];
  /** Whether the run would take the event now, its guards asked. */
  takes(event: { readonly type: string }): boolean;
}

/** `undefined` if the run has ended, or needs no event to go on. */
export function waitingOf({ globals, snapshot, history, takes }: WaitingQuestion): Waiting | undefined {
  const { id, questions, accepts, timers, context, status } = snapshot;
  if (questions.length === 0 && (accepts.length === 0 || status !== 'waiting')) return undefined;
  const due = timers[0] && new Date(timers[0].deadline);

  const answerOf = ({ type, schema }: AcceptedEvent): Answer => {
    const example = exampleOf(schema, { by: userName() });
    const data = toJson(example);
    return {
      event: type,
      fields: fieldsOf(schema),
      ...(schema ? { schema } : {}),
      command: commandLine(globals, ['send', id, type, ...(data === '{}' ? [] : ['--data', data])]),
      passes: takes({ ...example, type }),
    };
  };

  return {
    questions,
    since: new Date(sinceWhen(snapshot, history)),
    ...(due ? { due } : {}),
    shows: shownOf(context as Readonly<Record<string, unknown>>, questions),
    answers: accepts.map(answerOf),
  };
}

/** An event's `by` says who answers. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'me';
  }
}

function shownOf(
  context: Readonly<Record<string, unknown>>,
  questions: readonly StateQuestion[],
): Readonly<Record<string, unknown>> {
  if (questions.length === 0) return {};
  if (questions.some(({ shows }) => !shows)) return context;
  const keys = new Set(questions.flatMap(({ shows = [] }) => shows));
  return Object.fromEntries(Object.entries(context).filter(([key]) => keys.has(key)));
}

/** Goes back in the history for as long as the run was in the state that asks. */
function sinceWhen(
  { workflow, value, questions, updatedAt }: RunSnapshot,
  history: readonly HistoryEntry[],
): number {
  const prefix = `${workflow}.`;
  const state = questions[0]?.state;
  const path = state?.startsWith(prefix) ? state.slice(prefix.length).split('.') : undefined;
  const wasThere = (then: StateValue): boolean => (path ? isIn(then, path) : isDeepStrictEqual(then, value));
  let since = updatedAt;
  for (const entry of history.toReversed()) {
    if (entry.type !== 'message' || entry.value === undefined) continue;
    if (!wasThere(entry.value)) break;
    since = entry.at;
  }
  return since;
}

function isIn(value: StateValue | undefined, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return true;
  if (typeof value === 'string') return value === first && rest.length === 0;
  return value !== undefined && first in value && isIn(value[first], rest);
}
