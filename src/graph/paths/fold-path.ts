/**
 * A route folded over `advance` once more, from the start: what really comes of each of its messages.
 *
 * A route leads from node to node, and a node stands for all states that go on alike; here are the states themselves. Where
 * the route ends at a node that was not gone on from, it is led on to an end by what is known of its place.
 */
import type { AnyStateMachine, StateValue } from 'xstate';

import { advance, createHostCache } from '../../engine/advance.ts';
import type { Advanced, RunState } from '../../engine/run-state.ts';
import type { Verdict } from '../../gates/verdict.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { contendedStates } from '../contended.ts';
import { controlKey } from '../fold.ts';
import type { GraphEdge } from '../graph.ts';
import { messageOf, type Move } from '../moves.ts';
import { takenBy } from '../situations.ts';
import { watchedWorkflow } from '../watch/watched-workflow.ts';
import { nameOfStep } from './path-name.ts';
import type { Route, Routes } from './routes.ts';

export interface PathStep {
  readonly name: string;
  readonly move: Move;
  /** Milliseconds since the epoch. It passes only when a timer fires. */
  readonly at: number;
  /** Ids of the machine's transitions that it takes. */
  readonly transitions: readonly string[];
  /** What it leads to. */
  readonly value: StateValue | undefined;
  readonly status: RunState['snapshot']['status'];
  readonly verdicts: readonly Verdict[];
}

/** As often as a place may be met again on the way to an end. */
const mostVisits = 3;

export function createPathFolder(
  workflow: AnyWorkflow,
  routes: Routes,
  begin: number,
): (route: Route) => readonly PathStep[] {
  const watched = watchedWorkflow(workflow).workflow;
  const contended = contendedStates(workflow.machine as AnyStateMachine);
  const hosts = createHostCache();

  return (route) => {
    let state: RunState | undefined;
    let at = begin;
    const steps: PathStep[] = [];
    const take = ({ move }: Pick<GraphEdge, 'move'>): boolean => {
      const time = move.type === 'timer' ? (state?.timers[0]?.deadline ?? at) : at;
      const message = messageOf(move, state ?? { invocations: [] }, time);
      const led = message && advance(watched, state, message, hosts);
      if (!led?.accepted) return false;
      at = time;
      state = led.state;
      steps.push(stepOf(move, at, led));
      return true;
    };
    for (const edge of route) take(edge);
    const visits = new Map<string, number>();
    while (state?.snapshot.status === 'active') {
      const place = controlKey(state, at, contended);
      const visited = visits.get(place) ?? 0;
      visits.set(place, visited + 1);
      const edge = routes.onFromPlace(place);
      if (!edge || visited === mostVisits || !take(edge)) break;
    }
    return steps;
  };
}

function stepOf(move: Move, at: number, led: Advanced): PathStep {
  const { state, verdicts } = led;
  return {
    name: nameOfStep(move, verdicts),
    move,
    at,
    transitions: takenBy(led),
    value: state.snapshot.value,
    status: state.snapshot.status,
    verdicts,
  };
}
