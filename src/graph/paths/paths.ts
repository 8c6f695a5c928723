/**
 * `paths`: ways through a workflow that together cover all of it that a criterion asks for.
 *
 * Each is a list of messages from the start to an end of the run, folded over `advance` once more as it is given out: what
 * its steps tell is what came of it.
 */
import type { AnyStateMachine } from 'xstate';

import { InvalidOption } from '../../errors.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { explore, type ExploreOptions } from '../explore.ts';
import type { Graph } from '../graph.ts';
import type { GuardSeen } from '../situations.ts';
import { cover } from './cover.ts';
import { createPathFolder } from './fold-path.ts';
import type { Path, PathStep } from './path.ts';
import { namedPaths } from './path-name.ts';
import { createRoutes, type Route, type Routes } from './routes.ts';
import { primeRoutes, simpleRoutes } from './simple-routes.ts';
import { transitionsOf } from '../transitions.ts';
import { pairTargets, stateTargets, type Targets, transitionTargets } from './targets.ts';

export const criteria = ['states', 'transitions', 'transition-pairs', 'all-simple', 'prime'] as const;
export type Criterion = (typeof criteria)[number];

export interface PathsOptions extends ExploreOptions {
  /**
   * `states` and `transitions` of the machine, `transition-pairs` that follow each other, `all-simple` routes that meet no
   * state twice, `prime` routes, which go round each loop once too. Default: `transitions`.
   */
  readonly cover?: Criterion;
  /** The most paths. Default: 1,000. */
  readonly maxPaths?: number;
}

export interface Paths {
  readonly paths: readonly Path[];
  readonly coverage: Coverage;
  readonly graph: GraphSummary;
}

export interface Coverage {
  readonly criterion: Criterion;
  /** How many of what the criterion asks for the paths cover, and how many there are. */
  readonly covered: number;
  readonly of: number;
  /** What no way was found to. Guards that only ever answered one way often say why; see `stuckGuards`. */
  readonly missing: readonly string[];
  /** What was not covered because `maxPaths` was reached. */
  readonly leftOut: readonly string[];
}

export interface GraphSummary {
  readonly nodes: number;
  readonly edges: number;
  readonly advances: number;
  /** Nodes that were not gone on from, because of `variants` and `maxNodes`. 0: the graph is whole. */
  readonly leftOut: number;
  /** Guards that no outcome tried made answer both ways. Give an example of the one that would. */
  readonly stuckGuards: readonly GuardSeen[];
  /** Places in schemas that no value was found for; `schema.meta({ examples: [...] })` gives one. */
  readonly lacking: readonly string[];
}

/**
 * Throws `InvalidOption` for an option that is not as described.
 *
 * @example
 * ```ts
 * const { paths: found, coverage } = paths(supportTicket, { examples: [{ name: 'charged twice', input: ticket }] });
 * console.log(`${coverage.covered} of ${coverage.of} transitions on ${found.length} paths`);
 * for (const { name } of found) console.log(name);
 * ```
 */
export function paths(workflow: AnyWorkflow, options: PathsOptions = {}): Paths {
  const { cover: criterion = 'transitions', maxPaths = 1_000 } = options;
  if (!criteria.includes(criterion)) {
    throw new InvalidOption(
      `Expected \`cover\` to be one of ${criteria.join(', ')}, got \`${String(criterion)}\`.`,
    );
  }
  if (!Number.isSafeInteger(maxPaths) || maxPaths < 1) {
    throw new InvalidOption(`Expected \`maxPaths\` to be a positive integer, got \`${String(maxPaths)}\`.`);
  }
  const graph = explore(workflow, { ...enough(criterion, workflow), ...options });
  const routes = createRoutes(graph);
  const fold = createPathFolder(workflow, routes, graph.start.now);
  const { steps, coverage } = chosenPaths(criterion, workflow, graph, routes, maxPaths, fold);
  return {
    paths: namedPaths(steps),
    coverage: { criterion, ...coverage },
    graph: {
      nodes: graph.nodes.length,
      edges: graph.edges.length,
      advances: graph.advances,
      leftOut: graph.leftOut,
      stuckGuards: graph.guards.filter(({ passed, failed }) => passed !== failed),
      lacking: graph.lacking,
    },
  };
}

/** From here on a graph is large: if all is covered that is asked for, the rest of it need not be known. */
const large = 1_000;

function enough(criterion: Criterion, { machine }: AnyWorkflow): Pick<ExploreOptions, 'isEnough'> {
  if (criterion !== 'transitions' && criterion !== 'states') return {};
  const all = transitionsOf(machine as AnyStateMachine).length;
  return { isEnough: (taken, nodes) => nodes >= large && taken.size === all };
}

type Fold = (route: Route) => readonly PathStep[];

interface Chosen {
  readonly steps: ReadonlyArray<readonly PathStep[]>;
  readonly coverage: Omit<Coverage, 'criterion'>;
}

function chosenPaths(
  criterion: Criterion,
  { machine }: AnyWorkflow,
  graph: Graph,
  routes: Routes,
  maxPaths: number,
  fold: Fold,
): Chosen {
  const covering = (targets: Targets): Chosen => {
    const { routes: chosen, leftOut } = cover(targets, routes, maxPaths);
    const steps = chosen.map(fold);
    const covered = new Set(steps.flatMap((way) => [...targets.coveredBy(way)]));
    const left = leftOut.filter((target) => !covered.has(target));
    const missing = targets.all.filter((target) => !covered.has(target) && !left.includes(target));
    return {
      steps,
      coverage: {
        covered: targets.all.length - missing.length - left.length,
        of: targets.all.length,
        missing,
        leftOut: left,
      },
    };
  };
  switch (criterion) {
    case 'states':
      return covering(stateTargets(graph, machine as AnyStateMachine));
    case 'transitions':
      return covering(transitionTargets(graph, machine as AnyStateMachine));
    case 'transition-pairs':
      return covering(pairTargets(graph));
    case 'all-simple':
      return listed(simpleRoutes(graph), maxPaths, fold);
    case 'prime':
      return listed(primeRoutes(graph, graph.nodes.length), maxPaths, (route) =>
        fold(routes.through(...route)),
      );
  }
}

/** As many as fit. How many there are in all is not known when there are more. */
function listed(all: Iterable<Route>, maxPaths: number, fold: Fold): Chosen {
  const steps: Array<readonly PathStep[]> = [];
  let leftOut: string[] = [];
  for (const route of all) {
    if (steps.length === maxPaths) {
      leftOut = [`routes beyond the first ${maxPaths}`];
      break;
    }
    steps.push(fold(route));
  }
  const covered = steps.length;
  return { steps, coverage: { covered, of: covered + leftOut.length, missing: [], leftOut } };
}
