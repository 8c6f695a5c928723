/**
 * A small local server that speaks Anthropic's Messages API, with scripted answers and faults, so that tests go
 * through the real SDK over real HTTP, streams included. It can be reached from other processes by its `url`.
 *
 * It owns what is asked and answered; what an answer should be is the script's.
 *
 * I1. A request that the script does not answer gets a 500 that says so, and stays in `unexpected`.
 * I2. `close` ends every connection, those that a fault left hanging too, and every wait.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { ScriptedAnswer } from './answers.ts';
import { countTokens, type MessagesRequest, type MessagesRequestBody, readRequest } from './request.ts';
import { sendAnswer, sendError, sendJson } from './send-answer.ts';

export type {
  AnswerTiming,
  ErrorAnswer,
  Fault,
  FaultAnswer,
  MessageAnswer,
  MessagesRequestBody,
  ScriptedAnswer,
} from './answers.ts';
export type { MessagesRequest } from './request.ts';

export interface MessagesServer {
  /** For `ANTHROPIC_BASE_URL`, or the `baseURL` of a client. */
  readonly url: string;
  /** How many requests to `/v1/messages` have come. Those to count tokens are not among them. */
  readonly received: number;
  /** Those requests, in the order in which they came, as far as they are kept. */
  readonly requests: readonly MessagesRequest[];
  /** What went wrong with requests that nobody expected, in words. Empty if all is well. */
  readonly unexpected: readonly string[];
  close(): Promise<void>;
}

/**
 * What to answer, given the body and how many requests came before it. `undefined`, or a throw, is for a request that
 * nobody expected.
 */
export type Script = (
  body: MessagesRequestBody,
  index: number,
) => ScriptedAnswer | undefined | Promise<ScriptedAnswer | undefined>;

export interface MessagesServerOptions {
  /** A script, or one answer for each request in turn. */
  readonly answers: Script | readonly ScriptedAnswer[];
  /** How many requests are kept, the first ones; a load test keeps none. Default: all. */
  readonly keep?: number;
}

/** Of as many clients as want to connect at once. */
const BACKLOG = 4096;

/**
 * Start the server on a free port of the loopback interface. A request for a stream gets one, with the same script.
 *
 * @example
 * ```ts
 * const server = await createMessagesServer({
 *   answers: [{ status: 429, headers: { 'retry-after': '7' } }, { fault: 'cut' }, { json: { category: 'billing' } }],
 * });
 * const client = new Anthropic({ baseURL: server.url, apiKey: 'any' });
 * // ...
 * expect(server.received).toBe(3);
 * await server.close();
 * ```
 */
export async function createMessagesServer({
  answers,
  keep = Infinity,
}: MessagesServerOptions): Promise<MessagesServer> {
  const script: Script = typeof answers === 'function' ? answers : (_, index) => answers[index];
  const requests: MessagesRequest[] = [];
  const unexpected: string[] = [];
  let received = 0;

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
    const read = await readRequest(request);
    if (read instanceof Error) {
      unexpected.push(read.message);
      sendError(response, 'req_local_refused', { status: 400, message: read.message });
      return;
    }
    const { endpoint, body } = read;
    if (endpoint === '/v1/messages/count_tokens') {
      sendJson(response, 200, 'req_local_count', { input_tokens: countTokens(body) });
      return;
    }
    const index = received++;
    if (requests.length < keep) requests.push({ body, headers: request.headers });
    await sendAnswer(response, `req_local_${index + 1}`, await scriptedAnswer(body, index), body);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  // A connection that is closed for being idle may be in use again by then.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1', backlog: BACKLOG }, resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    get received() {
      return received;
    },
    requests,
    unexpected,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
