/** What can still come from each node of an explored graph on. */
import { connectedParts } from '../connected-parts.ts';
import type { Graph, GraphEdge, GraphNode } from '../graph.ts';
import { isEnd } from '../paths/routes.ts';

/** Tells all labels of the edges that can be taken from a node on, over those that pass. */
function reachFrom(
  { nodes }: Graph,
  labelsOf: (edge: GraphEdge) => Iterable<string>,
  passes: (edge: GraphEdge) => boolean = () => true,
): (node: GraphNode) => ReadonlySet<string> {
  // Each part comes after those that it leads to.
  const parts = connectedParts(nodes, (node) => node.out.filter(passes).map(({ to }) => to));
  const reached = new Map<GraphNode, Set<string>>();
  for (const part of parts) {
    const labels = new Set<string>();
    for (const edge of part.flatMap(({ out }) => out.filter(passes))) {
      for (const label of labelsOf(edge)) labels.add(label);
      for (const label of reached.get(edge.to) ?? []) labels.add(label);
    }
    for (const node of part) reached.set(node, labels);
  }
  return (node) => reached.get(node) ?? new Set();
}

/** Stands for whatever comes after a node that was not gone on from. */
export const anything = '(anything)';

/** What one edge starts, and all that can be started after it; `anything` where the graph was not explored further. */
export function startsFrom(
  graph: Graph,
  labelOf: (started: GraphEdge['advanced']['started'][number]) => string,
  passes?: (edge: GraphEdge) => boolean,
): (edge: GraphEdge) => ReadonlySet<string> {
  const own = ({ advanced, to }: GraphEdge): string[] => [
    ...advanced.started.map(labelOf),
    ...(to.explored || isEnd(to) ? [] : [anything]),
  ];
  const reach = reachFrom(graph, own, passes);
  return (edge) => new Set([...own(edge), ...reach(edge.to)]);
}
