/** What a rule of `check` is, what it looks at, and what it finds. */
import type { AnyStateMachine } from 'xstate';

import type { PriceTable } from '../../prices.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import type { ExploreOptions } from '../explore.ts';
import type { Graph } from '../graph.ts';
import type { Route, Routes } from '../paths/routes.ts';
import type { Figures } from '../worst/figures.ts';
import type { WorstOfGraph } from '../worst/worst-of-graph.ts';

/** `error`: a run can go wrong. `warning`: somebody should look at it. `info`: good to know. */
export type Severity = 'error' | 'warning' | 'info';

export interface Rule {
  /** In kebab-case, for ever: it stands in lists of what was accepted. */
  readonly id: string;
  readonly severity: Severity;
  /** What is wrong in general, and why it matters: two sentences at most. */
  readonly explains: string;
  /** What to do about it. */
  readonly fix: string;
  /**
   * What it finds may be owed to an answer that was only guessed, because nothing is known of the actor's: an error is then a
   * warning. Default: it holds whatever the answers are.
   */
  readonly mayBeGuessed?: boolean;
  find(subject: Subject): Iterable<Found>;
}

export interface Found {
  /** Where it is: a state, a transition's id, an actor's `src` and what is put into it. Empty for the workflow as a whole. */
  readonly where: string;
  /** What is wrong there, as a sentence. */
  readonly message: string;
  /** A route that shows it. */
  readonly witness?: Route;
  /** Where it is less certain, or does less harm, than what the rule finds elsewhere. Default: the rule's. */
  readonly severity?: Severity;
}

export interface CheckOptions extends ExploreOptions {
  /** What models cost. Default: `listPrices`. */
  readonly prices?: PriceTable;
  /** What a run may take at most. What it does not name is as in the workflow's `budget`. */
  readonly within?: Partial<Figures>;
  /** How often a model's answer is right, from 0 to 1, for the reliability of chains of them. */
  readonly stepReliability?: number;
}

export interface Subject {
  readonly workflow: AnyWorkflow;
  readonly options: CheckOptions;
  readonly machine: AnyStateMachine;
  readonly graph: Graph;
  readonly routes: Routes;
  /** What a run can take at most: found out when it is first asked for. */
  readonly worst: WorstOfGraph;
}
