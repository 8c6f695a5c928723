/**
 * What a model call through `fromModel` costs beside one through the bare SDK: processor time, throughput and memory.
 *
 *     npm run bench:actors [-- --calls 1000 --at-once 1000 --rounds 7]
 *
 * A call is one question with a JSON schema and a short answer, over real HTTP to a Messages server in a process of its own,
 * whose work is not counted. In the engine each call is a run of its own, from its start, which is stored, to its result,
 * which is; an engine and its store are there for all rounds, as they are in a service. A round makes all calls in each of
 * the ways, in an order that turns from round to round, so that all meet the same machine. Before each way the garbage of
 * the one before is collected, and half as many calls are made that do not count. Medians of the rounds. On a machine that is
 * busy with other things all of it costs more, the overhead too.
 *
 * The overhead of a way is its processor time per call less that of the bare SDK in the same round. Ends with code 1 if the
 * engine's on memory is a millisecond or more.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { getHeapStatistics } from 'node:v8';

import { Anthropic } from '@anthropic-ai/sdk';
import { transformJSONSchema } from '@anthropic-ai/sdk/lib/transform-json-schema';
import Table from 'cli-table3';
import { anthropic, createEngine, defineWorkflow, fromModel } from 'signalbox';
import { memoryStore } from 'signalbox/memory';
import { sqliteStore } from 'signalbox/sqlite';
import { startMessagesServerProcess } from 'signalbox/testing';
import { assign, createActor, setup, toPromise } from 'xstate';
import { z } from 'zod';

const { values: options } = parseArgs({
  options: {
    calls: { type: 'string', default: '1000' },
    'at-once': { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '7' },
  },
});
const calls = Number(options.calls);
const atOnce = Number(options['at-once']);
const rounds = Number(options.rounds);
const mostOverheadMs = 1;
const callsPerSample = 10;

const Ticket = z.object({ body: z.string() });
const Answer = z.object({
  category: z.enum(['billing', 'technical', 'general']),
  urgent: z.boolean(),
  reason: z.string(),
});
const system = 'You sort tickets for a support desk. Name the one category that fits best, and say why.';
const model = 'claude-haiku-5-5';
const maxTokens = 256;
const ticket = {
  body: 'Hello,\n\nmy card was charged twice in March for the same plan. Can I have one back?\n\nAna',
};
const promptOf = ({ body }) => `<ticket>\n${body}\n</ticket>`;

const server = await startMessagesServerProcess({
  script: new URL('./actors-answers.mjs', import.meta.url),
  keep: 0,
});
const client = new Anthropic({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));

const classifyTicket = fromModel({
  name: 'classifyTicket',
  model,
  input: Ticket,
  output: Answer,
  system,
  prompt: promptOf,
  maxTokens,
  provider: anthropic({ client }),
});
const workflow = defineWorkflow({
  version: '1',
  input: Ticket,
  machine: setup({ actors: { classifyTicket } }).createMachine({
    id: 'classify',
    context: ({ input }) => ({ body: input.body, answer: null }),
    output: ({ context }) => context.answer,
    initial: 'classifying',
    states: {
      classifying: {
        invoke: {
          src: 'classifyTicket',
          id: 'classifyTicket',
          input: ({ context }) => ({ body: context.body }),
          onDone: { target: 'classified', actions: assign({ answer: ({ event }) => event.output }) },
        },
      },
      classified: { type: 'final' },
    },
  }),
});

const { $schema: _, ...schema } = z.toJSONSchema(Answer, { io: 'input' });
const params = {
  model,
  max_tokens: maxTokens,
  system,
  output_config: { format: { type: 'json_schema', schema: transformJSONSchema(schema) } },
};

/** How the call is made, and how to clear up in the end. */
const ways = {
  'bare SDK': {
    call: () =>
      client.messages.create({ ...params, messages: [{ role: 'user', content: promptOf(ticket) }] }),
  },
  'fromModel, createActor': {
    call: () => toPromise(createActor(classifyTicket, { input: ticket }).start()),
  },
  'fromModel, engine on memory': onEngine(memoryStore()),
  'fromModel, engine on SQLite': onEngine(sqliteStore(join(folder, 'runs.db'))),
};

function onEngine(store) {
  const engine = createEngine({
    workflows: [workflow],
    check: false,
    store,
    concurrency: atOnce * 2,
    pollMs: 1_000,
  });
  return {
    call: async () => (await engine.start(workflow, { input: ticket })).result(),
    close: async () => {
      await engine.stop();
      await store.close();
    },
  };
}

const names = Object.keys(ways);
const measured = Object.fromEntries(names.map((name) => [name, []]));
let code = 1;
try {
  for (let round = 0; round < rounds; round++) {
    for (const index of names.keys()) {
      const turn = (index + round) % names.length;
      const name = names[round % 2 === 0 ? turn : names.length - 1 - turn];
      measured[name].push(await measure(name, calls));
    }
  }
  const { received, unexpected } = await server.seen();
  const expected = names.length * rounds * (Math.ceil(calls / 2) + calls);
  if (received !== expected || unexpected.length > 0) {
    throw new Error(
      `Expected ${expected} requests, got ${received}; ${unexpected.length} were not expected.`,
    );
  }
  code = report();
} finally {
  for (const { close } of Object.values(ways)) await close?.();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = code;

async function measure(name, times) {
  const { call } = ways[name];
  globalThis.gc?.();
  const before = memory();
  // After a collection the heap is small and code may have been dropped; a process at work has neither.
  await inParallel(call, Math.ceil(times / 2), atOnce);
  let peak = before;
  let made = 0;
  const counted = async () => {
    await call();
    if (++made % callsPerSample === 0) peak = Math.max(peak, memory());
  };
  const cpuBefore = process.cpuUsage();
  const start = process.hrtime.bigint();
  await inParallel(counted, times, atOnce);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const { user, system: inKernel } = process.cpuUsage(cpuBefore);
  return {
    callsPerSecond: times / seconds,
    cpuMs: (user + inKernel) / 1_000 / times,
    peakMb: (peak - before) / 2 ** 20,
  };
}

/** What is in use, the heap and buffers outside of it. */
function memory() {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

function report() {
  const [bare] = names;
  const table = new Table({
    head: [
      'way',
      'calls/s',
      'CPU per call (ms)',
      'overhead (ms)',
      'lowest to highest',
      'peak memory above start (MB)',
    ],
  });
  const results = { node: process.version, calls, atOnce, rounds, ways: {} };
  for (const name of names) {
    const overheads = measured[name].map(({ cpuMs }, round) => cpuMs - measured[bare][round].cpuMs);
    const of = (field) => median(measured[name].map((each) => each[field]));
    const result = {
      callsPerSecond: of('callsPerSecond'),
      cpuMs: of('cpuMs'),
      overheadMs: median(overheads),
      peakMb: of('peakMb'),
    };
    results.ways[name] = result;
    table.push([
      name,
      Math.round(result.callsPerSecond).toLocaleString('en'),
      result.cpuMs.toFixed(3),
      name === bare ? '' : result.overheadMs.toFixed(3),
      name === bare ? '' : `${Math.min(...overheads).toFixed(3)} to ${Math.max(...overheads).toFixed(3)}`,
      result.peakMb.toFixed(1),
    ]);
  }
  results.maxRssMb = process.resourceUsage().maxRSS / 1_024;
  console.log(table.toString());
  console.log(JSON.stringify(results));
  const { overheadMs } = results.ways['fromModel, engine on memory'];
  if (overheadMs < mostOverheadMs) return 0;
  console.error(
    `Expected less than ${mostOverheadMs} ms of overhead in the engine on memory, got ${overheadMs.toFixed(3)} ms.`,
  );
  return 1;
}

async function inParallel(task, times, width) {
  let left = times;
  await Promise.all(
    Array.from({ length: Math.min(width, times) }, async () => {
      while (left-- > 0) await task();
    }),
  );
}

function median(values) {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}
