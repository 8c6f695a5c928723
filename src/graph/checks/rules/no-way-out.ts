import type { GraphEdge, GraphNode } from '../../graph.ts';
import { isEnd } from '../../paths/routes.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** States from which no end can be reached. Of a machine that never ends, only those where nothing can happen any more. */
export const noWayOut: Rule = {
  id: 'no-way-out',
  severity: 'error',
  mayBeGuessed: true,
  explains: 'A run that comes here never ends: whatever happens, no final state can be reached.',
  fix: 'Give the state a transition that leads on, or make it `type: "final"`.',
  *find({ graph, routes }: Subject): Iterable<Found> {
    const stuck = stuckNodes(graph.nodes, graph.edges);
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

function stuckNodes(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Set<GraphNode> {
  const hasEnds = nodes.some(isEnd);
  const into = new Map<GraphNode, GraphNode[]>();
  for (const { from, to } of edges) into.set(to, [...(into.get(to) ?? []), from]);
  // What was not gone on from may lead anywhere.
  const good = new Set(
    nodes.filter((node) => isEnd(node) || !node.explored || (!hasEnds && node.out.length > 0)),
  );
  for (const node of good) for (const before of into.get(node) ?? []) good.add(before);
  return new Set(nodes.filter((node) => node.state !== undefined && !good.has(node)));
}
