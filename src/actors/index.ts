/** What a state can invoke. */
export {
  type AgentActorOptions,
  type AgentLimits,
  type AgentOutcome,
  type AgentTool,
  type AgentUse,
  fromAgent,
} from './agent/from-agent.ts';
export { fromModel, type ModelActorOptions } from './from-model.ts';
export { fromTool, type ToolActorOptions, type ToolCall } from './from-tool.ts';
export { fromMap } from './from-map.ts';
export type {
  MapActorOptions,
  MapFailure,
  MapOutcome,
  MapReduced,
  MapReduceOptions,
  SettledMapOptions,
  SettledMapReduceOptions,
  TreeReduce,
} from './map-options.ts';
export {
  type Ballot,
  fromVote,
  type VoteActorOptions,
  type VoteJudge,
  type VoteOutcome,
} from './from-vote.ts';
export { fromWorkflow, type WorkflowActorOptions } from './from-workflow.ts';
export { fromMcp, type McpActorOptions, type McpInvocation } from './mcp/from-mcp.ts';
export {
  mcpServer,
  type McpCallOptions,
  type McpCommonOptions,
  type McpProcessOptions,
  type McpServer,
  type McpServerOptions,
  type McpUrlOptions,
} from './mcp/mcp-server.ts';
export { mcpTools, type McpToolActor, type McpToolsOptions } from './mcp/mcp-tools.ts';
export type { McpCallFailure } from './mcp/call-failure.ts';
export type { JsonObject, McpAddress, McpHeaders, McpStdio, McpTool } from './mcp/connection.ts';
export type { McpContract } from './mcp/tool-contract.ts';
export type { McpContent, McpResource, McpResult } from './mcp/tool-result.ts';
export { judgedBy, type Judgment } from './judged-by.ts';
export type { AnswerChecks } from './answer-checks.ts';
export type { CachePolicy, Policies } from './policies/policies.ts';
export type { CircuitBreaker, ConcurrencyKey, RateLimit } from './policies/call-guard.ts';
export type { RetryPolicy } from './policies/retry.ts';
export type { Timeouts } from './policies/timeout.ts';
export type { DurablePromiseLogic } from './durable-logic.ts';
export {
  anthropic,
  type AnthropicClient,
  type AnthropicOptions,
  type AnthropicStream,
} from './providers/anthropic.ts';
export type { AnthropicBlock, AnthropicRequest } from './providers/anthropic-wire.ts';
export { modelFromEnvironment } from './providers/model-from-environment.ts';
export {
  callTools,
  standIn,
  type StandInRule,
  type StandInToolCall,
  type StandInToolCalls,
} from './providers/stand-in.ts';
export type {
  CallFailure,
  CallForm,
  ContentBlock,
  FileBlock,
  JsonSchema,
  ModelCall,
  ModelMessage,
  ModelProvider,
  ModelRequest,
  ModelResponse,
  ModelTool,
  StopReason,
  TextBlock,
  ToolCallBlock,
  ToolResultBlock,
} from './providers/provider.ts';
