/**
 * A small local server that speaks Anthropic's Messages API, with scripted answers and faults, so that tests go
 * through the real SDK over real HTTP, streaming included. It can be reached from other processes by its `url`.
 *
 * It owns what is asked and answered; what an answer should be is the script's.
 *
 * I1. A request that the script does not answer gets a 500 that says so, and stays in `unexpected`.
 * I2. `close` ends every connection, those that a fault left hanging too.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type MessagesRequestBody, type Script, type ScriptedAnswer } from './answers.ts';
import { estimatedTokens, sendAnswer, sendError, sendJson } from './send-answer.ts';

export type {
  ErrorAnswer,
  FaultAnswer,
  MessageAnswer,
  MessagesRequestBody,
  Script,
  ScriptedAnswer,
} from './answers.ts';

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

export interface MessagesServerOptions {
  /** A script, or one answer for each request in turn. */
  readonly answers: Script | readonly ScriptedAnswer[];
  /** How many requests are kept to be looked at; a load test keeps none. Default: all. */
  readonly keep?: number;
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
export async function createMessagesServer({
  answers,
  keep = Infinity,
}: MessagesServerOptions): Promise<MessagesServer> {
  const script: Script = typeof answers === 'function' ? answers : (_, index) => answers[index];
  const requests: MessagesRequest[] = [];
  let count = 0;
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
    const path = new URL(request.url ?? '/', 'http://local').pathname;
    const text = await readBody(request);
    if (path === '/v1/messages/count_tokens') {
      const { system, messages, tools } = JSON.parse(text) as Partial<MessagesRequestBody>;
      const counted = estimatedTokens(JSON.stringify([system, messages, tools]));
      return sendJson(response, 200, 'req_local_count', { input_tokens: counted });
    }
    const body = parseRequest(request, path, text);
    if (body instanceof Error) {
      unexpected.push(body.message);
      sendError(response, 'req_local_refused', { status: 400, message: body.message });
      return;
    }
    const index = count++;
    if (requests.length < keep) requests.push({ body, headers: request.headers });
    await sendAnswer(response, `req_local_${index + 1}`, await scriptedAnswer(body, index), body);
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

function parseRequest({ method }: IncomingMessage, path: string, text: string): MessagesRequestBody | Error {
  if (method !== 'POST' || path !== '/v1/messages') {
    return new Error(`Expected POST /v1/messages, got ${method} ${path}.`);
  }
  let body: Partial<MessagesRequestBody>;
  try {
    body = JSON.parse(text) as Partial<MessagesRequestBody>;
  } catch {
    return new Error('Expected a JSON body.');
  }
  const { model, max_tokens, messages } = body;
  if (typeof model !== 'string' || !Number.isInteger(max_tokens) || !Array.isArray(messages)) {
    return new Error('Expected `model`, `max_tokens` and `messages` in the body.');
  }
  return body as MessagesRequestBody;
}
