import type { AnyStateMachine } from 'xstate';

import { matchesDescriptor } from '../../../event-descriptor.ts';
import type { Graph, GraphNode } from '../../graph.ts';
import { isEnd } from '../../paths/routes.ts';
import { statesIn } from '../../paths/targets.ts';
import { transitionsOf } from '../../transitions.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** States from which no end can be reached. Of a machine that never ends, only those where nothing can happen any more. */
export const noWayOut: Rule = {
  id: 'no-way-out',
  severity: 'error',
  mayBeGuessed: true,
  explains: 'A run that comes here never ends: whatever happens, no final state can be reached.',
  fix: 'Give the state a transition that leads on, or make it `type: "final"`.',
  *find({ graph, routes, machine }: Subject): Iterable<Found> {
    const stuck = stuckNodes(graph, createMayGoOn(graph, machine));
    const told = new Set<string>();
    for (const node of stuck) {
      // The first of a group that cannot get out tells of all that follow it.
      if (routes.to(node).some(({ from }) => stuck.has(from))) continue;
      const where = placeName(node.state?.snapshot.value);
      if (told.has(where)) continue;
      told.add(where);
      const message =
        node.out.length === 0
          ? `Nothing leads on from \`${where}\`: no event, no timer, no answer.`
          : `From \`${where}\` no final state can be reached.`;
      yield { where, message, witness: routes.to(node) };
    }
  },
};

/**
 * Whether more may lead on from a node than was tried: an event or answer of which nothing is known, and that a guard has
 * refused; or an event for which no payload could be made.
 */
function createMayGoOn({ edges, guards }: Graph, machine: AnyStateMachine): (node: GraphNode) => boolean {
  const guessed = new Set<string>();
  const known = new Set<string>();
  for (const { move } of edges) {
    if ('guessed' in move) guessed.add(move.type === 'answer' ? `${move.name}.done` : move.name);
    else if (move.type === 'event') known.add(move.name);
  }
  const refused = new Set(guards.flatMap(({ passed, transition }) => (passed ? [] : [transition])));
  const hopes = new Set(
    transitionsOf(machine).flatMap(({ id, on, source }) =>
      refused.has(id) && (guessed.has(on) || (on === 'always' && guessed.size > 0)) ? [source] : [],
    ),
  );
  return ({ state, view, out }) =>
    state?.snapshot.status === 'active' &&
    (['', ...statesIn(state.snapshot.value)].some((path) => hopes.has(path)) ||
      view.accepts.some((descriptor) => {
        const isOf = (type: string): boolean => matchesDescriptor(type, descriptor);
        return ![...known].some(isOf) && !out.some(({ move }) => move.type === 'event' && isOf(move.name));
      }));
}

function stuckNodes({ nodes, edges }: Graph, mayGoOn: (node: GraphNode) => boolean): Set<GraphNode> {
  const hasEnds = nodes.some(isEnd);
  const into = new Map<GraphNode, GraphNode[]>();
  for (const { from, to } of edges) into.set(to, [...(into.get(to) ?? []), from]);
  // What was not gone on from may lead anywhere.
  const good = new Set(
    nodes.filter(
      (node) => isEnd(node) || !node.explored || (!hasEnds && node.out.length > 0) || mayGoOn(node),
    ),
  );
  for (const node of good) for (const before of into.get(node) ?? []) good.add(before);
  return new Set(nodes.filter((node) => node.state !== undefined && !good.has(node)));
}
