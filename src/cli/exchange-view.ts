/** One exchange with a model or a tool: what was asked, what was answered, by whom. */
import type { Exchange } from '../engine/invocation.ts';
import { type BlockOptions, printField, textOf } from './field-block.ts';
import type { Screen } from './screen.ts';
import { oneLine } from './text.ts';
import { span } from './times.ts';

export function printExchange(screen: Screen, exchange: Exchange, options: BlockOptions): void {
  const { request, response, error, standIn } = exchange;
  const style = standIn ? ({ style: 'yellow' } as const) : {};
  printField(screen, exchange.kind, headline(exchange), { ...options, ...style });
  printRequest(screen, request, options);
  if (response !== undefined) {
    printField(
      screen,
      'response',
      standIn ? `STAND-IN: ${responseText(response)}` : responseText(response),
      options,
    );
  }
  if (error) {
    const code = error.code === undefined ? '' : ` (${error.code})`;
    printField(screen, 'error', `${error.name}: ${error.message}${code}`, { ...options, style: 'red' });
  }
}

function headline({ by, standIn, model, usage, requestId, latencyMs, error }: Exchange): string {
  const who = standIn ? 'STAND-IN (plain rules, no model)' : by;
  const parts = [
    `${who} ${error ? 'failed' : 'answered'} in ${span(latencyMs)}`,
    ...(model === undefined || standIn ? [] : [model]),
    ...(usage
      ? [
          `tokens ${usage.inputTokens.toLocaleString('en')} in, ${usage.outputTokens.toLocaleString('en')} out`,
        ]
      : []),
    ...(requestId === undefined ? [] : [requestId]),
  ];
  return oneLine(parts.join(' · '));
}

/** A conversation is shown by its messages, anything else as it is. */
function printRequest(screen: Screen, request: unknown, options: BlockOptions): void {
  if (!hasMessages(request)) return printField(screen, 'request', request, options);
  const { messages, system, schema, ...others } = request;
  if (system !== undefined) printField(screen, 'prompt', `[system] ${contentText(system)}`, options);
  for (const { role, content } of messages) {
    printField(screen, 'prompt', `[${String(role)}] ${contentText(content)}`, options);
  }
  if (schema !== undefined)
    printField(screen, 'schema', schema, { ...options, mostLines: Math.min(2, options.mostLines) });
  if (Object.keys(others).length > 0) {
    printField(screen, 'with', others, { ...options, mostLines: Math.min(2, options.mostLines) });
  }
}

interface Conversation {
  readonly messages: readonly { readonly role?: unknown; readonly content?: unknown }[];
  readonly system?: unknown;
  readonly schema?: unknown;
}

function hasMessages(request: unknown): request is Conversation {
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
  if (!Array.isArray(content)) return textOf(content);
  return content.map((block: unknown) => textIn(block) ?? textOf(block)).join('\n');
}

function responseText(response: unknown): string {
  const text = textIn(response);
  if (text !== undefined) return text;
  if (
    typeof response === 'object' &&
    response !== null &&
    'content' in response &&
    Array.isArray(response.content)
  ) {
    return contentText(response.content);
  }
  return textOf(response);
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string'
    ? value.text
    : undefined;
}
