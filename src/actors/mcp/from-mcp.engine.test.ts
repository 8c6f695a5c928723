/** A tool inside a run: durable, on record, tried again, and never called twice where that must not be. */
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { setup, type AnyActorLogic } from 'xstate';
import { z } from 'zod';

import { createCallLog, FIXTURE } from '../../../test/support/mcp-servers.ts';
import { memoryStore } from '../../../persistence/memory.ts';
import { createEngine } from '../../engine/engine.ts';
import { OutcomeUnknown, RunFailed } from '../../errors.ts';
import { defineWorkflow } from '../../workflow.ts';
import { fromMcp } from './from-mcp.ts';
import { mcpServer } from './mcp-server.ts';

const log = createCallLog();
const server = mcpServer({
  name: 'fixture',
  stdio: { command: process.execPath, args: [FIXTURE], env: { CALLS: log.file } },
  timeoutMs: 120_000,
});
let before = 0;
beforeEach(() => (before = log.calls().length));
const calls = () => log.calls().slice(before);

afterAll(async () => {
  await server.close();
  log.remove();
});

function engineWith(actor: AnyActorLogic, input: unknown) {
  const machine = setup({ actors: { actor } }).createMachine({
    id: 'calling',
    initial: 'calling',
    states: {
      calling: { invoke: { src: 'actor', input: () => input, onDone: 'called' } },
      called: { type: 'final', output: ({ event }) => event['output'] as unknown },
    },
    output: ({ event }) => event['output'] as unknown,
  });
  const workflow = defineWorkflow({ machine, version: '1.0.0' });
  const engine = createEngine({ workflows: [workflow], store: memoryStore() });
  engine.work({ concurrency: 1 });
  onTestFinished(() => engine.stop());
  return { engine, workflow };
}

describe('in a run', () => {
  it('a tool gives its output, and its call is on record', async () => {
    const add = fromMcp({
      server,
      tool: 'add',
      input: z.object({ a: z.number(), b: z.number() }),
      output: z.object({ sum: z.number() }),
    });
    const { engine, workflow } = engineWith(add, { a: 1, b: 2 });
    const run = await engine.start(workflow, { id: 'sum' });
    expect(await run.result()).toEqual({ sum: 3 });
    const history = JSON.stringify(await run.history());
    expect(history).toContain('"tool":"add"');
    expect(history).toContain('"structuredContent":{"sum":3}');
  });

  it('a tool whose server died is tried again by its policy', async () => {
    const die = fromMcp({
      server,
      tool: 'die',
      input: z.object({}),
      output: z.string(),
      retry: { attempts: 3, delayMs: 1 },
    });
    const { engine, workflow } = engineWith(die, {});
    const run = await engine.start(workflow, { id: 'die' });
    await expect(run.result()).rejects.toBeInstanceOf(RunFailed);
    expect(calls()).toEqual(['die', 'die', 'die']);
  });

  it('an irreversible tool whose server died is called once', async () => {
    const die = fromMcp({
      server,
      tool: 'die',
      input: z.object({}),
      output: z.string(),
      irreversible: true,
      retry: { attempts: 3, delayMs: 1 },
    });
    const { engine, workflow } = engineWith(die, {});
    const run = await engine.start(workflow, { id: 'once' });
    const error = await run.result().catch((thrown: unknown) => thrown);
    expect((error as RunFailed).cause).toBeInstanceOf(OutcomeUnknown);
    expect(calls()).toEqual(['die']);
  });
});
