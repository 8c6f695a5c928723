/** What the lines of the promotion check look at. */
import type { AnyStateMachine } from 'xstate';

import type { AnyWorkflow } from '../../workflow.ts';
import type { CheckReport, Finding } from '../checks/check.ts';
import type { Graph } from '../graph.ts';
import type { Routes } from '../paths/routes.ts';
import type { Problem } from './line.ts';
import type { Performed } from './performed.ts';
import type { SortedRuns } from './recorded-runs.ts';

export interface PromotionSubject {
  readonly workflow: AnyWorkflow;
  readonly machine: AnyStateMachine;
  readonly graph: Graph;
  readonly routes: Routes;
  readonly report: CheckReport;
  readonly performed: readonly Performed[];
  readonly runs: SortedRuns;
  readonly countStandIns: boolean;
}

/** What `check` found by one of these rules and nobody has accepted. */
export function foundBy({ report }: PromotionSubject, rules: readonly string[]): readonly Finding[] {
  return report.findings.filter(({ rule }) => rules.includes(rule));
}

export function problemOf({ where, message, fix, witness }: Finding): Problem {
  return { where, what: message, fix, ...(witness ? { path: witness.name || '(at the start)' } : {}) };
}
