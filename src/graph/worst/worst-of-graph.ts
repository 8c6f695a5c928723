/** What a run can take at most, found on the graph of all that the workflow can do. */
import type { WorkflowRef } from '../../invocation.ts';
import { listPrices, type PriceTable } from '../../prices.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { placeName } from '../checks/place-name.ts';
import { explore, type ExploreOptions } from '../explore.ts';
import type { Graph, GraphNode } from '../graph.ts';
import type { Route } from '../paths/routes.ts';
import { type ActorCosts, createActorCosts, createNotes, type Notes } from './actor-costs.ts';
import { costedGraph } from './costed-graph.ts';
import { dearestWays } from './dearest-ways.ts';
import { type Figures, figuresOf, type Measure, most, sums, unboundedFigures } from './figures.ts';
import { likened } from './likened.ts';
import { type Chain, longestChain } from './longest-chain.ts';
import { createIsWaiting, longestTimes } from './longest-times.ts';
import { roundsOf } from './rounds.ts';
import { type Ways, waysOf } from './ways.ts';

export interface WorstCaseOptions extends ExploreOptions {
  /** What models cost. Default: `listPrices`. */
  readonly prices?: PriceTable;
}

export interface WorstOfGraph {
  readonly run: Figures;
  /** What of it has a bound: without the events of `rounds`, and without waiting for what nothing bounds. */
  readonly bounded: Figures;
  /** Events from outside that begin work each time they come, and that nothing keeps from coming again. */
  readonly rounds: readonly WorstRound[];
  /** Loops that a run can go round by itself, working. */
  readonly loops: readonly Route[];
  /** From each state value on, in the order in which runs first come there. */
  places(): readonly WorstFromPlace[];
  /** Nodes that were not gone on from: what comes after them is not counted. */
  readonly leftOut: number;
  readonly notes: Notes;
  readonly costs: ActorCosts;
  /** A way on which most comes together. */
  dearest(measure: Measure): Route;
  chain(): Chain;
}

export interface WorstRound {
  readonly event: string;
  /** The most that each of them can add. */
  readonly each: Figures;
  /** Once round, with the event first. */
  readonly loop: Route;
}

export interface WorstFromPlace {
  /** The state's value, as people write it. */
  readonly place: string;
  readonly worst: Figures;
  readonly bounded: Figures;
  /** A way on from there on which most money, or without prices most calls, comes together. */
  readonly dearest: Route;
}

/** What the runs of other workflows take, each explored once. `above`: those that this one is started by. */
interface Family {
  readonly known: Map<AnyWorkflow, Figures>;
  readonly above: readonly string[];
}

export function worstOfGraph(
  workflow: AnyWorkflow,
  explored: Graph,
  options: WorstCaseOptions = {},
  family: Family = { known: new Map(), above: [] },
): WorstOfGraph {
  const notes = createNotes();
  const { graph, likened: alike, loose } = likened(explored);
  if (alike > 0) {
    notes.assumes.add(
      `${alike} of ${explored.nodes.length} states go on as the most similar of those at the same place that were looked at`,
    );
  }
  const { prices = listPrices } = options;
  const ofRun = (src: string, child: WorkflowRef): Figures =>
    worstOfChild(src, child, options, { ...family, above: [...family.above, workflow.ref] }, notes);
  const costs = createActorCosts(workflow, prices, ofRun, notes);
  const costed = costedGraph(workflow, graph, costs);
  const isWaiting = createIsWaiting(workflow);

  const measured = (ways: Ways, how: { readonly bounded: boolean }) => {
    const times = {
      timeMs: longestTimes(ways, costed, 'timeMs', isWaiting, how),
      elapsedMs: longestTimes(ways, costed, 'elapsedMs', isWaiting, how),
    };
    const dearest = new Map(
      sums.map((measure) => [measure, dearestWays(ways, (edge) => costed.weightOf(edge)[measure])]),
    );
    return {
      from: (nodes: readonly GraphNode[]): Figures =>
        figuresOf((measure) =>
          measure === 'timeMs' || measure === 'elapsedMs'
            ? times[measure].from(nodes)
            : Math.max(0, ...nodes.map((node) => dearest.get(measure)?.from(node) ?? 0)),
        ),
      route(nodes: readonly GraphNode[], measure: Measure): Route {
        if (measure === 'timeMs' || measure === 'elapsedMs') return times[measure].route(nodes);
        const ways = dearest.get(measure);
        const [first] = nodes.toSorted((one, other) => (ways?.from(other) ?? 0) - (ways?.from(one) ?? 0));
        return first ? (ways?.route(first) ?? []) : [];
      },
    };
  };

  const all = waysOf(graph);
  const rounds = roundsOf(
    graph,
    all,
    (edge) => sums.some((measure) => costed.weightOf(edge)[measure] > 0),
    (ways, part) => longestTimes(ways, costed, 'timeMs', isWaiting).endless(part),
  );
  const inAll = measured(all, { bounded: false });
  const without = measured(rounds.without, { bounded: true });
  const run = inAll.from([graph.start]);
  const costliest: Measure = run.usd > 0 ? 'usd' : 'modelCalls';

  let places: readonly WorstFromPlace[] | undefined;
  let chain: Chain | undefined;
  return {
    run,
    bounded: without.from([graph.start]),
    rounds: [...rounds.byEvent].map(([event, loop]) => {
      const begin = rounds.begin.filter(({ move }) => move.name === event);
      const ofEdge = most(begin.map((edge) => costed.weightOf(edge)));
      const after = without.from(begin.map(({ to }) => to));
      return { event, loop, each: figuresOf((measure) => ofEdge[measure] + after[measure]) };
    }),
    loops: rounds.byItself,
    places() {
      places ??= [...nodesByPlace(graph)].map(([place, nodes]) => {
        const route = without.route(nodes, costliest);
        return { place, worst: inAll.from(nodes), bounded: without.from(nodes), dearest: route };
      });
      return places;
    },
    leftOut: loose + explored.cut,
    notes,
    costs,
    dearest: (measure) => inAll.route([graph.start], measure),
    chain: () => (chain ??= longestChain(workflow, explored)),
  };
}

/** Where something may still come. */
function nodesByPlace({ nodes }: Graph): Map<string, GraphNode[]> {
  const places = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    if (node.state?.snapshot.status !== 'active') continue;
    const place = placeName(node.state.snapshot.value);
    const known = places.get(place);
    if (known) known.push(node);
    else places.set(place, [node]);
  }
  return places;
}

/** A child run is within its own budget, which is enforced; it is told of with what its examples lead to. */
function worstOfChild(
  src: string,
  child: WorkflowRef,
  options: WorstCaseOptions,
  family: Family,
  notes: Notes,
): Figures {
  const ref = `${child.name}@${child.version}`;
  if (!isWorkflow(child)) {
    notes.silent.add(src);
    return unboundedFigures;
  }
  if (family.above.includes(child.ref)) {
    notes.recursive.add(ref);
    return unboundedFigures;
  }
  notes.assumes.add(`runs of ${child.name} begin as in its examples`);
  const known = family.known.get(child);
  if (known) return known;
  const { examples: _, ...rest } = options;
  const { run, notes: itsNotes, leftOut } = worstOfGraph(child, explore(child, rest), options, family);
  for (const name of itsNotes.silent) notes.silent.add(`${src}/${name}`);
  for (const name of itsNotes.untimed) notes.untimed.add(`${src}/${name}`);
  for (const [model, actors] of itsNotes.unpriced) {
    const known = notes.unpriced.get(model) ?? new Set();
    notes.unpriced.set(model, known);
    for (const actor of actors) known.add(`${src}/${actor}`);
  }
  for (const name of itsNotes.recursive) notes.recursive.add(name);
  for (const what of itsNotes.assumes) notes.assumes.add(what);
  if (leftOut > 0 || itsNotes.incomplete.size > 0) notes.incomplete.add(ref);
  const { tokens = Infinity, usd = Infinity } = child.budget ?? {};
  const figures = { ...run, tokens: Math.min(run.tokens, tokens), usd: Math.min(run.usd, usd) };
  family.known.set(child, figures);
  return figures;
}

function isWorkflow(ref: WorkflowRef): ref is AnyWorkflow {
  return 'machine' in ref && 'ref' in ref;
}
