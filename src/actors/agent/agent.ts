/** What an agent is made from, and what comes of it. */
import type { z, ZodType } from 'zod';

import type { DurableActor } from '../../invocation.ts';
import type { AnswerChecks } from '../answer-checks.ts';
import type { Policies } from '../policies/policies.ts';
import type { RetryPolicy } from '../policies/retry.ts';
import type { ModelMessage, ModelProvider, ModelTool } from '../providers/provider.ts';

/** Names of the tools that an agent has besides its own. */
export const ANSWER = 'answer';
export const HAND_OFF = 'hand_off';

export interface AgentActorOptions<TOutput extends ZodType, TInput extends ZodType> extends Omit<
  Policies<AgentOutcome<z.output<TOutput>>, z.input<TInput>>,
  'accept'
> {
  readonly name: string;
  readonly model: string;
  readonly input: TInput;
  /** Schema of the answer. With a plain `z.string()` the text that ends the conversation is the answer. */
  readonly output: TOutput;
  readonly system?: string;
  readonly prompt: (input: z.output<TInput>) => string | readonly ModelMessage[];
  /**
   * All that the agent may call: actors made by `fromTool` and `fromMcp`, each with a `description`. None may be
   * irreversible: what cannot be taken back belongs into the machine, behind a gate.
   */
  readonly tools: readonly AgentTool[];
  readonly limits?: AgentLimits;
  /** What else an answer must meet; the model is told what is wrong with one that does not. */
  readonly accept?: AnswerChecks<z.output<TOutput>, z.input<TInput>>;
  /** When to hand over to a person, in words for the model; `false`: never. Default: when it cannot go on by itself. */
  readonly handOff?: string | false;
  /** The most tokens that a turn may have. Default: 4096. */
  readonly maxTokens?: number;
  /** The result of a tool is cut to so many characters. Default: 20,000. */
  readonly maxResultLength?: number;
  /** Tell those who look on (`run.onPartial`) of the text as it comes. Default: false. */
  readonly stream?: boolean;
  /** Default: three attempts for each call of the model. */
  readonly retry?: RetryPolicy | false;
  /** Default: `anthropic()`. */
  readonly provider?: ModelProvider;
}

/** An actor that an agent may call. */
export type AgentTool = { readonly signalbox: DurableActor };

export interface AgentLimits {
  /** Turns of the model. Default: 10. */
  readonly turns?: number;
  /** Input and output of all turns. */
  readonly tokens?: number;
  /** US dollars of all turns, by the list prices. */
  readonly usd?: number;
  /** Since the first performance, crashes and waits included, in milliseconds. */
  readonly timeMs?: number;
  readonly toolCalls?: number;
}

export type AgentOutcome<TAnswer> =
  | ({ readonly outcome: 'answered'; readonly answer: TAnswer } & AgentUse)
  /** `reason` is the model's own words, for the person who goes on. */
  | ({ readonly outcome: 'handed-off'; readonly reason: string } & AgentUse)
  | ({ readonly outcome: 'limit'; readonly limit: keyof AgentLimits } & AgentUse);

/** What it took. */
export interface AgentUse {
  readonly turns: number;
  readonly toolCalls: number;
  readonly tokens: number;
}

/** An agent with its defaults. */
export interface Agent<TOutput extends ZodType, TInput extends ZodType> extends AgentActorOptions<
  TOutput,
  TInput
> {
  readonly limits: AgentLimits & { readonly turns: number };
  readonly maxTokens: number;
  readonly maxResultLength: number;
  readonly provider: ModelProvider;
  /** Of each turn. */
  readonly retry: RetryPolicy | false;
  /** The closing text is the answer. */
  readonly answersInText: boolean;
  readonly actors: ReadonlyMap<string, DurableActor>;
  readonly modelTools: readonly ModelTool[];
}
