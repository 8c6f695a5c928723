/** A small workflow for tests of recordings, and a folder of its own for each test. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type AnyWorkflow,
  createEngine,
  defineWorkflow,
  type Engine,
  type ExchangeInterceptor,
  fromTool,
  type Policies,
} from 'signalbox';
import { memoryStore } from 'signalbox/memory';
import { onTestFinished } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';

export const Asked = z.object({ question: z.string(), at: z.date().optional() });
export type Ask = (input: z.output<typeof Asked>) => Promise<unknown>;

export type AskPolicies = Policies<unknown, z.input<typeof Asked>>;

/** Asks what its input says, one after the other, and keeps the answers or the names of the errors. */
export function asking(ask: Ask, policies: AskPolicies = {}) {
  const askOracle = fromTool({
    name: 'askOracle',
    input: Asked,
    output: z.unknown(),
    run: ask,
    ...policies,
  });
  const machine = setup({
    types: {
      input: {} as { questions: readonly string[] },
      context: {} as { questions: readonly string[]; answers: readonly unknown[] },
      output: {} as readonly unknown[],
    },
    actors: { askOracle },
  }).createMachine({
    id: 'asking',
    context: ({ input }) => ({ ...input, answers: [] }),
    output: ({ context }) => context.answers,
    initial: 'deciding',
    states: {
      deciding: {
        always: [
          { guard: ({ context }) => context.answers.length < context.questions.length, target: 'asking' },
          { target: 'done' },
        ],
      },
      asking: {
        invoke: {
          src: 'askOracle',
          id: 'askOracle',
          input: ({ context }) => ({ question: context.questions[context.answers.length] ?? '' }),
          onDone: {
            target: 'deciding',
            actions: assign({ answers: ({ context, event }) => [...context.answers, event.output] }),
          },
          onError: {
            target: 'deciding',
            actions: assign({
              answers: ({ context, event }) => [...context.answers, (event.error as Error).name],
            }),
          },
        },
      },
      done: { type: 'final' },
    },
  });
  return defineWorkflow({ machine, version: '1' });
}

export const never: Ask = async () => {
  throw new Error('A call was made.');
};

/** Stopped when the test is over. */
export function engineOf(workflow: AnyWorkflow, exchanges: ExchangeInterceptor): Engine {
  const engine = createEngine({ workflows: [workflow], store: memoryStore(), exchanges });
  onTestFinished(() => engine.stop());
  return engine;
}

/** What a run was answered, or the names of the errors that it got. */
export async function answersOf(
  exchanges: ExchangeInterceptor,
  ask: Ask,
  questions: readonly string[],
  { id, policies }: { readonly id?: string; readonly policies?: AskPolicies } = {},
): Promise<readonly unknown[]> {
  const workflow = asking(ask, policies);
  const engine = engineOf(workflow, exchanges);
  const run = await engine.start(workflow, { ...(id !== undefined && { id }), input: { questions } });
  return (await run.result()) as readonly unknown[];
}

/** Answers with the question and how many there were. */
export function counting(): Ask {
  let calls = 0;
  return async ({ question }) => `${question} ${++calls}`;
}

/** A place for a folder of fixtures. The folder above it is the test's to remove. */
export function fixturesPath(): string {
  return join(mkdtempSync(join(tmpdir(), 'signalbox-fixtures-')), 'fixtures');
}
