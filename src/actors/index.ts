/** What a state can invoke. */
export { fromModel, type ModelActorOptions } from './from-model.ts';
export { fromTool, type ToolActorOptions, type ToolCall } from './from-tool.ts';
export type { DurablePromiseLogic } from './durable-logic.ts';
export {
  anthropic,
  type AnthropicClient,
  type AnthropicOptions,
  type AnthropicRequest,
} from './providers/anthropic.ts';
export { modelFromEnvironment } from './providers/model-from-environment.ts';
export { standIn, type StandInRule } from './providers/stand-in.ts';
export type {
  CallFailure,
  JsonSchema,
  ModelCall,
  ModelMessage,
  ModelProvider,
  ModelRequest,
  ModelResponse,
  StopReason,
} from './providers/provider.ts';
