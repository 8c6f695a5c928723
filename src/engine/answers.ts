/** Answers of people to what a state asks: who may give them, and what is on record of them. */
import type { EventObject } from 'xstate';

import { AnswerNotAllowed } from '../errors.ts';
import { editOf, type ProposalRecord } from '../gates/edit.ts';
import { type Answerer, answerTo, describeWho, mayAnswer, type StateQuestion } from '../gates/person.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { type HostCache, viewState } from './advance.ts';
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
  { id, workflow, state, hosts }: Answering,
  { type }: EventObject,
  by: Answerer | undefined,
): AnswerNotAllowed | undefined {
  const question = viewState(workflow, state, hosts).questions.find((one) => !mayAnswer(one, type, by));
  if (!question) return undefined;
  const who = answerTo(question, type)?.who ?? {};
  const whom = by ? nameOf(by) : 'An answer that does not say who gives it';
  const wayOut = by ? '' : ' Say who answers with `by`.';
  const problem = question.problem === undefined ? '' : ` (${question.problem})`;
  return new AnswerNotAllowed(
    `${whom} may not answer "${question.title}" of run \`${id}\` with \`${type}\`: that is for ${describeWho(who)}${problem}.${wayOut}`,
    { details: { runId: id, event: type, state: question.state, who, ...(by ? { by } : {}) } },
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
  const edit = viewState(workflow, state, hosts)
    .questions.map((question) => proposalRecord(question, event))
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
