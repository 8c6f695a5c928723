/** What a criterion wants covered, and which routes cover it. */
import type { AnyStateMachine } from 'xstate';

import { stateNodes } from '../../actor-sources.ts';
import type { Graph, GraphEdge } from '../graph.ts';
import { transitionsOf } from '../transitions.ts';
import type { Route } from './routes.ts';

export interface Targets {
  /** All there are, by what they are called. */
  readonly all: readonly string[];
  /** The shortest pieces of route that cover something, each with what. */
  readonly pieces: ReadonlyArray<{ readonly edges: Route; readonly covers: readonly string[] }>;
  /** What a whole way covers. */
  coveredBy(way: readonly Passed[]): Iterable<string>;
}

/** What one step of a way passes. */
export interface Passed {
  /** Ids of the transitions that it takes, in order. */
  readonly transitions: readonly string[];
  /** The state that it leads to. */
  readonly value: unknown;
}

export function passedOn(route: Route): Passed[] {
  return route.map(({ transitions, to }) => ({ transitions, value: to.state?.snapshot.value }));
}

/** Every state of the machine, but those of history. */
export function stateTargets(graph: Graph, machine: AnyStateMachine): Targets {
  const all = stateNodes(machine)
    .filter(({ type, parent }) => type !== 'history' && parent)
    .map(({ path }) => path.join('.'));
  const coversOf = (way: readonly Passed[]): string[] => way.flatMap(({ value }) => statesIn(value));
  return {
    all,
    pieces: graph.edges.map((edge) => ({ edges: [edge], covers: coversOf(passedOn([edge])) })),
    coveredBy: coversOf,
  };
}

/** Every transition of the machine and of those nested in it. */
export function transitionTargets(graph: Graph, machine: AnyStateMachine): Targets {
  return {
    all: transitionsOf(machine).map(({ id }) => id),
    pieces: graph.edges.map((edge) => ({ edges: [edge], covers: edge.transitions })),
    coveredBy: (way) => way.flatMap(({ transitions }) => transitions),
  };
}

/** Every two transitions that can follow each other. */
export function pairTargets(graph: Graph): Targets {
  const single = graph.edges.map((edge) => ({ edges: [edge], covers: pairsOf(edge.transitions) }));
  const double = graph.edges.flatMap((first) =>
    first.to.out.map((second) => ({ edges: [first, second], covers: pairsAcross(first, second) })),
  );
  const pieces = [...single, ...double].filter(({ covers }) => covers.length > 0);
  return {
    all: [...new Set(pieces.flatMap(({ covers }) => covers))],
    pieces,
    coveredBy: (way) => pairsOf(way.flatMap(({ transitions }) => transitions)),
  };
}

function pairsAcross(first: GraphEdge, second: GraphEdge): string[] {
  const one = first.transitions.at(-1);
  const other = second.transitions[0];
  return one === undefined || other === undefined ? [] : [`${one} then ${other}`];
}

function pairsOf(transitions: readonly string[]): string[] {
  return transitions.slice(1).map((transition, index) => `${transitions[index]} then ${transition}`);
}

/** Paths of all active states: `{ a: { b: 'c' } }` is a, a.b and a.b.c. */
export function statesIn(value: unknown, above = ''): string[] {
  if (typeof value === 'string') return [above ? `${above}.${value}` : value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = above ? `${above}.${key}` : key;
    return [path, ...statesIn(inner, path)];
  });
}
