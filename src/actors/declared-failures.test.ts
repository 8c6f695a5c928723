/** What each actor declares that it may reject with is what it rejects with: each kind is brought about, and compared. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { describe, expect, it, onTestFinished } from 'vitest';
import { childRunId } from './from-workflow.ts';
import { createActor, setup, toPromise } from 'xstate';
import { z } from 'zod';

import { served } from '../../test/support/anthropic-provider.ts';
import { findFreePort } from '../../test/support/mcp-servers.ts';
import { createWorld, performing } from '../../test/support/world.ts';
import { decode, encode } from '../engine/codec.ts';
import { SignalboxError } from '../errors.ts';
import type { MessagesServerOptions } from '../testing/messages-server/index.ts';
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
import { standIn } from './providers/stand-in.ts';

const Asked = z.object({ n: z.number() });
const Answer = z.object({ fine: z.boolean() });
const input = { n: 7 };

type Logic = DurablePromiseLogic<unknown, never>;
type Answers = MessagesServerOptions['answers'];

/** What a guard could tell errors apart by. Of what differs from call to call, only that it is there. */
function told(error: unknown) {
  if (!(error instanceof SignalboxError)) return { class: String(error) };
  const { code, details } = error;
  const { kind, retryable, mayHaveActed, stopReason, status, issues } = details;
  return {
    class: error.constructor.name,
    code,
    keys: Object.keys(details).sort(),
    kind,
    retryable,
    mayHaveActed,
    stopReason,
    status,
    issues: Array.isArray(issues) ? issues.length > 0 : undefined,
    cause: code === 'CHILD_RUN_FAILED' ? error.cause instanceof Error : undefined,
  };
}

function declared(logic: Pick<Logic, 'signalbox'>): readonly Error[] {
  return logic.signalbox.failures ?? [];
}

async function thrownBy(logic: unknown): Promise<unknown> {
  const actor = createActor(logic as DurablePromiseLogic<unknown, unknown>, { input }).start();
  return toPromise(actor).then(
    (output) => `No error, but ${JSON.stringify(output)}`,
    (error: unknown) => error,
  );
}

/** Each of the declared kinds, in order, is one that comes about, and there is no other. */
async function expectDeclared(logics: readonly Pick<Logic, 'signalbox'>[]): Promise<void> {
  const thrown: ReturnType<typeof told>[] = [];
  for (const logic of logics) thrown.push(told(await thrownBy(logic)));
  for (const logic of logics) expect(declared(logic).map(told)).toEqual(thrown);
}

const failedCalls: Answers[] = [
  [{ status: 529 }],
  [{ status: 429, headers: { 'retry-after': '1' } }],
  [{ status: 400 }],
];
const incomplete: Answers[] = [
  [{ text: '', stopReason: 'refusal', stopDetails: { category: 'cyber' } }],
  [{ text: 'The', stopReason: 'max_tokens' }],
];
const notFine = { json: { fine: false } };

async function models(answers: readonly Answers[], options: object = {}) {
  return Promise.all(
    answers.map(async (script) =>
      fromModel({
        name: 'ask',
        model: 'claude-haiku-4-5',
        input: Asked,
        output: Answer,
        prompt: () => 'Is it fine?',
        retry: false,
        repairs: 0,
        provider: (await served(script)).provider,
        ...options,
      }),
    ),
  );
}

function tool(options: object = {}) {
  return fromTool({
    name: 'look',
    description: 'Looks.',
    input: Asked,
    output: z.string(),
    run: async () => 'seen',
    ...options,
  });
}

function busy(): Promise<never> {
  return Promise.reject(Object.assign(new Error('Busy.'), { status: 503 }));
}

describe('what is declared is what comes about', () => {
  it('of a model', async () => {
    await expectDeclared(await models([...failedCalls, ...incomplete, [{ json: { fine: 'so so' } }]]));
  });

  it('of a model whose answers may not be accepted, after its attempts and repairs', async () => {
    const all = [...failedCalls.slice(0, 1), [notFine]];
    const [busyModel, refused] = await models(
      all.map((script) => [...(script as never[]), ...(script as never[])]),
      { accept: () => false, repairs: 1, retry: { attempts: 2, delayMs: 1 } },
    );
    expect(declared(busyModel!).map(told)).toContainEqual(told(await thrownBy(busyModel)));
    expect(declared(refused!).map(told).at(-1)).toEqual(told(await thrownBy(refused)));
  });

  it('of a model is the same with a stand-in', async () => {
    const [asked] = await models([[notFine]]);
    const [stood] = await models([[notFine]], { provider: standIn({ ask: () => ({ fine: true }) }) });
    expect(declared(stood!)).toEqual(declared(asked!));
  });

  it('of an agent', async () => {
    const scripts = [...failedCalls, ...incomplete, ['Hm.', 'Hm.']];
    const agents = scripts.map(async (script) =>
      fromAgent({
        name: 'help',
        model: 'claude-haiku-4-5',
        input: Asked,
        output: Answer,
        tools: [tool()],
        prompt: () => 'Is it fine?',
        // What is not accepted is told to the model.
        accept: () => false,
        retry: false,
        provider: (await served(script)).provider,
      }),
    );
    await expectDeclared(await Promise.all(agents));
  });

  it('of a tool of an MCP server, over HTTP', async () => {
    const unreachable = `http://127.0.0.1:${await findFreePort()}/mcp`;
    const urls = [
      unreachable,
      await mcpAnswering('lost'),
      await mcpAnswering({ error: { code: -32602, message: 'No.' } }),
      await mcpAnswering(429),
      await mcpAnswering({ result: { content: [{ type: 'text', text: 'Closed.' }], isError: true } }),
      await mcpAnswering('missing'),
    ];
    const toolsAt = (options: object = {}) => urls.map((url) => mcpTool({ name: 'crm', url }, options));
    await expectDeclared(toolsAt());
    await expectDeclared(toolsAt({ irreversible: true, idempotencyKey: () => 'k' }));
    // After a call without an answer nobody knows what became of it.
    const onlyOnce = toolsAt({ irreversible: true });
    expect(await thrownBy(onlyOnce[1])).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await expectDeclared(onlyOnce.filter((_, index) => index !== 1));
  });

  it('of a tool of an MCP server that is a process of ours, which cannot ask to wait', () => {
    const stdio = { command: process.execPath };
    const overHttp = mcpTool({ name: 'crm', url: 'http://127.0.0.1/mcp' });
    const isWait = (error: Error) => 'retryAfterMs' in (error as SignalboxError).details;
    expect(declared(overHttp).filter(isWait)).toHaveLength(1);
    expect(declared(mcpTool({ name: 'crm', stdio })).map(told)).toEqual(
      declared(overHttp)
        .filter((error) => !isWait(error))
        .map(told),
    );
  });

  it('of a run of another workflow', async () => {
    const workflow = defineWorkflow({ version: '1', machine: setup({}).createMachine({ id: 'child' }) });
    const failing = defineWorkflow({
      version: '1',
      machine: setup({ actors: { look: tool({ run: busy }) } }).createMachine({
        id: 'child',
        invoke: { src: 'look', input },
      }),
    });
    const endings = [];
    for (const child of [failing, workflow]) {
      const logic = fromWorkflow({ workflow: child as typeof workflow });
      const world = createWorld(performing(logic as DurablePromiseLogic<unknown, unknown>, {}));
      const engine = world.engine();
      const run = await engine.start('performing', { id: 'r' });
      if (child === workflow) {
        await expect.poll(() => world.data.runs.size).toBe(2);
        await engine.run(childRunId('r/work#1')).cancel('Enough.');
      }
      const { error } = (await run.result()) as { error: unknown };
      endings.push(told(error));
    }
    const logic = fromWorkflow({ workflow });
    expect(declared(logic).map(told)).toEqual(endings);
    expect(declared(logic).map(({ message }) => message)).toEqual([
      expect.stringContaining('failed'),
      expect.stringContaining('was cancelled'),
    ]);
  });

  it('of a map: what an item fails with, or that too many did, and what its reducer fails with', async () => {
    const numbers = { name: 'all', input: Asked, items: () => [{ n: 1 }, { n: 2 }], concurrency: 1 };
    const asking = await models(failedCalls);
    const all = asking.map((each) => fromMap({ ...numbers, each }));
    const kinds = await Promise.all(all.map(async (logic) => told(await thrownBy(logic))));
    expect(declared(all[0]!)).toEqual(declared(asking[0]!));
    expect(declared(all[0]!).map(told)).toEqual(expect.arrayContaining(kinds));

    await expectDeclared([fromMap({ ...numbers, each: tool({ run: busy }), onFailure: { atMost: 1 } })]);
    const never = { atMost: Number.MAX_SAFE_INTEGER };
    expect(declared(fromMap({ ...numbers, each: tool({ run: busy }), onFailure: never }))).toEqual([]);
    const [merged] = await models([[{ status: 529 }]], { input: z.array(Answer) });
    const each = fromTool({ ...numbers, output: Answer, run: async () => ({ fine: true }) });
    const reducing = fromMap({ ...numbers, each, reduce: { by: merged as never } });
    const empty = fromMap({ ...numbers, items: () => [], each, reduce: { by: merged as never } });
    expect(declared(reducing).slice(1)).toEqual(declared(merged!));
    expect(told(declared(reducing)[0])).toEqual(told(await thrownBy(empty)));
    expect(declared(reducing).map(told)).toContainEqual(told(await thrownBy(reducing)));
  });

  it('of a map whose items and reducer fail in the same way, once', async () => {
    const [same] = await models([[{ status: 529 }]], { input: z.unknown(), output: z.unknown() });
    const both = fromMap({
      name: 'all',
      input: Asked,
      items: () => [1],
      each: same as never,
      reduce: { by: same as never },
    });
    expect(declared(both)).toHaveLength(declared(same!).length + 1);
  });

  it('of a vote: what its judge fails with, and nothing of its voters, who then cast no vote', async () => {
    const vote = { name: 'vote', input: Asked };
    const [failing] = await models([[{ status: 400 }]]);
    const votes = fromVote({ ...vote, voters: [failing!] });
    expect(await thrownBy(votes)).toMatch(/^No error, but \{"decided":false/);
    expect(declared(votes)).toEqual([]);
    const judges = await models(failedCalls, { input: z.unknown(), output: z.object({ choice: z.int() }) });
    const judged = judges.map((judge) =>
      fromVote({ ...vote, voters: [tool()], decide: { judge: judge as never } }),
    );
    expect(declared(judged[0]!)).toEqual(declared(judges[0]!));
    const kinds = await Promise.all(judged.map(async (logic) => told(await thrownBy(logic))));
    expect(declared(judged[0]!).map(told)).toEqual(expect.arrayContaining(kinds));
  });

  it('of a tool: an open circuit, and an output that is not accepted', async () => {
    const options = { accept: () => false, circuitBreaker: { failures: 1, openMs: 60_000 } };
    const opened = tool({ ...options, run: busy });
    await thrownBy(opened);
    await expectDeclared([opened, tool(options)]);
    expect(declared(tool())).toEqual([]);
  });

  it('of several that stand in for each other: what the last of them fails with', async () => {
    const [first, other] = await models([[{ status: 400 }], [{ status: 400 }]]);
    const [better] = await models([[{ status: 529 }]], {
      name: 'askMore',
      fallback: [other],
      accept: () => true,
    });
    expect(declared(better!)).toEqual(declared(other!));
    expect(told(await thrownBy(better))).toEqual(told(await thrownBy(first)));
    const rescued = tool({ accept: () => false, fallback: [tool({ run: busy })] });
    expect(declared(rescued)).toEqual([]);
    expect(await thrownBy(rescued)).toMatchObject({ message: 'Busy.' });
  });

  it('survives a store', async () => {
    const [model] = await models([[notFine]], { accept: () => true });
    for (const error of declared(model!)) expect(told(decode(encode(error)))).toEqual(told(error));
  });
});

function mcpTool(server: Parameters<typeof mcpServer>[0], options: object = {}) {
  const made = mcpServer({ timeoutMs: 120_000, ...server });
  onTestFinished(() => made.close());
  return fromMcp({ server: made, tool: 'look', input: Asked, output: z.string(), ...options });
}

/** The address of an MCP server that answers each call of its only tool in this way. */
async function mcpAnswering(how: 'lost' | 'missing' | number | object): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const asked = Buffer.concat(chunks).toString() || '{}';
      const { method = '', id } = JSON.parse(asked) as { method?: string; id?: number };
      if (id === undefined) return response.writeHead(method === '' ? 405 : 202).end();
      if (method === 'tools/call' && how === 'lost') return response.destroy();
      if (method === 'tools/call' && typeof how === 'number')
        return response.writeHead(how, { 'retry-after': '1' }).end('Not now.');
      const answers: Record<string, unknown> = {
        initialize: {
          result: {
            protocolVersion: '2025-06-18',
            capabilities: { tools: {} },
            serverInfo: { name: 'crm', version: '1' },
          },
        },
        'tools/list': {
          result: { tools: how === 'missing' ? [] : [{ name: 'look', inputSchema: { type: 'object' } }] },
        },
        'tools/call': how,
      };
      const answer = (answers[method] ?? { error: { code: -32601, message: 'Unknown' } }) as object;
      return response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}
