/**
 * How long a run can take, by one of two clocks (see `Figures`).
 *
 * Time passes in nodes, until something comes of what is under way there. An invocation is over at the latest so long after
 * it was started, a timer fires so long after it was armed, and as long as one of them is pending, neither has happened. So a
 * node is left at the latest when the first of all that is pending there is due, whichever message comes.
 *
 * That is followed forward: for each node the latest time at which a run can come to it, and for all that is pending there the
 * latest time at which it is over, each over all ways to the node. Work in parallel is thus not added up: two invocations
 * started together take as long as the longer one. Where ways meet, the latest times of each are taken as if they were of
 * one way, so what comes after may be an upper bound only; with one thing under way at a time, it is exact.
 *
 * In a loop time goes on for ever, unless no time passes in it, or something is pending all the way round that is not
 * started again there: that sets an end to it.
 */
import { isStateMachine, type StateNode } from '../../actor-sources.ts';
import { matchesDescriptor } from '../../event-descriptor.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import type { GraphEdge, GraphNode } from '../graph.ts';
import type { Route } from '../paths/routes.ts';
import type { CostedGraph, Lasts } from './costed-graph.ts';
import type { Part, Ways } from './ways.ts';

export interface LongestTimes {
  /** In milliseconds, from any of these nodes on, all that is under way there as if it had just been started. */
  from(nodes: readonly GraphNode[]): number;
  /** A way from one of them on which it comes together; as far as to what takes for ever. */
  route(nodes: readonly GraphNode[]): Route;
  /** Of a loop that time goes on in for ever, the edges before which it passes. */
  endless(part: Part): readonly GraphEdge[];
}

export type Clock = keyof Lasts;

interface Arrival {
  /** The latest, in milliseconds from the beginning. */
  readonly at: number;
  /** When what is pending is over at the latest, by its name. */
  readonly ends: ReadonlyMap<string, number>;
  /** The edge by which it is latest; undefined where it begins. */
  readonly by: GraphEdge | undefined;
}

interface Latest {
  readonly at: number;
  readonly by: GraphEdge | undefined;
  readonly arrivals: ReadonlyMap<Part, ReadonlyMap<GraphNode, Arrival>>;
}

/** `bounded`: the clock stands still where nothing bounds what is waited for. */
export function longestTimes(
  ways: Ways,
  { pendingAt, startsOf }: CostedGraph,
  clock: Clock,
  isWaiting: (node: GraphNode) => boolean,
  { bounded = false }: { readonly bounded?: boolean } = {},
): LongestTimes {
  const stands = (node: GraphNode): boolean =>
    node.state === undefined || (clock === 'timeMs' && isWaiting(node));
  const leaves = (node: GraphNode, { at, ends }: Arrival): number => {
    const due = stands(node) ? at : Math.min(Infinity, ...ends.values());
    return bounded && due === Infinity ? at : due;
  };
  const passes = (node: GraphNode): boolean => {
    const lasts = [...pendingAt(node).values()].map(({ [clock]: ms }) => ms);
    return !stands(node) && lasts.every((ms) => ms > 0) && !(bounded && lasts.every((ms) => ms === Infinity));
  };

  const bounds = new Map<Part, readonly string[]>();
  /** What is pending all the way round a loop, and not started again in it. */
  const boundsOf = (part: Part): readonly string[] => {
    const known = bounds.get(part);
    if (known) return known;
    const [first, ...others] = part.nodes.map((node) => pendingAt(node));
    const again = new Set(roundEdges(ways, part).flatMap((edge) => [...startsOf(edge).keys()]));
    const names = [...(first?.keys() ?? [])];
    const made = names.filter((name) => !again.has(name) && others.every((pending) => pending.has(name)));
    bounds.set(part, made);
    return made;
  };

  /** All nodes of a loop are left as late as any of it can be. */
  const inLoop = (part: Part, entered: ReadonlyMap<GraphNode, Arrival>): Map<GraphNode, Arrival> => {
    const entries = [...entered.values()];
    const latest = (name: string): number => Math.max(...entries.map(({ ends }) => ends.get(name) ?? 0));
    const idleAt = part.nodes.some(passes) ? Infinity : Math.max(...entries.map(({ at }) => at));
    const names = boundsOf(part);
    const bound = Math.min(idleAt, ...names.map(latest));
    const again = new Map<string, number>();
    for (const edge of roundEdges(ways, part)) {
      for (const [name, { [clock]: ms }] of startsOf(edge))
        again.set(name, Math.max(again.get(name) ?? 0, bound + ms));
    }
    const [first] = entries.toSorted((one, other) => other.at - one.at);
    return new Map(
      part.nodes.map((node) => {
        const pending = [...pendingAt(node).keys()];
        const ends = new Map(pending.map((name) => [name, Math.max(latest(name), again.get(name) ?? 0)]));
        return [node, { at: bound, ends, by: first?.by }];
      }),
    );
  };

  const follow = (nodes: readonly GraphNode[]): Latest => {
    const arrivals = new Map<Part, Map<GraphNode, Arrival>>();
    const join = (node: GraphNode, one: Arrival): void => {
      const part = ways.partOf(node);
      const others = arrivals.get(part) ?? new Map<GraphNode, Arrival>();
      arrivals.set(part, others);
      const other = others.get(node);
      others.set(node, other ? later(one, other) : one);
    };
    for (const node of nodes) {
      const ends = new Map([...pendingAt(node)].map(([name, { [clock]: ms }]) => [name, ms]));
      join(node, { at: 0, ends, by: undefined });
    }
    let at = 0;
    let by: GraphEdge | undefined;
    for (const part of ways.parts.toReversed()) {
      const entered = arrivals.get(part);
      if (!entered) continue;
      const reached = part.isLoop ? inLoop(part, entered) : entered;
      for (const [node, arrival] of reached) {
        const left = leaves(node, arrival);
        for (const edge of ways.out(node)) {
          if (left > at) [at, by] = [left, edge];
          if (ways.isRound(edge)) continue;
          const starts = startsOf(edge);
          const ends = new Map<string, number>();
          for (const name of pendingAt(edge.to).keys()) {
            const started = starts.get(name)?.[clock];
            ends.set(name, started === undefined ? (arrival.ends.get(name) ?? Infinity) : left + started);
          }
          join(edge.to, { at: left, ends, by: edge });
        }
      }
    }
    return { at, by, arrivals };
  };

  return {
    from: (nodes) => follow(nodes).at,
    route(nodes) {
      const { by: last, arrivals } = follow(nodes);
      const route: GraphEdge[] = [];
      let edge = last;
      while (edge) {
        const { from }: GraphEdge = edge;
        const entered = [...(arrivals.get(ways.partOf(from)) ?? [])];
        const [entry] = entered.toSorted(([, one], [, other]) => other.at - one.at);
        route.unshift(...(entry ? ways.within(entry[0], from) : []), edge);
        edge = entry?.[1].by;
      }
      return route;
    },
    endless(part) {
      if (!part.isLoop || boundsOf(part).some((name) => isFinal(part, name))) return [];
      return roundEdges(ways, part).filter(({ from }) => passes(from));
    },
  };

  /** A bound that has an end itself. */
  function isFinal(part: Part, name: string): boolean {
    return part.nodes.every((node) => (pendingAt(node).get(name)?.[clock] ?? Infinity) < Infinity);
  }
}

function roundEdges(ways: Ways, part: Part): readonly GraphEdge[] {
  return part.nodes.flatMap((node) => ways.out(node).filter((edge) => ways.isRound(edge)));
}

function later(one: Arrival, other: Arrival): Arrival {
  const [last, first] = one.at > other.at ? [one, other] : [other, one];
  const ends = new Map(last.ends);
  for (const [name, at] of first.ends) ends.set(name, Math.max(at, ends.get(name) ?? 0));
  return { at: last.at, ends, by: last.by };
}

/**
 * Whether nothing is under way in a node but waiting for an event from outside, with or without a timer that ends that. What
 * the root takes in whatever state, such as a `CANCEL`, is not waited for.
 */
export function createIsWaiting({ machine }: AnyWorkflow): (node: GraphNode) => boolean {
  const anywhere = isStateMachine(machine) ? takenAnywhere(machine.root) : [];
  return ({ state, view }) =>
    state?.snapshot.status === 'active' &&
    state.invocations.length === 0 &&
    view.accepts.some((type) => !anywhere.some((descriptor) => matchesDescriptor(type, descriptor)));
}

function takenAnywhere({ states, transitions }: StateNode): readonly string[] {
  return Object.keys(states).length === 0 ? [] : [...transitions.keys()];
}
