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
  Policies<AgentOutcome<z.output<TOutput>>, z.input<TInput>, z.output<TInput>>,
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
  readonly accept?: AnswerChecks<z.output<TOutput>, z.output<TInput>>;
  /** When to hand over to a person, in words for the model; `false`: never. Default: when it cannot go on by itself. */
  readonly handOff?: string | false;
  /** The most tokens that a turn may have. Default: 4096. */
  readonly maxTokens?: number;
  /** The result of a tool is cut to so many characters, and the model is told so. Default: 20,000. */
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

/** What an agent may use. It ends with the outcome `limit`, before a turn or a tool call that could be too much. */
export interface AgentLimits {
  /** Turns of the model. Default: 10. */
  readonly turns?: number;
  /**
   * Input and output of all turns. Those of a turn to come count with the most that they can be, and so do those of an
   * attempt at one that failed and may have been charged.
   */
  readonly tokens?: number;
  /**
   * US dollars of all turns, in the same way, by the engine's price table; under a plain `createActor` by the list prices.
   * If there is no price for the model, the agent calls nothing and rejects with `INVALID_OPTION`.
   */
  readonly usd?: number;
  /** Since it was begun, crashes and waits included, in milliseconds. What goes on then is aborted. */
  readonly timeMs?: number;
  /** Calls of its tools, those that failed and those that were refused included. */
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
  /** Input and output of its turns, cached or not. */
  readonly tokens: number;
}

/** An agent with its defaults. The types of input and answer are checked where it is made. */
export interface Agent {
  readonly name: string;
  readonly model: string;
  readonly system: string | undefined;
  readonly input: ZodType;
  readonly output: ZodType;
  prompt(input: unknown): string | readonly ModelMessage[];
  readonly accept: AnswerChecks<unknown, unknown> | undefined;
  readonly limits: AgentLimits & { readonly turns: number };
  readonly maxTokens: number;
  readonly maxResultLength: number;
  readonly stream: boolean;
  readonly provider: ModelProvider;
  /** Of each turn. */
  readonly retry: RetryPolicy | false;
  /** The closing text is the answer. */
  readonly answersInText: boolean;
  /** What it may call, by name. */
  readonly actors: ReadonlyMap<string, DurableActor>;
  /** What the model is told of them, and of those that the agent has itself. */
  readonly modelTools: readonly ModelTool[];
}
