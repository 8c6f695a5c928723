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
  type PathStep,
} from './paths/paths.ts';
export { type TransitionSpec, transitionsOf } from './transitions.ts';
