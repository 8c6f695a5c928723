/** The schema of what an agent ends with, made of that of its answer and of what it may do. */
import { z, type ZodType } from 'zod';

import type { Agent, AgentUse } from './agent.ts';
import { HAND_OFF } from './agent.ts';

export function agentOutput({ output, limits, modelTools }: Agent): ZodType {
  const reached = Object.entries(limits).flatMap(([limit, value]) => (value === undefined ? [] : [limit]));
  const mayHandOff = modelTools.some(({ name }) => name === HAND_OFF);
  return z.discriminatedUnion('outcome', [
    z.object({ outcome: z.literal('answered'), answer: output, ...use }),
    ...(mayHandOff
      ? [z.object({ outcome: z.literal('handed-off'), reason: z.string().min(1), ...use })]
      : []),
    z.object({ outcome: z.literal('limit'), limit: z.enum(reached), ...use }),
  ]);
}

/** Any number, of which one stands for all: what it took is seldom what decides. */
function count(example: number): ZodType<number> {
  const holds = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  return z.custom<number>(holds, 'Expected a whole number from 0.').meta({ examples: [example] });
}

const use = { turns: count(1), toolCalls: count(0), tokens: count(100) } satisfies Record<
  keyof AgentUse,
  ZodType
>;
