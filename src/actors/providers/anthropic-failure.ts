/**
 * Failed calls to the Messages API, as `ModelCallFailed` with `CallFailure` details.
 *
 * Nothing that could authenticate gets into them: keys are taken out of every text, and headers stay behind.
 */
import type { ModelCallFailed } from '../../errors.ts';
import { causesOf, describeError, plainError } from '../../plain-error.ts';
import { retryAfterMs } from '../retry-after.ts';
import { modelCallFailed } from './call-failed.ts';
import type { CallFailure } from './provider.ts';

/** The SDK's errors are told apart by name and fields, since a client may come from another copy of the SDK. */
interface SdkError {
  readonly name?: string;
  readonly status?: number;
  readonly headers?: Headers;
  readonly type?: string | null;
  readonly apiMessage?: string | null;
}

/** What may hold a secret: a client of the SDK. */
export interface Credentials {
  readonly apiKey?: unknown;
  readonly authToken?: unknown;
}

/** Servers without authentication ignore it; the SDK insists on one. */
export const PLACEHOLDER_KEY = 'no-key';

/** An error body may be a whole HTML page. */
const MAX_REASON_LENGTH = 500;

/** https://platform.claude.com/docs/en/api/errors */
const STATUS_OF_TYPE: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

export function failure(what: string, details: CallFailure, cause?: Error): ModelCallFailed {
  return modelCallFailed("Anthropic's API", what, details, cause);
}

/** What came back is not what the protocol says. */
export function unreadable(what: string, requestId?: string, cause?: Error): ModelCallFailed {
  const details = {
    kind: 'unreadable',
    retryable: true,
    ...(requestId !== undefined && { requestId }),
  } as const;
  return failure(what, details, cause);
}

/** A call that threw before there was an answer, or while it was read in one piece. */
export function callFailed(error: unknown, client: Credentials): ModelCallFailed {
  const hidden = hiding(client);
  const cause = plainError(error, hidden);
  const { message } = cause;
  const { name, status, headers } = error as SdkError;
  if (status !== undefined) return errorAnswer(error as SdkError, status, headers, cause, hidden);
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
      return unreadable('what came back is not JSON', undefined, cause);
    default: {
      // What `fetch` throws when the body stops in the middle.
      if (message === 'terminated') return cutOff(cause);
      const wayOut =
        client.apiKey == null && client.authToken == null
          ? ' Set ANTHROPIC_API_KEY, or ANTHROPIC_BASE_URL for a local server.'
          : '';
      return failure(`${message}${wayOut}`, { kind: 'refused-to-send', retryable: false }, cause);
    }
  }
}

/** A stream that threw after it had begun. Whatever it was, the request had been taken. */
export function streamFailed(error: unknown, client: Credentials, requestId?: string): ModelCallFailed {
  const hidden = hiding(client);
  const cause = plainError(error, hidden);
  const { name, headers, type } = error as SdkError;
  if (name === 'SyntaxError') return unreadable('an event of the stream is not JSON', requestId, cause);
  // An `error` event. Its type stands for the status that it would have had, had it come sooner.
  if (type || name === 'APIError') {
    const status = type && Object.hasOwn(STATUS_OF_TYPE, type) ? STATUS_OF_TYPE[type] : undefined;
    return errorAnswer(error as SdkError, status, headers, cause, hidden);
  }
  return cutOff(cause, requestId);
}

function cutOff(cause: Error, requestId?: string): ModelCallFailed {
  // Nothing came for so long that `fetch` gave up.
  const silent = [...causesOf(cause)].some((inner) => describeError(inner).code === 'UND_ERR_BODY_TIMEOUT');
  const details = { retryable: true, ...(requestId !== undefined && { requestId }) };
  if (silent)
    return failure('the rest of the answer did not come in time', { kind: 'timeout', ...details }, cause);
  return failure('the answer was cut off', { kind: 'unreadable', ...details }, cause);
}

function errorAnswer(
  { type, apiMessage }: SdkError,
  status: number | undefined,
  headers: Headers | undefined,
  cause: Error,
  hidden: (text: string) => string,
): ModelCallFailed {
  const kind = [status, type && (status === undefined ? type : `(${type})`)].filter(Boolean).join(' ');
  const reason = hidden(apiMessage ?? cause.message).slice(0, MAX_REASON_LENGTH);
  const wayOut = status === 401 || status === 403 ? ' Check the API key.' : '';
  const what = `${kind === '' ? '' : `${kind}: `}${reason}${wayOut}`;
  return failure(what, httpFailure(status, headers), cause);
}

function httpFailure(status: number | undefined, headers: Headers | undefined): CallFailure {
  const wait = waitIn(headers);
  const requestId = headers?.get('request-id');
  // The API may overrule what the status says.
  const overruled = headers?.get('x-should-retry');
  const retryable = overruled
    ? overruled === 'true'
    : status === undefined || status === 408 || status === 409 || status === 429 || status >= 500;
  return {
    kind: 'http',
    retryable,
    ...(status !== undefined && { status }),
    ...(wait !== undefined && { retryAfterMs: wait }),
    ...(requestId && { requestId }),
  };
}

/** `retry-after-ms` is the API's own, and the more exact. */
function waitIn(headers: Headers | undefined): number | undefined {
  const ms = headers?.get('retry-after-ms');
  return ms && Number.isFinite(Number(ms))
    ? Math.max(0, Math.round(Number(ms)))
    : retryAfterMs(headers?.get('retry-after'));
}

/** Proxies are known to quote a wrong key in their answer. */
function hiding({ apiKey, authToken }: Credentials): (text: string) => string {
  const secrets = [apiKey, authToken].filter(
    (secret): secret is string => typeof secret === 'string' && secret !== '' && secret !== PLACEHOLDER_KEY,
  );
  return (text) => secrets.reduce((shown, secret) => shown.replaceAll(secret, '[key]'), text);
}
