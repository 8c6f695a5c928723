/**
 * Loops that cost each time round, so that no run has a most: those that it can go round by itself, and those that only go on
 * with an event from outside: people may send a draft back as often as they like.
 *
 * Without the events that begin such rounds there is a most again, and so is there for each round: for what can follow on
 * one such event until the next. With `n` of them a run takes no more than the first and `n` times the second.
 */
import type { Graph, GraphEdge } from '../graph.ts';
import type { Route } from '../paths/routes.ts';
import { type Part, type Ways, waysOf } from './ways.ts';

export interface Rounds {
  /** One loop for each event that begins rounds, with that event first. */
  readonly byEvent: ReadonlyMap<string, Route>;
  /** One for each part of the graph that it can go round in by itself. */
  readonly byItself: readonly Route[];
  /** The edges by which these events begin a round. */
  readonly begin: readonly GraphEdge[];
  /** All ways but those. */
  readonly without: Ways;
}

/** `endless`: the edges of a part before which time passes, if it can go on for ever there. */
export function roundsOf(
  graph: Graph,
  ways: Ways,
  costs: (edge: GraphEdge) => boolean,
  endless: (ways: Ways, part: Part) => readonly GraphEdge[],
): Rounds {
  const costly = (among: Ways, others: (edge: GraphEdge) => boolean = () => true): GraphEdge[] =>
    among.parts.flatMap((part) => {
      if (!part.isLoop) return [];
      const edges = part.nodes.flatMap((node) => among.out(node)).filter((edge) => among.isRound(edge));
      return edges.find((edge) => costs(edge) && others(edge)) ?? endless(among, part).find(others) ?? [];
    });
  const loopOver = (edge: GraphEdge, among: Ways): Route => [edge, ...among.within(edge.to, edge.from)];

  const own = waysOf(graph, ({ move }) => move.type !== 'event');
  const byItself = costly(own).map((edge) => loopOver(edge, own));

  const byEvent = new Map<string, Route>();
  const begins = (edge: GraphEdge): boolean =>
    edge.move.type === 'event' && byEvent.has(edge.move.name) && ways.isRound(edge);
  for (;;) {
    const without = byEvent.size === 0 ? ways : waysOf(graph, (edge) => !begins(edge));
    const found = costly(without, (edge) => !own.isRound(edge)).flatMap((edge) =>
      beginning(loopOver(edge, without)),
    );
    if (found.length === 0) return { byEvent, byItself, begin: graph.edges.filter(begins), without };
    for (const [first, ...others] of found) {
      if (first && !byEvent.has(first.move.name)) byEvent.set(first.move.name, [first, ...others]);
    }
  }
}

/** The loop from the last event from outside on that comes before its first edge; none if there is no such event. */
function beginning(loop: Route): Route[] {
  const before = [...loop.slice(1), ...loop.slice(0, 1)];
  const last = before.findLastIndex(({ move }) => move.type === 'event');
  return last < 0 ? [] : [[...before.slice(last), ...before.slice(0, last)]];
}
