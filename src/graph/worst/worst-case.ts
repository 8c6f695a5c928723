/** `worstCase`: what a run can take at most, known before it runs. */
import { InvalidOption } from '../../errors.ts';
import { priceTable } from '../../prices.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { explore } from '../explore.ts';
import type { Graph } from '../graph.ts';
import { createPathFolder } from '../paths/fold-path.ts';
import type { Path } from '../paths/path.ts';
import { nameOfPath, nameOfStep } from '../paths/path-name.ts';
import { createRoutes, type Route, type Routes } from '../paths/routes.ts';
import type { Figures } from './figures.ts';
import { type WorstCaseOptions, type WorstOfGraph, worstOfGraph } from './worst-of-graph.ts';

export interface WorstCaseReport {
  /** From the start on. */
  readonly run: Figures;
  /**
   * What of it has a bound: as `run`, if none of the events of `rounds` comes again, and without the time that is waited for
   * what nothing bounds: an actor of `untimed`, or a person where there is no timer. Still `Infinity` for `loops`.
   */
  readonly bounded: Figures;
  /** A path on which most money comes together, or without prices most calls. */
  readonly dearest: Path;
  /**
   * Events from outside that begin work each time they come, and that nothing keeps from coming again: with `n` of them in
   * all, a run takes no more than `bounded` and for each of them `each`.
   */
  readonly rounds: ReadonlyArray<{
    readonly event: string;
    readonly each: Figures;
    /** To the loop, and once round. */
    readonly path: Path;
  }>;
  /** Loops that a run can go round by itself, working. */
  readonly loops: readonly Path[];
  /** From each state value on, in the order in which runs first come there. */
  readonly places: readonly PlaceReport[];
  /** False if there are states that were not gone on from: what comes after them is not counted. */
  readonly complete: boolean;
  /** Actors (`src`) that say nothing of what they take: their time has no bound, and nothing else of theirs is counted. */
  readonly silent: readonly string[];
  /** Actors whose time has no bound, the silent ones included. Only a timer of the machine's ends it. */
  readonly untimed: readonly string[];
  /** Models without a price: what they cost is not counted. */
  readonly unpriced: readonly string[];
  /** Workflows that start runs of themselves. */
  readonly recursive: readonly string[];
  /** What the figures rest on and nothing enforces. */
  readonly assumes: readonly string[];
  /** The most answers that may each be wrong, one after the other, without a person or a failure in between. */
  readonly chain: {
    readonly actors: readonly string[];
    /** Those of them that a gate judged as they answered. */
    readonly judged: readonly string[];
  };
}

export interface PlaceReport {
  /** The state's value, as people write it: `asking`, `paying.waiting`. */
  readonly place: string;
  readonly worst: Figures;
  readonly bounded: Figures;
  /** The names of the steps from there on, on which most comes together. */
  readonly dearest: string;
}

/**
 * The worst case of a run, and from each state on: model calls, tokens, money and time, each by itself. Nothing is
 * performed; actors say what an invocation can take (`fromModel` and the others do), and the graph of all that the workflow
 * can do says which come together. `Infinity` where nothing sets a bound.
 *
 * Model calls, tokens and money count when an invocation is started, whether or not its answer is waited for. Time: an answer
 * comes at the latest when its actor says, and never later than the first timer that is armed. Work in parallel is not added
 * up; where regions that work in parallel meet again, the time may be an upper bound only (see longest-times.ts).
 *
 * Each figure is a bound over the messages that were derived from schemas and examples, and for the inputs that these lead to.
 * Where different answers lead the same way, the dearest input counts. What is performed again after a crash is not counted,
 * nor what a provider asks to wait.
 *
 * Throws `InvalidOption` for an option or example that is not as described.
 *
 * @example
 * ```ts
 * const { run, places } = worstCase(supportTicket);
 * console.log(`at most $${run.usd} and ${run.timeMs} ms`);
 * for (const { place, worst } of places) console.log(place, worst.usd);
 * ```
 */
export function worstCase(workflow: AnyWorkflow, options: WorstCaseOptions = {}): WorstCaseReport {
  assertPrices(options);
  const graph = explore(workflow, options);
  return worstReport(workflow, graph, createRoutes(graph), worstOfGraph(workflow, graph, options));
}

/** Throws `InvalidOption` if there is a price table, and it is none. */
export function assertPrices({ prices }: WorstCaseOptions): void {
  if (prices !== undefined) priceTable(prices);
}

export function worstReport(
  workflow: AnyWorkflow,
  graph: Graph,
  routes: Routes,
  worst: WorstOfGraph,
): WorstCaseReport {
  const fold = createPathFolder(workflow, routes, graph.start.now, { goesOn: false });
  const pathOf = (route: Route): Path => {
    const [first] = route;
    const steps = first ? fold([...routes.to(first.from), ...route]) : [];
    return { name: nameOfPath(steps.map(({ name }) => name)), steps };
  };
  const { run, bounded, notes } = worst;
  const { actors, judged } = worst.chain();
  let places: readonly PlaceReport[] | undefined;
  return {
    run,
    bounded,
    dearest: pathOf(worst.dearest(run.usd > 0 ? 'usd' : 'modelCalls')),
    rounds: worst.rounds.map(({ event, each, loop }) => ({ event, each, path: pathOf(loop) })),
    loops: worst.loops.map(pathOf),
    // Looked at by those only who ask for it: it is as much work again for each state.
    get places() {
      return (places ??= worst.places().map(({ dearest, ...place }) => ({
        ...place,
        dearest: nameOfPath(dearest.map(({ move, advanced }) => nameOfStep(move, advanced.verdicts))),
      })));
    },
    complete: worst.leftOut === 0 && notes.incomplete.size === 0,
    silent: [...notes.silent],
    untimed: [...notes.untimed],
    unpriced: [...notes.unpriced.keys()],
    recursive: [...notes.recursive],
    assumes: [...notes.assumes],
    chain: { actors, judged },
  };
}

/** Throws `InvalidOption` for bounds that are no amounts, or a rate that is none. */
export function assertBounds(
  within: Readonly<Record<string, unknown>> | undefined,
  stepReliability: number | undefined,
): void {
  for (const [measure, bound] of Object.entries(within ?? {})) {
    if (typeof bound === 'number' && bound >= 0) continue;
    throw new InvalidOption(
      `Expected \`within.${measure}\` to be a number from 0, got \`${String(bound)}\`. Leave it out for no bound.`,
    );
  }
  if (stepReliability === undefined || (stepReliability >= 0 && stepReliability <= 1)) return;
  throw new InvalidOption(
    `Expected \`stepReliability\` to be a number from 0 to 1, such as \`0.97\`, got \`${stepReliability}\`.`,
  );
}
