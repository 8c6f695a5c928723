/** What a model actor asks: its conversation from the first question to the last repair, and each request of it. */
import { z, type ZodType } from 'zod';

import { InvalidOption } from '../errors.ts';
import type { AnswerForm } from './model-answer.ts';
import { type ModelActorOptions, shown } from './model-options.ts';
import { anthropic } from './providers/anthropic.ts';
import type { JsonSchema, ModelMessage, ModelProvider, ModelRequest } from './providers/provider.ts';

export interface Question<
  TOutput extends ZodType,
  TInput extends ZodType = ZodType,
> extends ModelActorOptions<TOutput, TInput> {
  readonly provider: ModelProvider;
  readonly maxTokens: number;
  readonly repairs: number;
  readonly stream: boolean;
  /** Undefined if the answer is text. */
  readonly schema: JsonSchema | undefined;
}

export function questionOf<TOutput extends ZodType, TInput extends ZodType>(
  options: ModelActorOptions<TOutput, TInput>,
): Question<TOutput, TInput> {
  const { provider = anthropic(), maxTokens = 8_192, repairs = 1, stream = false } = options;
  return { ...options, provider, maxTokens, repairs, stream, schema: answerSchema(options) };
}

const EXTRACT =
  'Extract the fields from your answer above. Keep its wording, and add nothing that it does not say.';

/** What follows the text that came first. */
export function extractionOf<TOutput extends ZodType, TInput extends ZodType>(
  { textFirst }: Question<TOutput, TInput>,
  text: string,
): ModelMessage[] {
  const extract = typeof textFirst === 'object' ? textFirst.prompt : EXTRACT;
  return [
    { role: 'assistant', content: text },
    { role: 'user', content: extract },
  ];
}

/** An answer that was refused, as it is kept. */
export interface RefusedAnswer {
  readonly text: string;
  readonly reasons: readonly string[];
}

type TextMessage = ModelMessage & { readonly content: string };

/** In bytes. What is wrong beyond this, the model hears with its next answer. */
export const LONGEST_REASONS = 4_000;

/** What follows an answer that was refused. */
export function repairOf({ text, reasons }: RefusedAnswer): TextMessage[] {
  const wrong = reasons.map((reason) => `- ${reason}`).join('\n');
  return [
    { role: 'assistant', content: text },
    {
      role: 'user',
      content: `That answer was refused:\n${beginningOf(wrong)}\n\nAnswer again, in full, with that put right.`,
    },
  ];
}

function beginningOf(reasons: string): string {
  const bytes = Buffer.from(reasons);
  if (bytes.length <= LONGEST_REASONS) return reasons;
  // Half a character at the end is none.
  const beginning = new TextDecoder().decode(bytes.subarray(0, LONGEST_REASONS), { stream: true });
  return `${beginning}\n(and more)`;
}

export function requestOf<TOutput extends ZodType, TInput extends ZodType>(
  { name, model, maxTokens, system, promptCache, provider }: Question<TOutput, TInput>,
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

export function formOf({ schema, provider }: Pick<Question<ZodType>, 'schema' | 'provider'>): AnswerForm {
  if (!schema) return 'text';
  return provider.enforcesSchema ? 'json' : 'json-in-text';
}

/** The JSON schema of what the model may write, or undefined if that is any text. */
function answerSchema({
  name,
  output,
}: Pick<ModelActorOptions<ZodType, ZodType>, 'name' | 'output'>): JsonSchema | undefined {
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
