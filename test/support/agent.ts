/** An agent with one tool, through the real SDK, against a scripted Messages server. */
import { createActor, toPromise } from 'xstate';
import { z } from 'zod';

import { type AgentActorOptions, type AgentOutcome, fromAgent } from '../../src/actors/agent/from-agent.ts';
import type { DurablePromiseLogic } from '../../src/actors/durable-logic.ts';
import { fromTool, type ToolCall } from '../../src/actors/from-tool.ts';
import type { MessagesServer, MessagesServerOptions } from '../../src/testing/messages-server/index.ts';
import { served } from './anthropic-provider.ts';

export const Question = z.object({ question: z.string() });
export const Reply = z.object({ reply: z.string().min(3) });

export const call = (name: string, input: unknown, id = `id-${name}`) => ({
  toolCalls: [{ name, input, id }],
});
export const answer = (reply: string) => call('answer', { answer: { reply } });

export const base = {
  name: 'helper',
  model: 'claude-haiku-4-5',
  input: Question,
  prompt: ({ question }: z.output<typeof Question>) => question,
};

export type AgentOptions = Partial<AgentActorOptions<typeof Reply, typeof Question>>;

export type AgentLogic = DurablePromiseLogic<AgentOutcome<z.output<typeof Reply>>, z.input<typeof Question>>;

export interface Tried {
  readonly logic: AgentLogic;
  readonly server: MessagesServer;
  /** What was looked up, in the order in which it was begun. */
  readonly looked: number[];
}

/** Its tool `lookUp` knows all numbers but 404. */
export async function agent(
  answers: MessagesServerOptions['answers'],
  options: AgentOptions & { readonly lookingUp?: (id: number, called: ToolCall) => Promise<unknown> } = {},
): Promise<Tried> {
  const { lookingUp, ...rest } = options;
  const { server, provider } = await served(answers);
  const looked: number[] = [];
  const lookUp = fromTool({
    name: 'lookUp',
    description: 'Looks up a number.',
    input: z.object({ id: z.number() }),
    output: z.object({ found: z.string() }),
    reads: ['numbers'],
    run: async ({ id }, called) => {
      if (id === 404) throw Object.assign(new Error('There is no 404.'), { code: 'E_GONE' });
      looked.push(id);
      await lookingUp?.(id, called);
      return { found: `number ${id}` };
    },
  });
  const logic = fromAgent({ ...base, output: Reply, tools: [lookUp], provider, ...rest });
  return { logic, server, looked };
}

export function run<TAnswer>(
  logic: DurablePromiseLogic<AgentOutcome<TAnswer>, z.input<typeof Question>>,
  question = 'What?',
): Promise<AgentOutcome<TAnswer>> {
  return toPromise(createActor(logic, { input: { question } }).start());
}

/** The results that the model was shown in a message. */
export function resultsIn(
  server: MessagesServer,
  request: number,
  message: number,
): { readonly tool_use_id: string; readonly content: string; readonly is_error?: boolean }[] {
  return server.requests[request]?.body.messages[message]?.content as never;
}
