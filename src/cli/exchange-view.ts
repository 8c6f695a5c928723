/** One exchange with a model or a tool: what was asked, what was answered, by whom. */
import { isDeepStrictEqual } from 'node:util';

import type { Exchange } from '../invocation.ts';
import { type BlockOptions, printField } from './field-block.ts';
import { toJson } from './plain-value.ts';
import { readable } from './readable.ts';
import type { Screen } from './screen.ts';
import { usdText } from './spend-text.ts';
import { oneLine } from './text.ts';
import { span } from './times.ts';

export interface ExchangeOptions extends BlockOptions {
  readonly full: boolean;
}

export function printExchange(screen: Screen, exchange: Exchange, options: ExchangeOptions): void {
  const { kind, request, response, error, standIn } = exchange;
  printField(screen, kind, headline(exchange), { ...options, ...(standIn ? { style: 'yellow' } : {}) });
  printRequest(screen, request, options);
  if (response !== undefined) {
    printField(screen, 'response', marked(responseText(response), standIn), options);
  }
  if (error) {
    const code = error.code === undefined ? '' : ` (${error.code})`;
    printField(screen, 'error', `${error.name}: ${error.message}${code}`, { ...options, style: 'red' });
  }
}

/** Whether a value is what an exchange has just shown as its response. */
export function isShownBy(exchange: Exchange | undefined, value: unknown): boolean {
  if (exchange?.response === undefined) return false;
  if (isDeepStrictEqual(exchange.response, value)) return true;
  const text = responseText(exchange.response);
  return text === (typeof value === 'string' ? value : toJson(value));
}

/** A value in words, with the mark that a stand-in's answer carries wherever it is shown. */
export function marked(value: unknown, standIn = false): string {
  const text = readable(value);
  if (!standIn) return text;
  return `STAND-IN:${text.includes('\n') ? '\n' : ' '}${text}`;
}

function headline({ by, standIn, model, usage, costUsd, requestId, latencyMs, error }: Exchange): string {
  const who = standIn ? 'STAND-IN (plain rules, no model)' : by;
  const parts = [
    `${who} ${error ? 'failed' : 'answered'} in ${span(latencyMs)}`,
    ...(model === undefined || standIn ? [] : [model]),
    ...(usage ? [`tokens ${usage.inputTokens} in, ${usage.outputTokens} out`] : []),
    ...(costUsd === undefined ? [] : [usdText(costUsd)]),
    ...(requestId === undefined ? [] : [requestId]),
  ];
  return oneLine(parts.join(' · '));
}

/** A conversation is shown by its messages, anything else as it is. */
function printRequest(screen: Screen, request: unknown, options: ExchangeOptions): void {
  if (!isConversation(request)) return printField(screen, 'request', request, options);
  const { messages, system, ...others } = request;
  if (system !== undefined) printField(screen, 'prompt', `[system] ${contentText(system)}`, options);
  for (const { role, content } of messages) {
    printField(screen, 'prompt', `[${String(role)}] ${contentText(content)}`, options);
  }
  // The model's name, its limits, the schema of its answer.
  if (options.full && Object.keys(others).length > 0) printField(screen, 'with', others, options);
}

interface Conversation {
  readonly messages: readonly { readonly role?: unknown; readonly content?: unknown }[];
  readonly system?: unknown;
}

function isConversation(request: unknown): request is Conversation {
  return (
    typeof request === 'object' &&
    request !== null &&
    'messages' in request &&
    Array.isArray(request.messages) &&
    request.messages.every((message) => typeof message === 'object' && message !== null)
  );
}

/** The text of a message's content, which is a string or a list of blocks. */
function contentText(content: unknown): string {
  if (!Array.isArray(content)) return readable(content);
  return content.map((block: unknown) => textIn(block) ?? readable(block)).join('\n');
}

function responseText(response: unknown): string {
  const text = textIn(response);
  if (text !== undefined) return text;
  const hasContent = typeof response === 'object' && response !== null && 'content' in response;
  return hasContent && Array.isArray(response.content) ? contentText(response.content) : readable(response);
}

function textIn(value: unknown): string | undefined {
  const hasText = typeof value === 'object' && value !== null && 'text' in value;
  return hasText && typeof value.text === 'string' ? value.text : undefined;
}
