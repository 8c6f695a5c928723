/** The longest ways by what is begun on them: of an edge that can be taken again and again, there is no longest. */
import type { GraphEdge, GraphNode } from '../graph.ts';
import type { Route } from '../paths/routes.ts';
import type { Part, Ways } from './ways.ts';

export interface DearestWays {
  /** Of all that a run can still begin in a node; `Infinity` if it can begin something again and again. */
  from(node: GraphNode): number;
  /** Where that comes together, as far as something is still added, and no more than once round a loop. */
  route(node: GraphNode): Route;
}

interface Onward {
  readonly amount: number;
  readonly by?: GraphEdge;
}

/** The longest way in the graph of its strongly connected parts, which has no loops: from the ends back. */
export function dearestWays(ways: Ways, weightOf: (edge: GraphEdge) => number): DearestWays {
  const onward = new Map<Part, Onward>();
  const onFrom = (node: GraphNode): Onward => onward.get(ways.partOf(node)) ?? { amount: 0 };
  for (const part of ways.parts) {
    let best: Onward = { amount: 0 };
    for (const edge of part.nodes.flatMap((node) => ways.out(node))) {
      const weight = weightOf(edge);
      const round = weight > 0 ? Infinity : 0;
      const amount = ways.isRound(edge) ? round : weight + onFrom(edge.to).amount;
      if (amount > best.amount) best = { amount, by: edge };
    }
    onward.set(part, best);
  }
  return {
    from: (node) => onFrom(node).amount,
    route(node) {
      const route: GraphEdge[] = [];
      for (let at = node; ;) {
        const { by } = onFrom(at);
        if (!by) return route;
        route.push(...ways.within(at, by.from), by);
        if (ways.isRound(by)) return [...route, ...ways.within(by.to, by.from)];
        at = by.to;
      }
    },
  };
}
