/** `mcpTools`: the tools of an MCP server as actors, for an agent to choose from. */
import { z } from 'zod';

import type { DurablePromiseLogic } from '../durable-logic.ts';
import type { JsonObject, McpTool } from './connection.ts';
import { fromMcp } from './from-mcp.ts';
import type { McpServer } from './mcp-server.ts';
import { toolMissing } from './tool-contract.ts';
import type { McpContent, McpResult } from './tool-result.ts';

export interface McpToolsOptions {
  /** Names of the tools to take. Default: those that the server allows. */
  readonly allow?: readonly string[];
  /** Names of those whose effect cannot be taken back. */
  readonly irreversible?: readonly string[];
  /** What they read and write, as for `fromMcp`. */
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
}

export type McpToolActor = DurablePromiseLogic<unknown, JsonObject>;

/**
 * The tools of a server as actors, in the order in which the server lists them. Each has the server's own name, description
 * and input schema, and gives the structured content, or else the text.
 *
 * The server judges the input. What it says about itself (that a tool only reads, say) is not relied on: name what is
 * irreversible.
 *
 * Rejects with `MCP_TOOL_MISMATCH` if a tool is missing, and with `MCP_CALL_FAILED` if the server cannot be asked.
 *
 * @example
 * ```ts
 * const tools = await mcpTools(crm, { allow: ['find_customer', 'list_orders'], reads: ['crm'] });
 * ```
 */
export async function mcpTools(server: McpServer, options: McpToolsOptions = {}): Promise<McpToolActor[]> {
  const { allow, irreversible = [], reads, writes } = options;
  const listed = await server.tools();
  for (const name of [...(allow ?? []), ...irreversible]) {
    if (!listed.some((tool) => tool.name === name)) throw toolMissing(server.name, name, listed);
  }
  const taken = allow ? listed.filter(({ name }) => allow.includes(name)) : listed;
  return taken.map((tool) =>
    fromMcp({
      server,
      tool: tool.name,
      ...(tool.description !== undefined && { description: tool.description }),
      input: inputOf(tool),
      output: z.unknown(),
      read: ({ structuredContent, content }: McpResult) =>
        structuredContent ?? content.map(inWords).join('\n'),
      irreversible: irreversible.includes(tool.name),
      ...(reads && { reads }),
      ...(writes && { writes }),
    }),
  );
}

/** Takes any object, and is described by the tool's own schema. */
function inputOf({ inputSchema }: McpTool): z.ZodType<JsonObject, JsonObject> {
  // These name a schema, and would make zod refer to it.
  const { $schema: _, $id: __, id: ___, ...described } = inputSchema;
  return z.looseObject({}).meta(described);
}

function inWords(block: McpContent): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'resource':
      return block.resource.text ?? `[resource ${block.resource.uri}]`;
    case 'resource_link':
      return `[resource ${block.uri}]`;
    default:
      return `[${block.type} of type ${block.mimeType}]`;
  }
}
