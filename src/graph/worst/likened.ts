/**
 * A graph without loose ends: where a node was not gone on from because others at its place hold the same values one by one,
 * what leads to it leads to the most similar of those instead.
 *
 * I1. It never leads back by that: a node is not likened to one that leads to it. A counter that is bounded stays so.
 */
import type { Graph, GraphEdge, GraphNode } from '../graph.ts';

export interface Likened {
  readonly graph: Graph;
  /** Nodes that stand for others now. */
  readonly likened: number;
  /** Nodes that were not gone on from, and that no other can stand for. */
  readonly loose: number;
}

export function likened(graph: Graph): Likened {
  const { nodes, edges, start } = graph;
  const left = nodes.filter(({ explored }) => !explored);
  if (left.length === 0) return { graph, likened: 0, loose: 0 };
  const byPlace = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    if (node.explored) byPlace.set(node.place, [...(byPlace.get(node.place) ?? []), node]);
  }
  const into = new Map<GraphNode, GraphNode[]>();
  for (const { from, to } of edges) into.set(to, [...(into.get(to) ?? []), from]);

  const standsFor = new Map<GraphNode, GraphNode>();
  for (const node of left) {
    const before = leadingTo(node, into);
    const others = (byPlace.get(node.place) ?? []).filter((other) => !before.has(other));
    const [nearest] = others.toSorted((one, other) => sameParts(node, other) - sameParts(node, one));
    if (!nearest) continue;
    standsFor.set(node, nearest);
    // What leads to the one leads to the other from now on.
    into.set(nearest, [...(into.get(nearest) ?? []), node]);
  }

  const made = new Map<GraphNode, GraphNode & { readonly out: GraphEdge[] }>();
  for (const node of nodes) if (!standsFor.has(node)) made.set(node, { ...node, out: [] });
  const madeOf = (node: GraphNode) =>
    made.get(standsFor.get(node) ?? node) as GraphNode & { readonly out: GraphEdge[] };
  const redirected = edges.map((edge): GraphEdge => {
    const from = madeOf(edge.from);
    const one = { ...edge, from, to: madeOf(edge.to) };
    from.out.push(one);
    return one;
  });
  return {
    graph: {
      ...graph,
      leftOut: left.length - standsFor.size,
      nodes: [...made.values()],
      edges: redirected,
      start: madeOf(start),
    },
    likened: standsFor.size,
    loose: left.length - standsFor.size,
  };
}

/** All from which the node can be reached, and itself. */
function leadingTo(
  node: GraphNode,
  into: ReadonlyMap<GraphNode, readonly GraphNode[]>,
): ReadonlySet<GraphNode> {
  const found = new Set([node]);
  for (const one of found) for (const before of into.get(one) ?? []) found.add(before);
  return found;
}

function sameParts({ parts }: GraphNode, other: GraphNode): number {
  const theirs = new Set(other.parts);
  return parts.filter((part) => theirs.has(part)).length;
}
