/**
 * Anthropic's Messages API through its official SDK, and servers that speak it (llama.cpp, Ollama, LM Studio).
 *
 * The only file that knows the SDK. It is an optional peer dependency, so it is loaded at the first call, and nothing
 * of it is in the types given out.
 *
 * I1. The SDK never retries for us: a wait of minutes belongs to the engine, not to a held worker.
 * I2. Credentials and headers go nowhere but to the API: not on record, not into an error.
 */
import type { Message } from '@anthropic-ai/sdk/resources/messages/messages';

import type { TokenUsage } from '../../invocation.ts';
import { InvalidOption, ModelCallFailed } from '../../errors.ts';
import { causesOf, describeError, plainError } from '../../plain-error.ts';
import { type AnthropicRequest, fromWire, toWire, unknownMediaType } from './anthropic-wire.ts';
import type { CallFailure, ModelProvider, ModelRequest, ModelResponse } from './provider.ts';

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
  readonly messages: {
    create(
      params: AnthropicRequest,
      options: { readonly signal: AbortSignal; readonly maxRetries: number },
    ): PromiseLike<unknown>;
    /** Needed only for answers that are streamed. */
    stream?(
      params: AnthropicRequest,
      options: { readonly signal: AbortSignal; readonly maxRetries: number },
    ): AnthropicStream;
  };
}

/** The part of the SDK's stream that is used here. */
export interface AnthropicStream {
  readonly request_id?: string | null | undefined;
  on(event: 'text', listener: (delta: string) => void): unknown;
  finalMessage(): Promise<unknown>;
}

/** Servers without authentication ignore it; the SDK insists on one. */
const PLACEHOLDER_KEY = 'no-key';

/** An error body may be a whole HTML page. */
const MAX_REASON_LENGTH = 500;

/** https://platform.claude.com/docs/en/api/errors */
const PASSING_ERRORS: ReadonlySet<string> = new Set([
  'api_error',
  'overloaded_error',
  'rate_limit_error',
  'timeout_error',
]);

/** The SDK refuses to wait for a longer answer in one piece, as it could take more than ten minutes. */
const LONGEST_UNSTREAMED = 21_333;

/**
 * @example
 * ```ts
 * fromModel({ ..., provider: anthropic({ client: new Anthropic({ apiKey, timeout: 60_000 }) }) });
 * ```
 */
export function anthropic({ client, enforcesSchema = true }: AnthropicOptions = {}): ModelProvider {
  const clientNow = client ? () => Promise.resolve(client) : clientFromEnvironment();
  return {
    name: 'anthropic',
    standIn: false,
    enforcesSchema,
    complete: async (request, { signal, sent, onText }) => {
      const current = await clientNow();
      const params = await paramsOf(request, enforcesSchema);
      sent(params);
      const options = { signal, maxRetries: 0 };
      try {
        const streams = onText !== undefined || params.max_tokens > LONGEST_UNSTREAMED;
        if (!streams || !current.messages.stream) {
          return responseOf(await current.messages.create(params, options), request);
        }
        const stream = current.messages.stream(params, options);
        if (onText) stream.on('text', onText);
        const answer = await stream.finalMessage();
        return responseOf(answer, request, stream.request_id);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw error instanceof ModelCallFailed ? error : callFailed(error, current);
      }
    },
  };
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

function responseOf(answer: unknown, request: ModelRequest, streamId?: string | null): ModelResponse {
  if (!isMessage(answer)) {
    throw failure('what came back is not a message of the Messages API', {
      kind: 'unreadable',
      retryable: true,
    });
  }
  const { content, model, stop_reason, stop_details, usage } = answer;
  const requestId = answer._request_id ?? streamId;
  const stopDetail = [stop_details?.category, stop_details?.explanation].filter(Boolean).join(': ');
  return {
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    content: content.map(fromWire),
    stopReason: stop_reason ?? 'none',
    ...(stopDetail !== '' && { stopDetail }),
    ...(typeof usage?.input_tokens === 'number' && { usage: usageOf(usage) }),
    ...(requestId != null && { requestId }),
    model: model ?? request.model,
    response: answer,
  };
}

/** Servers that only resemble the API may leave things out. */
type AnyMessage = Pick<Message, 'content'> &
  Partial<Pick<Message, 'model' | 'stop_reason' | 'stop_details' | 'usage'>> & {
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

/** The SDK's errors are told apart by name and fields, since a client may come from another copy of the SDK. */
interface SdkError {
  readonly name?: string;
  readonly status?: number;
  readonly headers?: Headers;
  readonly type?: string | null;
  readonly apiMessage?: string | null;
}

function callFailed(error: unknown, client: AnthropicClient): Error {
  const secrets = secretsOf(client);
  const hidden = (text: string) => secrets.reduce((shown, secret) => shown.replaceAll(secret, '[key]'), text);
  const cause = plainError(error, hidden);
  const { message } = cause;
  const { name, status, headers, type, apiMessage } = error as SdkError;

  if (status !== undefined) {
    const reason = hidden(apiMessage ?? message).slice(0, MAX_REASON_LENGTH);
    const wayOut = status === 401 || status === 403 ? ' Check the API key.' : '';
    return failure(
      `${status}${type ? ` (${type})` : ''}: ${reason}${wayOut}`,
      httpFailure(status, headers),
      cause,
    );
  }
  // An `error` event in the middle of a stream.
  if (type) {
    const reason = hidden(apiMessage ?? message).slice(0, MAX_REASON_LENGTH);
    return failure(`${type}: ${reason}`, { kind: 'http', retryable: PASSING_ERRORS.has(type) }, cause);
  }
  switch (name) {
    case 'APIConnectionTimeoutError':
      return failure('no answer came in time', { kind: 'timeout', retryable: true }, cause);
    case 'APIConnectionError': {
      const innermost = [...causesOf(cause)].map(describeError).at(-1);
      return failure(
        `the connection failed: ${innermost?.message || innermost?.code}`,
        { kind: 'connection', retryable: true },
        cause,
      );
    }
    case 'SyntaxError':
      return failure('what came back is not JSON', { kind: 'unreadable', retryable: true }, cause);
    default: {
      if ([...causesOf(cause)].some((inner) => describeError(inner).name === 'SyntaxError')) {
        return failure('what came back is not JSON', { kind: 'unreadable', retryable: true }, cause);
      }
      // What `fetch` and the SDK say when the body stops in the middle.
      if (message === 'terminated' || /stream (ended|was cut)|without (producing|sending)/i.test(message)) {
        return failure('the answer was cut off', { kind: 'unreadable', retryable: true }, cause);
      }
      const wayOut =
        client.apiKey == null && client.authToken == null
          ? ' Set ANTHROPIC_API_KEY, or ANTHROPIC_BASE_URL for a local server.'
          : '';
      return failure(`${message}${wayOut}`, { kind: 'refused-to-send', retryable: false }, cause);
    }
  }
}

function failure(what: string, details: CallFailure, cause?: Error): ModelCallFailed {
  return new ModelCallFailed(`The call to Anthropic's API failed: ${what}`, {
    details: { ...details },
    ...(cause && { cause }),
  });
}

function httpFailure(status: number, headers: Headers | undefined): CallFailure {
  const retryAfterMs = retryAfterOf(headers);
  const requestId = headers?.get('request-id');
  // The API may overrule what the status says.
  const overruled = headers?.get('x-should-retry');
  const retryable = overruled
    ? overruled === 'true'
    : status === 408 || status === 409 || status === 429 || status >= 500;
  return {
    kind: 'http',
    retryable,
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(requestId && { requestId }),
  };
}

/** RFC 9110, 10.2.3: seconds or a date. `retry-after-ms` is the API's own. */
function retryAfterOf(headers: Headers | undefined): number | undefined {
  const ms = headers?.get('retry-after-ms');
  const after = headers?.get('retry-after');
  const waits = [
    ms ? Number(ms) : NaN,
    after ? Number(after) * 1000 : NaN,
    after ? Date.parse(after) - Date.now() : NaN,
  ];
  const wait = waits.find((candidate) => Number.isFinite(candidate));
  return wait === undefined ? undefined : Math.max(0, Math.round(wait));
}

/** Proxies are known to quote a wrong key in their answer. */
function secretsOf({ apiKey, authToken }: AnthropicClient): string[] {
  return [apiKey, authToken].filter(
    (secret): secret is string => typeof secret === 'string' && secret !== '' && secret !== PLACEHOLDER_KEY,
  );
}
