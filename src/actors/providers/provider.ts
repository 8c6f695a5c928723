/**
 * The port to a model's provider. Another provider is one file that has a `ModelProvider` to give.
 *
 * A provider makes one call and says what came back. It does not retry, does not check the answer against a schema and
 * keeps nothing: `fromModel` does that, the same for all.
 */
import type { TokenUsage } from '../../invocation.ts';

export interface ModelProvider {
  /** Shown wherever its answers are: `anthropic`, `stand-in`. */
  readonly name: string;
  /** True if no model answers, but plain rules. */
  readonly standIn: boolean;
  /**
   * True if `schema` constrains what the model can write, so that nothing but JSON is an answer. If false, the schema
   * is put into the system prompt, and a fenced JSON block is an answer too.
   */
  readonly enforcesSchema: boolean;
  /**
   * One call, without retries. Rejects with `ModelCallFailed` if it failed, whose `details` are `CallFailure`, and with
   * the signal's reason if it was aborted. An answer that is cut off or refused is not a failed call: its `stopReason` tells.
   */
  complete(request: ModelRequest, call: ModelCall): Promise<ModelResponse>;
  /**
   * How long `complete` takes at most, in milliseconds, whatever the other side does. `Infinity`, or absent, if nothing sets
   * a bound to it.
   */
  readonly timeoutMs?: ((call: CallForm) => number) | undefined;
  /**
   * How many tokens the request would have as input, as the provider counts them. It makes no answer and costs nothing.
   * Rejects as `complete` does. Absent if the provider cannot count.
   */
  readonly countTokens?:
    | ((request: ModelRequest, call: Pick<ModelCall, 'signal'>) => Promise<number>)
    | undefined;
}

/** By what a provider may tell how long a call takes. */
export interface CallForm {
  readonly maxTokens: number;
  /** Somebody is told of the text as it comes. */
  readonly stream: boolean;
}

export interface ModelRequest {
  /** Name of the actor that asks, by which a stand-in knows the question. */
  readonly actor: string;
  readonly model: string;
  readonly maxTokens: number;
  readonly system?: string;
  readonly messages: readonly ModelMessage[];
  /** JSON schema of the answer. Without it the answer is text. */
  readonly schema?: JsonSchema;
  /** Tools that the model may call. */
  readonly tools?: readonly ModelTool[];
  /**
   * Have the provider keep what comes before the answer, and for how long: what begins with the same tools and system
   * prompt, or goes on with the same conversation, then costs less. Keeping itself costs a little more than not.
   */
  readonly promptCache?: '5m' | '1h';
  /** The actor's validated input. For stand-ins; it never goes over the wire. */
  readonly input: unknown;
}

export interface ModelMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string | readonly ContentBlock[];
}

export type ContentBlock =
  | TextBlock
  | FileBlock
  | ToolCallBlock
  | ToolResultBlock
  /** What only the provider understands, such as its thinking; sent back as it came. */
  | { readonly type: 'opaque'; readonly value: unknown };

export interface TextBlock {
  readonly type: 'text';
  readonly text: string;
}

/** An image (`image/png`, `image/jpeg`, `image/gif`, `image/webp`) or a document (`application/pdf`). */
export interface FileBlock {
  readonly type: 'file';
  readonly mediaType: string;
  readonly source: { readonly base64: string } | { readonly url: string };
  /** Shown to the model with a document. */
  readonly title?: string;
}

export interface ToolCallBlock {
  readonly type: 'tool-call';
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

export interface ToolResultBlock {
  readonly type: 'tool-result';
  /** Of the call. */
  readonly id: string;
  readonly content: string;
  readonly isError?: boolean;
}

export interface ModelTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface ModelCall {
  readonly signal: AbortSignal;
  /** The invocation's key: the same on every retry. */
  readonly key: string;
  /** Put the raw request on record, so that it is there when the call fails too. It must hold no credentials. */
  readonly sent: (request: unknown) => void;
  /**
   * Told of the answer's text as it comes, piece by piece: JSON too, if that is asked for. A call that fails may have told
   * of a part. A provider that cannot stream does not call it.
   */
  readonly onText?: (delta: string) => void;
}

export interface ModelResponse {
  /** All text of the answer, in order. */
  readonly text: string;
  /** The whole answer, as it is to be sent back in a conversation. */
  readonly content: readonly ContentBlock[];
  /** Only `end_turn` is a complete answer. Providers with other words translate theirs; an unknown one is not complete. */
  readonly stopReason: StopReason | (string & {});
  /** What the provider says about why it stopped: the category of a refusal, say. */
  readonly stopDetail?: string;
  readonly usage?: TokenUsage;
  readonly requestId?: string;
  /** The model that answered, which may be more exact than the one that was asked for. */
  readonly model: string;
  /** As it came over the wire. */
  readonly response: unknown;
}

/** The stop reasons of the Messages API. */
export type StopReason =
  | 'end_turn'
  | 'max_tokens'
  | 'stop_sequence'
  | 'tool_use'
  | 'pause_turn'
  | 'refusal'
  | 'model_context_window_exceeded';

/** The `details` of a `ModelCallFailed`. */
export interface CallFailure {
  /**
   * `http`: an answer with an error status, or an error in the middle of a stream. `connection`: none came. `timeout`: none came in time. `unreadable`: it was
   * cut, or is not what the protocol says. `refused-to-send`: nothing was sent.
   */
  readonly kind: 'http' | 'connection' | 'timeout' | 'unreadable' | 'refused-to-send';
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Of an error in the middle of a stream, the status that it stands for, where it is known. */
  readonly status?: number;
  /** How long the provider asks to wait, from its `retry-after`. */
  readonly retryAfterMs?: number;
  readonly requestId?: string;
}
