import { connectedParts } from '../../connected-parts.ts';
import type { Graph, GraphEdge, GraphNode } from '../../graph.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/**
 * Ways round that answers and timers alone can take for ever. Where a counter bounds a loop, each time round is a node of its
 * own, so what is left of the graph as a loop has no bound.
 */
export const unboundedLoop: Rule = {
  id: 'unbounded-loop',
  severity: 'error',
  mayBeGuessed: true,
  explains: 'The run can go round here for ever by itself, and pay each time.',
  fix: 'Count the rounds in the context, and let a guard end them.',
  *find({ graph, routes }: Subject): Iterable<Found> {
    for (const loop of loopsOf(graph)) {
      const [first] = loop;
      if (!first) continue;
      const where = placeName(first.from.state?.snapshot.value);
      const round = loop.map(({ to }) => placeName(to.state?.snapshot.value));
      yield {
        where,
        message: `It can go round for ever: ${[where, ...round].join(' → ')}.`,
        witness: [...routes.to(first.from), ...loop],
      };
    }
  },
};

/** One shortest loop for each strongly connected part of the graph without the events from outside. */
function loopsOf({ nodes, edges }: Graph): GraphEdge[][] {
  const byItself = edges.filter(({ move }) => move.type === 'answer' || move.type === 'timer');
  const out = new Map<GraphNode, GraphEdge[]>();
  for (const edge of byItself) out.set(edge.from, [...(out.get(edge.from) ?? []), edge]);
  const parts = connectedParts(nodes, (node) => (out.get(node) ?? []).map(({ to }) => to));
  const partOf = new Map(parts.flatMap((part, index) => part.map((node) => [node, index] as const)));
  return parts.flatMap((part) => {
    const within = (node: GraphNode): GraphEdge[] =>
      (out.get(node) ?? []).filter(({ to }) => partOf.get(to) === partOf.get(node));
    const loops = part.flatMap((node) => {
      const loop = shortestLoop(node, within);
      return loop ? [loop] : [];
    });
    return loops.sort((one, other) => one.length - other.length).slice(0, 1);
  });
}

/** Breadth first, from the node back to itself. */
function shortestLoop(start: GraphNode, within: (node: GraphNode) => GraphEdge[]): GraphEdge[] | undefined {
  const came = new Map<GraphNode, GraphEdge>();
  const queue = new Set([start]);
  for (const node of queue) {
    for (const edge of within(node)) {
      if (edge.to === start) {
        const loop = [edge];
        for (let at = edge.from; at !== start; at = loop[0]?.from ?? start)
          loop.unshift(came.get(at) as GraphEdge);
        return loop;
      }
      if (queue.has(edge.to)) continue;
      came.set(edge.to, edge);
      queue.add(edge.to);
    }
  }
  return undefined;
}
