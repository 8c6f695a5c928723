/**
 * `fromModel`: one question to a model, with a checked answer.
 *
 * It owns the question and the check of the answer. The call itself is the provider's; retries are nobody's yet.
 *
 * I1. Every call that was begun leaves one exchange on record, failed and aborted ones too.
 * I2. Only a complete answer is kept with `once`, and only a checked one with `cached`.
 */
import { z, type ZodType, type ZodUnknown } from 'zod';

import type { InvocationScope } from '../engine/invocation.ts';
import { InvalidOption } from '../errors.ts';
import { callModel } from './call-model.ts';
import { checkValue, isSchema } from './check-value.ts';
import { durableLogic, type DurablePromiseLogic } from './durable-logic.ts';
import { answeredValue, completeText, type AnswerForm } from './model-answer.ts';
import { assertOption, isName } from './option.ts';
import { anthropic } from './providers/anthropic.ts';
import type { JsonSchema, ModelMessage, ModelProvider, ModelRequest } from './providers/provider.ts';

export interface ModelActorOptions<TOutput extends ZodType, TInput extends ZodType = ZodUnknown> {
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
  /** The question: one user message, or a conversation that ends with one. */
  readonly prompt: (input: z.output<TInput>) => string | readonly ModelMessage[];
  /**
   * The most tokens an answer may have, and so the most it may cost. Above 21,333 the Anthropic SDK refuses calls that do
   * not stream. Default: 8192.
   */
  readonly maxTokens?: number;
  /**
   * Two calls: the first reasons and answers in plain text, which is kept, the second extracts the fields from it.
   * `prompt` says how to extract. Default: false.
   */
  readonly textFirst?: boolean | { readonly prompt: string };
  /** Within one run, inputs with the same key share one answer, and pay once. Default: nothing is shared. */
  readonly cacheKey?: (input: z.output<TInput>) => string;
  /** Default: `anthropic()`. */
  readonly provider?: ModelProvider;
}

const DEFAULT_MAX_TOKENS = 8192;

const EXTRACT =
  'Extract the fields from your answer above. Keep its wording, and add nothing that it does not say.';

/**
 * Logic that asks a model and gives back its answer, checked with zod. It makes one call (two with `textFirst`) and
 * does not retry.
 *
 * After a crash the call is made again unless its answer was recorded; a text that came first is not asked for twice.
 *
 * Rejects with `ACTOR_VALUE_INVALID` if the input is refused, before any call; `MODEL_CALL_FAILED` if the call failed,
 * with `details.status`, `retryable` and `retryAfterMs`; `MODEL_ANSWER_INVALID` if the answer is cut off, refused,
 * empty or not of the schema, with `details.stopReason`, `text` and `issues`, which a repair can show to the model.
 *
 * @example
 * ```ts
 * const classifyTicket = fromModel({
 *   name: 'classifyTicket',
 *   model: 'claude-haiku-5-5',
 *   input: z.object({ body: z.string() }),
 *   output: z.object({ category: z.enum(['billing', 'technical', 'general']) }),
 *   prompt: ({ body }) => `Which category is this ticket?\n\n${body}`,
 * });
 * const actor = createActor(classifyTicket, { input: { body: 'I was charged twice' } }).start();
 * await toPromise(actor); // { category: 'billing' }
 * ```
 */
export function fromModel<TOutput extends ZodType, TInput extends ZodType = ZodUnknown>(
  options: ModelActorOptions<TOutput, TInput>,
): DurablePromiseLogic<z.output<TOutput>, z.input<TInput>> {
  assertOptions(options);
  const { name, input: inputSchema, cacheKey } = options;
  const question = {
    ...options,
    provider: options.provider ?? anthropic(),
    schema: answerSchema(options),
  };

  return durableLogic({
    kind: 'model',
    irreversible: false,
    // Asking again costs again.
    idempotent: false,
    perform: async (value, scope) => {
      const input = (
        inputSchema ? await checkValue(inputSchema, value, `Input of ${shown(name)}`) : value
      ) as z.output<TInput>;
      const answer = () => askForValue(question, input, scope);
      if (!cacheKey) return answer();
      const key = cacheKey(input);
      assertOption(isName(key), 'cacheKey', shown(name), 'a function to a non-empty string', key);
      return scope.cached(key, answer);
    },
  });
}

interface Question<TOutput extends ZodType, TInput extends ZodType = ZodType> extends ModelActorOptions<
  TOutput,
  TInput
> {
  readonly provider: ModelProvider;
  /** Undefined if the answer is text. */
  readonly schema: JsonSchema | undefined;
}

async function askForValue<TOutput extends ZodType, TInput extends ZodType>(
  question: Question<TOutput, TInput>,
  input: z.output<TInput>,
  scope: InvocationScope,
): Promise<z.output<TOutput>> {
  const { name, output, provider, textFirst } = question;
  let messages = messagesOf(name, question.prompt(input));

  if (textFirst) {
    const asked = messages;
    const text = await scope.once('text', async () => {
      const request = requestOf(question, input, asked, undefined);
      return completeText(name, await callModel(provider, request, scope));
    });
    const extract = typeof textFirst === 'object' ? textFirst.prompt : EXTRACT;
    messages = [...asked, { role: 'assistant', content: text }, { role: 'user', content: extract }];
  }

  const request = requestOf(question, input, messages, question.schema);
  const response = await callModel(provider, request, scope);
  return answeredValue(name, response, output, formOf(question));
}

function requestOf<TOutput extends ZodType, TInput extends ZodType>(
  { name, model, maxTokens = DEFAULT_MAX_TOKENS, system, provider }: Question<TOutput, TInput>,
  input: z.output<TInput>,
  messages: readonly ModelMessage[],
  schema: JsonSchema | undefined,
): ModelRequest {
  const told = [system, schema && !provider.enforcesSchema ? schemaInWords(schema) : undefined];
  const wholeSystem = told.filter((part) => part !== undefined).join('\n\n');
  return {
    actor: name,
    model,
    maxTokens,
    ...(wholeSystem !== '' && { system: wholeSystem }),
    messages,
    ...(schema && { schema }),
    input,
  };
}

function schemaInWords(schema: JsonSchema): string {
  return `Answer with one JSON value and nothing else. It must match this JSON schema:\n\n${JSON.stringify(schema)}`;
}

function formOf({ schema, provider }: Pick<Question<ZodType>, 'schema' | 'provider'>): AnswerForm {
  if (!schema) return 'text';
  return provider.enforcesSchema ? 'json' : 'json-in-text';
}

function messagesOf(name: string, prompt: string | readonly ModelMessage[]): readonly ModelMessage[] {
  if (typeof prompt === 'string') return [{ role: 'user', content: prompt }];
  const expected = 'a function to a string or to messages of which the last is from the user';
  const holds = Array.isArray(prompt) && prompt.at(-1)?.role === 'user';
  assertOption(holds, 'prompt', shown(name), expected, prompt);
  return prompt;
}

/** The JSON schema of what the model may write, or undefined if that is any text. */
function answerSchema({ name, output }: Pick<Question<ZodType>, 'name' | 'output'>): JsonSchema | undefined {
  let schema: Record<string, unknown>;
  try {
    // What goes into the schema, before its defaults and transforms, is what the model writes.
    const { $schema: _, ...rest } = z.toJSONSchema(output, { io: 'input' });
    schema = rest;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidOption(
      `Expected \`output\` of ${shown(name)} to be what JSON can hold. ${why}. Let the model write a string or a number, and transform it.`,
      { cause, details: { option: 'output' } },
    );
  }
  const isText = schema['type'] === 'string' && !('enum' in schema) && !('const' in schema);
  return isText ? undefined : schema;
}

function assertOptions<TOutput extends ZodType, TInput extends ZodType>({
  name,
  model,
  input,
  output,
  system,
  prompt,
  maxTokens,
  textFirst,
  cacheKey,
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
  const extraction = textFirst === undefined || typeof textFirst === 'boolean' || isName(textFirst?.prompt);
  assert(extraction, 'textFirst', 'a boolean or `{ prompt }`', textFirst);
  assert(cacheKey === undefined || typeof cacheKey === 'function', 'cacheKey', 'a function', cacheKey);
  const complete = provider === undefined || typeof provider?.complete === 'function';
  assert(complete, 'provider', 'a model provider', provider);
}

function shown(name: string): string {
  return `model actor \`${name}\``;
}
