/** What the models are asked about a document: what it says, and for the reply. */
import { fromModel, modelFromEnvironment, type ModelProvider, type RetryPolicy } from 'signalbox';

import { faultsOfExtraction } from './entities.ts';
import * as prompts from './prompts.ts';
import { faultsOfReply } from './reply-check.ts';
import { Draft, DraftInput, Extraction, ExtractInput } from './schemas.ts';
import { intakeStandIn } from './stand-in.ts';

/** Most documents are plain; what the cheap model cannot get right goes to the better one, and so does what customers read. */
const cheap = 'claude-haiku-5-5';
const better = 'claude-sonnet-5-5';

export interface ModelOptions {
  readonly provider?: ModelProvider | undefined;
  /** How often a model may mend an answer that its check refuses. */
  readonly repairs: number;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
}

export function createModels({
  provider = modelFromEnvironment({ standIn: intakeStandIn }),
  ...policies
}: ModelOptions) {
  const extraction = (name: string, model: string) => ({
    name,
    model,
    input: ExtractInput,
    output: Extraction,
    system: prompts.extractSystem,
    prompt: prompts.extractPrompt,
    maxTokens: 4_096,
    accept: (said: Extraction, { input }: { readonly input: ExtractInput }) =>
      faultsOfExtraction(said, input.pages),
    provider,
    ...policies,
  });

  return {
    extractEntities: fromModel({
      ...extraction('extractEntities', cheap),
      fallback: [fromModel(extraction('extractEntitiesBetter', better))],
    }),

    /** There is no text to hold it against: a person does. */
    readScan: fromModel({
      name: 'readScan',
      model: better,
      input: ExtractInput,
      output: Extraction,
      system: prompts.scanSystem,
      prompt: prompts.scanPrompt,
      maxTokens: 4_096,
      provider,
      ...policies,
    }),

    draftReply: fromModel({
      name: 'draftReply',
      model: better,
      input: DraftInput,
      output: Draft,
      system: prompts.draftSystem,
      prompt: prompts.draftPrompt,
      maxTokens: 2_048,
      accept: (said: Draft, { input }: { readonly input: DraftInput }) => faultsOfReply(said, input),
      provider,
      ...policies,
    }),
  };
}
