/** Limits on calls that workers share, and a circuit that opens: who waits, who does not, and what it costs. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { afterEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';

import { performing } from '../../../test/support/world.ts';
import { redisStore } from '../../../persistence/redis/index.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import type { InvocationScope, OutsideCall, TokenUsage } from '../../invocation.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { durableLogic, type DurablePromiseLogic } from '../durable-logic.ts';
import { fromMap } from '../from-map.ts';
import { fromTool } from '../from-tool.ts';
import { plainScope } from '../plain-scope.ts';
import { type Policies, underPolicies } from './policies.ts';

const Anything = z.unknown();

afterEach(() => void vi.useRealTimers());

/** Two engines with connections of their own to one Redis. */
function twoEngines(workflow: AnyWorkflow): {
  engines: [Engine, Engine];
  store: ReturnType<typeof redisStore>;
} {
  const options = { url: inject('redisUrl'), prefix: `guard:${randomUUID()}` };
  const open = (): [Engine, ReturnType<typeof redisStore>] => {
    const store = redisStore(options);
    const engine = createEngine({ workflows: [workflow], store, work: 'own' });
    onTestFinished(async () => {
      await engine.stop({ graceMs: 0 });
      await store.close();
    });
    return [engine, store];
  };
  const [[one, store], [other]] = [open(), open()];
  return { engines: [one, other], store };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

function mapOf(each: DurablePromiseLogic<unknown, unknown>, count: number, concurrency: number): AnyWorkflow {
  const logic = fromMap({
    name: 'all',
    input: z.array(Anything),
    items: (items) => items,
    each,
    concurrency,
  });
  return performing(logic, upTo(count), { id: 'mapping' });
}

describe('on one Redis', () => {
  it('two engines make no more calls in a minute than there may be; then neither holds its run', async () => {
    let calls = 0;
    const each = fromTool({
      name: 'call',
      input: Anything,
      output: Anything,
      rateLimit: { key: randomUUID(), requestsPerMinute: 1_000 },
      run: async () => (calls += 1),
    });
    const { engines, store } = twoEngines(mapOf(each, 700, 20));
    await Promise.all(engines.map((engine, index) => engine.start('mapping', { id: `r${index}` })));
    await vi.waitFor(async () => {
      const runs = await Promise.all([store.load('r0'), store.load('r1')]);
      expect(runs.map((run) => [run?.status, run?.lease])).toEqual([
        ['running', undefined],
        ['running', undefined],
      ]);
    });
    expect(calls).toBe(1_000);
    const last = (await engines[0].run('r0').history()).at(-1);
    expect(last).toMatchObject({
      message: { type: 'deferred', reason: expect.stringContaining('rate limit') as string },
    });
  });

  it('two engines have no more calls with a key under way than there are slots', async () => {
    let underWay = 0;
    let most = 0;
    const each = fromTool({
      name: 'call',
      input: Anything,
      output: Anything,
      concurrencyKey: { key: randomUUID(), limit: 3 },
      run: async () => {
        most = Math.max(most, (underWay += 1));
        await pause(2);
        underWay -= 1;
        return 'done';
      },
    });
    const { engines } = twoEngines(mapOf(each, 15, 15));
    const runs = await Promise.all(
      engines.map((engine, index) => engine.start('mapping', { id: `r${index}` })),
    );
    const outcomes = await Promise.all(runs.map((run) => run.result()));
    expect(outcomes).toMatchObject([{ error: null }, { error: null }]);
    expect(most).toBe(3);
  });
});

/** An actor that makes one call. */
function calling(
  perform: (scope: InvocationScope) => Promise<unknown>,
  policies: Policies<unknown, unknown>,
  call: Partial<OutsideCall<unknown>> = {},
) {
  const { signalbox } = durableLogic<unknown, unknown>(
    underPolicies(
      {
        kind: 'test',
        name: 'work',
        irreversible: false,
        idempotent: true,
        perform: (_, scope) =>
          scope.exchange({
            kind: 'test',
            by: 'work',
            request: {},
            perform: () => perform(scope),
            describe: (response) => ({ response }),
            ...call,
          }),
      },
      policies,
    ),
  );
  return (changes: Partial<InvocationScope> = {}, signal = new AbortController().signal): Promise<unknown> =>
    signalbox.perform(1, { ...plainScope('work', signal), ...changes });
}

const usage = (tokens: number): TokenUsage => ({ inputTokens: tokens, outputTokens: 0 });

describe('a limit of tokens', () => {
  const limited = (atMost: number, used: number | undefined, key: string = randomUUID()) =>
    calling(
      async () => 'fine',
      { rateLimit: { key, tokensPerMinute: 1_000, requestsPerMinute: 100 } },
      {
        atMost: { model: 'm', usage: usage(atMost) },
        describe: (response) => ({ response, ...(used !== undefined && { usage: usage(used) }) }),
      },
    );

  it('counts the most that a call can use while it is under way, and what it has used after', async () => {
    const call = limited(600, 100);
    // At 600 each there would be place for one; at 100 there is for five, and the fifth has still 600 to ask for.
    for (let made = 1; made <= 5; made++) await expect(call()).resolves.toBe('fine');
    await expect(call()).rejects.toMatchObject({ name: 'Deferred' });
  });

  it('counts a call whose usage is not known in full', async () => {
    const call = limited(600, undefined);
    await call();
    await expect(call()).rejects.toMatchObject({ name: 'Deferred', goesOn: false });
  });

  it('lets a call through that is larger than the limit, when nothing else counts', async () => {
    await expect(limited(5_000, 10)()).resolves.toBe('fine');
  });

  it('is not for a stand-in', async () => {
    const call = calling(
      async () => 'plain rules',
      { rateLimit: { key: randomUUID(), requestsPerMinute: 1 } },
      { standIn: true },
    );
    for (let made = 1; made <= 3; made++) await expect(call()).resolves.toBe('plain rules');
  });
});

describe('a slot', () => {
  it('that cannot be given back is no reason to lose an answer', async () => {
    const call = calling(async () => 'paid for', { concurrencyKey: { key: randomUUID(), limit: 1 } });
    const { shared } = plainScope('work', new AbortController().signal);
    const vacate = () => Promise.reject(new Error('The store is gone.'));
    await expect(call({ shared: { ...shared, vacate } })).resolves.toBe('paid for');
  });

  it('that is taken is waited for without a worker, unless it is free in a moment', async () => {
    const key = randomUUID();
    const policies = { concurrencyKey: { key, limit: 1 } };
    let end = (): void => {};
    const first = calling(() => new Promise((resolve) => (end = () => resolve('first'))), policies)();
    const second = calling(async () => 'second', policies)();
    await expect(second).rejects.toMatchObject({
      name: 'Deferred',
      message: expect.stringContaining('all 1 slots') as string,
    });
    end();
    await expect(first).resolves.toBe('first');
    await expect(calling(async () => 'third', policies)()).resolves.toBe('third');
  });
});

describe('a circuit', () => {
  const broken = Object.assign(new Error('Down.'), { status: 503 });

  it('opens for a callee that never answers, and is tried again even if that never ends', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const never = () => new Promise<never>(() => {});
    let perform: () => Promise<unknown> = never;
    const call = calling(() => perform(), {
      timeoutMs: 5,
      circuitBreaker: { failures: 2, openMs: 60_000 },
    });
    for (const _ of [1, 2]) await expect(call()).rejects.toMatchObject({ code: 'TIMED_OUT' });
    await expect(call()).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', details: { retryAfterMs: 60_000 } });
    vi.setSystemTime(Date.now() + 60_000);
    await expect(call()).rejects.toMatchObject({ code: 'TIMED_OUT' });
    await expect(call()).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
    vi.setSystemTime(Date.now() + 60_000);
    perform = async () => 'back';
    await expect(call()).resolves.toBe('back');
    await expect(call()).resolves.toBe('back');
  });

  it('is not closed by a call that was called off', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    let perform: () => Promise<unknown> = () => Promise.reject(broken);
    const call = calling(() => perform(), { circuitBreaker: { failures: 1, openMs: 60_000 } });
    await expect(call()).rejects.toThrow('Down.');
    vi.setSystemTime(Date.now() + 60_000);
    const controller = new AbortController();
    perform = () => new Promise(() => {});
    const trying = call({}, controller.signal);
    controller.abort(new Error('The machine moved on.'));
    await expect(trying).rejects.toThrow('The machine moved on.');
    await expect(call()).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
  });

  it('stays closed for errors that say that it answers, and for calls that were called off', async () => {
    const wrong = Object.assign(new Error('No such thing.'), { status: 404 });
    let perform: () => Promise<unknown> = () => Promise.reject(wrong);
    const call = calling(() => perform(), { circuitBreaker: { failures: 2, openMs: 60_000 } });
    for (let made = 1; made <= 4; made++) await expect(call()).rejects.toThrow('No such thing.');
    perform = () => new Promise(() => {});
    for (let made = 1; made <= 4; made++) {
      const controller = new AbortController();
      const trying = call({}, controller.signal);
      controller.abort(new Error('Left.'));
      await expect(trying).rejects.toThrow('Left.');
    }
    perform = async () => 'fine';
    await expect(call()).resolves.toBe('fine');
  });

  it('that is open takes nothing from the limits of others', async () => {
    const key = randomUUID();
    const rateLimit = { key, requestsPerMinute: 2 };
    const call = calling(() => Promise.reject(broken), {
      rateLimit,
      circuitBreaker: { failures: 1, openMs: 60_000 },
    });
    await expect(call()).rejects.toThrow('Down.');
    for (let made = 1; made <= 5; made++)
      await expect(call()).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
    await expect(calling(async () => 'fine', { rateLimit })()).resolves.toBe('fine');
  });
});
