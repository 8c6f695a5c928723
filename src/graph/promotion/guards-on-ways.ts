/** Which gates and people stand on the ways to an invocation: on all of them, or on some. */
import { isAnswered } from '../checks/answered.ts';
import { placeName } from '../checks/place-name.ts';
import type { Graph, GraphEdge, GraphNode } from '../graph.ts';
import type { Route } from '../paths/routes.ts';
import { answererOf } from './performed.ts';
import { anything, startsFrom } from './reach.ts';

export interface Ways {
  /** Nothing comes to the invocation but past each of these: `the gate withinLimit`, `a person in awaitingApproval`. */
  readonly onEvery: readonly string[];
  /** The last before it, on one way or another. */
  readonly last: readonly string[];
  /** Whether there is a gate or a person on each way, be it this or that. */
  readonly always: boolean;
  /** Edges from which on the invocation can still come. */
  readonly leading: readonly GraphEdge[];
  /** A way on which a model's answer decides that it is invoked, and no gate and no person comes after that answer. */
  readonly unguarded: Route | undefined;
}

export function waysTo(graph: Graph, src: string, isModel: (src: string) => boolean): Ways {
  const startsAfter = startsFrom(graph, (started) => started.src);
  const leading = graph.edges.filter((edge) => startsAfter(edge).has(src));
  const startsUnasked = startsFrom(
    graph,
    (started) => started.src,
    (edge) => !isAnswered(edge),
  );
  const leads = (edge: GraphEdge): boolean => {
    const starts = startsUnasked(edge);
    return starts.has(src) || starts.has(anything);
  };
  const names = new Set(leading.flatMap(guardsOn));
  const isReached = (passes: (edge: GraphEdge) => boolean): boolean => reaches(graph.start, src, passes);
  return {
    onEvery: [...names].filter((name) => !isReached((edge) => !guardsOn(edge).includes(name))),
    last: lastGuards(leading, src),
    always: !isReached((edge) => guardsOn(edge).length === 0),
    leading,
    unguarded: unguardedWay(graph.start, src, { leads, isModel }),
  };
}

/** Gates that passed on an edge, and the person who answered. */
function guardsOn(edge: GraphEdge): string[] {
  const { advanced, from } = edge;
  const passed = advanced.verdicts.filter((verdict) => verdict.passed).map(({ gate }) => `the gate ${gate}`);
  const person = isAnswered(edge) ? [`a person in ${placeName(from.state?.snapshot.value)}`] : [];
  return [...new Set([...passed, ...person])];
}

function isStart({ advanced }: GraphEdge, src: string): boolean {
  return advanced.started.some((started) => started.src === src);
}

function reaches(start: GraphNode, src: string, passes: (edge: GraphEdge) => boolean): boolean {
  const nodes = new Set([start]);
  for (const node of nodes) {
    for (const edge of node.out) {
      if (!passes(edge)) continue;
      if (isStart(edge, src)) return true;
      nodes.add(edge.to);
    }
  }
  return false;
}

/** Backwards from where it is started, over what nobody looks at, to where somebody has. */
function lastGuards(leading: readonly GraphEdge[], src: string): string[] {
  const into = new Map<GraphNode, GraphEdge[]>();
  for (const edge of leading) into.set(edge.to, [...(into.get(edge.to) ?? []), edge]);
  const found = new Set<string>();
  const edges = new Set(leading.filter((edge) => isStart(edge, src)));
  for (const edge of edges) {
    const guards = guardsOn(edge);
    for (const guard of guards) found.add(guard);
    if (guards.length === 0) for (const before of into.get(edge.from) ?? []) edges.add(before);
  }
  return [...found];
}

interface Asking {
  /** Whether it can still come, and no person has to answer before. */
  leads(edge: GraphEdge): boolean;
  isModel(src: string): boolean;
}

/** How a way has come to a node: whether a model has decided something since a gate or a person looked. */
interface Come {
  readonly node: GraphNode;
  readonly decided: boolean;
  readonly last?: { readonly edge: GraphEdge; readonly before: Come };
}

/**
 * Breadth first. A model's answer decides it if, with another answer in its place, it does not come, or only by the word of a
 * person: what comes whatever the model says is not the model's doing, and what of the answer it is given is for
 * `ungated-effect`.
 */
function unguardedWay(start: GraphNode, src: string, asking: Asking): Route | undefined {
  const visited = new Set<string>();
  const queue: Come[] = [{ node: start, decided: false }];
  for (const come of queue) {
    for (const edge of come.node.out) {
      const isGuarded = guardsOn(edge).length > 0;
      const decided = !isGuarded && (come.decided || decides(edge, asking));
      const next: Come = { node: edge.to, decided, last: { edge, before: come } };
      if (decided && isStart(edge, src)) return routeOf(next);
      const key = `${edge.to.id} ${decided}`;
      if (visited.has(key)) continue;
      visited.add(key);
      queue.push(next);
    }
  }
  return undefined;
}

function decides(edge: GraphEdge, { leads, isModel }: Asking): boolean {
  const { move, from } = edge;
  const answering = answererOf(edge);
  if (answering === undefined || !isModel(answering) || move.type !== 'answer' || 'error' in move)
    return false;
  return from.out.some(
    (other) =>
      other.move.type === 'answer' &&
      other.move.path === move.path &&
      !('error' in other.move) &&
      !leads(other),
  );
}

function routeOf(end: Come): Route {
  const route: GraphEdge[] = [];
  for (let come: Come | undefined = end; come?.last; come = come.last.before) route.unshift(come.last.edge);
  return route;
}
