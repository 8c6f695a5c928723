/** A workflow taken from message to message by `advance`, with what came of each told as a step. */
import { advance, createHostCache } from '../../engine/advance.ts';
import type { Advanced, RunState } from '../../engine/run-state.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { messageOf, type Move, timeOf } from '../moves.ts';
import { begin } from '../situations.ts';
import { transitionsTaken, watchedWorkflow } from '../watch/watched-workflow.ts';
import type { PathStep } from './path.ts';
import { nameOfStep } from './path-name.ts';

export interface Walk {
  /** Undefined before the start. */
  readonly state: RunState | undefined;
  readonly at: number;
  readonly steps: readonly PathStep[];
  /** False, and nothing has changed, if the move is not accepted. */
  take(move: Move): boolean;
}

export interface Walker {
  start(): Walk;
}

export function createWalker(workflow: AnyWorkflow, from = begin): Walker {
  const watched = watchedWorkflow(workflow).workflow;
  const hosts = createHostCache();
  return {
    start() {
      let state: RunState | undefined;
      let at = from;
      const steps: PathStep[] = [];
      return {
        get state() {
          return state;
        },
        get at() {
          return at;
        },
        steps,
        take(move) {
          const time = timeOf(move, state, at);
          const message = messageOf(move, state ?? { invocations: [] }, time);
          const led = message && advance(watched, state, message, hosts);
          if (!led?.accepted) return false;
          at = time;
          state = led.state;
          steps.push(stepOf(move, at, led));
          return true;
        },
      };
    },
  };
}

function stepOf(move: Move, at: number, led: Advanced): PathStep {
  const { state, verdicts } = led;
  return {
    name: nameOfStep(move, verdicts),
    move,
    at,
    transitions: transitionsTaken(led.actions),
    value: state.snapshot.value,
    status: state.snapshot.status,
    verdicts,
  };
}
