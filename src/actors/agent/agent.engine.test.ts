/** An agent on an engine: what a crash costs, what waits cost, and what is on record. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import {
  agent,
  answer,
  call,
  resultsIn,
  run as runAgent,
  type AgentOptions,
} from '../../../test/support/agent.ts';
import { createWorld, performing, type World } from '../../../test/support/world.ts';
import type { HistoryEntry } from '../../engine/history.ts';
import type { Exchange } from '../../invocation.ts';
import { priceTable } from '../../prices.ts';
import type { MessagesRequestBody } from '../../testing/messages-server/index.ts';
import { fromTool } from '../from-tool.ts';

const question = { question: 'What?' };
const two = (one: number, other: number) => ({
  toolCalls: [
    { name: 'lookUp', input: { id: one }, id: `a${one}` },
    { name: 'lookUp', input: { id: other }, id: `b${other}` },
  ],
});

describe('an agent whose worker dies', () => {
  /** Calls by the order in which they begin; the tools of a turn are called at once. */
  const calls = ['turn 1', 'lookUp 1', 'lookUp 2', 'turn 2', 'lookUp 3', 'lookUp 4', 'turn 3'];

  it.each(calls.map((name, index) => [name, index] as const))(
    'in %s pays for that again, and for nothing else',
    async (name, index) => {
      const keys: string[] = [];
      let asked = 0;
      let dying = true;
      const isFatal = (): boolean => asked++ === index && dying;
      const { logic, server } = await agent(
        ({ messages }: MessagesRequestBody) => {
          if (isFatal()) return { fault: 'hang' };
          return messages.length === 1 ? two(1, 2) : messages.length === 3 ? two(3, 4) : answer('Done.');
        },
        {
          lookingUp: (_, { idempotencyKey }) => {
            keys.push(idempotencyKey);
            return isFatal() ? new Promise(() => {}) : Promise.resolve();
          },
        },
      );
      const world = createWorld(performing(logic, question));
      const first = world.engine();
      await first.start('performing', { id: 'r' });
      // The other tool of the turn is on record too.
      const answered = index + (/ [13]$/.test(name) && name.startsWith('look') ? 1 : 0);
      await expect.poll(() => world.data.runs.get('r')?.journal.size).toBe(answered);
      await expect.poll(() => asked).toBe(answered + 1);
      first.die();
      dying = false;
      await world.leasesRunOut();
      expect(await world.engine().run('r').result()).toMatchObject({
        output: { outcome: 'answered', answer: { reply: 'Done.' }, turns: 3, toolCalls: 4 },
      });
      expect(asked).toBe(calls.length + 1);
      expect(new Set(keys)).toEqual(
        new Set(['1.1', '1.2', '2.1', '2.2'].map((place) => `r/work#1/call ${place} lookUp`)),
      );
      // What was said before is said again as it was.
      expect(new Set(server.requests.map(({ body }) => JSON.stringify(body))).size).toBe(3);
      expect(world.data.runs.get('r')?.journal.size).toBe(0);
    },
  );

  it('has no answer judged twice', async () => {
    const judged: string[] = [];
    let dying = true;
    const { logic, server } = await agent(
      ({ messages }: MessagesRequestBody) => {
        if (messages.length === 1) return answer('Bad.');
        return dying ? { fault: 'hang' } : answer('Good.');
      },
      {
        accept: ({ reply }) => {
          judged.push(reply);
          return reply === 'Good.' || ['It is bad.'];
        },
      },
    );
    const world = createWorld(performing(logic, question));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await expect.poll(() => server.received).toBe(2);
    first.die();
    dying = false;
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ output: { answer: { reply: 'Good.' } } });
    expect(judged).toEqual(['Bad.', 'Good.']);
  });
});

describe('an agent that has to wait', () => {
  const minuteMs = 60_000;
  const retry = { attempts: 9, delayMs: 5 * minuteMs, factor: 1, maxDelayMs: 5 * minuteMs, jitter: 0 };

  it('for its model holds no worker, and ends at its limit of time, counted on through a crash', async () => {
    const { logic, server } = await agent(() => ({ status: 529 }), {
      retry,
      limits: { timeMs: 8 * minuteMs },
    });
    const world = createWorld(performing(logic, question));
    const isWaiting = () => world.data.runs.get('r')?.lease === undefined;
    const begun = world.clock.now();
    const until = (ms: number) => world.clock.advance(begun + ms - world.clock.now());
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await expect.poll(() => server.received === 1 && isWaiting()).toBe(true);
    await until(minuteMs);
    first.die();
    await world.leasesRunOut();
    const second = world.engine();
    await until(5 * minuteMs);
    await expect.poll(() => server.received === 2 && isWaiting()).toBe(true);
    await until(8 * minuteMs - 1);
    expect(await second.run('r').snapshot()).toMatchObject({ status: 'running' });
    // The next attempt would be made after that.
    await until(8 * minuteMs);
    expect(await second.run('r').result()).toMatchObject({
      output: { outcome: 'limit', limit: 'timeMs', turns: 0, tokens: 0 },
    });
    expect(server.received).toBe(2);
  });

  it('longer for a worker than it has time calls nothing more', async () => {
    const { logic, server } = await agent([call('lookUp', { id: 7 }), { fault: 'hang' }], {
      limits: { timeMs: 8 * minuteMs },
    });
    const world = createWorld(performing(logic, question));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await expect.poll(() => server.received).toBe(2);
    first.die();
    await world.clock.advance(8 * minuteMs);
    // What is on record is gone through all the same.
    expect(await world.engine().run('r').result()).toMatchObject({
      output: { outcome: 'limit', limit: 'timeMs', turns: 1, toolCalls: 1 },
    });
    expect(server.received).toBe(2);
  });

  it('for a tool holds no worker either, and asks for nothing again that it has', async () => {
    const asked: number[] = [];
    const lookUp = fromTool({
      name: 'lookUp',
      description: 'Looks up a number.',
      input: z.object({ id: z.number() }),
      output: z.string(),
      retry: { attempts: 2, delayMs: 5 * minuteMs, jitter: 0 },
      run: async ({ id }) => {
        if (asked.push(id) === 1) throw Object.assign(new Error('Busy.'), { status: 429 });
        return 'found';
      },
    });
    const { logic, server } = await agent([two(1, 2), answer('Done.')], { tools: [lookUp] });
    const world = createWorld(performing(logic, question));
    const run = await world.engine().start('performing', { id: 'r' });
    await expect.poll(() => asked).toEqual([1, 2]);
    await expect.poll(() => world.data.runs.get('r')?.lease).toBeUndefined();
    await world.clock.advance(5 * minuteMs);
    expect(await run.result()).toMatchObject({ output: { outcome: 'answered', turns: 2, toolCalls: 2 } });
    expect(asked).toEqual([1, 2, 1]);
    expect(server.received).toBe(2);
  });
});

describe('of an agent', () => {
  it('every turn and every call of a tool is on record, with its part and its price', async () => {
    const { run } = await started([call('lookUp', { id: 7 }), answer('Seven.')]);
    await run.result();
    const exchanges = exchangesIn(await run.history());
    expect(exchanges.map(({ kind, by, part }) => [kind, by, part])).toEqual([
      ['model', 'anthropic', 'turn 1'],
      ['tool', 'lookUp', 'call 1.1 lookUp'],
      ['model', 'anthropic', 'turn 2'],
    ]);
    expect(exchanges.map(({ costUsd }) => costUsd)).toEqual([
      expect.any(Number),
      undefined,
      expect.any(Number),
    ]);
  });

  it('the budget is that of its run: a turn that could overrun it is not begun, and the machine is told', async () => {
    const usage = { input_tokens: 1_000, output_tokens: 100 };
    const budget = { tokens: 3_000 };
    const { run, server } = await started(
      [{ ...call('lookUp', { id: 7 }), usage }],
      { maxTokens: 1_000 },
      { budget },
    );
    expect(await run.result()).toMatchObject({ output: null, error: { code: 'BUDGET_EXCEEDED' } });
    expect(server.received).toBe(1);
  });
});

describe('the dollars of an agent', () => {
  const perMillion = (price: number) => ({
    input: price,
    output: price,
    cacheRead: price,
    cacheWrite: price,
  });
  const prices = priceTable({
    asOf: '2026-11-21',
    source: 'our contract',
    models: { ours: perMillion(10), 'claude-haiku-4-5': perMillion(0.01) },
  });
  /** A hundred thousand tokens: a dollar by our price for `ours`, and ten cents by the list price of the other. */
  const turn = { ...call('lookUp', { id: 7 }), usage: { input_tokens: 100_000, output_tokens: 0 } };

  it('are counted by the prices of the engine, of a model too that no list has', async () => {
    const options = { model: 'ours', maxTokens: 100 };
    const few = await started([turn], { ...options, limits: { usd: 2 } }, {}, { prices });
    expect(await few.run.result()).toMatchObject({ output: { outcome: 'limit', limit: 'usd', turns: 1 } });
    const more = await started(
      [turn, answer('Done.')],
      { ...options, limits: { usd: 2.02 } },
      {},
      { prices },
    );
    expect(await more.run.result()).toMatchObject({ output: { outcome: 'answered', turns: 2 } });
  });

  it('are counted by the prices of the engine where the list has others', async () => {
    const options = { maxTokens: 100, limits: { usd: 0.1 } };
    const listed = await started([], { ...options, prompt: () => 'a'.repeat(400_000) });
    expect(await listed.run.result()).toMatchObject({ output: { limit: 'usd', turns: 0 } });
    const ours = await started([turn, answer('Done.')], options, {}, { prices });
    expect(await ours.run.result()).toMatchObject({ output: { outcome: 'answered', turns: 2 } });
  });

  it('cannot be limited where there is no price: then nothing is called', async () => {
    const options = { model: 'theirs', limits: { usd: 1 } };
    const { run, server } = await started([], options, {}, { prices });
    const error = {
      code: 'INVALID_OPTION',
      message:
        'The limit of $1 of agent `helper` cannot be kept, as no price is known for `theirs`. Nothing was called. Add the price to `createEngine({ prices })`, or leave `limits.usd` out.',
      details: { option: 'limits.usd', model: 'theirs' },
    };
    expect(await run.result()).toMatchObject({ output: null, error });
    const alone = await agent([], options);
    await expect(runAgent(alone.logic)).rejects.toMatchObject(error);
    expect([server.received, alone.server.received]).toEqual([0, 0]);
  });

  it('that are not limited need no price', async () => {
    const { run } = await started([answer('Done.')], { model: 'theirs', limits: { turns: 1 } });
    expect(await run.result()).toMatchObject({ output: { outcome: 'answered' } });
  });
});

describe('a tool that an agent calls by a name that there is not', () => {
  it('leaves a note under a name of ours, however long theirs is', async () => {
    const made = { toolCalls: ['x'.repeat(100_000), 'lookUp', 'constructor'].map(called) };
    const { run, server, world } = await started([made, { fault: 'hang' }]);
    await expect.poll(() => server.received).toBe(2);
    const names = [...(world.data.runs.get('r')?.journal.keys() ?? [])];
    expect(names.map((name) => name.replace('once work#1 ', '')).sort()).toEqual([
      'call 1.1',
      'call 1.2 lookUp',
      'call 1.3',
      'turn 1',
    ]);
    const [first] = resultsIn(server, 1, 2);
    expect(first?.content).toMatch(/^There is no tool `x{64}…`\. /);
    await run.cancel('Enough.');
  });
});

function called(name: string, index: number) {
  return { name, input: { id: 7 }, id: `id-${index}` };
}

async function started(
  answers: Parameters<typeof agent>[0],
  options: AgentOptions = {},
  definition: Parameters<typeof performing>[2] = {},
  engine: Parameters<World['engine']>[0] = {},
) {
  const { logic, server } = await agent(answers, options);
  const world = createWorld(performing(logic, question, definition));
  const run = await world.engine(engine).start('performing', { id: 'r' });
  return { run, server, world };
}

function exchangesIn(history: readonly HistoryEntry[]): Exchange[] {
  return history.flatMap((entry) => ('exchanges' in entry ? (entry.exchanges ?? []) : []));
}
