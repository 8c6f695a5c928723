/**
 * The most that a model actor can take: a call for the text that comes first, one for the answer, one for each repair, and
 * one more for each further attempt, since what was refused is kept and not asked for again.
 */
import type { z, ZodType } from 'zod';

import type { WorstCase, WorstCaseScope } from '../invocation.ts';
import { describeError } from '../plain-error.ts';
import { inSequence, oneOf, repeated } from '../worst-case.ts';
import { judgesOf } from './answer-checks.ts';
import { mostOf, tokensOfText } from './call-model.ts';
import { callWorstCase, tokensOfValue } from './call-worst-case.ts';
import { judgesWorstCase } from './judges-worst-case.ts';
import { shown } from './model-options.ts';
import { extractionOf, LONGEST_REASONS, type Question, repairOf, requestOf } from './model-question.ts';
import { openingOf } from './opening.ts';
import { parsedAtOnce } from './parsed-at-once.ts';
import type { JsonSchema, ModelMessage } from './providers/provider.ts';

export function modelWorstCase<TOutput extends ZodType, TInput extends ZodType>(
  question: Question<TOutput, TInput>,
  value: unknown,
  scope: WorstCaseScope,
): WorstCase {
  const { name, promptCache, repairs, maxTokens, accept } = question;
  const calls = promptSizes(question, value, scope).map((tokens) => callWorstCase(question, tokens, scope));
  if (promptCache === '1h') {
    scope.assume(
      `keeping the prompt of \`${name}\` for an hour costs no more than keeping it for five minutes`,
    );
  }
  const asked = scope.inputTokens ?? tokensOfValue(value);
  const answers = { answers: repairs + 1, inputTokens: maxTokens + asked };
  return inSequence([
    ...calls,
    repeated(oneOf(calls), scope.attempts - 1),
    judgesWorstCase(judgesOf(accept), answers, scope),
  ]);
}

/** How many tokens go into each call, in the order of the calls. */
function promptSizes<TOutput extends ZodType, TInput extends ZodType>(
  question: Question<TOutput, TInput>,
  value: unknown,
  scope: WorstCaseScope,
): number[] {
  const { textFirst, repairs, maxTokens, maxPromptTokens, schema } = question;
  const answers = repairs + 1;
  if (maxPromptTokens !== undefined) {
    return Array.from({ length: answers + (textFirst ? 1 : 0) }, () => maxPromptTokens);
  }
  const { messages, tokens } = opening(question, value, scope);
  const sizeOf = (asked: readonly ModelMessage[], form: JsonSchema | undefined): number =>
    mostOf(requestOf(question, undefined as z.output<TInput>, asked, form)).usage.inputTokens + tokens;

  const extracting = textFirst ? extractionOf(question, '') : [];
  const first = sizeOf([...messages, ...extracting], schema) + (textFirst ? maxTokens : 0);
  return [
    ...(textFirst ? [sizeOf(messages, undefined)] : []),
    ...Array.from({ length: answers }, (_, repair) => first + repair * (maxTokens + reasonTokens)),
  ];
}

const reasonTokens = repairOf({ text: '', reasons: ['x'.repeat(LONGEST_REASONS + 1)] }).reduce(
  (sum, { content }) => sum + tokensOfText(content),
  0,
);

interface Opening {
  readonly messages: readonly ModelMessage[];
  /** Beside those of the messages. */
  readonly tokens: number;
}

function opening<TOutput extends ZodType, TInput extends ZodType>(
  question: Question<TOutput, TInput>,
  value: unknown,
  scope: WorstCaseScope,
): Opening {
  const { name, input: schema } = question;
  const { inputTokens } = scope;
  if (inputTokens !== undefined) {
    scope.assume(
      `\`${name}\` is asked with no more than its input, beside its system prompt and its schema (set \`maxPromptTokens\`)`,
    );
    return { messages: [], tokens: inputTokens };
  }
  try {
    const messages = openingOf(
      question.prompt,
      parsedAtOnce(schema, value) as z.output<TInput>,
      shown(question.name),
    );
    scope.assume(
      `\`${name}\` is asked with prompts no longer than those of the examples (set \`maxPromptTokens\`)`,
    );
    return { messages, tokens: 0 };
  } catch (error) {
    const { message } = describeError(error);
    scope.assume(
      `the prompt of \`${name}\` is no longer than its input, as \`prompt\` throws on one: ${message} (set \`maxPromptTokens\`)`,
    );
    return { messages: [], tokens: tokensOfValue(value) };
  }
}
