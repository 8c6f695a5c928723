/** The graph of what a workflow can do, as nodes and edges. */
import type { StateView } from '../engine/advance.ts';
import type { Advanced, RunState } from '../engine/run-state.ts';
import type { Move } from './moves.ts';
import type { Found, GuardSeen, Led, MoveEvent, Situation } from './situations.ts';
import { transitionsTaken } from './watch/watched-workflow.ts';

/** A state that a run can be in, for all the states that go on alike. */
export interface GraphNode {
  readonly id: number;
  /** One of them. Undefined before the start. */
  readonly state: RunState | undefined;
  /** Time in that state, in milliseconds since the epoch; it passes when a timer fires, and up to it when something comes late. */
  readonly now: number;
  readonly view: StateView;
  /** All of the state but its context: states at one place can get the same messages. */
  readonly place: string;
  /** The values of what is still read, in short, as far as guards read them together. */
  readonly parts: readonly string[];
  /** Edges that lead on from here. */
  readonly out: readonly GraphEdge[];
  /** False if the budget was spent before it was gone on from. */
  readonly explored: boolean;
}

export interface GraphEdge {
  readonly id: number;
  readonly from: GraphNode;
  readonly to: GraphNode;
  readonly move: Move;
  /** Ids of the machine's transitions, in the order in which they were taken. */
  readonly transitions: readonly string[];
  readonly advanced: Advanced;
  /** Further outputs of the same actor, or payloads of the same event, that lead along the same transitions to the same node. */
  readonly alike: readonly Move[];
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly start: GraphNode;
  /** How each guard answered, by the transition that it guards. */
  readonly guards: readonly GuardSeen[];
  /** Places in schemas that no value was found for. */
  readonly lacking: readonly string[];
  /** How often `advance` was called, and how often the graph was explored. */
  readonly advances: number;
  readonly rounds: number;
  /** Nodes that were not gone on from. 0: the graph is whole. */
  readonly leftOut: number;
  /** Those of them that would have been gone on from, had the budget not been spent, and had it not been enough. */
  readonly cut: number;
  /** False if it was given up to look for what else decides in which way a state goes on: some may be taken as one wrongly. */
  readonly settled: boolean;
  /** If it was cut or is not settled: what of the context has the most values, and so makes the most nodes. */
  readonly growing: readonly GrowingField[];
  /** Of the states that the workflow's `fold` takes as one, those that were seen to go on otherwise: one pair for each place. */
  readonly unlike: readonly UnlikeStates[];
}

export interface UnlikeStates {
  /** The state's value. */
  readonly value: unknown;
  /** On what they go on otherwise. */
  readonly move: Move;
}

/** A part of the context that the route reads, and how many values of it there are in one state. */
export interface GrowingField {
  /** The state's value. */
  readonly value: unknown;
  /** `attempts`, `parts.0.text`; empty for the context as a whole. */
  readonly field: string;
  readonly values: number;
}

export interface Exploration {
  readonly found: Found;
  /** Situations that were not gone on from. */
  readonly left: ReadonlySet<Situation>;
  keyOf(at: Situation): string;
  partsOf(at: Situation): readonly string[];
  follow(at: Situation, event: MoveEvent): Led;
}

type Counts = Pick<
  Graph,
  'guards' | 'lacking' | 'advances' | 'rounds' | 'cut' | 'settled' | 'growing' | 'unlike'
>;

export function graphOf({ found, left, keyOf, partsOf, follow }: Exploration, counts: Counts): Graph {
  const nodes = new Map<string, GraphNode & { readonly out: GraphEdge[] }>();
  for (const [key, { state: at }] of found) {
    const { state, now, view, control: place } = at;
    const explored = !left.has(at);
    nodes.set(key, { id: nodes.size, state, now, view, place, parts: partsOf(at), out: [], explored });
  }
  const nodeAt = (at: Situation) => nodes.get(keyOf(at)) as GraphNode & { readonly out: GraphEdge[] };
  const edges: GraphEdge[] = [];
  for (const [, { state: at, transitions: moves }] of found) {
    const from = nodeAt(at);
    const alike = new Map<string, Move[]>();
    for (const { event } of Object.values(moves)) {
      const led = follow(at, event);
      if (!led.advanced) continue;
      const { move } = event;
      const to = nodeAt(led.to);
      const transitions = transitionsTaken(led.advanced?.actions);
      const name = 'path' in move ? move.path : move.name;
      const late = 'late' in move ? 'late' : '';
      const way = [move.type, name, 'error' in move ? move.label : '', late, to.id, ...transitions].join(' ');
      const others = alike.get(way);
      if (others) {
        others.push(move);
        continue;
      }
      const edge = { id: edges.length, from, to, move, transitions, advanced: led.advanced, alike: [] };
      alike.set(way, edge.alike);
      edges.push(edge);
      from.out.push(edge);
    }
  }
  const all = [...nodes.values()];
  return { nodes: all, edges, start: all[0] as GraphNode, leftOut: left.size, ...counts };
}
