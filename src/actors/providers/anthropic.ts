/**
 * Anthropic's Messages API through its official SDK, and servers that speak it (llama.cpp, Ollama, LM Studio).
 *
 * The only file that imports the SDK. It is an optional peer dependency, so it is loaded at the first call, and nothing
 * of it is in the types given out.
 *
 * I1. The SDK never retries for us: a wait of minutes belongs to the engine, not to a held worker.
 * I2. Credentials and headers go nowhere but to the API: not on record, not into an error.
 * I3. An answer in one piece takes no longer than the client's timeout, its body included, which the SDK does not time.
 */
import type { Message } from '@anthropic-ai/sdk/resources/messages/messages';

import type { TokenUsage } from '../../invocation.ts';
import { InvalidOption } from '../../errors.ts';
import { describeError, plainError } from '../../plain-error.ts';
import { callFailed, failure, PLACEHOLDER_KEY, streamFailed, unreadable } from './anthropic-failure.ts';
import { createMessageDraft } from './anthropic-stream.ts';
import { type AnthropicRequest, fromWire, toWire, unknownMediaType } from './anthropic-wire.ts';
import type { CallForm, ModelCall, ModelProvider, ModelRequest, ModelResponse } from './provider.ts';

export interface AnthropicOptions {
  /**
   * A client of `@anthropic-ai/sdk`. Its retries are switched off for calls made here. Default: one from the environment,
   * which reads `ANTHROPIC_API_KEY` and `ANTHROPIC_BASE_URL` when it is used; with a base URL no key is needed.
   */
  readonly client?: AnthropicClient;
  /**
   * Whether the API constrains answers to a JSON schema (`output_config.format`). Set it to false for a local server
   * that does not: the schema then goes into the system prompt. Default: true.
   */
  readonly enforcesSchema?: boolean;
}

/** The part of the SDK's client that is used here. Its clients for other platforms fit too. */
export interface AnthropicClient {
  readonly apiKey?: unknown;
  readonly authToken?: unknown;
  /** How long it waits for an answer that is not streamed, in milliseconds. */
  readonly timeout?: unknown;
  readonly messages: {
    /** Gives a message, or an `AnthropicStream` of its events if `params.stream` is set. */
    create(params: AnthropicRequest, options: AnthropicCallOptions): PromiseLike<unknown>;
    /** Needed only to count tokens. */
    countTokens?(
      params: Omit<AnthropicRequest, 'max_tokens' | 'stream'>,
      options: AnthropicCallOptions,
    ): PromiseLike<unknown>;
  };
}

export interface AnthropicCallOptions {
  readonly signal: AbortSignal;
  readonly maxRetries: number;
}

/** The events of a message, parsed. */
export type AnthropicStream = AsyncIterable<unknown>;

/** The SDK refuses to wait for a longer answer in one piece, as it could take more than ten minutes. */
const LONGEST_UNSTREAMED = 21_333;

/** Of a client that the SDK makes without being told one. */
const SDK_TIMEOUT_MS = 600_000;

/** A timer cannot be set for longer. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Anthropic's Messages API, or a server that speaks it.
 *
 * A call is streamed if someone looks on (`onText`), or if `maxTokens` is above 21,333; the response is the same. A stream
 * that breaks off, whatever the reason, is a call that failed: there is no half answer.
 *
 * @example
 * ```ts
 * fromModel({ ..., provider: anthropic({ client: new Anthropic({ apiKey, timeout: 60_000 }) }) });
 * ```
 */
export function anthropic({ client, enforcesSchema = true }: AnthropicOptions = {}): ModelProvider {
  const timeoutMs = client ? timeoutOf(client) : SDK_TIMEOUT_MS;
  const clientNow = client ? () => Promise.resolve(client) : clientFromEnvironment();
  return {
    name: 'anthropic',
    standIn: false,
    enforcesSchema,
    timeoutMs: (form) => (isStreamed(form) ? Infinity : timeoutMs),

    complete: async (request, call) => {
      const current = await clientNow();
      const params = await paramsOf(request, enforcesSchema);
      if (isStreamed({ maxTokens: params.max_tokens, stream: call.onText !== undefined }))
        params.stream = true;
      call.sent(params);
      const create = ({ signal }: Aborting) => current.messages.create(params, optionsOf({ signal }));
      const { data, requestId } = params.stream
        ? await answerTo(() => create(call), { call, client: current })
        : await inTime(timeoutMs, call, (timed) =>
            answerTo(() => create(timed), { call: timed, client: current }),
          );
      const answer = isStream(data) ? await messageOf(data, { call, client: current, requestId }) : data;
      return responseOf(answer, request, requestId);
    },

    countTokens: async (request, call) => {
      const current = await clientNow();
      const { max_tokens: _, ...params } = await paramsOf(request, enforcesSchema);
      const count = current.messages.countTokens?.bind(current.messages);
      if (!count) {
        throw failure('its client cannot count tokens', { kind: 'refused-to-send', retryable: false });
      }
      const { data } = await answerTo(() => count(params, optionsOf(call)), { call, client: current });
      const tokens = (data as { readonly input_tokens?: unknown } | undefined)?.input_tokens;
      if (typeof tokens !== 'number') throw unreadable('what came back is not a count of tokens');
      return tokens;
    },
  };
}

function isStreamed({ maxTokens, stream }: CallForm): boolean {
  return stream || maxTokens > LONGEST_UNSTREAMED;
}

function timeoutOf({ timeout }: AnthropicClient): number {
  const isTimed = typeof timeout === 'number' && timeout > 0 && timeout <= LONGEST_TIMEOUT_MS;
  return isTimed ? timeout : Infinity;
}

type Aborting = Pick<ModelCall, 'signal'>;

/** The SDK times a call until its answer begins. */
async function inTime<T>(
  timeoutMs: number,
  { signal }: Aborting,
  work: (timed: Aborting) => Promise<T>,
): Promise<T> {
  if (timeoutMs === Infinity) return work({ signal });
  const controller = new AbortController();
  const end = (): void =>
    controller.abort(failure('no answer came in time', { kind: 'timeout', retryable: true }));
  const timer = setTimeout(end, timeoutMs);
  try {
    return await work({ signal: AbortSignal.any([signal, controller.signal]) });
  } finally {
    clearTimeout(timer);
  }
}

function optionsOf({ signal }: Aborting): AnthropicCallOptions {
  return { signal, maxRetries: 0 };
}

/** What the API answers, with its request id where the SDK gives it. A stream has only begun. */
async function answerTo(
  send: () => PromiseLike<unknown>,
  { call: { signal }, client }: { readonly call: Aborting; readonly client: AnthropicClient },
): Promise<{ readonly data: unknown; readonly requestId?: string | undefined }> {
  try {
    const answering = send();
    if (!('withResponse' in answering)) return { data: await answering };
    const { data, request_id: requestId } = await (answering as WithResponse).withResponse();
    return { data, requestId: requestId ?? undefined };
  } catch (error) {
    throw signal.aborted ? signal.reason : callFailed(error, client);
  }
}

/** The SDK's promises. */
interface WithResponse {
  withResponse(): Promise<{ readonly data: unknown; readonly request_id: string | null | undefined }>;
}

interface Streaming {
  readonly call: ModelCall;
  readonly client: AnthropicClient;
  readonly requestId: string | undefined;
}

async function messageOf(stream: AnthropicStream, { call, client, requestId }: Streaming): Promise<unknown> {
  const { signal, onText } = call;
  const draft = createMessageDraft({ onText, unreadable: (what) => unreadable(what, requestId) });
  // To the end, even when the message is whole: so the connection can be used again.
  for await (const event of failingAs(stream, (error) => streamFailed(error, client, requestId)))
    draft.take(event);
  // The SDK ends an aborted stream as if it were over.
  signal.throwIfAborted();
  const message = draft.whole();
  if (!message) throw unreadable('the answer was cut off', requestId);
  return message;

  async function* failingAs(events: AnthropicStream, failed: (error: unknown) => Error): AnthropicStream {
    try {
      yield* events;
    } catch (error) {
      signal.throwIfAborted();
      // What goes wrong after the end takes nothing away.
      if (!draft.whole()) throw failed(error);
    }
  }
}

function isStream(data: unknown): data is AnthropicStream {
  return typeof data === 'object' && data !== null && Symbol.asyncIterator in data;
}

/** One client for as long as the environment says the same. */
function clientFromEnvironment(): () => Promise<AnthropicClient> {
  let made: { readonly from: string; readonly client: AnthropicClient } | undefined;
  return async () => {
    const apiKey = fromEnvironment('ANTHROPIC_API_KEY');
    const authToken = fromEnvironment('ANTHROPIC_AUTH_TOKEN');
    const baseURL = fromEnvironment('ANTHROPIC_BASE_URL');
    const from = JSON.stringify([apiKey, authToken, baseURL]);
    if (made?.from === from) return made.client;
    const { Anthropic } = await loadSdk();
    // Without any of the three the SDK looks for credentials in its own places.
    const placeholder = baseURL && !apiKey && !authToken ? { apiKey: PLACEHOLDER_KEY } : {};
    // It would print what it cannot read, which may be anything.
    const quiet = fromEnvironment('ANTHROPIC_LOG') ? {} : { logLevel: 'off' as const };
    const client = new Anthropic({ ...placeholder, ...quiet });
    made = { from, client };
    return client;
  };
}

export function fromEnvironment(variable: string): string | undefined {
  return process.env[variable]?.trim() || undefined;
}

async function loadSdk(): Promise<typeof import('@anthropic-ai/sdk')> {
  try {
    return await import('@anthropic-ai/sdk');
  } catch (cause) {
    throw new InvalidOption(
      "Calling Anthropic's API needs its SDK, which could not be loaded. Install it with `npm install @anthropic-ai/sdk`, or pass another `provider`.",
      { cause: plainError(cause) },
    );
  }
}

async function paramsOf(request: ModelRequest, enforcesSchema: boolean): Promise<AnthropicRequest> {
  const { actor, schema } = request;
  const unknown = unknownMediaType(request);
  if (unknown !== undefined) {
    throw failure(`\`${actor}\` has a file of type \`${unknown}\`, which the API does not take`, {
      kind: 'refused-to-send',
      retryable: false,
    });
  }
  const params = toWire(request);
  if (!schema || !enforcesSchema) return params;
  // The API takes a part of JSON schema; the SDK knows which, and moves the rest into descriptions.
  const { transformJSONSchema } = await import('@anthropic-ai/sdk/lib/transform-json-schema');
  try {
    const format = { type: 'json_schema' as const, schema: transformJSONSchema(schema) };
    return { ...params, output_config: { format } };
  } catch (cause) {
    const { message } = describeError(cause);
    throw failure(
      `the API cannot be given the schema of \`${actor}\`: ${message}`,
      { kind: 'refused-to-send', retryable: false },
      plainError(cause),
    );
  }
}

function responseOf(answer: unknown, request: ModelRequest, requestId?: string): ModelResponse {
  if (!isMessage(answer)) throw unreadable('what came back is not a message of the Messages API', requestId);
  const { _request_id: id = requestId, content, model, stop_reason, stop_details, usage } = answer;
  const stopDetail = [stop_details?.category, stop_details?.explanation].filter(Boolean).join(': ');
  return {
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    content: content.map(fromWire),
    stopReason: stop_reason ?? 'none',
    ...(stopDetail !== '' && { stopDetail }),
    ...(typeof usage?.input_tokens === 'number' && { usage: usageOf(usage) }),
    ...(id != null && { requestId: id }),
    model: model ?? request.model,
    response: answer,
  };
}

/** Servers that only resemble the API may leave things out. */
type AnyMessage = Pick<Message, 'content'> &
  Partial<Pick<Message, 'model' | 'stop_reason' | 'stop_details' | 'usage'>> & {
    /** The SDK puts it there. */
    readonly _request_id?: string | null;
  };

function isMessage(answer: unknown): answer is AnyMessage {
  return (
    typeof answer === 'object' && answer !== null && 'content' in answer && Array.isArray(answer.content)
  );
}

function usageOf({
  input_tokens,
  output_tokens,
  cache_read_input_tokens,
  cache_creation_input_tokens,
}: Message['usage']): TokenUsage {
  return {
    inputTokens: input_tokens,
    outputTokens: output_tokens,
    ...(cache_read_input_tokens != null && { cacheReadTokens: cache_read_input_tokens }),
    ...(cache_creation_input_tokens != null && { cacheWriteTokens: cache_creation_input_tokens }),
  };
}
