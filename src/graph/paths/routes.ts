/** Ways through an explored graph, as lists of edges: the shortest to a node, and the shortest from a node to an end. */
import { getShortestPaths } from '@xstate/graph';
import type { ActorLogic, EventObject, Snapshot } from 'xstate';

import type { Graph, GraphEdge, GraphNode } from '../graph.ts';

export type Route = readonly GraphEdge[];

export interface Routes {
  /** The shortest from the start to the node. */
  to(node: GraphNode): Route;
  /** The shortest from the node to an end of the run; as far as it goes if none can be reached. */
  onFrom(node: GraphNode): Route;
  /** From the start over this edge to an end. */
  through(...edges: Route): Route;
  /** Which edge to take at a place to come nearer to an end, whatever the state there holds; undefined if that is not known. */
  onFromPlace(place: string): GraphEdge | undefined;
}

interface EdgeEvent extends EventObject {
  readonly edge: GraphEdge;
}

export function createRoutes(graph: Graph): Routes {
  const logic = {
    transition: (_: unknown, { edge }: EdgeEvent) => asSnapshot(edge.to),
    getInitialSnapshot: () => asSnapshot(graph.start),
    getPersistedSnapshot: (snapshot: unknown) => snapshot,
  } as unknown as ActorLogic<Snapshot<unknown>, EdgeEvent>;
  const shortest = getShortestPaths(logic, {
    fromState: asSnapshot(graph.start),
    events: (at) => nodeOf(at).out.map((edge) => ({ type: 'edge', edge })),
    serializeState: (at) => String(nodeOf(at).id),
    serializeEvent: ({ edge }) => String(edge.id),
  });
  const reaching = new Map(
    shortest.map(({ state, steps }) => [
      nodeOf(state).id,
      steps.flatMap(({ event }) => ('edge' in event ? [event.edge] : [])),
    ]),
  );

  const next = edgesToEnds(graph);
  const onFrom = (node: GraphNode): Route => {
    const route: GraphEdge[] = [];
    for (let edge = next.get(node); edge; edge = next.get(edge.to)) route.push(edge);
    return route;
  };
  // Those nearest to an end come first.
  const byPlace = new Map<string, GraphEdge>();
  for (const [{ place }, edge] of next) if (!byPlace.has(place)) byPlace.set(place, edge);
  const to = (node: GraphNode): Route => reaching.get(node.id) ?? [];
  return {
    to,
    onFrom,
    through: (...edges) => {
      const [first] = edges;
      const last = edges.at(-1);
      return first && last ? [...to(first.from), ...edges, ...onFrom(last.to)] : [];
    },
    onFromPlace: (place) => byPlace.get(place),
  };
}

export function isEnd({ state }: GraphNode): boolean {
  return state !== undefined && state.snapshot.status !== 'active';
}

/** By node, the first edge of its shortest way to an end: breadth first, backwards from all ends at once. */
function edgesToEnds({ nodes, edges }: Graph): Map<GraphNode, GraphEdge> {
  const into = new Map<GraphNode, GraphEdge[]>();
  for (const edge of edges) {
    const known = into.get(edge.to);
    if (known) known.push(edge);
    else into.set(edge.to, [edge]);
  }
  const next = new Map<GraphNode, GraphEdge>();
  const ends = nodes.filter(isEnd);
  const reached = new Set(ends);
  for (const node of reached) {
    for (const edge of into.get(node) ?? []) {
      if (reached.has(edge.from)) continue;
      next.set(edge.from, edge);
      reached.add(edge.from);
    }
  }
  return next;
}

/** A node stands for a snapshot: @xstate/graph looks at it with our functions only. */
function asSnapshot(node: GraphNode): Snapshot<unknown> {
  return node as unknown as Snapshot<unknown>;
}

function nodeOf(snapshot: Snapshot<unknown>): GraphNode {
  return snapshot as unknown as GraphNode;
}
