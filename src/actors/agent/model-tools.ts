/** The tools as the model is told of them: those on the list, and those that an agent has itself. */
import { z, type ZodType } from 'zod';

import { InvalidOption } from '../../errors.ts';
import type { DurableActor } from '../../invocation.ts';
import type { JsonSchema, ModelTool } from '../providers/provider.ts';
import { shown, toolRefused } from './agent-options.ts';
import { ANSWER, HAND_OFF } from './agent.ts';

const HAND_OFF_WHEN = 'Hand over to a person if you cannot answer with what you know and your tools give.';

export function listedTool(agent: string, { name, description, input }: DurableActor): ModelTool {
  const inputSchema = jsonSchemaOf(input as ZodType, `\`input\` of tool \`${name}\` of ${shown(agent)}`);
  if (inputSchema['type'] !== 'object') {
    throw toolRefused(agent, name, 'takes no object, which models need. Put its input into a `z.object`.');
  }
  return { name, description: description as string, inputSchema };
}

/** Undefined if the closing text is the answer. */
export function answerTool(agent: string, output: ZodType): ModelTool | undefined {
  const where = `\`output\` of ${shown(agent)}`;
  const { type, enum: choices, const: only } = jsonSchemaOf(output, where);
  if (type === 'string' && choices === undefined && only === undefined) return undefined;
  return {
    name: ANSWER,
    description: 'Give your final answer. Call it once, by itself, when you are done.',
    inputSchema: jsonSchemaOf(z.object({ answer: output }), where),
  };
}

export function handOffTool(when = HAND_OFF_WHEN): ModelTool {
  return {
    name: HAND_OFF,
    description: `${when} Say why, and what you have found out so far. Call it by itself.`,
    inputSchema: { type: 'object', properties: { reason: { type: 'string' } }, required: ['reason'] },
  };
}

function jsonSchemaOf(schema: ZodType, where: string): JsonSchema {
  try {
    // What goes into the schema, before its defaults and transforms, is what the model writes.
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    return rest;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidOption(
      `Expected ${where} to be what JSON can hold. ${why}. Let the model write a string or a number, and transform it.`,
      { cause },
    );
  }
}
