/** What tools declare beside their work: what undoes them, under which key they are asked, and how long they take. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { describe, expect, it, onTestFinished } from 'vitest';
import { createActor, setup, toPromise } from 'xstate';
import { z } from 'zod';

import { asking } from '../../test/support/costly-provider.ts';
import { defineWorkflow } from '../workflow.ts';
import { fromMap } from './from-map.ts';
import { fromTool } from './from-tool.ts';
import { fromWorkflow } from './from-workflow.ts';
import { fromMcp } from './mcp/from-mcp.ts';
import { mcpServer, type McpServerOptions } from './mcp/mcp-server.ts';

const Payment = z.object({ id: z.string().transform(Number), cents: z.number().default(100) });

function payWith(options: object = {}) {
  return fromTool({ name: 'pay', input: Payment, output: z.string(), run: async () => 'paid', ...options });
}

function payByMcp(options: object = {}, server: Partial<McpServerOptions> = {}) {
  const bank = mcpServer({ name: 'bank', url: 'http://127.0.0.1:9/mcp', ...server } as McpServerOptions);
  onTestFinished(() => bank.close());
  return fromMcp({ server: bank, tool: 'pay', input: Payment, output: z.string(), ...options });
}

const invocation = { key: 'r/pay#1', runId: 'r' };

describe('what undoes a part', () => {
  it('undoes the whole: of a map, and of what stands in for another', () => {
    const undone = payWith({ compensatedBy: 'refund' });
    const all = fromMap({
      name: 'payAll',
      input: z.array(Payment),
      items: (list) => list,
      each: undone as never,
    });
    expect(all.signalbox.compensatedBy).toBe('refund');
    expect(payWith({ fallback: [undone] }).signalbox.compensatedBy).toBe('refund');
  });

  it('is one and the same for all parts', () => {
    const make = () =>
      payWith({ compensatedBy: 'refund', fallback: [payWith({ compensatedBy: 'callOff' })] });
    expect(make).toThrow('to be undone by one actor, got `refund` and `callOff` in `compensatedBy`');
  });
});

describe.each([
  ['fromTool', payWith],
  ['fromMcp', payByMcp],
])('%s', (_, make) => {
  it('says what undoes it, under its policies and those of a fallback too', () => {
    const spare = make();
    const undone = {
      compensatedBy: 'refund',
      retry: { attempts: 2 },
      fallback: [spare],
      cache: { key: () => 'k' },
    };
    expect(make(undone).signalbox.compensatedBy).toBe('refund');
    expect(spare.signalbox.compensatedBy).toBeUndefined();
    for (const compensatedBy of ['', 5]) {
      expect(() => make({ compensatedBy })).toThrow(
        'Expected `compensatedBy` of tool `pay` to be the name of an actor of the same machine, got ',
      );
    }
  });

  it('says under which key it is asked, of the input as its schema gives it', () => {
    const idempotencyKey = ({ id, cents }: z.output<typeof Payment>, { runId }: typeof invocation) =>
      `${runId} ${id + 1} ${cents}`;
    const { signalbox } = make({ idempotencyKey, retry: { attempts: 2 } });
    expect(signalbox.idempotencyKey?.({ id: '7' }, invocation)).toBe('r 8 100');
    expect(make().signalbox.idempotencyKey).toBeUndefined();
  });
});

it('a tool is asked under the key that it declares', async () => {
  const keys: string[] = [];
  const pay = payWith({
    idempotencyKey: ({ id }: z.output<typeof Payment>, { key }: typeof invocation) => `${key} ${id}`,
    run: async (_: unknown, { idempotencyKey }: { idempotencyKey: string }) => {
      keys.push(idempotencyKey);
      return 'paid';
    },
  });
  const actor = createActor(pay, { input: { id: '7' } }).start();
  await toPromise(actor);
  const key = `${actor.id}#1`;
  expect(keys).toEqual([pay.signalbox.idempotencyKey?.({ id: '7' }, { key, runId: actor.id })]);
});

describe('the worst case of a tool of an MCP server', () => {
  it('is the time of each of its steps, if it does not put off its answer', () => {
    const scope = asking({ attempts: 2 });
    const { longestCallMs } = mcpServer({ name: 'bank', url: 'http://127.0.0.1:9/mcp', timeoutMs: 1_000 });
    expect(longestCallMs).toBe(6_000);
    expect(payByMcp({}, { timeoutMs: 1_000 }).signalbox.worstCase?.({}, scope)).toEqual({
      modelCalls: 0,
      tokens: 0,
      usd: 0,
      timeMs: 2 * longestCallMs,
    });
    expect(scope.assumed).toEqual([
      'MCP server `bank` does not put off the answer of `pay` with signs of progress (set its `timeoutMs`)',
    ]);
    const late = mcpServer({ name: 'bank', url: () => 'http://127.0.0.1:9/mcp', timeoutMs: 1_000 });
    expect(late.longestCallMs).toBe(7_000);
    const here = mcpServer({ name: 'bank', stdio: { command: 'bank' }, timeoutMs: 1_000 });
    expect(here.longestCallMs).toBe(5_000);
  });

  it('is its own `timeoutMs`, which nothing puts off', () => {
    const scope = asking();
    expect(payByMcp({ timeoutMs: 300 }).signalbox.worstCase?.({}, scope)?.timeMs).toBe(300);
    expect(payByMcp({ totalTimeoutMs: 900 }).signalbox.worstCase?.({}, scope)?.timeMs).toBe(900);
    expect(scope.assumed).toEqual([]);
  });

  it('holds of a server that takes requests and answers none', async () => {
    const server = createServer(() => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    const pay = payByMcp({}, { url, timeoutMs: 100 });
    const begun = performance.now();
    const failed = toPromise(createActor(pay, { input: { id: '7' } }).start());
    await expect(failed).rejects.toMatchObject({ code: 'MCP_CALL_FAILED' });
    // What this machine takes besides is not the server's.
    const tookMs = performance.now() - begun - 10_000;
    expect(tookMs).toBeLessThan(pay.signalbox.worstCase?.({}, asking())?.timeMs ?? 0);
  });
});

describe('the worst case of a run of another workflow', () => {
  const child = defineWorkflow({ version: '1', machine: setup({}).createMachine({ id: 'child' }) });
  const run = { modelCalls: 1, tokens: 10, usd: 0.5, timeMs: 100 };

  it('is that of each run that it starts', () => {
    const asked: unknown[] = [];
    const scope = asking({
      ofRun: (workflow, input) => {
        asked.push([workflow.name, input]);
        return run;
      },
    });
    const once = fromWorkflow({ workflow: child }).signalbox;
    expect(once.worstCase?.({ n: 1 }, scope)).toEqual({ ...run, waits: true });
    expect(asked).toEqual([['child', { n: 1 }]]);
    // Whoever asks again for what failed for good is told of the run that there was.
    expect(once.worstCase?.({ n: 1 }, { ...scope, attempts: 5 })).toMatchObject({ modelCalls: 1 });
    const retry = { attempts: 3, delayMs: 1_000, factor: 1, on: () => true };
    const thrice = fromWorkflow({ workflow: child, retry }).signalbox;
    expect(thrice.worstCase?.({ n: 1 }, scope)).toMatchObject({ modelCalls: 3, tokens: 30, timeMs: 2_300 });
    const limited = fromWorkflow({ workflow: child, retry, totalTimeoutMs: 150 }).signalbox;
    expect(limited.worstCase?.({ n: 1 }, scope)).toMatchObject({ modelCalls: 3, timeMs: 150 });
    expect(scope.assumed).toEqual([]);
    once.worstCase?.(undefined, { ...scope, inputTokens: 9 });
    expect(scope.assumed).toEqual([
      'a run of `child@1` takes no more with what `child` gives it than without an input',
    ]);
  });
});
