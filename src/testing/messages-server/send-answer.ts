/**
 * Sends a scripted answer as the Messages API would: whole, or as server-sent events if the request asks for a stream.
 *
 * I1. No wait outlives its connection.
 */
import type { ServerResponse } from 'node:http';

import type { ErrorAnswer, FaultAnswer, MessageAnswer, ScriptedAnswer } from './answers.ts';
import { messageOf } from './message.ts';
import type { MessagesRequestBody } from './request.ts';
import { streamEvent, streamEvents } from './stream-events.ts';

export async function sendAnswer(
  response: ServerResponse,
  id: string,
  scripted: ScriptedAnswer,
  body: MessagesRequestBody,
): Promise<void> {
  const answer: Exclude<ScriptedAnswer, string> =
    typeof scripted === 'string' ? { text: scripted } : scripted;
  if (answer.delayMs) await wait(answer.delayMs, response);
  if (response.destroyed) return;
  const streams = body['stream'] === true;
  if ('status' in answer) sendError(response, id, answer);
  else if (isFault(answer)) await (streams ? streamFault : sendFault)(response, id, answer, body);
  else if (streams) {
    await stream(response, id, streamEvents(messageOf(id, answer, body)), answer);
    response.end();
  } else sendJson(response, 200, id, messageOf(id, answer, body));
}

function isFault(answer: MessageAnswer | FaultAnswer): answer is FaultAnswer {
  return 'fault' in answer;
}

/** Sends the events, and leaves the stream open. */
async function stream(
  response: ServerResponse,
  id: string,
  events: readonly string[],
  { eventDelayMs }: MessageAnswer,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'request-id': id,
  });
  response.flushHeaders();
  if (!eventDelayMs) {
    response.write(events.join(''));
    return;
  }
  for (const event of events) {
    await wait(eventDelayMs, response);
    if (response.destroyed) return;
    response.write(event);
  }
}

const DEFAULT_AFTER_EVENTS = 4;
const DEFAULT_TEXT = 'This answer never comes to its end.';

async function streamFault(
  response: ServerResponse,
  id: string,
  answer: FaultAnswer,
  body: MessagesRequestBody,
): Promise<void> {
  const { fault, afterEvents = DEFAULT_AFTER_EVENTS, errorStatus = 529 } = answer;
  if (fault === 'reset') {
    response.destroy();
    return;
  }
  const events = streamEvents(messageOf(id, { text: DEFAULT_TEXT, ...answer }, body));
  await stream(response, id, events.slice(0, afterEvents), answer);
  switch (fault) {
    case 'cut':
      response.write('event: content_block_delta\ndata: {"type":"content_bl', () => response.destroy());
      return;
    case 'malformed':
      response.end('event: content_block_delta\ndata: {"type":\n\n');
      return;
    case 'error':
      response.end(streamEvent('error', errorBody(id, { status: errorStatus })));
      return;
    case 'unended':
      response.end();
      return;
    case 'hang':
      return;
  }
}

function sendFault(response: ServerResponse, id: string, { fault, errorStatus = 529 }: FaultAnswer): void {
  switch (fault) {
    case 'reset':
      response.destroy();
      return;
    case 'cut':
      response.writeHead(200, { ...jsonHeaders(id), 'content-length': '1000' });
      response.write('{"id":"msg_cut","type":"message","content":[{"type":"te', () => response.destroy());
      return;
    case 'unended':
    case 'malformed':
      response.writeHead(200, jsonHeaders(id));
      response.end('{"id":"msg_malformed","type":');
      return;
    case 'error':
      sendError(response, id, { status: errorStatus });
      return;
    case 'hang':
      return;
  }
}

/** https://platform.claude.com/docs/en/api/errors */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

export function sendError(response: ServerResponse, id: string, answer: ErrorAnswer): void {
  sendJson(response, answer.status, id, { type: 'error', ...errorBody(id, answer) }, answer.headers);
}

function errorBody(id: string, { status, message = `Scripted ${status}.` }: ErrorAnswer) {
  return { error: { type: ERROR_TYPES[status] ?? 'api_error', message }, request_id: id };
}

export function sendJson(
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

/** Until the time is over, or the client has gone. */
function wait(ms: number, response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      response.off('close', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    response.once('close', over);
  });
}
