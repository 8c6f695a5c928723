/** What may come next in a state: what is pending may answer, the timer that is due next may fire, what is accepted may be sent. */
import type { AnyStateMachine, EventObject } from 'xstate';

import { performerOf, type StateView } from '../engine/advance.ts';
import type { Message, RunState, Timer } from '../engine/run-state.ts';
import { matchesDescriptor, routeEvent, routePayloads } from '../event-descriptor.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { invocationName } from './invocation-name.ts';
import { eventSchemaOf, type Examples, examplesOf, type GivenExamples } from './outcomes/examples.ts';
import { labelOf } from './outcomes/label-of.ts';
import type { Outcome } from './outcomes/outcome.ts';
import { outcomesOf, payloadsOf } from './outcomes/outcomes.ts';

/**
 * One message, without the time at which it comes and without the key that its invocation has in one run. `late`: it comes as
 * late as it can, just before a timer fires.
 */
export type Move =
  | {
      readonly type: 'start';
      readonly name: string;
      readonly label: string;
      readonly input: unknown;
      /** Nothing is known of what runs are started with, so this is nothing. */
      readonly guessed?: true;
    }
  | ({
      readonly type: 'answer';
      readonly name: string;
      readonly path: string;
      readonly late?: true;
    } & Outcome)
  | {
      readonly type: 'event';
      readonly name: string;
      readonly label: string;
      readonly event: EventObject;
      readonly late?: true;
      /** Nothing is known of what it comes with, so this is nothing. */
      readonly guessed?: true;
    }
  | {
      readonly type: 'timer';
      readonly name: string;
      readonly label: string;
      readonly source: string;
      readonly id: string;
    };

export interface Moves {
  of(state: RunState, view: StateView): Move[];
  /** Places in schemas that no value was found for: `output of draftReply: reply`. */
  readonly lacking: ReadonlySet<string>;
}

/** The examples of all are tried in every run. Throws `InvalidOption` for one that a schema refuses. */
export function createMoves(workflow: AnyWorkflow, given: readonly Examples[]): Moves {
  const examples = examplesOf(workflow, given);
  const lacking = new Set<string>();
  const answers = new Map<string, readonly Outcome[]>();
  const events = new Map<string, Move[]>();

  const answersOf = (src: string): readonly Outcome[] => {
    const known = answers.get(src);
    if (known) return known;
    const derived = outcomesOf(src, performerOf(workflow, src), {
      examples: examples.outputs[src] ?? [],
      budget: workflow.budget,
    });
    for (const path of derived.lacking) lacking.add(`output of ${src}: ${path || 'all of it'}`);
    answers.set(src, derived.outcomes);
    return derived.outcomes;
  };

  const eventsOf = (descriptor: string): Move[] => {
    const known = events.get(descriptor);
    if (known) return known;
    const made = typesOf(workflow, descriptor, examples).flatMap((type) => {
      const schema = eventSchemaOf(workflow, type);
      const given = examples.events[type] ?? (type === routeEvent ? routePayloads(workflow.machine) : []);
      const derived = payloadsOf(schema, given);
      for (const path of derived.lacking) lacking.add(`event ${type}: ${path || 'all of it'}`);
      return derived.payloads.map((payload): Move => ({
        type: 'event',
        name: type,
        label: labelOf(payload),
        event: { ...payload, type },
        ...(schema || given.length > 0 ? {} : { guessed: true as const }),
      }));
    });
    events.set(descriptor, made);
    return made;
  };

  return {
    lacking,
    of({ invocations, timers }, { accepts }) {
      const [next] = timers;
      return [
        ...invocations.flatMap(({ path, src }) =>
          answersOf(src).map((outcome): Move => ({
            type: 'answer',
            name: invocationName(path, src),
            path,
            ...outcome,
          })),
        ),
        ...accepts.flatMap(eventsOf),
        ...(next
          ? [
              {
                type: 'timer' as const,
                name: timerName(next.event.type),
                label: '',
                source: next.source,
                id: next.id,
              },
            ]
          : []),
      ];
    },
  };
}

/** The types that a descriptor stands for: itself, or those that the schemas and examples name and that it matches. */
function typesOf(
  { events = {}, machine }: AnyWorkflow,
  descriptor: string,
  examples: GivenExamples,
): string[] {
  if (!descriptor.includes('*')) return [descriptor];
  const named = [
    ...Object.keys(events),
    ...Object.keys(examples.events),
    ...((machine as AnyStateMachine).events as readonly string[]),
  ];
  return [...new Set(named)].filter((type) => !type.includes('*') && matchesDescriptor(type, descriptor));
}

/** `after approvalTime` for `xstate.after.approvalTime.<state>`; else the event's type. */
export function timerName(type: string): string {
  const [, delay] = /^xstate\.after\.([^.]*)\./.exec(type) ?? [];
  return delay === undefined ? type : `after ${delay}`;
}

/** When a move comes in a run that has got so far: at once, or just before the next timer; a timer that is overdue fires now. */
export function timeOf(move: Move, state: RunState | undefined, now: number): number {
  const due = state?.timers[0]?.deadline ?? now;
  const isLate = 'late' in move && move.late === true;
  return Math.max(now, move.type === 'timer' ? due : isLate ? due - 1 : now);
}

/**
 * Whether timers would fire in another order if what led from one state to the other had come late: it has armed one that is
 * due before one that waited already.
 */
export function isTimeCritical(before: RunState, after: RunState, now: number): boolean {
  const [first] = before.timers;
  if (!first) return false;
  const lateMs = Math.max(0, first.deadline - 1 - now);
  const isSame = (one: Timer, other: Timer): boolean =>
    one.source === other.source && one.id === other.id && one.deadline === other.deadline;
  const waited = after.timers.filter((timer) => before.timers.some((one) => isSame(one, timer)));
  const armed = after.timers.filter((timer) => !waited.includes(timer));
  return armed.some(({ deadline }) =>
    waited.some((timer) => deadline <= timer.deadline && deadline + lateMs > timer.deadline),
  );
}

/** The message that a move is in a run, at a time. Undefined if the run has no such invocation. */
export function messageOf(
  move: Move,
  { invocations }: Pick<RunState, 'invocations'>,
  at: number,
): Message | undefined {
  switch (move.type) {
    case 'start':
      return { type: 'start', at, input: move.input };
    case 'event':
      return { type: 'event', at, event: move.event };
    case 'timer':
      return { type: 'timer', at, source: move.source, id: move.id };
    case 'answer': {
      const pending = invocations.find(({ path }) => path === move.path);
      if (!pending) return undefined;
      return 'error' in move
        ? { type: 'error', at, key: pending.key, error: move.error }
        : { type: 'output', at, key: pending.key, output: move.output };
    }
  }
}
