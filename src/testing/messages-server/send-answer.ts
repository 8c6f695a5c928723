/** Sends a scripted answer as the Messages API would: whole, or as server-sent events if the request asks for a stream. */
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

import type {
  ErrorAnswer,
  FaultAnswer,
  MessageAnswer,
  MessagesRequestBody,
  ScriptedAnswer,
} from './answers.ts';
import { eventsOf, type StreamEvent } from './stream-events.ts';

export async function sendAnswer(
  response: ServerResponse,
  id: string,
  scripted: ScriptedAnswer,
  body: MessagesRequestBody,
): Promise<void> {
  const answer = typeof scripted === 'string' ? { text: scripted } : scripted;
  if ('fault' in answer) return sendFault(response, id, answer, body);
  if (answer.delayMs) await pause(answer.delayMs);
  if ('status' in answer) return sendError(response, id, answer);
  const message = messageOf(id, answer, body);
  if (body['stream'] !== true) return sendJson(response, 200, id, message);
  openStream(response, id);
  for (const event of eventsOf(message)) {
    if (answer.eventDelayMs) await pause(answer.eventDelayMs);
    response.write(event.text);
  }
  response.end();
}

export interface WireMessage {
  readonly content: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly usage: Readonly<Record<string, unknown>>;
  readonly stop_reason: string | null;
  readonly [key: string]: unknown;
}

function messageOf(
  id: string,
  { json, text = JSON.stringify(json), toolCalls = [], blocks = [], stopDetails, ...answer }: MessageAnswer,
  { model, system, messages }: MessagesRequestBody,
): WireMessage {
  const { stopReason = toolCalls.length > 0 ? 'tool_use' : 'end_turn', usage } = answer;
  const content = [
    ...blocks,
    ...(text === undefined ? [] : [{ type: 'text', text }]),
    ...toolCalls.map(({ id: callId, name, input }, index) => ({
      type: 'tool_use',
      id: callId ?? id.replace('req', `toolu_${index + 1}`),
      name,
      input,
    })),
  ];
  return {
    id: id.replace('req', 'msg'),
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details: stopDetails ? { type: 'refusal', category: null, explanation: null, ...stopDetails } : null,
    usage: usage ?? {
      input_tokens: estimatedTokens(JSON.stringify([system, messages])),
      output_tokens: estimatedTokens(
        content.length === 1 && text !== undefined ? text : JSON.stringify(content),
      ),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
    },
  };
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

export function sendError(
  response: ServerResponse,
  id: string,
  { status, message, headers }: ErrorAnswer,
): void {
  const error = { type: ERROR_TYPES[status] ?? 'api_error', message: message ?? `Scripted ${status}.` };
  sendJson(response, status, id, { type: 'error', error, request_id: id }, headers);
}

const DEFAULT_AFTER_EVENTS = 4;

function sendFault(
  response: ServerResponse,
  id: string,
  { fault, afterEvents = DEFAULT_AFTER_EVENTS, text = 'This answer never comes to its end.' }: FaultAnswer,
  body: MessagesRequestBody,
): void {
  if (fault === 'hang') return;
  if (fault === 'reset') return void response.destroy();
  if (body['stream'] !== true) return sendFaultyBody(response, id, fault);
  openStream(response, id);
  const events = eventsOf(messageOf(id, { text }, body)).slice(0, afterEvents);
  const sent = events.map((event) => event.text).join('');
  switch (fault) {
    case 'cut':
      response.write(`${sent}event: content_block_delta\ndata: {"type":"content_bl`, () =>
        response.destroy(),
      );
      return;
    case 'malformed':
      response.end(`${sent}event: content_block_delta\ndata: {"type":\n\n`);
      return;
    case 'error':
      response.end(`${sent}${OVERLOADED.text}`);
      return;
    case 'unended':
      response.end(sent);
  }
}

const OVERLOADED: StreamEvent = {
  text: 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
};

function sendFaultyBody(
  response: ServerResponse,
  id: string,
  fault: 'cut' | 'malformed' | 'error' | 'unended',
): void {
  switch (fault) {
    case 'error':
      return sendError(response, id, { status: 529 });
    case 'cut':
      response.writeHead(200, { ...jsonHeaders(id), 'content-length': '1000' });
      response.write('{"id":"msg_cut","type":"message","content":[{"type":"te', () => response.destroy());
      return;
    case 'malformed':
    case 'unended':
      response.writeHead(200, jsonHeaders(id));
      response.end('{"id":"msg_malformed","type":');
  }
}

function openStream(response: ServerResponse, id: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': id });
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

/** About four characters to a token. */
export function estimatedTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
