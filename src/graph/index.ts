/** What a workflow can do, before it does it: `signalbox/graph`. */
export { check, type CheckReport, type Finding, rules } from './checks/check.ts';
export type { CheckOptions, Rule, Severity } from './checks/rule.ts';
export { explore, type ExploreFromOptions, type ExploreOptions } from './explore.ts';
export type { Graph, GraphEdge, GraphNode } from './graph.ts';
export type { Move } from './moves.ts';
export type { GuardSeen, StartingPoint } from './situations.ts';
export {
  type Coverage,
  type Criterion,
  type GraphSummary,
  paths,
  type Paths,
  type PathsOptions,
} from './paths/paths.ts';
export type { Path, PathStep } from './paths/path.ts';
export { type Race, races, type Races } from './races/races.ts';
export type { Evidence, EvidenceItem, LineId, Problem, PromotionLine } from './promotion/line.ts';
export { promotion, type Promotion, type PromotionOptions } from './promotion/promotion.ts';
export type { RecordedRun } from './promotion/recorded-runs.ts';
export { randomPaths, type RandomPaths, type RandomPathsOptions } from './paths/random-paths.ts';
export { type TransitionSpec, transitionsOf } from './transitions.ts';
export type { Acceptance } from './why/acceptance.ts';
export type { Block } from './why/blocks.ts';
export type { Mover, Way, WayStep } from './why/find-way.ts';
export type { GuardAnswer } from './why/guard-answers.ts';
export { recordedExample } from './why/recorded-example.ts';
export { why, type WhyStep } from './why/why.ts';
export { type AskedEvent, whyNot, type WhyNot, type WhyNotOptions } from './why/why-not.ts';
export type { Figures, Measure } from './worst/figures.ts';
export { type PlaceReport, worstCase, type WorstCaseReport } from './worst/worst-case.ts';
export type { WorstCaseOptions } from './worst/worst-of-graph.ts';
