/** What a user imports from `signalbox`. */
export * from './actors/index.ts';
export type { Clock } from './engine/clock.ts';
export { createEngine, type EngineOptions } from './create-engine.ts';
export type { Engine } from './engine/engine.ts';
export type {
  ListOptions,
  StartArguments,
  StartOptions,
  StopOptions,
  WorkOptions,
} from './engine/options.ts';
export type { Retention } from './engine/retention.ts';
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
  WorstCase,
  WorstCaseScope,
} from './invocation.ts';
export type { WaitOptions } from './engine/handle/bounded.ts';
export type { CancelOptions } from './engine/handle/cancel-run.ts';
export type { SnapshotCondition } from './engine/handle/condition.ts';
export type { DeleteOptions } from './engine/handle/delete-run.ts';
export type { SendOptions } from './engine/handle/deliver.ts';
export type { RetryOptions } from './engine/handle/retry-run.ts';
export type { HistoryOptions, RunHandle } from './engine/handle/run-handle.ts';
export type { StepsOptions } from './engine/handle/steps.ts';
export type { AcceptedEvent, RunSnapshot } from './engine/run-snapshot.ts';
export { advance } from './engine/advance.ts';
export { type CorrectionCount, correctionRate, type CorrectionRate } from './engine/correction-rate.ts';
export type { Advanced, Invocation, Message, RunState, Timer } from './engine/run-state.ts';
export * from './errors.ts';
export { costOf, listPrices, type ModelPrice, type PriceTable, priceTable, type Rates } from './prices.ts';
export { type RunSpend, spendOf } from './engine/spend.ts';
export type { ExchangeContext, ExchangeInterceptor, Intercepted } from './engine/exchanging.ts';
export type { PartialText } from './engine/held-run.ts';
export { type Gate, gate, type GateArgs, type GateCheck, type Judge } from './gates/gate.ts';
export { type AnswerCheck, type AnswerScope, type Check, judge, judgeAnswer } from './gates/judge.ts';
export type { Judged, Judgement } from './gates/judgement.ts';
export { avoids, type AvoidsOptions } from './gates/checks/avoids.ts';
export { field } from './gates/checks/field.ts';
export { figuresStandIn, type FiguresOptions } from './gates/checks/figures-stand-in.ts';
export { lengthWithin, type LengthBounds, type LengthUnit } from './gates/checks/length-within.ts';
export { type JsonSchema, matchesJsonSchema } from './gates/checks/matches-json-schema.ts';
export { mentions } from './gates/checks/mentions.ts';
export { oneOf, type OneOfOptions } from './gates/checks/one-of.ts';
export type { Phrase } from './gates/checks/phrase.ts';
export { quotesStandIn, type QuotesOptions } from './gates/checks/quotes-stand-in.ts';
export { describeReasons, describeVerdicts } from './gates/describe-verdicts.ts';
export { type Change, type Edit, editOf, type ProposalRecord } from './gates/edit.ts';
export {
  type Answerer,
  mayAnswer,
  person,
  type PersonAnswer,
  type PersonQuestion,
  type PersonState,
  type ProposalFate,
  type QuestionArgs,
  type StateAnswer,
  type StateQuestion,
  type Told,
  type Who,
} from './gates/person.ts';
export type { Verdict } from './gates/verdict.ts';
export type { ErrorClass } from './error-classes.ts';
export {
  type AnyWorkflow,
  defineWorkflow,
  type EventSchemas,
  type Workflow,
  type WorkflowDefinition,
  type WorkflowExample,
} from './workflow.ts';
