/**
 * Ways that lead back to where a run was, and how often each can be taken.
 *
 * In the explored graph, a loop that a counter bounds is no loop: each time round is a node of its own. So the most often
 * that a transition can be taken is the way through the graph that takes it most often, and what lies on a loop of the graph
 * itself has no bound.
 */
import type { AnyStateMachine } from 'xstate';

import { type StateNode, stateNodes } from '../../actor-sources.ts';
import { connectedParts } from '../connected-parts.ts';
import type { Graph, GraphEdge, GraphNode } from '../graph.ts';
import { machinesIn, type MachinePlace } from '../machines-in.ts';
import { transitionsOf, type TransitionSpec } from '../transitions.ts';

export interface Loop {
  readonly transition: TransitionSpec;
  /** How often it is taken at most between two events from outside; `Infinity` if nothing bounds it. */
  readonly byItself: number;
  /** How often it is taken at most in a run; `Infinity` if events from outside can lead round for ever. */
  readonly inAll: number;
}

/** The transitions that lead back, of those that explored runs take. */
export function loopsIn(machine: AnyStateMachine, graph: Graph): readonly Loop[] {
  const taken = new Set(graph.edges.flatMap(({ transitions }) => transitions));
  const specs = transitionsOf(machine).filter(({ id }) => taken.has(id));
  const back = machinesIn(machine).flatMap((place) => backTransitions(place, specs));
  if (back.length === 0) return [];
  const all = longestWays(graph.nodes, graph.edges);
  const alone = longestWays(
    graph.nodes,
    graph.edges.filter(({ move }) => move.type !== 'event'),
  );
  return back.map((transition) => {
    const times = ({ transitions }: GraphEdge): number =>
      transitions.filter((id) => id === transition.id).length;
    return { transition, byItself: alone(times), inAll: all(times) };
  });
}

/**
 * Those that close a way round, searched depth first from where the machine begins, so that of each way round one transition
 * is told: the one that leads back.
 */
function backTransitions(
  { machine, prefix }: MachinePlace,
  specs: readonly TransitionSpec[],
): TransitionSpec[] {
  const nodes = new Map(stateNodes(machine).map((node) => [node.path.join('.'), node]));
  const bySource = new Map<string, TransitionSpec[]>();
  for (const spec of specs.filter((one) => one.machine === prefix)) {
    bySource.set(spec.source, [...(bySource.get(spec.source) ?? []), spec]);
  }
  type Onward = Iterator<readonly [TransitionSpec, string]>;
  const work: Array<{ readonly name: string; readonly onward: Onward }> = [];
  const status = new Map<string, 'open' | 'closed'>();
  const back = new Set<TransitionSpec>();
  const enter = (name: string): void => {
    status.set(name, 'open');
    const onward = activeWith(nodes.get(name)).flatMap((active) =>
      (bySource.get(active) ?? []).flatMap((spec) => spec.targets.map((target) => [spec, target] as const)),
    );
    work.push({ name, onward: onward.values() });
  };
  enter('');
  for (let frame = work.at(-1); frame; frame = work.at(-1)) {
    const next = frame.onward.next();
    if (next.done === true) {
      status.set(frame.name, 'closed');
      work.pop();
      continue;
    }
    const [spec, target] = next.value;
    if (status.get(target) === 'open') back.add(spec);
    else if (!status.has(target)) enter(target);
  }
  return [...back];
}

/** Paths of the states that are active once this one was entered: itself, what it begins with, and all above it. */
function activeWith(node: StateNode | undefined): string[] {
  if (!node) return [];
  const within = (one: StateNode): StateNode[] => {
    const begun = one.type === 'parallel' ? Object.values(one.states) : initialOf(one);
    return [one, ...begun.flatMap(within)];
  };
  const above = (one: StateNode): StateNode[] =>
    one.parent ? [one.parent as StateNode, ...above(one.parent as StateNode)] : [];
  return [...within(node), ...above(node)].map(({ path }) => path.join('.'));
}

function initialOf(node: StateNode): StateNode[] {
  return node.type === 'compound' ? [...(node.initial.target ?? [])] : [];
}

/** Tells how much the heaviest way through these edges weighs; `Infinity` if what weighs can be passed for ever. */
export function longestWays(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
): (weigh: (edge: GraphEdge) => number) => number {
  const out = new Map<GraphNode, GraphEdge[]>();
  for (const edge of edges) {
    const known = out.get(edge.from);
    if (known) known.push(edge);
    else out.set(edge.from, [edge]);
  }
  const from = (node: GraphNode): readonly GraphEdge[] => out.get(node) ?? [];
  // Each part comes after those that it leads to.
  const parts = connectedParts(nodes, (node) => from(node).map(({ to }) => to));
  const partOf = new Map(parts.flatMap((part, index) => part.map((node) => [node, index] as const)));
  return (weigh) => {
    const heaviest: number[] = [];
    for (const [index, part] of parts.entries()) {
      let most = 0;
      for (const edge of part.flatMap(from)) {
        const to = partOf.get(edge.to) ?? index;
        const weight = weigh(edge);
        if (to !== index) most = Math.max(most, weight + (heaviest[to] ?? 0));
        else if (weight > 0) most = Infinity;
      }
      heaviest[index] = most;
    }
    return Math.max(0, ...heaviest);
  };
}
