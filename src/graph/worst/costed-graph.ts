/**
 * What each edge of a graph begins: the invocations and timers that it starts, and what they can take.
 *
 * Invocations and timers are known by name while they are pending: by the actor's path, by the timer's source and id. No two
 * of one name are pending at a time.
 */
import { advance } from '../../engine/advance.ts';
import type { Timer } from '../../engine/run-state.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { actorOf } from '../actor-of.ts';
import type { Graph, GraphEdge, GraphNode } from '../graph.ts';
import { messageOf, timeOf } from '../moves.ts';
import type { ActorCosts } from './actor-costs.ts';
import { type Figures, figuresOf, most, noFigures } from './figures.ts';

export interface CostedGraph {
  readonly graph: Graph;
  /** The work that is begun on an edge, without its time. */
  weightOf(edge: GraphEdge): Figures;
  /** When what is started on an edge is over at the latest, in milliseconds from then on, by its name. */
  startsOf(edge: GraphEdge): ReadonlyMap<string, Lasts>;
  /** Names of what is under way in a node, with the longest that it can last. */
  pendingAt(node: GraphNode): ReadonlyMap<string, Lasts>;
}

export type Lasts = Pick<Figures, 'timeMs' | 'elapsedMs'>;

interface Begun {
  readonly weight: Figures;
  readonly starts: ReadonlyMap<string, Lasts>;
}

export function costedGraph(workflow: AnyWorkflow, graph: Graph, costs: ActorCosts): CostedGraph {
  const alike = createAlike(workflow, costs);
  const begun = new Map(graph.edges.map((edge) => [edge, begunOn(edge, costs, alike(edge))]));
  // A node stands for all states that go on alike: in some of them what is pending may have been started with other input.
  const longest = new Map<string, Lasts>();
  for (const { starts } of begun.values()) {
    for (const [name, lasts] of starts) longest.set(name, longer(lasts, longest.get(name)));
  }
  const pending = new Map<GraphNode, ReadonlyMap<string, Lasts>>();
  for (const node of graph.nodes) {
    const { invocations = [], timers = [], snapshot } = node.state ?? {};
    const names =
      snapshot?.status === 'active' ? [...invocations.map(nameOfInvocation), ...timers.map(nameOfTimer)] : [];
    pending.set(node, new Map(names.map((name) => [name, longest.get(name) ?? endless])));
  }
  return {
    graph,
    weightOf: (edge) => begun.get(edge)?.weight ?? noFigures,
    startsOf: (edge) => begun.get(edge)?.starts ?? new Map<string, Lasts>(),
    pendingAt: (node) => pending.get(node) ?? new Map<string, Lasts>(),
  };
}

const endless: Lasts = { timeMs: Infinity, elapsedMs: Infinity };

function longer(one: Lasts, other: Lasts | undefined): Lasts {
  return {
    timeMs: Math.max(one.timeMs, other?.timeMs ?? 0),
    elapsedMs: Math.max(one.elapsedMs, other?.elapsedMs ?? 0),
  };
}

/** What edges have in common that lead the same way from one place, whatever the states there hold. */
interface Alike {
  /** Timers that go on, though their deadlines do not tell them from those that were armed at that moment. */
  readonly goesOn: ReadonlySet<string>;
  /** The most that is begun with answers and events that lead the same way, by the path of the actor. */
  readonly dearest: ReadonlyMap<string, Figures>;
}

/** Found out with the first of them: each takes messages of its own. */
function createAlike(workflow: AnyWorkflow, costs: ActorCosts): (edge: GraphEdge) => Alike {
  const known = new Map<string, Alike>();
  return (edge) => {
    const { from, move, transitions } = edge;
    const way = [from.place, move.type, move.name, ...transitions].join('\n');
    const made = known.get(way) ?? {
      goesOn: timersGoingOn(workflow, edge),
      dearest: dearestAlike(workflow, edge, costs),
    };
    known.set(way, made);
    return made;
  };
}

/** A longer text that leads the same way costs more where it is put into what is started. */
function dearestAlike(workflow: AnyWorkflow, edge: GraphEdge, costs: ActorCosts): Map<string, Figures> {
  const dearest = new Map<string, Figures>();
  const isAsked = edge.advanced.started.some(({ src }) => actorOf(workflow, src)?.worstCase);
  for (const move of isAsked ? edge.alike : []) {
    const at = timeOf(move, edge.from.state, edge.from.now);
    const message = messageOf(move, edge.from.state ?? { invocations: [] }, at);
    const { started = [] } = message ? advance(workflow, edge.from.state, message) : {};
    for (const { src, path, input } of started) {
      dearest.set(path, most([costs.of(src, input), dearest.get(path) ?? noFigures]));
    }
  }
  return dearest;
}

/** A timer that goes on and one that was armed again at this very moment look alike. A millisecond later they do not. */
function timersGoingOn(workflow: AnyWorkflow, { from, move, advanced }: GraphEdge): Set<string> {
  const unclear = advanced.state.timers.filter((timer) => isAmong(timer, from.state?.timers));
  if (unclear.length === 0) return new Set();
  const at = timeOf(move, from.state, from.now);
  const message = messageOf(move, from.state ?? { invocations: [] }, at + 1);
  const later = message ? advance(workflow, from.state, message).state.timers : [];
  return new Set(unclear.filter((timer) => isAmong(timer, later)).map(nameOfTimer));
}

function isAmong(timer: Timer, timers: readonly Timer[] = []): boolean {
  return timers.some(
    ({ source, id, deadline }) => source === timer.source && id === timer.id && deadline === timer.deadline,
  );
}

function begunOn(edge: GraphEdge, costs: ActorCosts, { goesOn, dearest }: Alike): Begun {
  const { from, move, advanced } = edge;
  const starts = new Map<string, Lasts>();
  const all = advanced.started.map(({ src, path, input }) => {
    const figures = most([costs.of(src, input), dearest.get(path) ?? noFigures]);
    starts.set(nameOfInvocation({ path }), figures);
    return figures;
  });
  const at = timeOf(move, from.state, from.now);
  for (const timer of advanced.state.timers) {
    const isRunning = isAmong(timer, from.state?.timers) && goesOn.has(nameOfTimer(timer));
    const delayMs = timer.deadline - at;
    if (!isRunning) starts.set(nameOfTimer(timer), { timeMs: delayMs, elapsedMs: delayMs });
  }
  const sum = figuresOf((measure) => all.reduce((total, one) => total + one[measure], 0));
  return { weight: { ...sum, timeMs: 0, elapsedMs: 0 }, starts };
}

function nameOfInvocation({ path }: { readonly path: string }): string {
  return `invocation ${path}`;
}

function nameOfTimer({ source, id }: Timer): string {
  return `timer ${source} ${id}`;
}
