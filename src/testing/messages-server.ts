/**
 * A small local server that speaks Anthropic's Messages API, with scripted answers and faults, so that tests go
 * through the real SDK over real HTTP. It can be reached from other processes by its `url`.
 *
 * It owns what is asked and answered; what an answer should be is the script's. Streaming is not spoken.
 *
 * I1. A request that the script does not answer gets a 500 that says so, and stays in `unexpected`.
 * I2. `close` ends every connection, those that a fault left hanging too.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface MessagesServer {
  /** For `ANTHROPIC_BASE_URL`, or the `baseURL` of a client. */
  readonly url: string;
  /** Every request to `/v1/messages`, in the order in which they came. */
  readonly requests: readonly MessagesRequest[];
  /** What went wrong with requests that nobody expected, in words. Empty if all is well. */
  readonly unexpected: readonly string[];
  close(): Promise<void>;
}

export interface MessagesRequest {
  readonly body: MessagesRequestBody;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

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

/** A message. Give its text, or a value as JSON. */
export interface MessageAnswer {
  readonly text?: string;
  readonly json?: unknown;
  /** Default: `end_turn`. */
  readonly stopReason?: string | null;
  readonly stopDetails?: { readonly category?: string | null; readonly explanation?: string | null };
  /** Fields of the API's `usage`. Default: a count from the lengths of the texts. */
  readonly usage?: Readonly<Record<string, unknown>>;
}

/** An HTTP error, with the body that the API gives it. */
export interface ErrorAnswer {
  /** 429, 500, 529, ... */
  readonly status: number;
  readonly message?: string;
  /** `{ 'retry-after': '7' }` */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FaultAnswer {
  /**
   * `reset`: the connection is cut before anything is sent. `cut`: it is cut in the middle of the body. `malformed`: the
   * body is not JSON. `hang`: nothing is ever sent.
   */
  readonly fault: 'reset' | 'cut' | 'malformed' | 'hang';
}

/**
 * What to answer, given the body and how many requests came before it. `undefined`, or a throw, is for a request that
 * nobody expected. For a slow answer, give a promise.
 */
export type Script = (
  body: MessagesRequestBody,
  index: number,
) => ScriptedAnswer | undefined | Promise<ScriptedAnswer | undefined>;

export interface MessagesServerOptions {
  /** A script, or one answer for each request in turn. */
  readonly answers: Script | readonly ScriptedAnswer[];
}

/**
 * Start the server on a free port of the loopback interface.
 *
 * @example
 * ```ts
 * const server = await createMessagesServer({ answers: [{ status: 529 }, { json: { category: 'billing' } }] });
 * const client = new Anthropic({ baseURL: server.url, apiKey: 'any' });
 * // ...
 * await server.close();
 * ```
 */
export async function createMessagesServer({ answers }: MessagesServerOptions): Promise<MessagesServer> {
  const script: Script = typeof answers === 'function' ? answers : (_, index) => answers[index];
  const requests: MessagesRequest[] = [];
  const unexpected: string[] = [];

  const scriptedAnswer = async (body: MessagesRequestBody, index: number): Promise<ScriptedAnswer> => {
    let why = 'the script has no answer to it.';
    try {
      const scripted = await script(body, index);
      if (scripted !== undefined) return scripted;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    const message = `Request ${index + 1} was not expected: ${why}`;
    unexpected.push(message);
    return { status: 500, message };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = parseRequest(request, await readBody(request));
    if (body instanceof Error) {
      unexpected.push(body.message);
      sendError(response, 'req_local_refused', { status: 400, message: body.message });
      return;
    }
    const index = requests.push({ body, headers: request.headers }) - 1;
    send(response, `req_local_${index + 1}`, await scriptedAnswer(body, index), body);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    unexpected,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parseRequest({ method, url = '/' }: IncomingMessage, text: string): MessagesRequestBody | Error {
  if (method !== 'POST' || new URL(url, 'http://local').pathname !== '/v1/messages') {
    return new Error(`Expected POST /v1/messages, got ${method} ${url}.`);
  }
  let body: Partial<MessagesRequestBody>;
  try {
    body = JSON.parse(text) as Partial<MessagesRequestBody>;
  } catch {
    return new Error('Expected a JSON body.');
  }
  const { model, max_tokens, messages, stream } = body;
  if (typeof model !== 'string' || !Number.isInteger(max_tokens) || !Array.isArray(messages)) {
    return new Error('Expected `model`, `max_tokens` and `messages` in the body.');
  }
  if (stream === true) return new Error('This server does not stream.');
  return body as MessagesRequestBody;
}

function send(response: ServerResponse, id: string, answer: ScriptedAnswer, body: MessagesRequestBody): void {
  if (typeof answer === 'string') sendMessage(response, id, { text: answer }, body);
  else if ('status' in answer) sendError(response, id, answer);
  else if ('fault' in answer) sendFault(response, id, answer);
  else sendMessage(response, id, answer, body);
}

function sendMessage(
  response: ServerResponse,
  id: string,
  { json, text = JSON.stringify(json), stopReason = 'end_turn', stopDetails, usage }: MessageAnswer,
  { model, system, messages }: MessagesRequestBody,
): void {
  sendJson(response, 200, id, {
    id: id.replace('req', 'msg'),
    type: 'message',
    role: 'assistant',
    model,
    content: text === undefined ? [] : [{ type: 'text', text }],
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details: stopDetails ? { type: 'refusal', category: null, explanation: null, ...stopDetails } : null,
    usage: usage ?? {
      input_tokens: estimatedTokens(JSON.stringify([system, messages])),
      output_tokens: estimatedTokens(text ?? ''),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
    },
  });
}

/** https://platform.claude.com/docs/en/api/errors */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

function sendError(response: ServerResponse, id: string, { status, message, headers }: ErrorAnswer): void {
  const error = { type: ERROR_TYPES[status] ?? 'api_error', message: message ?? `Scripted ${status}.` };
  sendJson(response, status, id, { type: 'error', error, request_id: id }, headers);
}

function sendFault(response: ServerResponse, id: string, { fault }: FaultAnswer): void {
  switch (fault) {
    case 'reset':
      response.destroy();
      return;
    case 'cut':
      response.writeHead(200, { ...jsonHeaders(id), 'content-length': '1000' });
      response.write('{"id":"msg_cut","type":"message","content":[{"type":"te', () => response.destroy());
      return;
    case 'malformed':
      response.writeHead(200, jsonHeaders(id));
      response.end('{"id":"msg_malformed","type":');
      return;
    case 'hang':
      return;
  }
}

function sendJson(
  response: ServerResponse,
  status: number,
  id: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...jsonHeaders(id), ...headers });
  response.end(JSON.stringify(body));
}

function jsonHeaders(id: string): Record<string, string> {
  return { 'content-type': 'application/json', 'request-id': id };
}

/** About four characters to a token. */
function estimatedTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
