/** Whether a run takes an event where it stands, with which payload, from whom, and where that leads. */
import type { EventObject, StateValue } from 'xstate';

import { advance, canAccept, viewState } from '../../engine/advance.ts';
import type { RunState } from '../../engine/run-state.ts';
import { type Answerer, answerTo, mayAnswer, type StateQuestion, type Who } from '../../gates/person.ts';
import type { AnyWorkflow } from '../../workflow.ts';

export interface Acceptance {
  readonly payload: Readonly<Record<string, unknown>>;
  /** Who may send it. Left out: anyone. */
  readonly who?: Who;
  /** Where it leads. Left out if it ends the run where it is: a guard or an action throws. */
  readonly to?: StateValue;
  readonly status: RunState['snapshot']['status'];
}

export interface Standing {
  readonly state: RunState;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Undefined if it does not. `by` is who sends it; without it, whoever may. */
export function acceptanceOf(
  workflow: AnyWorkflow,
  { state, now }: Standing,
  event: EventObject,
  by: Answerer | undefined,
): Acceptance | undefined {
  const { questions } = viewState(workflow, state);
  if (by && questions.some((question) => !mayAnswer(question, event.type, by))) return undefined;
  if (!canAccept(workflow, state, event)) return undefined;
  const led = advance(workflow, state, { type: 'event', at: now, event }).state.snapshot;
  const { type, ...payload } = event;
  const who = askedOf(questions, type)?.who;
  return {
    payload,
    ...(who ? { who } : {}),
    ...(led.value === undefined ? {} : { to: led.value }),
    status: led.status,
  };
}

/** The question that an event of this type answers, with who may: of several, one that not anyone may answer. */
export function askedOf(
  questions: readonly StateQuestion[],
  type: string,
): { readonly title: string; readonly who?: Who } | undefined {
  const answered = questions.flatMap((question) => {
    const answer = answerTo(question, type);
    if (!answer) return [];
    return [{ title: question.title, ...(answer.who ? { who: answer.who } : {}) }];
  });
  return answered.find(({ who }) => who) ?? answered[0];
}
