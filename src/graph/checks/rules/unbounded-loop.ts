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

/** Strongly connected parts (Tarjan 1972), without recursion: graphs may be deep. */
export function connectedParts(
  nodes: readonly GraphNode[],
  next: (node: GraphNode) => readonly GraphNode[],
): GraphNode[][] {
  const index = new Map<GraphNode, number>();
  const low = new Map<GraphNode, number>();
  const open: GraphNode[] = [];
  const isOpen = new Set<GraphNode>();
  const parts: GraphNode[][] = [];
  for (const root of nodes) {
    if (index.has(root)) continue;
    const work: Array<{ readonly node: GraphNode; readonly onward: readonly GraphNode[]; at: number }> = [];
    const enter = (node: GraphNode): void => {
      index.set(node, index.size);
      low.set(node, index.get(node) ?? 0);
      open.push(node);
      isOpen.add(node);
      work.push({ node, onward: next(node), at: 0 });
    };
    enter(root);
    for (let frame = work.at(-1); frame; frame = work.at(-1)) {
      const { node } = frame;
      const to = frame.onward[frame.at++];
      if (to) {
        if (!index.has(to)) enter(to);
        else if (isOpen.has(to)) low.set(node, Math.min(low.get(node) ?? 0, index.get(to) ?? 0));
        continue;
      }
      work.pop();
      const above = work.at(-1)?.node;
      if (above) low.set(above, Math.min(low.get(above) ?? 0, low.get(node) ?? 0));
      if (low.get(node) !== index.get(node)) continue;
      const part = open.splice(open.indexOf(node));
      for (const one of part) isOpen.delete(one);
      parts.push(part);
    }
  }
  return parts;
}
