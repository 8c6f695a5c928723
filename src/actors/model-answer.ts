/** What a model's response amounts to: its text if it is a complete answer, and the value in that text. */
import type { z, ZodType } from 'zod';

import { describeIssues, ModelAnswerInvalid, type Issue } from '../errors.ts';
import { issuesOf } from './check-value.ts';
import type { ModelResponse, StopReason } from './providers/provider.ts';

/** `json-in-text`: JSON, alone or in a fenced block with words around it. */
export type AnswerForm = 'text' | 'json' | 'json-in-text';

/** What there is to say of an answer. */
export type AnswerText = Pick<ModelResponse, 'text' | 'stopReason' | 'stopDetail' | 'requestId'>;

/** Why an answer that stopped for this reason is not complete. */
const INCOMPLETE: Record<Exclude<StopReason, 'end_turn'>, string> = {
  max_tokens: 'was cut off at `maxTokens`; raise it or ask for less',
  stop_sequence: 'was cut off by a stop sequence',
  tool_use: 'is a call of a tool where an answer was wanted',
  pause_turn: 'was paused before it was complete',
  refusal: 'is a refusal',
  model_context_window_exceeded: "was cut off because the model's context window is full; shorten the prompt",
};

/** The text of a complete answer, or `ModelAnswerInvalid` with the stop reason. */
export function completeText(actor: string, response: AnswerText): string {
  const { text, stopReason, stopDetail } = response;
  if (stopReason !== 'end_turn') {
    const why = Object.hasOwn(INCOMPLETE, stopReason)
      ? INCOMPLETE[stopReason as keyof typeof INCOMPLETE]
      : `stopped for a reason that is not known here, \`${stopReason}\``;
    throw answerInvalid(actor, response, `${why}${stopDetail ? ` (${stopDetail})` : ''}`);
  }
  if (text.trim() === '') throw answerInvalid(actor, response, 'is empty');
  return text;
}

/** The value that the answer's text holds, as its schema gives it back, or `ModelAnswerInvalid` with the issues. */
export async function answeredValue<TOutput extends ZodType>(
  actor: string,
  response: AnswerText,
  output: TOutput,
  form: AnswerForm,
): Promise<z.output<TOutput>> {
  const text = completeText(actor, response);
  const value =
    form === 'text' ? text : parsed(actor, response, form === 'json' ? [text] : [text, fenced(text)]);
  const checked = await output.safeParseAsync(value);
  if (checked.success) return checked.data;
  const issues = issuesOf(checked.error);
  throw answerInvalid(actor, response, `does not match its schema: ${describeIssues(issues)}`, issues);
}

function parsed(actor: string, response: AnswerText, candidates: readonly (string | undefined)[]): unknown {
  let cause: unknown;
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    try {
      return JSON.parse(candidate) as unknown;
    } catch (error) {
      cause ??= error;
    }
  }
  // The parser's message quotes the answer, so it stays out of ours.
  const issues = [
    { path: [], message: `Expected JSON. ${cause instanceof Error ? cause.message : ''}`.trim() },
  ];
  throw answerInvalid(actor, response, 'is not JSON', issues);
}

/** What stands in the fenced block. From the first fence to the last, because a string in the JSON may hold one too. */
function fenced(text: string): string | undefined {
  return /```(?:json)?[ \t]*\n([^]*)```/i.exec(text)?.[1];
}

/** One of each kind of answer that is not complete, for whoever declares what it may fail with. */
export function incompleteAnswers(actor: string): readonly ModelAnswerInvalid[] {
  return [
    answerInvalid(actor, { ...sample, stopReason: 'refusal', stopDetail: 'not said' }, INCOMPLETE.refusal),
    answerInvalid(actor, { ...sample, stopReason: 'max_tokens' }, INCOMPLETE.max_tokens),
  ];
}

/** The same of an answer that is complete, and not of its schema. */
export function wrongAnswer(actor: string): ModelAnswerInvalid {
  const issues = [{ path: [], message: 'Invalid input' }];
  return answerInvalid(actor, sample, `does not match its schema: ${describeIssues(issues)}`, issues);
}

const sample = { stopReason: 'end_turn', text: 'Text.', requestId: 'req_1' } as const;

export function answerInvalid(
  actor: string,
  { stopReason, stopDetail, text, requestId }: AnswerText,
  what: string,
  issues: readonly Issue[] = [],
): ModelAnswerInvalid {
  return new ModelAnswerInvalid(`The model's answer to \`${actor}\` ${what}.`, {
    details: {
      stopReason,
      ...(stopDetail !== undefined && { stopDetail }),
      text,
      issues,
      ...(requestId !== undefined && { requestId }),
    },
  });
}
