/**
 * Answers of people to what a state asks: who may give them, and what is on record of them.
 *
 * I1. An answer belongs to one question: the one whose state takes the event. What would answer two is refused.
 */
import type { AnyStateMachine, EventObject } from 'xstate';

import { AnswerNotAllowed } from '../errors.ts';
import { editOf, type ProposalRecord } from '../gates/edit.ts';
import { type Answerer, answerTo, describeWho, mayAnswer, type StateQuestion } from '../gates/person.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { isWithin } from '../gates/people-fit.ts';
import { type HostCache, takersOf, viewState } from './advance.ts';
import { encode } from './codec.ts';
import type { RunState } from './run-state.ts';

export interface Answering {
  readonly id: string;
  readonly workflow: AnyWorkflow;
  /** The state before the event. */
  readonly state: RunState;
  readonly hosts?: HostCache;
}

/** Why they may not send this event to the run as it stands; `undefined` if they may. */
export function refusalOfAnswer(
  answering: Answering,
  event: EventObject,
  by: Answerer | undefined,
): AnswerNotAllowed | undefined {
  const { id } = answering;
  const { type } = event;
  const answered = answeredQuestions(answering, event);
  if (answered.length > 1) return ambiguous(id, type, answered.flat());
  const open = answered[0] ?? [];
  const [question] = open;
  if (!question || open.some((one) => mayAnswer(one, type, by))) return undefined;
  const who = answerTo(question, type)?.who ?? {};
  const whom = by ? nameOf(by) : 'An answer that does not say who gives it';
  const wayOut = by ? '' : ' Say who answers with `by`.';
  const problem = question.problem === undefined ? '' : ` (${question.problem})`;
  return new AnswerNotAllowed(
    `${whom} may not answer "${question.title}" of run \`${id}\` with \`${type}\`: that is for ${describeWho(who)}${problem}.${wayOut}`,
    { details: { runId: id, event: type, state: question.state, who, ...(by ? { by } : {}) } },
  );
}

/**
 * The questions that the event answers, grouped by the transition that it takes: several stand in one group where a state
 * above them takes the event, which ends them together.
 */
function answeredQuestions(
  { workflow, state, hosts }: Omit<Answering, 'id'>,
  event: EventObject,
): readonly (readonly StateQuestion[])[] {
  const questions = viewState(workflow, state, hosts).questions.filter((one) => answerTo(one, event.type));
  if (questions.length < 2) return questions.length === 0 ? [] : [questions];
  const machine = workflow.machine as AnyStateMachine;
  const nodeOf = (stateId: string): AnyStateMachine['root'] => machine.getStateNodeById(stateId);
  const groups = takersOf(workflow, state, event, hosts).map((taker) => {
    const around = questions.filter((one) => isWithin(nodeOf(taker), nodeOf(one.state)));
    // Of questions around each other, the innermost is the one that is answered.
    const innermost = around.toSorted((a, b) => nodeOf(b.state).path.length - nodeOf(a.state).path.length)[0];
    return innermost ? [innermost] : questions.filter((one) => isWithin(nodeOf(one.state), nodeOf(taker)));
  });
  const answered = [...new Map(groups.map((group) => [group[0], group])).values()];
  // No guard lets it pass: who may not answer any of them is told so, and not what the guards say.
  return answered.length === 0 ? [questions] : answered;
}

function ambiguous(runId: string, type: string, questions: readonly StateQuestion[]): AnswerNotAllowed {
  const titles = questions.map(({ title }) => `"${title}"`).join(', ');
  return new AnswerNotAllowed(
    `\`${type}\` would answer several open questions of run \`${runId}\` at once: ${titles}. Give each question events of its own, or guards of which only one lets an answer pass.`,
    { details: { runId, event: type, states: questions.map(({ state }) => state) } },
  );
}

function nameOf({ id, roles = [] }: Answerer): string {
  return roles.length > 0 ? `\`${id}\` (${roles.join(', ')})` : `\`${id}\``;
}

/** What is put on record of an event beside itself. */
export interface AnswerRecord {
  readonly by?: Answerer;
  /** What became of what a model proposed, if the event answers a question that proposes something. */
  readonly edit?: ProposalRecord;
}

export function answerRecord(
  { workflow, state, hosts }: Omit<Answering, 'id'>,
  event: EventObject,
  by: Answerer | undefined,
): AnswerRecord {
  const edit = answeredQuestions({ workflow, state, ...(hosts ? { hosts } : {}) }, event)
    .flat()
    .filter((question) => mayAnswer(question, event.type, by))
    .map((question) => proposalRecord(question, event))
    .find((record) => record !== undefined);
  return { ...(by ? { by } : {}), ...(edit ? { edit: storable(edit) } : {}) };
}

/** What cannot be stored is described: the answer counts, whatever `proposes` returned. */
function storable(edit: ProposalRecord): ProposalRecord {
  try {
    encode(edit, 'proposal');
    return edit;
  } catch (error) {
    const { state, fate, changed } = edit;
    return { state, fate, changed, proposed: `(not stored: ${(error as Error).message})`, changes: [] };
  }
}

function proposalRecord(
  question: StateQuestion,
  { type, ...fields }: EventObject,
): ProposalRecord | undefined {
  const { state, proposed } = question;
  const fate = answerTo(question, type)?.proposal;
  if (fate === undefined || proposed === undefined) return undefined;
  switch (fate) {
    case 'accepted':
      return { state, fate, proposed, given: proposed, changed: false, changes: [] };
    case 'edited':
      return { state, fate, ...editOf(proposed, fields) };
    case 'rejected':
      return { state, fate, proposed, changed: true, changes: [] };
  }
}
