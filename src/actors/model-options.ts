/** What a model actor is made from. Refuses what it cannot be made from, where it is made. */
import type { z, ZodType, ZodUnknown } from 'zod';

import { isSchema } from './check-value.ts';
import { assertOption, isName } from './option.ts';
import type { Policies } from './policies/policies.ts';
import type { RetryPolicy } from './policies/retry.ts';
import type { ModelMessage, ModelProvider } from './providers/provider.ts';

export interface ModelActorOptions<
  TOutput extends ZodType,
  TInput extends ZodType = ZodUnknown,
> extends Policies<z.output<TOutput>, z.input<TInput>, z.output<TInput>> {
  /** Shown to people, and how a stand-in knows the question: `classifyTicket`. */
  readonly name: string;
  /** As the provider calls it: `claude-haiku-5-5`, `claude-sonnet-5-5`. */
  readonly model: string;
  /** Schema of the actor's input. The default takes anything. */
  readonly input?: TInput;
  /**
   * Schema of the answer, and of the actor's output. The model is shown its JSON schema. With a plain `z.string()` the
   * answer is the text itself.
   */
  readonly output: TOutput;
  readonly system?: string;
  /**
   * The question: one user message, or a conversation that ends with one. Messages may hold images and PDF files as `file`
   * blocks.
   */
  readonly prompt: (input: z.output<TInput>) => string | readonly ModelMessage[];
  /** The most tokens an answer may have, and so the most it may cost. Default: 8192. */
  readonly maxTokens?: number;
  /**
   * Two calls: the first reasons and answers in plain text, which is kept, the second extracts the fields from it.
   * `prompt` says how to extract. Default: false.
   */
  readonly textFirst?: boolean | { readonly prompt: string };
  /**
   * How often the model may mend an answer that does not match its schema or is not accepted: it is shown its answer and
   * what is wrong with it. Default: 1.
   */
  readonly repairs?: number;
  /**
   * The most tokens that a request may have as input: system prompt, schema and conversation, by their length, as a run's
   * budget counts them. A larger one is not sent, and `MODEL_CALL_FAILED`. A repair's request holds the answers before it.
   * With this the worst case of a run is bounded whatever its input is. Default: any number.
   */
  readonly maxPromptTokens?: number;
  /** Have the provider keep the prompt, so that the next question with the same beginning costs less, and how long. */
  readonly promptCache?: '5m' | '1h';
  /** Tell those who look on (`run.onPartial`) of the text as it comes. Default: false. */
  readonly stream?: boolean;
  /** Default: three attempts. Garbage is repaired, not retried. */
  readonly retry?: RetryPolicy | false;
  /** Default: `anthropic()`. */
  readonly provider?: ModelProvider;
}

export function assertModelOptions<TOutput extends ZodType, TInput extends ZodType>({
  name,
  model,
  input,
  output,
  system,
  prompt,
  maxTokens,
  maxPromptTokens,
  textFirst,
  repairs,
  promptCache,
  provider,
}: ModelActorOptions<TOutput, TInput>): void {
  assertOption(isName(name), 'name', 'a model actor', 'a non-empty string', name);
  const assert = (holds: boolean, option: string, expected: string, got: unknown) =>
    assertOption(holds, option, shown(name), expected, got);
  assert(isName(model), 'model', 'a non-empty string', model);
  assert(input === undefined || isSchema(input), 'input', 'a zod schema', input);
  assert(isSchema(output), 'output', 'a zod schema', output);
  assert(system === undefined || typeof system === 'string', 'system', 'a string', system);
  assert(typeof prompt === 'function', 'prompt', 'a function', prompt);
  const countable = maxTokens === undefined || (Number.isSafeInteger(maxTokens) && maxTokens > 0);
  assert(countable, 'maxTokens', 'a positive integer', maxTokens);
  const bounding =
    maxPromptTokens === undefined || (Number.isSafeInteger(maxPromptTokens) && maxPromptTokens > 0);
  assert(bounding, 'maxPromptTokens', 'a positive integer', maxPromptTokens);
  const extraction = textFirst === undefined || typeof textFirst === 'boolean' || isName(textFirst?.prompt);
  assert(extraction, 'textFirst', 'a boolean or `{ prompt }`', textFirst);
  const bounded = repairs === undefined || (Number.isSafeInteger(repairs) && repairs >= 0);
  assert(bounded, 'repairs', 'a whole number from 0', repairs);
  const kept = promptCache === undefined || promptCache === '5m' || promptCache === '1h';
  assert(kept, 'promptCache', '`5m` or `1h`', promptCache);
  const complete = provider === undefined || typeof provider?.complete === 'function';
  assert(complete, 'provider', 'a model provider', provider);
}

export function shown(name: string): string {
  return `model actor \`${name}\``;
}
