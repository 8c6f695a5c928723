/** What holds for every actor that can be made here, whatever it does: how it is stopped, and what a crash costs. */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { serve } from '@hono/node-server';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createActor, setup, toPromise } from 'xstate';
import { z } from 'zod';

import { createWorld, performing, type World } from '../../test/support/world.ts';
import type { DurableLogic } from '../invocation.ts';
import { defineWorkflow } from '../workflow.ts';
import { fromAgent } from './agent/from-agent.ts';
import type { DurablePromiseLogic } from './durable-logic.ts';
import { fromMap } from './from-map.ts';
import { fromModel } from './from-model.ts';
import { fromTool } from './from-tool.ts';
import { fromVote } from './from-vote.ts';
import { fromWorkflow } from './from-workflow.ts';
import { fromMcp } from './mcp/from-mcp.ts';
import { mcpServer } from './mcp/mcp-server.ts';
import type { ContentBlock, ModelProvider } from './providers/provider.ts';

const Asked = z.object({ n: z.number() });
const input = { n: 7 };

interface Made {
  readonly logic: DurableLogic;
  readonly output: unknown;
  /** How many calls it makes in all; of which so many are answered, and then so many are under way at once. */
  readonly all: number;
  readonly answered: number;
  readonly underWay: number;
  /** How many values the journal has by then. */
  readonly journaled: number;
}

type Create = (outside: Outside) => Made | Promise<Made>;

const creators: Record<string, Create> = {
  fromModel: (outside) => ({
    logic: fromModel({
      name: 'ask',
      model: 'claude-haiku-5-5',
      input: Asked,
      output: z.object({ fine: z.boolean() }),
      prompt: () => 'Is it fine?',
      textFirst: true,
      retry: false,
      provider: providerOf(outside, ({ schema }) => text(schema ? '{"fine":true}' : 'It is.')),
    }),
    output: { fine: true },
    all: 2,
    answered: 1,
    underWay: 1,
    journaled: 1,
  }),

  fromTool: (outside) => ({
    logic: toolOf(outside, 'look'),
    output: 'look',
    all: 1,
    answered: 0,
    underWay: 1,
    journaled: 0,
  }),

  fromMcp: async (outside) => ({
    logic: fromMcp({ server: await mcpServerOf(outside), tool: 'look', input: Asked, output: z.string() }),
    output: 'look',
    all: 1,
    answered: 0,
    underWay: 1,
    journaled: 0,
  }),

  fromAgent: (outside) => ({
    logic: fromAgent({
      name: 'help',
      model: 'claude-haiku-5-5',
      input: Asked,
      output: z.object({ reply: z.string() }),
      prompt: () => 'Help.',
      tools: [toolOf(outside, 'look')],
      limits: { timeMs: 3_600_000 },
      retry: false,
      provider: providerOf(outside, ({ messages }) =>
        messages.length === 1 ? call('look', input) : call('answer', { answer: { reply: 'Done.' } }),
      ),
    }),
    output: expect.objectContaining({ outcome: 'answered', turns: 2, toolCalls: 1 }),
    all: 3,
    answered: 2,
    underWay: 1,
    // When it was begun, a turn, and the result of a tool.
    journaled: 3,
  }),

  fromVote: (outside) => ({
    logic: fromVote({
      name: 'vote',
      input: Asked,
      voters: { ask: toolOf(outside, 'look'), times: 4 },
      decide: 'unanimous',
      concurrency: 2,
    }),
    output: expect.objectContaining({ decided: true, answer: 'look', votes: 4, of: 4 }),
    all: 4,
    answered: 1,
    underWay: 2,
    journaled: 1,
  }),

  fromMap: (outside) => ({
    logic: fromMap({
      name: 'lookAtAll',
      input: Asked,
      items: () => [1, 2, 3, 4].map((n) => ({ n })),
      each: toolOf(outside, 'look'),
      concurrency: 2,
    }),
    output: ['look', 'look', 'look', 'look'],
    all: 4,
    answered: 1,
    underWay: 2,
    journaled: 1,
  }),

  fromWorkflow: (outside) => ({
    logic: fromWorkflow({ workflow: childOf(outside) }),
    output: 'seen',
    all: 2,
    answered: 1,
    underWay: 1,
    // That it is started; the rest is in the journal of the child.
    journaled: 1,
  }),
};

describe.each(Object.entries(creators))('an actor made by %s', (_, create) => {
  const make = (outside: Outside) => made(create, outside);

  it('gives the same on an engine and under a plain `createActor`', async () => {
    const outside = createOutside();
    const { logic, output, all } = await make(outside);
    const world = createWorld(performing(logic, input));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toEqual({ output, error: null });
    expect(outside.asked).toHaveLength(all);
    expect(world.data.runs.get('r')?.journal.size).toBe(0);
    expect(await toPromise(createActor(logic, { input }).start())).toEqual(output);
    expect(outside.asked).toHaveLength(2 * all);
  });

  it('asks nobody with input that its schema refuses', async () => {
    const outside = createOutside();
    const { logic } = await make(outside);
    const refused = { code: 'ACTOR_VALUE_INVALID', details: { issues: [{ path: ['n'] }] } };
    const run = await createWorld(performing(logic, { n: 'seven' }))
      .engine()
      .start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ error: refused });
    const alone = toPromise(createActor(logic, { input: { n: 'seven' } }).start());
    await expect(alone).rejects.toMatchObject(refused);
    expect(outside.asked).toEqual([]);
  });

  it('calls off what is under way when its run is cancelled, and asks no more', async () => {
    const { outside, world, run, underWay, soFar } = await underWayOn(create);
    await run.cancel('enough');
    await expect.poll(() => outside.aborted.length).toBe(underWay);
    await expect.poll(() => statuses(world)).toEqual(['cancelled']);
    await world.clock.advance(2 * 86_400_000);
    expect(outside.asked).toHaveLength(soFar);
    await expect(run.result()).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
    expect(world.problems).toEqual([]);
  });

  it('calls off what is under way when the machine moves on, and asks no more', async () => {
    const { outside, world, run, underWay, soFar } = await underWayOn(create);
    await run.send({ type: 'LEAVE' } as never);
    await expect.poll(() => outside.aborted.length).toBe(underWay);
    await world.clock.advance(2 * 86_400_000);
    expect(outside.asked).toHaveLength(soFar);
    expect(await run.snapshot()).toMatchObject({ value: 'left', invocations: [] });
    expect(world.data.runs.get('r')?.journal.size).toBe(0);
    expect(world.problems).toEqual([]);
  });

  it('is left behind where nobody listens, and harms nothing when they answer in the end', async () => {
    const { outside, world, run, soFar } = await underWayOn(create, { deaf: true });
    await run.cancel('enough');
    await expect.poll(() => statuses(world)).toEqual(['cancelled']);
    const { length } = await run.history();
    outside.answerAll();
    await world.clock.advance(60_000);
    expect(outside.asked).toHaveLength(soFar);
    // At most it is put on record what came too late.
    expect((await run.history()).slice(length).map((entry) => entry.type)).not.toContain('message');
    expect(world.problems).toEqual([]);
  });

  it('pays after a crash for what was under way, and for nothing that was answered', async () => {
    const { outside, world, engine, output, all, underWay, journaled } = await underWayOn(create);
    await expect.poll(() => world.data.runs.get('r')?.journal.size).toBe(journaled);
    engine.die();
    outside.answerAll();
    await world.leasesRunOut();
    const next = world.engine();
    expect(await next.run('r').result()).toEqual({ output, error: null });
    expect(outside.asked).toHaveLength(all + underWay);
    // What is asked again has the key that it had.
    expect(new Set(outside.asked).size).toBe(all);
    expect(world.data.runs.get('r')?.journal.size).toBe(0);
  });

  it.each([
    ['the actor is stopped', (actor: Stoppable) => void actor.stop()],
    ['its machine moves on', (actor: Stoppable) => actor.send({ type: 'LEAVE' })],
  ])('calls off what is under way, without an engine too, when %s', async (_how, stop) => {
    for (const deaf of [false, true]) {
      const outside = createOutside();
      const { logic, answered, underWay } = await make(outside);
      outside.answerOnly(answered, { deaf });
      const actor = createActor(performing(logic, input).machine).start() as unknown as Stoppable;
      await expect.poll(() => outside.asked.length).toBe(answered + underWay);
      stop(actor);
      await expect.poll(() => outside.aborted.length).toBe(underWay);
      outside.answerAll();
      await rest();
      expect(outside.asked).toHaveLength(answered + underWay);
    }
  });

  it('asks nobody if it is stopped as soon as it is started', async () => {
    const outside = createOutside();
    const { logic } = await make(outside);
    createActor(logic, { input }).start().stop();
    await rest();
    expect(outside.asked).toEqual([]);
  });
});

interface Stoppable {
  stop(): unknown;
  send(event: { type: 'LEAVE' }): void;
}

async function made(create: Create, outside: Outside) {
  const { logic, ...known } = await create(outside);
  // Each has types of its own; here they are all the same.
  return { ...known, logic: logic as DurablePromiseLogic<unknown, unknown> };
}

/** A run whose actor has so many calls under way. */
async function underWayOn(create: Create, { deaf = false } = {}) {
  const outside = createOutside();
  const actor = await made(create, outside);
  const soFar = actor.answered + actor.underWay;
  outside.answerOnly(actor.answered, { deaf });
  const world = createWorld(performing(actor.logic, input));
  const engine = world.engine();
  const run = await engine.start('performing', { id: 'r' });
  await expect.poll(() => outside.asked.length).toBe(soFar);
  return { ...actor, soFar, outside, world, engine, run };
}

function statuses({ data }: World): string[] {
  return [...new Set([...data.runs.values()].map(({ progress }) => progress.status))];
}

async function rest(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await nextTurn();
}

type Outside = ReturnType<typeof createOutside>;

/** The other side of every call: who is asked there, and whose call was called off. */
function createOutside() {
  const asked: string[] = [];
  const aborted: string[] = [];
  const waiting: (() => void)[] = [];
  let most = Infinity;
  let isDeaf = false;
  return {
    asked,
    aborted,
    /** So many, and no others for now; `deaf`: these go on when they are called off. */
    answerOnly(count: number, { deaf }: { readonly deaf: boolean }): void {
      most = count;
      isDeaf = deaf;
    },
    answerAll(): void {
      most = Infinity;
      for (const answer of waiting) answer();
    },
    async ask(key: string, signal: AbortSignal): Promise<void> {
      asked.push(key);
      if (asked.length <= most) return;
      await new Promise<void>((resolve, reject) => {
        waiting.push(resolve);
        signal.addEventListener('abort', () => {
          aborted.push(key);
          if (!isDeaf) reject(signal.reason as Error);
        });
      });
    },
  };
}

function toolOf(outside: Outside, name: string) {
  return fromTool({
    name,
    description: 'Looks.',
    input: Asked,
    output: z.string(),
    run: async (_, { signal, idempotencyKey }) => {
      await outside.ask(idempotencyKey, signal);
      return name;
    },
  });
}

type Complete = ModelProvider['complete'];

function providerOf(
  outside: Outside,
  answer: (request: Parameters<Complete>[0]) => readonly ContentBlock[],
): ModelProvider {
  return {
    name: 'scripted',
    standIn: false,
    enforcesSchema: true,
    async complete(request, { key, signal }) {
      await outside.ask(`${key} ${request.messages.length} ${request.schema !== undefined}`, signal);
      const content = answer(request);
      const said = content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
      const stopReason = said.length > 0 ? 'end_turn' : 'tool_use';
      return { text: said.join(''), content, stopReason, model: request.model, response: {} };
    },
  };
}

function text(said: string): ContentBlock[] {
  return [{ type: 'text', text: said }];
}

function call(name: string, given: unknown): ContentBlock[] {
  return [{ type: 'tool-call', id: name, name, input: given }];
}

/** A child with two calls, one after the other. */
function childOf(outside: Outside) {
  const machine = setup({
    types: { input: {} as z.input<typeof Asked>, output: {} as string },
    actors: { look: toolOf(outside, 'look'), lookAgain: toolOf(outside, 'lookAgain') },
  }).createMachine({
    id: 'looking',
    initial: 'looking',
    states: {
      looking: { invoke: { src: 'look', input, onDone: 'lookingAgain' } },
      lookingAgain: { invoke: { src: 'lookAgain', input, onDone: 'seen' } },
      seen: { type: 'final' },
    },
    output: 'seen',
  });
  return defineWorkflow({ machine, version: '1', input: Asked });
}

/** A real server over HTTP, in this process. */
async function mcpServerOf(outside: Outside) {
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name: 'outside', version: '1' });
      const config = { description: 'Looks.', inputSchema: z.object({ n: z.number() }) };
      server.registerTool('look', config, async (_, { mcpReq: { signal } }) => {
        await outside.ask('look', signal);
        return { content: [{ type: 'text', text: 'look' }] };
      });
      return server;
    },
    { legacy: 'reject' },
  );
  let listening: ReturnType<typeof serve> | undefined;
  const port = await new Promise<number>((resolve) => {
    const fetch = (request: Request) => handler.fetch(request);
    listening = serve({ hostname: '127.0.0.1', port: 0, fetch }, (at) => resolve(at.port));
  });
  const server = mcpServer({ name: 'outside', url: `http://127.0.0.1:${port}/mcp` });
  onTestFinished(async () => {
    outside.answerAll();
    await server.close();
    if (listening && 'closeAllConnections' in listening) listening.closeAllConnections();
    await new Promise((resolve) => listening?.close(resolve));
  });
  return server;
}
