/**
 * A route folded over `advance` once more, from the start: what really comes of each of its messages.
 *
 * A route leads from node to node, and a node stands for all states that go on alike; here are the states themselves. Where
 * the route ends at a node that was not gone on from, it is led on to an end by what is known of its place, unless it is to
 * end there.
 */
import type { AnyStateMachine } from 'xstate';

import type { AnyWorkflow } from '../../workflow.ts';
import { contendedStates } from '../contended.ts';
import { controlKey } from '../fold.ts';
import type { PathStep } from './path.ts';
import type { Route, Routes } from './routes.ts';
import { createWalker } from './walker.ts';

/** As often as a place may be met again on the way to an end. */
const mostVisits = 3;

export function createPathFolder(
  workflow: AnyWorkflow,
  routes: Routes,
  begin: number,
  { goesOn = true } = {},
): (route: Route) => readonly PathStep[] {
  const walker = createWalker(workflow, begin);
  const contended = contendedStates(workflow.machine as AnyStateMachine);

  return (route) => {
    const walk = walker.start();
    for (const { move } of route) walk.take(move);
    const visits = new Map<string, number>();
    while (goesOn && walk.state?.snapshot.status === 'active') {
      const place = controlKey(walk.state, walk.at, contended);
      const visited = visits.get(place) ?? 0;
      visits.set(place, visited + 1);
      const edge = routes.onFromPlace(place);
      if (!edge || visited === mostVisits || !walk.take(edge.move)) break;
    }
    return walk.steps;
  };
}
