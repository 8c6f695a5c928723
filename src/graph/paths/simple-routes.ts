/**
 * Simple routes, which meet no node twice, from the start to an end; and prime routes, the simple routes and loops that are part
 * of no longer one (Ammann and Offutt, Introduction to Software Testing, section 7.2).
 *
 * There may be more than any machine can list, so both are made one by one.
 */
import type { Graph, GraphEdge, GraphNode } from '../graph.ts';
import { isEnd, type Route } from './routes.ts';

/** Each ends where the run does, or where nothing leads on but to where it has been. */
export function* simpleRoutes({ start }: Graph): Generator<Route> {
  const route: GraphEdge[] = [];
  const visited = new Set<GraphNode>([start]);
  const choices: Array<{ readonly node: GraphNode; next: number; went: boolean }> = [
    { node: start, next: 0, went: false },
  ];
  for (let choice = choices.at(-1); choice; choice = choices.at(-1)) {
    const edge = choice.node.out[choice.next++];
    if (edge && !visited.has(edge.to)) {
      choice.went = true;
      route.push(edge);
      visited.add(edge.to);
      choices.push({ node: edge.to, next: 0, went: false });
      continue;
    }
    if (edge) continue;
    if (!choice.went && (isEnd(choice.node) || route.length > 0)) yield [...route];
    choices.pop();
    route.pop();
    visited.delete(choice.node);
  }
}

/** Shorter ones first. */
export function* primeRoutes({ nodes }: Graph, maxLength: number): Generator<Route> {
  const into = new Map<GraphNode, GraphEdge[]>();
  for (const edge of nodes.flatMap(({ out }) => out)) into.set(edge.to, [...(into.get(edge.to) ?? []), edge]);
  let growing: Route[] = nodes.flatMap(({ out }) => out.map((edge) => [edge]));
  for (let length = 1; growing.length > 0 && length <= maxLength; length++) {
    const longer: Route[] = [];
    for (const route of growing) {
      const first = route[0] as GraphEdge;
      const last = route.at(-1) as GraphEdge;
      if (first.from === last.to) {
        yield route;
        continue;
      }
      const met = new Set(route.map(({ to }) => to));
      // It may go on to where it began, which makes it a loop, and nowhere else that it has been.
      const onward = last.to.out.filter(({ to }) => !met.has(to));
      for (const edge of onward) longer.push([...route, edge]);
      const before = (into.get(first.from) ?? []).filter(
        ({ from }) => (from === last.to || !met.has(from)) && from !== first.from,
      );
      if (onward.length === 0 && before.length === 0) yield route;
    }
    growing = longer;
  }
}
