/** What an actor expects of a tool, held against what the server says of it. */
import type { ZodType } from 'zod';

import { McpToolMismatch, type Issue } from '../../errors.ts';
import { misfits, type Misfit } from './compare-schemas.ts';
import type { McpTool } from './connection.ts';
import { writtenSchema } from './written-schema.ts';

/** What an actor expects of a tool. */
export interface McpContract {
  readonly tool: string;
  /** Describes the arguments that the actor sends. Without it they are not known beforehand. */
  readonly input?: ZodType | undefined;
  /** Takes the tool's structured content. Without it something else of the result is read. */
  readonly output?: ZodType | undefined;
}

/** Where the tool and its actor cannot fit. `path` begins with `input` or `output`. */
export function contractIssues({ input, output }: McpContract, tool: McpTool): Issue[] {
  const sent = input && writtenSchema(input, 'output');
  const read = output && writtenSchema(output, 'input');
  return [
    ...(sent ? misfits(sent, tool.inputSchema, true).map(inputIssue) : []),
    ...(read && tool.outputSchema ? misfits(tool.outputSchema, read, false).map(outputIssue) : []),
  ];
}

export function mismatch(server: string, tool: string, issues: readonly Issue[]): McpToolMismatch {
  const places = issues.map(({ path, message }) => `\`${path.join('.')}\`: ${message}`).join('; ');
  return new McpToolMismatch(
    `Tool \`${tool}\` of MCP server \`${server}\` does not fit its actor: ${places}.`,
    {
      details: { server, tool, issues },
    },
  );
}

/** `tools` are those that the server has and the actor may use. */
export function toolMissing(server: string, tool: string, tools: readonly McpTool[]): McpToolMismatch {
  const names = tools.map(({ name }) => name);
  const others = names.length > 0 ? `It has: ${names.join(', ')}.` : 'It has none.';
  return new McpToolMismatch(`MCP server \`${server}\` has no tool \`${tool}\`. ${others}`, {
    details: { server, tool, tools: names, issues: [] },
  });
}

function inputIssue({ path, why, given, taken }: Misfit): Issue {
  const words = {
    'never-given':
      'the tool requires it, and the input schema has no such property; add it, or make the arguments with `arguments`',
    'may-be-missing':
      'the tool requires it, and the input schema lets it be left out; make it required or give it a default',
    forbidden: 'the tool takes no such property; take it out of the input schema',
    'never-fits': `the tool takes ${taken}, and the input schema gives ${given}`,
  };
  return { path: ['input', ...path], message: words[why] };
}

function outputIssue({ path, why, given, taken }: Misfit): Issue {
  const words = {
    'never-given':
      'the output schema requires it, and the tool never gives it; take it out, or make it optional',
    'may-be-missing': 'the output schema requires it, and the tool may leave it out; make it optional',
    forbidden:
      'the tool always gives it, and the output schema refuses it; add it, or let the schema be less strict',
    'never-fits': `the tool gives ${given}, and the output schema takes ${taken}`,
  };
  return { path: ['output', ...path], message: words[why] };
}
