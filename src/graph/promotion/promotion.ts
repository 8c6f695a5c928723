/**
 * The promotion check: a document in which each line is answered by the machine and by the runs on record, for somebody who
 * is to sign that it may run in production.
 *
 * I1. Nothing is performed, and no store is touched: the runs are given as data.
 * I2. The graph is explored once, for all lines and for `check`.
 */
import type { AnyStateMachine } from 'xstate';

import type { AnyWorkflow } from '../../workflow.ts';
import { checkGraph } from '../checks/check.ts';
import type { CheckOptions } from '../checks/rule.ts';
import { explore } from '../explore.ts';
import { createRoutes } from '../paths/routes.ts';
import { effects } from './effects.ts';
import { findings } from './findings.ts';
import { flowchart } from './flowchart.ts';
import { gates } from './gates.ts';
import { inputs } from './inputs.ts';
import { irreversible } from './irreversible.ts';
import type { PromotionLine } from './line.ts';
import { ownership } from './ownership.ts';
import { performedIn } from './performed.ts';
import { type RecordedRun, sortRuns } from './recorded-runs.ts';
import { rung } from './rung.ts';
import type { PromotionSubject } from './subject.ts';

export interface PromotionOptions extends CheckOptions {
  /** Runs count although stand-ins or recordings gave the answers of models. Default: false. */
  readonly countStandIns?: boolean;
}

export interface Promotion {
  /** `name@version` of the workflow. */
  readonly workflow: string;
  readonly title?: string;
  readonly owner?: string;
  /** `fails` if a line fails. */
  readonly verdict: 'passes' | 'fails';
  readonly lines: readonly PromotionLine[];
  /** How many runs on record there were of the workflow, those that do not count included. */
  readonly runs: number;
  readonly graph: { readonly nodes: number; readonly edges: number; readonly cut: number };
}

const lines: ReadonlyArray<(subject: PromotionSubject) => PromotionLine> = [
  flowchart,
  rung,
  inputs,
  effects,
  gates,
  irreversible,
  findings,
  ownership,
];

/**
 * Fills the promotion check of a workflow. `runs` are those on record; of other workflows they are left out.
 *
 * Throws `InvalidOption` for an option, example or accepted rule that is not as described.
 *
 * @example
 * ```ts
 * const history = await engine.run('T-5').history();
 * const { verdict, lines } = promotion(supportTicket, [{ ...summary, history }]);
 * for (const { asks, verdict, problems } of lines) console.log(asks, verdict, problems.map(({ fix }) => fix));
 * ```
 */
export function promotion(
  workflow: AnyWorkflow,
  runs: readonly RecordedRun[],
  options: PromotionOptions = {},
): Promotion {
  const { countStandIns = false, ...checking } = options;
  const graph = explore(workflow, checking);
  const sorted = sortRuns(workflow, runs);
  const subject: PromotionSubject = {
    workflow,
    machine: workflow.machine as AnyStateMachine,
    graph,
    routes: createRoutes(graph),
    report: checkGraph(workflow, graph, checking),
    performed: performedIn(workflow, graph),
    runs: sorted,
    countStandIns,
  };
  const answered = lines.map((line) => line(subject));
  const { title, owner } = workflow;
  return {
    workflow: workflow.ref,
    ...(title === undefined ? {} : { title }),
    ...(owner === undefined ? {} : { owner }),
    verdict: answered.some(({ verdict }) => verdict === 'fails') ? 'fails' : 'passes',
    lines: answered,
    runs: sorted.fitting.length + sorted.misfit.length + sorted.otherVersions.length,
    graph: { nodes: graph.nodes.length, edges: graph.edges.length, cut: graph.cut },
  };
}
