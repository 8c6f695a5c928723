/**
 * What went wrong between here and an MCP server, in one form: why, whether to try again, and whether the tool may have
 * acted all the same.
 *
 * The SDK's errors are told apart by name and code.
 */
import { McpCallFailed } from '../../errors.ts';
import { causesOf, describeError, plainError } from '../../plain-error.ts';

/** Stands in `details` of `McpCallFailed`, beside `server`. */
export interface McpCallFailure {
  readonly kind:
    /** The server could not be reached, or the connection was lost. */
    | 'connection'
    /** No answer came in time. */
    | 'timeout'
    /** The server answered with an HTTP status; `status` has it. */
    | 'http'
    /** The server, or the protocol, refuses the call. */
    | 'protocol'
    /** What came back is no MCP. */
    | 'unreadable';
  readonly retryable: boolean;
  /** The request was sent, and nothing says that the tool did not run. */
  readonly mayHaveActed: boolean;
  readonly status?: number;
  readonly retryAfterMs?: number;
}

/** The message of an error that stands for an answer which did not come, because its stream ended. */
export const STREAM_ENDED = 'the connection was lost before the answer was complete';

interface Told extends McpCallFailure {
  readonly what: string;
}

/** An error body may be a whole HTML page. */
const MAX_REASON_LENGTH = 500;

/** Codes of errors after which nothing can have been sent. */
const NEVER_SENT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The program itself is missing or not to be run, which waiting does not change. */
const NOT_TO_BE_STARTED: ReadonlySet<unknown> = new Set(['EACCES', 'EINVAL', 'ENOENT', 'ENOTDIR', 'EPERM']);

const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;

export interface CallFailures {
  /** Of an error that the SDK threw. `note` is added: what else is known of the connection. */
  of(error: unknown, note?: string): McpCallFailed;
  /** Of an HTTP status. */
  http(refused: {
    readonly status: number;
    readonly text: string;
    readonly retryAfterMs?: number;
  }): McpCallFailed;
  connection(what: string, mayHaveActed: boolean, note?: string): McpCallFailed;
}

/** `hidden` takes secrets out of texts. */
export function callFailures(
  server: string,
  timeoutMs: number,
  hidden: (text: string) => string,
): CallFailures {
  const failure = ({ what, ...details }: Told, note = '', cause?: Error) =>
    new McpCallFailed(
      `The call to MCP server \`${server}\` failed: ${hidden(what)}.${note && ` ${hidden(note)}`}`,
      {
        details: { server, ...details },
        ...(cause && { cause }),
      },
    );
  return {
    of: (error, note) => {
      for (const cause of causesOf(error)) if (cause instanceof McpCallFailed) return cause;
      const told = [...causesOf(error)].map((cause) => recognised(cause, timeoutMs)).find(Boolean);
      return failure(told ?? unrecognised(error), note, plainError(error, hidden));
    },
    http: (refused) => failure(httpStatus(refused)),
    connection: (what, mayHaveActed, note) =>
      failure({ what, kind: 'connection', retryable: true, mayHaveActed }, note),
  };
}

/** One of each kind that a machine could tell apart. Only over HTTP can a server say when to come again. */
export function someCallFailures(server: string, overHttp: boolean): readonly McpCallFailed[] {
  const failures = callFailures(server, 0, (text) => text);
  return [
    failures.connection('the connection was lost before the call was sent', false),
    failures.connection('the connection was lost', true),
    failures.of(Object.assign(new Error('The arguments are refused'), { code: INVALID_PARAMS })),
    ...(overHttp ? [failures.http({ status: 429, text: 'Too many requests', retryAfterMs: 30_000 })] : []),
  ];
}

function recognised(error: unknown, timeoutMs: number): Told | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  const {
    status,
    data,
    code = message === 'Not connected' ? 'NOT_CONNECTED' : undefined,
  } = error as {
    readonly status?: unknown;
    readonly data?: unknown;
    readonly code?: unknown;
  };
  if (typeof status === 'number') {
    const { text } = (data ?? {}) as { readonly text?: unknown };
    return httpStatus({ status, text: typeof text === 'string' ? text : message });
  }
  if (message === STREAM_ENDED) return lost(STREAM_ENDED);
  if (name === 'SyntaxError' || name === 'ZodError')
    return unreadable('what came back is not a message of MCP');
  if (name === 'AbortError') return lost('the connection was closed');
  if (NEVER_SENT.has(code))
    return { ...lost(`the server cannot be reached: ${message || String(code)}`), mayHaveActed: false };
  if (error.message.startsWith('spawn ') && NOT_TO_BE_STARTED.has(code)) {
    return {
      ...refused(`its program could not be started: ${message}. Check \`stdio.command\` and \`stdio.cwd\``),
      kind: 'connection',
    };
  }
  switch (code) {
    case 'REQUEST_TIMEOUT':
      return {
        what: `no answer, nor a sign of progress, came within ${timeoutMs} ms`,
        kind: 'timeout',
        retryable: true,
        mayHaveActed: true,
      };
    case 'CONNECTION_CLOSED':
      return lost('the connection was lost');
    case 'NOT_CONNECTED':
      return { ...lost('the connection was lost before the call was sent'), mayHaveActed: false };
    case 'INVALID_RESULT':
    case 'CLIENT_HTTP_UNEXPECTED_CONTENT':
      return unreadable(`what came back is not a result of MCP: ${cut(message)}`);
    case 'UNSUPPORTED_RESULT_TYPE':
    case 'INPUT_REQUIRED_ROUNDS_EXCEEDED':
    case 'CAPABILITY_NOT_SUPPORTED':
      return refused(`the server asks for more than a plain call: ${cut(message)}`);
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return lost('the connection was lost');
    default:
      return typeof code === 'number' ? protocolError(code, message) : undefined;
  }
}

function unrecognised(error: unknown): Told {
  const innermost = [...causesOf(error)].map(describeError).at(-1);
  return lost(cut(innermost?.message || innermost?.name || 'nothing is known of why'));
}

function httpStatus({
  status,
  text,
  retryAfterMs,
}: {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs?: number;
}): Told {
  const wayOut =
    status === 401 || status === 403 ? '. Check its `headers`' : status === 404 ? '. Check its `url`' : '';
  return {
    what: `${status}${text.trim() && `: ${cut(text.trim())}`}${wayOut}`,
    kind: 'http',
    retryable: status === 408 || status === 425 || status === 429 || status >= 500,
    mayHaveActed: status === 408 || status >= 500,
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** https://www.jsonrpc.org/specification#error_object: all but an internal error say that the request was refused. */
function protocolError(code: number, message: string): Told {
  const broke = code === INTERNAL_ERROR;
  return { ...refused(`error ${code}: ${cut(message)}`), retryable: broke, mayHaveActed: broke };
}

function lost(what: string): Told {
  return { what, kind: 'connection', retryable: true, mayHaveActed: true };
}

function unreadable(what: string): Told {
  return { what, kind: 'unreadable', retryable: true, mayHaveActed: true };
}

function refused(what: string): Told {
  return { what, kind: 'protocol', retryable: false, mayHaveActed: false };
}

function cut(text: string): string {
  return text.length > MAX_REASON_LENGTH ? `${text.slice(0, MAX_REASON_LENGTH)}…` : text;
}
