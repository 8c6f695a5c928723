/** The edges of a graph that are looked at, with the parts of it that can be gone round in. */
import { connectedParts } from '../connected-parts.ts';
import type { Graph, GraphEdge, GraphNode } from '../graph.ts';
import type { Route } from '../paths/routes.ts';

/** Nodes that all lead to each other. */
export interface Part {
  readonly nodes: readonly GraphNode[];
  /** False of a node by itself that no edge leads back to. */
  readonly isLoop: boolean;
}

export interface Ways {
  /** Each after those that it leads to. */
  readonly parts: readonly Part[];
  partOf(node: GraphNode): Part;
  out(node: GraphNode): readonly GraphEdge[];
  /** Of edges that begin and end in one part, and so can be taken again and again. */
  isRound(edge: GraphEdge): boolean;
  /** The shortest, within the one part that both are in. */
  within(from: GraphNode, to: GraphNode): Route;
}

export function waysOf({ nodes }: Graph, keeps: (edge: GraphEdge) => boolean = () => true): Ways {
  const onward = new Map(nodes.map((node) => [node, node.out.filter(keeps)]));
  const out = (node: GraphNode): readonly GraphEdge[] => onward.get(node) ?? [];
  const parts = connectedParts(nodes, (node) => out(node).map(({ to }) => to)).map((part): Part => ({
    nodes: part,
    isLoop: part.length > 1 || part.some((node) => out(node).some(({ to }) => to === node)),
  }));
  const byNode = new Map(parts.flatMap((part) => part.nodes.map((node) => [node, part] as const)));
  const partOf = (node: GraphNode): Part => byNode.get(node) as Part;
  const isRound = ({ from, to }: GraphEdge): boolean => partOf(from) === partOf(to);
  return {
    parts,
    partOf,
    out,
    isRound,
    within(from, to) {
      const came = new Map<GraphNode, GraphEdge>();
      const queue = new Set([from]);
      for (const node of queue) {
        if (node === to) break;
        for (const edge of out(node)) {
          if (queue.has(edge.to) || !isRound(edge)) continue;
          came.set(edge.to, edge);
          queue.add(edge.to);
        }
      }
      const route: GraphEdge[] = [];
      for (let edge = came.get(to); edge; edge = came.get(edge.from)) route.unshift(edge);
      return route;
    },
  };
}
