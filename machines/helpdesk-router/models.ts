/** What the models are asked: where a request goes, alone or by vote; a reply; and the agent for what fits nothing. */
import {
  type AgentTool,
  type AnswerChecks,
  fromAgent,
  fromModel,
  fromVote,
  modelFromEnvironment,
  type ModelProvider,
  type RetryPolicy,
} from 'signalbox';

import * as prompts from './prompts.ts';
import { faultsOfQuotes } from './routing.ts';
import { AgentAnswer, Classification, Draft, DraftInput, RequestText } from './schemas.ts';
import { helpdeskStandIn } from './stand-in.ts';

/** Sorting is easy and done for every request; what senders read goes to the better model. */
const cheap = 'claude-haiku-5-5';
const better = 'claude-sonnet-5-5';

/** An odd number, so that two routes cannot halve it. */
const voters = 5;

export interface ModelOptions {
  readonly provider?: ModelProvider | undefined;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  readonly agent: {
    /** All that it may call. They read, and nothing else. */
    readonly tools: readonly AgentTool[];
    readonly turns: number;
    readonly tokens: number;
    readonly usd: number;
    readonly timeMs: number;
  };
}

/** A ballot without words of the request to bear it out is no vote. */
const quotesStand: AnswerChecks<Classification, RequestText> = ({ quotes }, { input }) =>
  faultsOfQuotes(quotes, input);

export function createModels({
  provider = modelFromEnvironment({ standIn: helpdeskStandIn }),
  retry,
  timeoutMs,
  agent: { tools, ...limits },
}: ModelOptions) {
  const asked = { provider, retry, timeoutMs };

  const classification = {
    model: cheap,
    input: RequestText,
    output: Classification,
    system: prompts.classifySystem,
    prompt: prompts.classifyPrompt,
    maxTokens: 512,
    ...asked,
  };

  return {
    classifyRequest: fromModel({ name: 'classifyRequest', ...classification }),

    voteOnRoute: fromVote({
      name: 'voteOnRoute',
      input: RequestText,
      voters: {
        ask: fromModel({ name: 'castBallot', ...classification, accept: quotesStand }),
        times: voters,
      },
      by: ({ route }) => route,
    }),

    draftReply: fromModel({
      name: 'draftReply',
      model: better,
      input: DraftInput,
      output: Draft,
      system: prompts.draftSystem,
      prompt: prompts.draftPrompt,
      maxTokens: 2_048,
      ...asked,
    }),

    helpOut: fromAgent({
      name: 'helpOut',
      model: better,
      input: RequestText,
      output: AgentAnswer,
      system: prompts.agentSystem,
      prompt: prompts.agentPrompt,
      handOff: prompts.handOff,
      tools,
      limits,
      maxTokens: 2_048,
      maxResultLength: 8_000,
      provider,
      retry,
    }),
  };
}
