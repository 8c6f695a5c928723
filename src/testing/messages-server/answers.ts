/** What a script has the Messages server answer. All of it is plain data, so that it can come from another process. */

export type { MessagesRequestBody } from './request.ts';

/** A string is the text of a complete answer. */
export type ScriptedAnswer = string | MessageAnswer | ErrorAnswer | FaultAnswer;

/** When an answer comes. A client that goes away, or the server's end, cuts every wait short. */
export interface AnswerTiming {
  /** How long it takes before the first byte, in milliseconds. Default: 0. */
  readonly delayMs?: number;
  /** If it is streamed: how long each event takes after that, in milliseconds. Default: 0, all at once. */
  readonly eventDelayMs?: number;
}

/** A message. Give its text, or a value as JSON, or tools to call, or whole blocks. */
export interface MessageAnswer extends AnswerTiming {
  readonly text?: string;
  readonly json?: unknown;
  /** Tools that the model calls, after its text. Then the stop reason is `tool_use` unless another is given. */
  readonly toolCalls?: ReadonlyArray<{
    readonly name: string;
    readonly input: unknown;
    /** Default: one that no other call has. */
    readonly id?: string;
  }>;
  /** What the model thinks before it answers. */
  readonly thinking?: string;
  /** Blocks that come first, as the API has them. */
  readonly blocks?: ReadonlyArray<Readonly<Record<string, unknown>>>;
  /** `max_tokens`, `refusal`, ... Default: `end_turn`. */
  readonly stopReason?: string | null;
  /** Of a refusal. */
  readonly stopDetails?: { readonly category?: string | null; readonly explanation?: string | null };
  /** Fields of the API's `usage`. Default: a count from the lengths of the texts. */
  readonly usage?: Readonly<Record<string, unknown>>;
}

/** An HTTP error, with the body that the API gives it. It is no stream, even where one was asked for. */
export interface ErrorAnswer extends Pick<AnswerTiming, 'delayMs'> {
  /** 429, 500, 529, ... */
  readonly status: number;
  readonly message?: string;
  /** `{ 'retry-after': '7' }` */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What goes wrong:
 *
 * | fault       | in a stream, after some events             | otherwise                               |
 * | ----------- | ------------------------------------------ | --------------------------------------- |
 * | `reset`     | as otherwise                               | the connection ends before the answer   |
 * | `cut`       | the connection ends inside the next event  | it ends in the middle of the body       |
 * | `unended`   | the stream ends in order, but too soon     | the body ends in order, but too soon    |
 * | `malformed` | the next event is not JSON, then all ends  | the body is not JSON                    |
 * | `error`     | an `error` event                           | the HTTP error that it stands for       |
 * | `hang`      | nothing more comes, and nothing ends       | nothing ever comes                      |
 */
export type Fault = 'reset' | 'cut' | 'unended' | 'malformed' | 'error' | 'hang';

/** A message that never comes, or not to its end. */
export interface FaultAnswer extends MessageAnswer {
  readonly fault: Fault;
  /** If it is streamed: after how many of the message's events. Default: 4. */
  readonly afterEvents?: number;
  /** Of the fault `error`, by the status that it stands for: 429, 500, 529, ... Default: 529. */
  readonly errorStatus?: number;
}
