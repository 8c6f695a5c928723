/** What a script has the Messages server answer. */

/** The parts of the body that scripts ask about; the rest is there too. */
export interface MessagesRequestBody {
  readonly model: string;
  readonly max_tokens: number;
  readonly system?: unknown;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly output_config?: {
    readonly format?: { readonly type: string; readonly schema: Record<string, unknown> };
  };
  readonly [key: string]: unknown;
}

/** A string is the text of a complete answer. */
export type ScriptedAnswer = string | MessageAnswer | ErrorAnswer | FaultAnswer;

/** A message. Give its text, or a value as JSON, or tools to call, or whole blocks. */
export interface MessageAnswer {
  readonly text?: string;
  readonly json?: unknown;
  /** Tools that the model calls, after its text. Then the stop reason is `tool_use` unless another is given. */
  readonly toolCalls?: ReadonlyArray<{
    readonly name: string;
    readonly input: unknown;
    readonly id?: string;
  }>;
  /** Blocks that come first, as the API has them: thinking, say. */
  readonly blocks?: ReadonlyArray<Readonly<Record<string, unknown>>>;
  /** Default: `end_turn`. */
  readonly stopReason?: string | null;
  readonly stopDetails?: { readonly category?: string | null; readonly explanation?: string | null };
  /** Fields of the API's `usage`. Default: a count from the lengths of the texts. */
  readonly usage?: Readonly<Record<string, unknown>>;
  /** How long it takes before the first byte, in milliseconds. Default: 0. */
  readonly delayMs?: number;
  /** If it is streamed: how long each event takes, in milliseconds. Default: 0. */
  readonly eventDelayMs?: number;
}

/** An HTTP error, with the body that the API gives it. */
export interface ErrorAnswer {
  /** 429, 500, 529, ... */
  readonly status: number;
  readonly message?: string;
  /** `{ 'retry-after': '7' }` */
  readonly headers?: Readonly<Record<string, string>>;
  readonly delayMs?: number;
}

export interface FaultAnswer {
  /**
   * `reset`: the connection is cut before anything is sent. `cut`: it is cut in the middle of the body. `malformed`: the
   * body is not JSON. `hang`: nothing is ever sent. `error`: a stream has an `error` event in its middle; otherwise it is
   * a 529. `unended`: a stream ends in order, but without the end of the message; otherwise it is `malformed`.
   */
  readonly fault: 'reset' | 'cut' | 'malformed' | 'hang' | 'error' | 'unended';
  /** If it is streamed: after how many events it happens. Default: 4. */
  readonly afterEvents?: number;
  /** If it is streamed: the text of the message that was to come. */
  readonly text?: string;
}

/**
 * What to answer, given the body and how many requests came before it. `undefined`, or a throw, is for a request that
 * nobody expected. For a slow answer, give a promise.
 */
export type Script = (
  body: MessagesRequestBody,
  index: number,
) => ScriptedAnswer | undefined | Promise<ScriptedAnswer | undefined>;
