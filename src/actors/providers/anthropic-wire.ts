/** Requests and answers in the words of the Messages API. */
import type { ContentBlock, ModelRequest } from './provider.ts';

/** What goes over the wire, and on record. */
export interface AnthropicRequest {
  model: string;
  max_tokens: number;
  system?: string | { type: 'text'; text: string; cache_control: CacheControl }[];
  messages: { role: 'user' | 'assistant'; content: string | AnthropicBlock[] }[];
  tools?: AnthropicTool[];
  /** Has the API place a breakpoint after the last block that can be cached. */
  cache_control?: CacheControl;
  output_config?: { format: { type: 'json_schema'; schema: Record<string, unknown> } };
  stream?: true;
}

export interface AnthropicTool {
  name: string;
  description: string;
  input_schema: { type: 'object'; [key: string]: unknown };
  cache_control?: CacheControl;
}

interface CacheControl {
  type: 'ephemeral';
  ttl: '5m' | '1h';
}

/** Blocks of other types came from the API and go back as they came. */
export type AnthropicBlock =
  | { type: 'text'; text: string }
  | { type: 'image'; source: ImageSource | UrlSource }
  | { type: 'document'; source: PdfSource | UrlSource; title?: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown }
  | { type: 'tool_result'; tool_use_id: string; content: string; is_error?: boolean };

interface ImageSource {
  type: 'base64';
  media_type: 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp';
  data: string;
}

interface PdfSource {
  type: 'base64';
  media_type: 'application/pdf';
  data: string;
}

interface UrlSource {
  type: 'url';
  url: string;
}

/**
 * With `promptCache` there are two breakpoints: one after the conversation, for whoever goes on with it, and one after
 * tools and system prompt, for other conversations that begin with the same.
 */
export function toWire({
  model,
  maxTokens,
  system,
  messages,
  tools = [],
  promptCache,
}: ModelRequest): AnthropicRequest {
  const cache = promptCache && { cache_control: { type: 'ephemeral' as const, ttl: promptCache } };
  const wireTools = tools.map(({ name, description, inputSchema }, index): AnthropicTool => ({
    name,
    description,
    input_schema: { type: 'object', ...inputSchema },
    // Tools stand before the system prompt, so its breakpoint is theirs too.
    ...(system === undefined && index === tools.length - 1 && cache),
  }));
  return {
    model,
    max_tokens: maxTokens,
    ...cache,
    ...(system !== undefined && { system: cache ? [{ type: 'text', text: system, ...cache }] : system }),
    ...(wireTools.length > 0 && { tools: wireTools }),
    messages: messages.map(({ role, content }) => ({
      role,
      content: typeof content === 'string' ? content : content.map(blockToWire),
    })),
  };
}

const MEDIA_TYPES: ReadonlySet<string> = new Set([
  'application/pdf',
  'image/jpeg',
  'image/png',
  'image/gif',
  'image/webp',
]);

/** The media type of a file that the API would refuse. */
export function unknownMediaType({ messages }: ModelRequest): string | undefined {
  for (const { content } of messages) {
    if (typeof content === 'string') continue;
    for (const block of content) {
      if (block.type === 'file' && !MEDIA_TYPES.has(block.mediaType)) return block.mediaType;
    }
  }
  return undefined;
}

function blockToWire(block: ContentBlock): AnthropicBlock {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text };
    case 'file':
      return fileToWire(block);
    case 'tool-call':
      return { type: 'tool_use', id: block.id, name: block.name, input: block.input };
    case 'tool-result':
      return {
        type: 'tool_result',
        tool_use_id: block.id,
        content: block.content,
        ...(block.isError && { is_error: true }),
      };
    case 'opaque':
      return block.value as AnthropicBlock;
  }
}

function fileToWire({
  mediaType,
  source,
  title,
}: Extract<ContentBlock, { readonly type: 'file' }>): AnthropicBlock {
  if (mediaType === 'application/pdf') {
    return {
      type: 'document',
      source:
        'url' in source
          ? { type: 'url', url: source.url }
          : { type: 'base64', media_type: mediaType, data: source.base64 },
      ...(title !== undefined && { title }),
    };
  }
  return {
    type: 'image',
    source:
      'url' in source
        ? { type: 'url', url: source.url }
        : { type: 'base64', media_type: mediaType as ImageSource['media_type'], data: source.base64 },
  };
}

/** A block of an answer. What has no form of its own here is opaque. */
export function fromWire(block: { readonly type: string }): ContentBlock {
  if (block.type === 'text' && 'text' in block) return { type: 'text', text: String(block.text) };
  if (block.type === 'tool_use' && 'id' in block && 'name' in block && 'input' in block) {
    const { id, name, input } = block;
    return { type: 'tool-call', id: String(id), name: String(name), input };
  }
  return { type: 'opaque', value: block };
}
