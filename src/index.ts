/** What a user imports from `signalbox`. */
export * from './actors/index.ts';
export type { Clock } from './engine/clock.ts';
export {
  createEngine,
  type Engine,
  type EngineOptions,
  type ListOptions,
  type StartArguments,
  type StartOptions,
  type StopOptions,
} from './engine/engine.ts';
export type {
  ActionFailedEntry,
  AttemptEntry,
  DiscardedEntry,
  HistoryEntry,
  KeptEntry,
  MessageEntry,
  RefusedEntry,
} from './engine/history.ts';
export type {
  DurableActor,
  DurableLogic,
  Exchange,
  InvocationScope,
  TokenUsage,
} from './engine/invocation.ts';
export type { RunHandle, SendOptions, SnapshotCondition, WaitOptions } from './engine/run-handle.ts';
export type { AcceptedEvent, RunSnapshot } from './engine/run-snapshot.ts';
export { advance, type StateQuestion } from './engine/advance.ts';
export type { Advanced, Invocation, Message, RunState, Timer } from './engine/run-state.ts';
export * from './errors.ts';
export { type Gate, gate, type GateArgs, type Judge, type Judgement } from './gates/gate.ts';
export { person, type PersonQuestion, type PersonState } from './gates/person.ts';
export type { Verdict } from './gates/verdict.ts';
export {
  type AnyWorkflow,
  defineWorkflow,
  type EventSchemas,
  type Workflow,
  type WorkflowDefinition,
  type WorkflowExample,
} from './workflow.ts';
