/** What a workflow can do, before it does it: `signalbox/graph`. */
export { explore, type ExploreOptions } from './explore.ts';
export type { Graph, GraphEdge, GraphNode, GuardSeen } from './graph.ts';
export type { Move } from './moves.ts';
export {
  type Coverage,
  type Criterion,
  type GraphSummary,
  type Path,
  paths,
  type Paths,
  type PathsOptions,
} from './paths/paths.ts';
export type { PathStep } from './paths/fold-path.ts';
export { type TransitionSpec, transitionsOf } from './transitions.ts';
