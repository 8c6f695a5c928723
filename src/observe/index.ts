/** What can be seen of a workflow and its runs: `signalbox/observe`. */
export { coveredBy } from './diagrams/covered-transitions.ts';
export { type JsonObject, toMachineConfig } from './diagrams/machine-config.ts';
export { toMermaid } from './diagrams/mermaid.ts';
export { toDot } from './diagrams/dot.ts';
export { toSvg } from './diagrams/svg.ts';
export type { CoveredTransitions, DrawOptions, Overlay, RunPath } from './diagrams/overlay.ts';
export { pathOfRun, type RunPathOptions } from './diagrams/run-path.ts';
