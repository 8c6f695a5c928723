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
import type { z, ZodType, ZodUnknown } from 'zod';

import { ModelAnswerInvalid } from '../errors.ts';
import { Deferred, type DurableActor, type InvocationScope } from '../invocation.ts';
import { judgingFailures, refusalOf } from './answer-checks.ts';
import { callModel, promptTooLarge } from './call-model.ts';
import { checkValue } from './check-value.ts';
import { distinctFailures } from './distinct-failures.ts';
import { durableLogic, type DurablePromiseLogic } from './durable-logic.ts';
import { anyGateRejected, gateRejected } from './gate-rejected.ts';
import {
  answeredValue,
  type AnswerText,
  completeText,
  incompleteAnswers,
  wrongAnswer,
} from './model-answer.ts';
import { assertModelOptions, type ModelActorOptions, shown } from './model-options.ts';
import {
  extractionOf,
  formOf,
  type Question,
  questionOf,
  type RefusedAnswer,
  repairOf,
  requestOf,
} from './model-question.ts';
import { modelWorstCase } from './model-worst-case.ts';
import { openingOf } from './opening.ts';
import { underPolicies } from './policies/policies.ts';
import { isRetryable, type RetryPolicy } from './policies/retry.ts';
import { callFailures } from './providers/call-failed.ts';

export type { ModelActorOptions } from './model-options.ts';

const DEFAULT_RETRY: RetryPolicy = { attempts: 3 };

/**
 * Logic that asks a model and gives back its answer, checked with zod.
 *
 * After a crash the call is made again unless its answer was recorded; a text that came first, an answer that was refused
 * and a failed attempt are not repeated.
 *
 * Rejects with `ACTOR_VALUE_INVALID` if the input is refused, before any call; `MODEL_CALL_FAILED` if the call failed for
 * good, or its request is over `maxPromptTokens` and was not sent, with `details.status`, `retryable` and `retryAfterMs`;
 * `MODEL_ANSWER_INVALID` if the answer is cut off, refused by the model, empty or, repairs included, not of the schema, with
 * `details.stopReason`, `text` and `issues`; `GATE_REJECTED` if it is not accepted; with what a judge in `accept` rejects
 * with; `TIMED_OUT`, `CIRCUIT_OPEN` and `BUDGET_EXCEEDED` where there are such limits.
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
  assertModelOptions(options);
  const {
    name,
    input: inputSchema,
    output,
    accept,
    maxPromptTokens,
    retry = DEFAULT_RETRY,
    ...rest
  } = options;
  const question = questionOf(options);
  const actor: DurableActor = {
    kind: 'model',
    name,
    input: inputSchema,
    output,
    irreversible: false,
    fallible: true,
    // Asking again costs again.
    idempotent: false,
    permissions: { reads: [], writes: [] },
    failures: distinctFailures([
      ...callFailures(),
      ...(maxPromptTokens === undefined ? [] : [promptTooLarge(name, maxPromptTokens + 1, maxPromptTokens)]),
      ...incompleteAnswers(name),
      wrongAnswer(name),
      ...judgingFailures(accept),
      ...(accept ? [anyGateRejected(name)] : []),
    ]),
    answerTokens: question.maxTokens,
    worstCase: (value, scope) => modelWorstCase(question, value, scope),
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

async function askForValue<TOutput extends ZodType, TInput extends ZodType>(
  question: Question<TOutput, TInput>,
  input: z.output<TInput>,
  scope: InvocationScope,
): Promise<z.output<TOutput>> {
  const { name, provider, textFirst, repairs, stream, maxPromptTokens } = question;
  const calling = { stream, maxPromptTokens };
  let messages = openingOf(question.prompt, input, shown(question.name));

  if (textFirst) {
    const asked = messages;
    const text = await scope.once('text', async () => {
      const request = requestOf(question, input, asked, undefined);
      return completeText(name, await callModel(provider, request, scope, calling));
    });
    messages = [...asked, ...extractionOf(question, text)];
  }

  for (let repair = 0; ; repair++) {
    let refused = scope.kept<RefusedAnswer>(`answer ${repair + 1} refused`);
    if (!refused) {
      const request = requestOf(question, input, messages, question.schema);
      const response =
        scope.kept<AnswerText>(answerName(repair)) ?? (await callModel(provider, request, scope, calling));
      const judged = await judgedAnswer(question, repair, response, input, scope);
      if (!('wrong' in judged)) return judged.value;
      const { reasons, error } = judged.wrong;
      if (!reasons || repair >= repairs) throw error;
      refused = await scope.once(`answer ${repair + 1} refused`, async () => ({
        text: response.text,
        reasons,
      }));
    }
    messages = [...messages, ...repairOf(refused)];
  }
}

/** Under which an answer is kept that is to be judged again. */
function answerName(repair: number): string {
  return `answer ${repair + 1}`;
}

type Judged<T> =
  | { readonly value: T }
  /** Without reasons if the model could not put it right. */
  | { readonly wrong: { readonly error: Error; readonly reasons: readonly string[] | undefined } };

async function judgedAnswer<TOutput extends ZodType, TInput extends ZodType>(
  question: Question<TOutput, TInput>,
  repair: number,
  response: AnswerText,
  input: z.output<TInput>,
  scope: InvocationScope,
): Promise<Judged<z.output<TOutput>>> {
  const { name, output, accept } = question;
  let value: z.output<TOutput>;
  try {
    value = await answeredValue(name, response, output, formOf(question));
  } catch (error) {
    if (!(error instanceof ModelAnswerInvalid)) throw error;
    return { wrong: { error, reasons: issuesIn(error) } };
  }
  if (!accept) return { value };
  try {
    const reasons = await refusalOf(accept, value, input, scope.within(`acceptance ${repair}`));
    return reasons ? { wrong: { error: gateRejected(name, reasons, value), reasons } } : { value };
  } catch (error) {
    // Who judges has to wait, or has failed and may be asked again: what is judged is not to be made anew for that.
    const isJudgedAgain = error instanceof Deferred || isRetryable(error);
    if (isJudgedAgain && !scope.signal.aborted)
      await scope.once(answerName(repair), async () => answerOf(response));
    throw error;
  }
}

function answerOf({ text, stopReason, stopDetail, requestId }: AnswerText): AnswerText {
  return {
    text,
    stopReason,
    ...(stopDetail !== undefined && { stopDetail }),
    ...(requestId !== undefined && { requestId }),
  };
}

/** What the model can put right, in sentences for it; undefined if asking it again would not help. */
function issuesIn({ details }: ModelAnswerInvalid): readonly string[] | undefined {
  const issues = details['issues'] as ReadonlyArray<{
    readonly path: readonly PropertyKey[];
    readonly message: string;
  }>;
  if (issues.length === 0) return undefined;
  return issues.map(({ path, message }) =>
    path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message,
  );
}
