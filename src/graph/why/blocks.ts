/** What keeps a run from taking an event where it stands. */
import type { AnyStateMachine, EventObject, StateValue } from 'xstate';

import { type StateView, viewState } from '../../engine/advance.ts';
import type { RunState } from '../../engine/run-state.ts';
import type { Issue } from '../../errors.ts';
import { matchesDescriptor } from '../../event-descriptor.ts';
import { type Answerer, mayAnswer, type Who } from '../../gates/person.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { canonical } from '../fold.ts';
import { statesIn } from '../paths/targets.ts';
import { askedOf } from './acceptance.ts';
import { createGuardAsking, type GuardAnswer } from './guard-answers.ts';
import { statesByEvent } from './states-by-event.ts';

export type Block =
  /** The run has ended. */
  | { readonly type: 'ended'; readonly status: RunState['snapshot']['status'] }
  /** Its event schema refuses the payload. */
  | { readonly type: 'schema'; readonly issues: readonly Issue[] }
  /** It has a schema for which no payload was found; one has to be given. `lacking`: the places. */
  | { readonly type: 'payload'; readonly lacking: readonly string[] }
  /** The state does not accept events of this type. */
  | {
      readonly type: 'state';
      readonly value: StateValue | undefined;
      /** What it accepts; may hold descriptors such as `user.*`. */
      readonly accepts: readonly string[];
      /** Paths of the states that accept it. */
      readonly acceptedIn: readonly string[];
      /** Of the states that the run is in, those that forbid it to the states above them. */
      readonly forbiddenBy: readonly string[];
    }
  /** A guard said no; or, if it `forbids`, yes. */
  | ({ readonly type: 'guard'; readonly payload: Readonly<Record<string, unknown>> } & GuardAnswer)
  /** It answers a question that they may not answer. */
  | { readonly type: 'person'; readonly title: string; readonly who: Who; readonly by: Answerer };

export interface Asked {
  readonly type: string;
  /** The event with each payload that it may come with. */
  readonly events: readonly EventObject[];
  readonly by: Answerer | undefined;
  /** Places in its schema that no value was found for. */
  readonly lacking: readonly string[];
}

/** At least one, if none of the events is accepted. */
export function blocksOf(workflow: AnyWorkflow, state: RunState, asked: Asked): readonly Block[] {
  const { status, value } = state.snapshot;
  if (status !== 'active') return [{ type: 'ended', status }];
  const { type, events, lacking } = asked;
  const view = viewState(workflow, state);
  const isKnown = view.accepts.some((descriptor) => matchesDescriptor(type, descriptor));
  const payload: readonly Block[] = events.length === 0 ? [{ type: 'payload', lacking }] : [];
  const blocks = isKnown
    ? [...personBlocks(view, asked), ...payload, ...guardBlocks(workflow, state, events)]
    : [];
  if (blocks.length > 0) return blocks;
  const { accepting: acceptedIn, forbidding } = statesByEvent(workflow.machine as AnyStateMachine, type);
  const active = new Set(['(root)', ...statesIn(value)]);
  const forbiddenBy = forbidding.filter((path) => active.has(path));
  return [{ type: 'state', value, accepts: view.accepts, acceptedIn, forbiddenBy }];
}

function personBlocks({ questions }: StateView, { type, by }: Asked): Block[] {
  if (!by) return [];
  return questions.flatMap((question): Block[] => {
    if (mayAnswer(question, type, by)) return [];
    const { title, who = {} } = askedOf([question], type) ?? { title: question.title };
    return [{ type: 'person', title, who, by }];
  });
}

/** What is said of several payloads alike is told of the first. */
function guardBlocks(workflow: AnyWorkflow, state: RunState, events: readonly EventObject[]): Block[] {
  const ask = createGuardAsking(workflow);
  const blocks = new Map<string, Block>();
  for (const event of events) {
    const { type: _, ...payload } = event;
    const answers = ask(state, event);
    // It is accepted: nothing of it blocks.
    if (answers.some(({ passed, forbids }) => passed && !forbids)) continue;
    for (const answer of answers) {
      if (answer.passed !== answer.forbids) continue;
      const said = answer.gates.map(({ gate, passed, reasons }) => ({ gate, passed, reasons }));
      const key = canonical([answer.transition, said, answer.read]);
      if (!blocks.has(key)) blocks.set(key, { type: 'guard', payload, ...answer });
    }
  }
  return [...blocks.values()];
}
