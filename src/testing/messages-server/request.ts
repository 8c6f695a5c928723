/** What the Messages server is asked: read, and checked as far as a script relies on it. */
import type { IncomingMessage } from 'node:http';

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

/** The paths that are served. */
export type Endpoint = '/v1/messages' | '/v1/messages/count_tokens';

export interface ReadRequest {
  readonly endpoint: Endpoint;
  readonly body: MessagesRequestBody;
}

/** The request, or what is wrong with it. */
export async function readRequest(request: IncomingMessage): Promise<ReadRequest | Error> {
  const text = await readText(request);
  const { method, url = '/' } = request;
  const endpoint = url.split('?', 1)[0] ?? url;
  if (method !== 'POST' || !isEndpoint(endpoint)) {
    return new Error(`Expected POST /v1/messages, got ${method} ${url}.`);
  }
  let body: Partial<MessagesRequestBody>;
  try {
    body = JSON.parse(text) as Partial<MessagesRequestBody>;
  } catch {
    return new Error('Expected a JSON body.');
  }
  const { model, max_tokens, messages } = body;
  const limited = endpoint === '/v1/messages/count_tokens' || Number.isInteger(max_tokens);
  if (typeof model !== 'string' || !limited || !Array.isArray(messages)) {
    return new Error('Expected `model`, `max_tokens` and `messages` in the body.');
  }
  const lonely = unansweredCall(messages);
  if (lonely !== undefined) {
    return new Error(
      `Expected the message after the call of a tool, \`${lonely}\`, to begin with its result.`,
    );
  }
  return { endpoint, body: body as MessagesRequestBody };
}

function isEndpoint(path: string): path is Endpoint {
  return path === '/v1/messages' || path === '/v1/messages/count_tokens';
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The API refuses a conversation that goes on without the result of a tool that was called. */
function unansweredCall(messages: MessagesRequestBody['messages']): string | undefined {
  for (const [index, message] of messages.entries()) {
    for (const { type, id } of blocksOf(message)) {
      if (type !== 'tool_use') continue;
      const results = blocksOf(messages[index + 1]);
      if (!results.some((block) => block['tool_use_id'] === id)) return String(id);
    }
  }
  return undefined;
}

function blocksOf(message: { readonly content: unknown } | undefined): readonly Record<string, unknown>[] {
  return Array.isArray(message?.content) ? (message.content as Record<string, unknown>[]) : [];
}

/** About what a picture or a page costs. */
const TOKENS_PER_FILE = 1_500;

/** A count of tokens: about four characters to one. */
export function countTokens({ system, messages, tools }: Partial<MessagesRequestBody>): number {
  return tokensIn([system, messages, tools]);
}

export function tokensIn(value: unknown): number {
  let files = 0;
  const words = JSON.stringify(value, (_, part: unknown) => {
    if (!isFile(part)) return part;
    files++;
    return undefined;
  });
  return Math.ceil(words.length / 4) + files * TOKENS_PER_FILE;
}

function isFile(part: unknown): boolean {
  return typeof part === 'object' && part !== null && 'type' in part && part.type === 'base64';
}
