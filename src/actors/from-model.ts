/**
 * `fromModel`: one question to a model, with a checked answer.
 *
 * It owns the question, the check of the answer and its repair. The call itself is the provider's; retries, fallbacks and
 * limits are its policies'.
 *
 * I1. Every call that was begun leaves one exchange on record, failed and aborted ones too.
 * I2. Only a complete answer is kept with `once`, and only a checked one is the output.
 * I3. An answer that was refused is kept with its reasons, so a crash pays for no repair twice.
 */
import { z, type ZodType, type ZodUnknown } from 'zod';

import { GateRejected, InvalidOption, ModelAnswerInvalid } from '../errors.ts';
import type { InvocationScope } from '../invocation.ts';
import { refusalOf } from './answer-checks.ts';
import { callModel } from './call-model.ts';
import { checkValue, isSchema } from './check-value.ts';
import { durableLogic, type DurablePromiseLogic } from './durable-logic.ts';
import { anyGateRejected, gateRejected } from './gate-rejected.ts';
import {
  answeredValue,
  completeText,
  incompleteAnswers,
  wrongAnswer,
  type AnswerForm,
} from './model-answer.ts';
import { assertOption, isName } from './option.ts';
import { type Policies, underPolicies } from './policies/policies.ts';
import type { RetryPolicy } from './policies/retry.ts';
import { anthropic } from './providers/anthropic.ts';
import { callFailures } from './providers/call-failed.ts';
import type { JsonSchema, ModelMessage, ModelProvider, ModelRequest } from './providers/provider.ts';

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
  /** Have the provider keep the prompt, so that the next question with the same beginning costs less, and how long. */
  readonly promptCache?: '5m' | '1h';
  /** Tell those who look on (`run.onPartial`) of the text as it comes. Default: false. */
  readonly stream?: boolean;
  /** Default: three attempts. Garbage is repaired, not retried. */
  readonly retry?: RetryPolicy | false;
  /** Default: `anthropic()`. */
  readonly provider?: ModelProvider;
}

const DEFAULT_MAX_TOKENS = 8192;

const DEFAULT_RETRY: RetryPolicy = { attempts: 3 };

const EXTRACT =
  'Extract the fields from your answer above. Keep its wording, and add nothing that it does not say.';

/**
 * Logic that asks a model and gives back its answer, checked with zod.
 *
 * After a crash the call is made again unless its answer was recorded; a text that came first, an answer that was refused
 * and a failed attempt are not repeated.
 *
 * Rejects with `ACTOR_VALUE_INVALID` if the input is refused, before any call; `MODEL_CALL_FAILED` if the call failed for
 * good, with `details.status`, `retryable` and `retryAfterMs`; `MODEL_ANSWER_INVALID` if the answer is cut off, refused by
 * the model, empty or, repairs included, not of the schema, with `details.stopReason`, `text` and `issues`;
 * `GATE_REJECTED` if it is not accepted; `TIMED_OUT`, `CIRCUIT_OPEN` and `BUDGET_EXCEEDED` where there are such limits.
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
  const { name, input: inputSchema, output, accept, retry = DEFAULT_RETRY, ...rest } = options;
  const question = {
    ...options,
    provider: options.provider ?? anthropic(),
    schema: answerSchema(options),
  };
  const actor = {
    kind: 'model',
    name,
    input: inputSchema,
    output,
    irreversible: false,
    fallible: true,
    // Asking again costs again.
    idempotent: false,
    permissions: { reads: [], writes: [] },
    failures: [
      ...callFailures(),
      ...incompleteAnswers(name),
      wrongAnswer(name),
      ...(accept ? [anyGateRejected(name)] : []),
    ],
    perform: async (value: unknown, scope: InvocationScope) => {
      const input = (
        inputSchema ? await checkValue(inputSchema, value, `Input of ${shown(name)}`) : value
      ) as z.output<TInput>;
      return askForValue(question, input, scope);
    },
  };
  // Acceptance is asked here, where the answer can still be mended.
  return durableLogic(underPolicies(actor, { ...rest, retry }));
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
  const { name, output, provider, textFirst, repairs = 1, stream = false } = question;
  let messages = messagesOf(name, question.prompt(input));

  if (textFirst) {
    const asked = messages;
    const text = await scope.once('text', async () => {
      const request = requestOf(question, input, asked, undefined);
      return completeText(name, await callModel(provider, request, scope, { stream }));
    });
    const extract = typeof textFirst === 'object' ? textFirst.prompt : EXTRACT;
    messages = [...asked, { role: 'assistant', content: text }, { role: 'user', content: extract }];
  }

  for (let repair = 0; ; repair++) {
    const refused = scope.kept<RefusedAnswer>(refusalName(repair));
    if (refused) {
      messages = [...messages, ...repairOf(refused)];
      continue;
    }
    const request = requestOf(question, input, messages, question.schema);
    const response = await callModel(provider, request, scope, { stream });
    try {
      const value = await answeredValue(name, response, output, formOf(question));
      await assertAccepted(question, value, input, scope.within(`acceptance ${repair}`));
      return value;
    } catch (error) {
      const reasons = repair < repairs ? mendable(error) : undefined;
      if (!reasons) throw error;
      await scope.once(refusalName(repair), async () => ({ text: response.text, reasons }));
      messages = [...messages, ...repairOf({ text: response.text, reasons })];
    }
  }
}

/** An answer that was refused, as it is kept. */
interface RefusedAnswer {
  readonly text: string;
  readonly reasons: readonly string[];
}

function refusalName(repair: number): string {
  return `answer ${repair + 1} refused`;
}

function repairOf({ text, reasons }: RefusedAnswer): ModelMessage[] {
  const wrong = reasons.map((reason) => `- ${reason}`).join('\n');
  return [
    { role: 'assistant', content: text },
    {
      role: 'user',
      content: `That answer was refused:\n${wrong}\n\nAnswer again, in full, with that put right.`,
    },
  ];
}

/** What the model can put right, in sentences for it; undefined if asking it again would not help. */
function mendable(error: unknown): readonly string[] | undefined {
  if (error instanceof GateRejected) return error.details['reasons'] as readonly string[];
  if (!(error instanceof ModelAnswerInvalid)) return undefined;
  const issues = error.details['issues'] as ReadonlyArray<{ path: readonly PropertyKey[]; message: string }>;
  if (issues.length === 0) return undefined;
  return issues.map(({ path, message }) =>
    path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message,
  );
}

async function assertAccepted<TOutput extends ZodType, TInput extends ZodType>(
  { name, accept }: Question<TOutput, TInput>,
  value: z.output<TOutput>,
  input: z.output<TInput>,
  scope: InvocationScope,
): Promise<void> {
  if (!accept) return;
  const reasons = await refusalOf(accept, value, input, scope);
  if (reasons) throw gateRejected(name, reasons, value);
}

function requestOf<TOutput extends ZodType, TInput extends ZodType>(
  { name, model, maxTokens = DEFAULT_MAX_TOKENS, system, promptCache, provider }: Question<TOutput, TInput>,
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
    ...(promptCache && { promptCache }),
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
  const extraction = textFirst === undefined || typeof textFirst === 'boolean' || isName(textFirst?.prompt);
  assert(extraction, 'textFirst', 'a boolean or `{ prompt }`', textFirst);
  const bounded = repairs === undefined || (Number.isSafeInteger(repairs) && repairs >= 0);
  assert(bounded, 'repairs', 'a whole number from 0', repairs);
  const kept = promptCache === undefined || promptCache === '5m' || promptCache === '1h';
  assert(kept, 'promptCache', '`5m` or `1h`', promptCache);
  const complete = provider === undefined || typeof provider?.complete === 'function';
  assert(complete, 'provider', 'a model provider', provider);
}

function shown(name: string): string {
  return `model actor \`${name}\``;
}
