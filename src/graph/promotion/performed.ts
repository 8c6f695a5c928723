/** The actors that explored runs perform, and where each is started and has answered. */
import type { DurableActor } from '../../invocation.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { actorOf } from '../actor-of.ts';
import type { Graph, GraphEdge } from '../graph.ts';
import { placeName } from '../checks/place-name.ts';

export interface Performed {
  /** After those of the machines that it is nested in: `paying/charge`. */
  readonly src: string;
  /** What it declares about itself; undefined if it declares nothing. */
  readonly actor: DurableActor | undefined;
  /** Edges that start it. */
  readonly starts: readonly GraphEdge[];
  /** Edges on which it answers with an output. */
  readonly answers: readonly GraphEdge[];
  /** Edges on which it fails. */
  readonly failures: readonly GraphEdge[];
  /** The states in which it is at work. */
  readonly places: readonly string[];
}

/** In the order in which they are met. */
export function performedIn(workflow: AnyWorkflow, { edges }: Graph): readonly Performed[] {
  interface Found {
    readonly starts: GraphEdge[];
    readonly answers: GraphEdge[];
    readonly failures: GraphEdge[];
  }
  const found = new Map<string, Found>();
  const at = (src: string): Found => {
    const known = found.get(src) ?? { starts: [], answers: [], failures: [] };
    found.set(src, known);
    return known;
  };
  for (const edge of edges) {
    for (const src of new Set(edge.advanced.started.map((one) => one.src))) at(src).starts.push(edge);
    const answering = answererOf(edge);
    if (answering === undefined) continue;
    at(answering)['error' in edge.move ? 'failures' : 'answers'].push(edge);
  }
  return [...found].map(([src, on]) => ({
    src,
    actor: actorOf(workflow, src),
    ...on,
    places: [...new Set(on.starts.map(({ to }) => placeName(to.state?.snapshot.value)))],
  }));
}

/** `src` of the actor that answers on an edge, or fails. */
export function answererOf({ move, from }: GraphEdge): string | undefined {
  if (move.type !== 'answer') return undefined;
  return from.state?.invocations.find(({ path }) => path === move.path)?.src;
}

/** What it touches; `undefined`: it does not say, which counts as anything. */
export function writesOf(actor: DurableActor | undefined): readonly string[] | undefined {
  return actor?.permissions?.writes;
}
