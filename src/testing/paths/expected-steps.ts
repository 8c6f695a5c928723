/**
 * What a path says of each of its steps, as it has to come out on the engine: `advance` folded over its messages, and what
 * of it a store gives back.
 */
import { isDeepStrictEqual } from 'node:util';

import { advance, viewState } from '../../engine/advance.ts';
import { carried } from '../../engine/codec.ts';
import type { DecidedAction, Message, RunState } from '../../engine/run-state.ts';
import { InvalidOption } from '../../errors.ts';
import { type Answerer, answerTo, mayAnswer } from '../../gates/person.ts';
import type { Verdict } from '../../gates/verdict.ts';
import { messageOf, type Move } from '../../graph/moves.ts';
import type { Path } from '../../graph/index.ts';
import type { AnyWorkflow } from '../../workflow.ts';

export interface ExpectedStep {
  readonly name: string;
  readonly move: Move;
  readonly message: Message;
  /** Who sends it, if it is an answer that not everybody may give. */
  readonly by?: Answerer;
  /** What it leads to. */
  readonly state: RunState;
  readonly verdicts: readonly Verdict[];
  readonly actions: readonly ActionName[];
  readonly transitions: readonly string[];
}

/** A custom action, of which the engine keeps no more that could be compared. */
export type ActionName = Pick<DecidedAction, 'type' | 'path'>;

export function actionNames(actions: readonly ActionName[]): ActionName[] {
  return actions.map(({ type, path }) => ({ type, path }));
}

export interface ExpectedPath {
  readonly name: string;
  readonly steps: readonly ExpectedStep[];
  /**
   * How many steps of the path there are in all. Those after `steps` want something to come before a timer that is due, and
   * an engine fires it first.
   */
  readonly of: number;
}

/** Throws `InvalidOption` if the path is not one of this workflow. */
export function expectedPath(workflow: AnyWorkflow, { name, steps }: Path): ExpectedPath {
  const expected: ExpectedStep[] = [];
  let state: RunState | undefined;
  for (const [index, step] of steps.entries()) {
    const { move, at } = step;
    const due = state?.timers[0];
    const isOvertaken = due !== undefined && due.deadline <= at && !isTimer(move, due);
    if (isOvertaken) break;
    const message = messageOf(move, state ?? { invocations: [] }, at);
    const led = message && advance(workflow, state, message);
    const isAsTold =
      led?.accepted === true &&
      isDeepStrictEqual(led.state.snapshot.value, step.value) &&
      led.state.snapshot.status === step.status;
    if (!message || !isAsTold) {
      throw new InvalidOption(
        `Path \`${name}\` is not one of \`${workflow.ref}\` as it is now: step ${index + 1}, \`${step.name}\`, does not lead where the path says. Make the paths anew.`,
      );
    }
    const by = move.type === 'event' && state ? answererOf(workflow, state, move.name) : undefined;
    state = led.state;
    expected.push({
      name: step.name || 'start',
      move,
      message,
      ...(by ? { by } : {}),
      state: carried(state),
      verdicts: led.verdicts,
      actions: actionNames(led.actions),
      transitions: step.transitions,
    });
  }
  return { name: name || 'start', steps: expected, of: steps.length };
}

function isTimer(move: Move, { source, id }: { readonly source: string; readonly id: string }): boolean {
  return move.type === 'timer' && move.source === source && move.id === id;
}

/** Somebody who may give the answer, where the state says who may. */
function answererOf(workflow: AnyWorkflow, state: RunState, type: string): Answerer | undefined {
  const asked = viewState(workflow, state).questions.filter((one) => !mayAnswer(one, type, undefined));
  if (asked.length === 0) return undefined;
  const whos = asked.flatMap((question) => answerTo(question, type)?.who ?? []);
  const [id = 'somebody'] = whos.flatMap(({ ids = [] }) => ids);
  return { id, roles: whos.flatMap(({ roles = [] }) => roles) };
}
