/** What a run waits for: the question, since when and until when, what to look at, and each answer with its command. */
import { userInfo } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { StateValue } from 'xstate';

import type { HistoryEntry } from '../engine/history.ts';
import type { AcceptedEvent, RunSnapshot } from '../engine/run-snapshot.ts';
import { answerTo, type ProposalFate, type StateQuestion, type Who } from '../gates/person.ts';
import type { Globals } from './cli.ts';
import { commandLine } from './command-line.ts';
import { exampleOf, type Field, fieldsOf, type JsonSchema } from './json-schema.ts';
import { toJson } from './plain-value.ts';

export interface Waiting {
  readonly questions: readonly StateQuestion[];
  /** When the run came into the state that waits. */
  readonly since: Date;
  /** When the machine goes on without an answer, as the questions say; else when the soonest timer takes it further. */
  readonly due?: Date;
  /** When the person is next reminded, as the questions say. */
  readonly remind?: Date;
  /** The parts of the context that the questions name; all of it if they name none. */
  readonly shows: Readonly<Record<string, unknown>>;
  readonly answers: readonly Answer[];
}

export interface Answer {
  readonly event: string;
  readonly label?: string;
  /** Who may give it. Left out: anyone. */
  readonly who?: Who;
  /** What it does with what is proposed. */
  readonly proposal?: ProposalFate;
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
  const due = soonest(questions.map(({ dueAt }) => dueAt)) ?? timers[0]?.deadline;
  const remind = soonest(questions.map(({ remindAt }) => remindAt));

  const answerOf = ({ type, schema }: AcceptedEvent): Answer => {
    const question = questions.find((one) => answerTo(one, type));
    const { label, who, proposal } = (question && answerTo(question, type)) ?? {};
    const example = {
      ...exampleOf(schema, { by: userName() }),
      ...(proposal === 'edited' ? proposedFields(question?.proposed, schema) : {}),
    };
    const data = toJson(example);
    const by = who ? ['--by', answererText(who)] : [];
    return {
      event: type,
      ...(label === undefined ? {} : { label }),
      ...(who ? { who } : {}),
      ...(proposal ? { proposal } : {}),
      fields: fieldsOf(schema),
      ...(schema ? { schema } : {}),
      command: commandLine(globals, ['send', id, type, ...by, ...(data === '{}' ? [] : ['--data', data])]),
      passes: takes({ ...example, type }),
    };
  };

  return {
    questions,
    since: new Date(sinceWhen(snapshot, history)),
    ...(due === undefined ? {} : { due: new Date(due) }),
    ...(remind === undefined ? {} : { remind: new Date(remind) }),
    shows: shownOf(context as Readonly<Record<string, unknown>>, questions),
    answers: accepts.map(answerOf),
  };
}

function soonest(times: ReadonlyArray<number | undefined>): number | undefined {
  const known = times.filter((at) => at !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** An edit begins with what is proposed. */
function proposedFields(proposed: unknown, schema: JsonSchema | undefined): object {
  if (typeof proposed !== 'object' || proposed === null || Array.isArray(proposed)) return {};
  const names = fieldsOf(schema).map(({ name }) => name);
  return Object.fromEntries(Object.entries(proposed).filter(([name]) => names.includes(name)));
}

/** As `--by` takes it: somebody in a role that may, or one of those who may. */
function answererText({ ids = [], roles = [] }: Who): string {
  const [role] = roles;
  return role === undefined ? (ids[0] ?? userName()) : `${userName()}:${role}`;
}

/** Who is at the terminal, as far as it can tell. */
export function userName(): string {
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
  return Object.assign({}, ...questions.map(({ shows }) => shows)) as Readonly<Record<string, unknown>>;
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
