/** What the model is asked in a support ticket: four questions, each with a checked answer. */
import { createHash } from 'node:crypto';

import { fromModel, modelFromEnvironment, type ModelProvider } from 'signalbox';

import * as prompts from './prompts.ts';
import {
  Classification,
  ClassifyInput,
  DecideInput,
  Draft,
  DraftInput,
  RefundDecision,
  Split,
  SplitInput,
} from './schemas.ts';
import { supportStandIn } from './stand-in.ts';

/** Sorting is easy and done for every ticket; what customers read and what costs money goes to the better model. */
const cheap = 'claude-haiku-5-5';
const better = 'claude-sonnet-5-5';

/** A ticket has at most 100,000 characters. One that needs more tokens than this, by a rough count, is for a person. */
const maxPromptTokens = 64_000;

/** Busy models and broken answers are states of the machine, where a person sees them; no second layer repeats them. */
const mendedByTheMachine = { retry: false, repairs: 0 } as const;

const asked = { maxPromptTokens, ...mendedByTheMachine };

export function createModels(provider: ModelProvider = modelFromEnvironment({ standIn: supportStandIn })) {
  return {
    classifyTicket: fromModel({
      name: 'classifyTicket',
      model: cheap,
      input: ClassifyInput,
      output: Classification,
      system: prompts.classifySystem,
      prompt: prompts.classifyPrompt,
      maxTokens: 256,
      provider,
      ...asked,
    }),

    splitTicket: fromModel({
      name: 'splitTicket',
      model: better,
      input: SplitInput,
      output: Split,
      system: prompts.splitSystem,
      prompt: prompts.splitPrompt,
      maxTokens: 8_192,
      provider,
      ...asked,
    }),

    draftReply: fromModel({
      name: 'draftReply',
      model: better,
      input: DraftInput,
      output: Draft,
      system: prompts.draftSystem,
      prompt: prompts.draftPrompt,
      textFirst: { prompt: prompts.draftExtraction },
      maxTokens: 2_048,
      provider,
      ...asked,
    }),

    decideRefund: fromModel({
      name: 'decideRefund',
      model: better,
      input: DecideInput,
      output: RefundDecision,
      system: prompts.decideSystem,
      prompt: prompts.decidePrompt,
      maxTokens: 1_024,
      // One decision for a ticket: a retry finds it instead of asking for another.
      cache: { key: ({ ticketId }) => createHash('sha256').update(ticketId).digest('hex') },
      provider,
      ...asked,
    }),
  };
}
