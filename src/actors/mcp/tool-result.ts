/** What a tool gave back, and the value that is read from it. */
import type { ZodType } from 'zod';

import { ActorValueInvalid } from '../../errors.ts';
import { takesOnlyText } from './written-schema.ts';

/** Plain data, as it is on record. */
export interface McpResult {
  readonly content: readonly McpContent[];
  /** Any JSON value, of tools that declare an output schema. */
  readonly structuredContent?: unknown;
  /** The tool says that it failed; `content` has its words. */
  readonly isError?: boolean;
}

export type McpContent =
  | { readonly type: 'text'; readonly text: string }
  /** `data` is base64. */
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'resource'; readonly resource: McpResource }
  | {
      readonly type: 'resource_link';
      readonly uri: string;
      readonly name: string;
      readonly description?: string;
      readonly mimeType?: string;
    };

/** With `text`, or with `blob` in base64. */
export interface McpResource {
  readonly uri: string;
  readonly mimeType?: string;
  readonly text?: string;
  readonly blob?: string;
}

/** All text blocks, a line break between them. */
export function textOf({ content }: McpResult): string {
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
}

/**
 * The value for a schema: the text if it takes nothing but text, else the structured content, else the text read as JSON.
 * A schema that takes anything may get text that is no JSON.
 */
export async function valueFor(output: ZodType, result: McpResult, where: string): Promise<unknown> {
  const { content, structuredContent } = result;
  const text = textOf(result);
  const asText = takesOnlyText(output);
  if (structuredContent !== undefined && !(asText && typeof structuredContent !== 'string')) {
    return structuredContent;
  }
  if (text === '' && content.length > 0) {
    const types = [...new Set(content.map(({ type }) => type))].join(', ');
    throw new ActorValueInvalid(
      `${where} has neither structured content nor text, but: ${types}. Give the actor \`read\` to take what it needs from these.`,
    );
  }
  if (asText) return text;
  if (content.length === 0) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const { success } = await output.safeParseAsync(text);
    if (success) return text;
    throw new ActorValueInvalid(
      `${where} is text that is not JSON, and the schema takes no such text: ${excerpt(text)}. Make \`output\` take text, or give the actor \`read\`.`,
    );
  }
}

const EXCERPT_LENGTH = 200;

function excerpt(text: string): string {
  return JSON.stringify(text.length > EXCERPT_LENGTH ? `${text.slice(0, EXCERPT_LENGTH)}…` : text);
}
