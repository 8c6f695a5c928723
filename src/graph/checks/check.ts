/**
 * `check`: what is wrong with a workflow, before it runs: rules over the graph of all that it can do.
 */
import type { AnyStateMachine } from 'xstate';

import { InvalidOption } from '../../errors.ts';
import type { AcceptedFinding, AnyWorkflow } from '../../workflow.ts';
import { explore } from '../explore.ts';
import type { Graph } from '../graph.ts';
import { createPathFolder } from '../paths/fold-path.ts';
import type { Path } from '../paths/path.ts';
import { nameOfPath } from '../paths/path-name.ts';
import { createRoutes, type Route } from '../paths/routes.ts';
import { assertBounds, assertPrices, worstReport, type WorstCaseReport } from '../worst/worst-case.ts';
import { type WorstOfGraph, worstOfGraph } from '../worst/worst-of-graph.ts';
import type { CheckOptions, Rule, Severity, Subject } from './rule.ts';
import { answerNotTaken } from './rules/answer-not-taken.ts';
import { noIdempotencyKey } from './rules/effects.ts';
import { foldedUnlike } from './rules/folded-unlike.ts';
import { joinNeverDone } from './rules/join-never-done.ts';
import { longChain } from './rules/long-chain.ts';
import { lostEffect } from './rules/lost-effect.ts';
import { transitionNeverTaken, unreachableState } from './rules/never-reached.ts';
import { noTimer } from './rules/no-timer.ts';
import { noTimeout } from './rules/no-timeout.ts';
import { noWayOut } from './rules/no-way-out.ts';
import { notCompensated } from './rules/not-compensated.ts';
import { notExplored } from './rules/not-explored.ts';
import { overBudget } from './rules/over-budget.ts';
import { race } from './rules/race.ts';
import { failureNotHandled, runFails } from './rules/run-fails.ts';
import { noOwner, personAtEveryStep, tooManyStates } from './rules/shape.ts';
import { ungatedEffect } from './rules/ungated-effect.ts';
import { unboundedLoop } from './rules/unbounded-loop.ts';
import { uncheckedOutput } from './rules/unchecked-output.ts';
import { unknownAnswer } from './rules/unknown-answer.ts';
import { unpricedModel } from './rules/unpriced-model.ts';

/** All rules, those that tell of the worst first. */
export const rules: readonly Rule[] = [
  ungatedEffect,
  lostEffect,
  notCompensated,
  noIdempotencyKey,
  runFails,
  noWayOut,
  answerNotTaken,
  joinNeverDone,
  unboundedLoop,
  race,
  foldedUnlike,
  failureNotHandled,
  notExplored,
  uncheckedOutput,
  unknownAnswer,
  unreachableState,
  transitionNeverTaken,
  noTimer,
  noTimeout,
  overBudget,
  unpricedModel,
  longChain,
  personAtEveryStep,
  tooManyStates,
  noOwner,
];

export interface Finding {
  /** The rule's id. */
  readonly rule: string;
  readonly severity: Severity;
  /** A state, a transition's id or an actor's `src`; empty for the workflow as a whole. */
  readonly where: string;
  readonly message: string;
  /** Why it matters, and what to do. */
  readonly explains: string;
  readonly fix: string;
  /** The shortest path that shows it. */
  readonly witness?: Path;
}

export interface CheckReport {
  /** `name@version` of the workflow. */
  readonly workflow: string;
  /** What nobody has accepted, errors first. */
  readonly findings: readonly Finding[];
  /** What is meant, each with the reason. */
  readonly accepted: ReadonlyArray<Finding & { readonly reason: string }>;
  /** Entries of `accepted` in the workflow that nothing is found for any more. */
  readonly stale: readonly AcceptedFinding[];
  readonly graph: {
    readonly nodes: number;
    readonly edges: number;
    /** Nodes that were not gone on from. */
    readonly leftOut: number;
    /** Those of them that were left out because the budget was spent. If there are any, more may be wrong than was found. */
    readonly cut: number;
  };
  /** What a run can take at most. */
  readonly worst: WorstCaseReport;
}

/**
 * Nothing is performed. Throws `InvalidOption` for an option, example or accepted rule that is not as described.
 *
 * @example
 * ```ts
 * const { findings } = check(supportTicket);
 * for (const { severity, rule, message, witness } of findings) console.log(severity, rule, message, witness?.name);
 * ```
 */
export function check(workflow: AnyWorkflow, options: CheckOptions = {}): CheckReport {
  return checkGraph(workflow, explore(workflow, options), options);
}

/** The same of a graph that was explored before, with these options. */
export function checkGraph(workflow: AnyWorkflow, graph: Graph, options: CheckOptions = {}): CheckReport {
  const accepted = workflow.accepted ?? [];
  assertAccepted(workflow.ref, accepted);
  assertPrices(options);
  assertBounds(options.within, options.stepReliability);
  const subject = subjectOf(workflow, graph, options);
  const all = findingsOf(subject);
  const reasons = new Map(all.map((finding) => [finding, accepted.find((one) => isFor(one, finding))]));
  return {
    workflow: workflow.ref,
    findings: all.filter((finding) => !reasons.get(finding)),
    accepted: all.flatMap((finding) => {
      const reason = reasons.get(finding)?.reason;
      return reason === undefined ? [] : [{ ...finding, reason }];
    }),
    stale: accepted.filter((one) => !all.some((finding) => isFor(one, finding))),
    graph: { nodes: graph.nodes.length, edges: graph.edges.length, leftOut: graph.leftOut, cut: graph.cut },
    worst: worstReport(workflow, graph, subject.routes, subject.worst),
  };
}

function subjectOf(workflow: AnyWorkflow, graph: Graph, options: CheckOptions): Subject {
  let worst: WorstOfGraph | undefined;
  return {
    workflow,
    options,
    machine: workflow.machine as AnyStateMachine,
    graph,
    routes: createRoutes(graph),
    get worst() {
      return (worst ??= worstOfGraph(workflow, graph, options));
    },
  };
}

/** What of it is an error that nobody has accepted, by the rules that tell of errors alone. */
export function errorsOf(workflow: AnyWorkflow, options: CheckOptions = {}): readonly Finding[] {
  const accepted = workflow.accepted ?? [];
  assertAccepted(workflow.ref, accepted);
  const subject = subjectOf(workflow, explore(workflow, options), options);
  const found = findingsOf(
    subject,
    rules.filter(({ severity }) => severity === 'error'),
  );
  return found.filter(
    (finding) => finding.severity === 'error' && !accepted.some((one) => isFor(one, finding)),
  );
}

function findingsOf(subject: Subject, asked: readonly Rule[] = rules): Finding[] {
  const { workflow, graph, routes } = subject;
  const fold = createPathFolder(workflow, routes, graph.start.now, { goesOn: false });
  const findings = asked.flatMap(({ id: rule, explains, fix, find, ...rest }) =>
    [...find(subject)].map(({ witness: route, where, message, severity: own = rest.severity }): Finding => {
      const guesses = rest.mayBeGuessed ? guessedOn(route) : [];
      const guessed = guesses.length > 0 ? ` What ${guesses.join(', ')} answered was only guessed.` : '';
      const severity = guessed && own === 'error' ? 'warning' : own;
      const found = { rule, severity, where, message: message + guessed, explains, fix };
      if (!route) return found;
      const steps = fold(route);
      return { ...found, witness: { name: nameOfPath(steps.map(({ name }) => name)), steps } };
    }),
  );
  const order: readonly Severity[] = ['error', 'warning', 'info'];
  return findings.sort((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity));
}

/** Actors on the way of which nothing is known, so that their answers were made up. */
function guessedOn(route: Route = []): string[] {
  const names = route.flatMap(({ move }) =>
    move.type === 'answer' && 'guessed' in move ? [`\`${move.name}\``] : [],
  );
  return [...new Set(names)];
}

function isFor({ rule, where }: AcceptedFinding, finding: Finding): boolean {
  return rule === finding.rule && (where === undefined || where === finding.where);
}

function assertAccepted(ref: string, accepted: readonly AcceptedFinding[]): void {
  for (const { rule, reason } of accepted) {
    if (!rules.some(({ id }) => id === rule)) {
      throw new InvalidOption(
        `\`accepted\` of \`${ref}\` names the rule \`${rule}\`, which there is not. Expected one of ${rules.map(({ id }) => id).join(', ')}.`,
      );
    }
    if (typeof reason !== 'string' || reason.trim() === '') {
      throw new InvalidOption(
        `\`accepted\` of \`${ref}\` gives no reason for \`${rule}\`. Say why it is right as it is.`,
      );
    }
  }
}
