/** Calls that wait say so when they wait in vain, and can be given up. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { createMemoryData, type MemoryData, memoryStore } from '../../../persistence/memory.ts';
import type { Store } from '../../../persistence/store.ts';
import { calling, waiting } from '../../../test/support/small-workflows.ts';
import { StoreUnavailable } from '../../errors.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { createEngine, type Engine, type EngineOptions } from '../engine.ts';

function engineOn(data: MemoryData, workflows: AnyWorkflow[], options: Partial<EngineOptions> = {}): Engine {
  const engine = createEngine({ workflows, store: memoryStore({ data }), onProblem: () => {}, ...options });
  onTestFinished(() => engine.stop({ graceMs: 0 }));
  return engine;
}

/** The code of what the promise rejects with. */
function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => ({ resolved: value }),
    (error: { code?: string }) => error.code ?? error,
  );
}

describe('a client whose workers are down', () => {
  it('is told so, and what it sent is stored and applied once a worker is back', async () => {
    const data = createMemoryData();
    const client = engineOn(data, [waiting()], { work: 'none' });
    const run = await client.start('waiting', { id: 'r' });
    await expect(run.send({ type: 'GO' })).rejects.toMatchObject({
      code: 'NO_WORKER',
      remedy: 'retry-later',
      details: { runId: 'r', stored: true, messageId: 1 },
    });
    engineOn(data, [waiting()]);
    await expect(run.waitFor({ state: 'second' })).resolves.toMatchObject({ value: 'second' });
    await expect(run.send({ type: 'END' })).resolves.toMatchObject({ status: 'done' });
  });

  it('is told so of `cancel`, and of workers of another version only', async () => {
    const data = createMemoryData();
    const client = engineOn(data, [waiting('second', '1'), waiting('second', '2')], { work: 'none' });
    engineOn(data, [waiting('second', '2')]);
    const run = await client.start(client.workflows[0] as AnyWorkflow, { id: 'r' });
    await expect(run.cancel()).rejects.toMatchObject({ code: 'NO_WORKER', details: { stored: true } });
  });

  it('is told of a worker that died without a word, as of none', async () => {
    const data = createMemoryData();
    const dead = memoryStore({ data });
    const now = Date.now();
    await dead.announce('elsewhere', { workflows: ['waiting@1'], until: now + 200 });
    const client = engineOn(data, [waiting()], { work: 'none' });
    const run = await client.start('waiting', { id: 'r' });
    await expect(run.send({ type: 'GO' })).rejects.toMatchObject({ code: 'NO_WORKER' });
  });

  it('is told by `onProblem`, once, if it waits for a result', async () => {
    const data = createMemoryData();
    const problems: string[] = [];
    const client = engineOn(data, [calling(async () => 1)], {
      work: 'none',
      onProblem: (error) => void problems.push('code' in error ? String(error.code) : error.message),
    });
    const run = await client.start('calling', { id: 'r' });
    const results = [run.result(), run.result()];
    await vi.waitUntil(() => problems.length > 0, { interval: 20 });
    engineOn(data, [calling(async () => 1)]);
    await expect(Promise.all(results)).resolves.toEqual([1, 1]);
    expect(problems).toEqual(['NO_WORKER']);
  });

  it('need not wait for more than that it is stored', async () => {
    const client = engineOn(createMemoryData(), [waiting()], { work: 'none' });
    const run = await client.start('waiting', { id: 'r' });
    await expect(run.send({ type: 'GO' }, { until: 'stored' })).resolves.toMatchObject({
      value: 'first',
      seq: 1,
    });
    await expect(run.cancel('no more', { until: 'stored' })).resolves.toMatchObject({ status: 'waiting' });
    await expect(codeOf(run.send({ type: 'GO' }, { until: 'seen' as never }))).resolves.toBe(
      'INVALID_OPTION',
    );
  });
});

describe('a condition that can never be met', () => {
  const run = async () =>
    engineOn(createMemoryData(), [waiting()]).start('waiting', { id: 'r' }) as Promise<
      ReturnType<Engine['run']>
    >;

  it.each([
    [{ state: 'frist' }, { field: 'state', known: ['first', 'second', 'ended'] }],
    [{ state: { first: 'inner' } }, { field: 'state' }],
    [{ state: 'first.inner' }, { field: 'state' }],
    [{ tag: 'persn' }, { field: 'tag', known: ['person'] }],
    [{ status: 'ended' as never }, { field: 'status', known: expect.arrayContaining(['done']) }],
  ])('%j is refused at once', async (condition, details) => {
    await expect((await run()).waitFor(condition)).rejects.toMatchObject({ code: 'INVALID_OPTION', details });
  });

  it('is none if the machine has such a state', async () => {
    await expect((await run()).waitFor({ state: 'first', tag: 'person' })).resolves.toMatchObject({
      value: 'first',
    });
  });
});

describe('giving up', () => {
  it('a call rejects when its time is over, and says whether what it sent is stored', async () => {
    const client = engineOn(createMemoryData(), [waiting()], { work: 'none' });
    const run = await client.start('waiting', { id: 'r' });
    await expect(run.send({ type: 'GO' }, { timeoutMs: 10 })).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      details: { runId: 'r', stored: true, messageId: 1 },
    });
    await expect(run.waitFor({ state: 'second' }, { timeoutMs: 10 })).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
    });
  });

  it("a call rejects with the signal's reason", async () => {
    const client = engineOn(createMemoryData(), [waiting()], { work: 'none' });
    const run = await client.start('waiting', { id: 'r' });
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [
      run.send({ type: 'GO' }, { signal }),
      run.cancel('', { signal }),
      run.waitFor({ state: 'second' }, { signal }),
      run.result({ signal }),
      run.steps({ signal, from: 1 }).next(),
      // More than ten: one signal for many calls is nothing that Node should warn of.
      ...Array.from({ length: 20 }, () => run.result({ signal })),
    ];
    const reason = new Error('the client is gone');
    controller.abort(reason);
    for (const call of calls) await expect(call).rejects.toBe(reason);
    await expect(run.snapshot({ signal })).rejects.toBe(reason);
  });
});

describe('a run that no worker can execute', () => {
  async function stuckRun(options: Partial<EngineOptions> = {}) {
    const data = createMemoryData();
    const before = engineOn(data, [waiting('second')]);
    const run = await before.start('waiting', { id: 'r' });
    await run.send({ type: 'GO' });
    await run.send({ type: 'ADD' });
    await before.stop();
    const problems: string[] = [];
    const engine = engineOn(data, [waiting('renamed')], {
      pollMs: 5,
      onProblem: (error, { runId }) =>
        void problems.push(`${runId} ${'code' in error ? String(error.code) : ''}`),
      ...options,
    });
    return { data, engine, run: engine.run('r'), problems };
  }

  it('says why, is listed, and is told of once', async () => {
    const { engine, run, problems } = await stuckRun();
    await expect(codeOf(run.snapshot())).resolves.toBe('SNAPSHOT_NOT_RESTORABLE');
    await expect(codeOf(run.send({ type: 'END' }))).resolves.toBe('SNAPSHOT_NOT_RESTORABLE');
    await expect(run.send({ type: 'END' }, { key: 'k' })).rejects.toMatchObject({
      code: 'RUN_STUCK',
      remedy: 'stop',
      details: { stored: true, problem: { code: 'SNAPSHOT_NOT_RESTORABLE' } },
    });
    await expect(run.result()).rejects.toMatchObject({ code: 'RUN_STUCK' });
    await engine.resume('r');
    await engine.resume('r');
    await expect(engine.list({ stuck: true })).resolves.toMatchObject({
      runs: [{ id: 'r', problem: { code: 'SNAPSHOT_NOT_RESTORABLE' } }],
    });
    expect(new Set(problems).size).toBe(1);
  });

  it('is cancelled without its machine, on record, and what waits for it is refused', async () => {
    const { data, engine, run } = await stuckRun();
    await run.send({ type: 'END' }, { key: 'k' }).catch(() => {});
    await expect(run.cancel('given up')).resolves.toMatchObject({
      status: 'cancelled',
      value: 'second',
      context: { count: 1 },
    });
    await expect(run.snapshot()).resolves.toMatchObject({ status: 'cancelled' });
    await expect(codeOf(run.result())).resolves.toBe('RUN_CANCELLED');
    await expect(run.history()).resolves.toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          message: expect.objectContaining({ type: 'cancel', reason: 'given up' }),
          unhosted: true,
        }),
        expect.objectContaining({ type: 'refused', event: { type: 'END' } }),
      ]),
    );
    await expect(engine.list({ stuck: true })).resolves.toMatchObject({ runs: [] });
    expect(await memoryStore({ data }).due({ workflows: ['waiting@1'], now: Infinity, limit: 1 })).toEqual(
      [],
    );
  });

  it('is cancelled by an engine without its version, if no worker has it', async () => {
    const data = createMemoryData();
    const before = engineOn(data, [waiting('second', '1')]);
    await before.start('waiting', { id: 'r' });
    await before.stop();
    const after = engineOn(data, [waiting('second', '2')]);
    await expect(codeOf(after.run('r').snapshot())).resolves.toBe('WORKFLOW_NOT_FOUND');
    await expect(codeOf(after.run('r').result())).resolves.toBe('WORKFLOW_NOT_FOUND');
    await expect(after.run('r').cancel()).resolves.toMatchObject({ status: 'cancelled' });
  });

  it('is deleted', async () => {
    const { engine, run } = await stuckRun();
    await expect(codeOf(run.result())).resolves.toBe('RUN_STUCK');
    await engine.delete('r');
    await expect(codeOf(run.snapshot())).resolves.toBe('RUN_NOT_FOUND');
    await expect(codeOf(run.history())).resolves.toBe('RUN_NOT_FOUND');
  });
});

describe('deleting', () => {
  it('a run that has not ended is refused, and names `cancel`', async () => {
    const engine = engineOn(createMemoryData(), [waiting()]);
    const run = await engine.start('waiting', { id: 'r' });
    await expect(engine.delete('r')).rejects.toMatchObject({ code: 'RUN_ACTIVE', message: /cancel/ });
    await run.cancel();
    await engine.delete('r');
    await engine.start('waiting', { id: 'r' });
    await expect(engine.run('r').history()).resolves.toHaveLength(1);
  });

  it('with `force` takes it from its worker, whose call is aborted', async () => {
    const data = createMemoryData();
    const aborted = vi.fn();
    const worker = engineOn(
      data,
      [
        calling(
          (signal) =>
            new Promise((_, reject) =>
              signal.addEventListener('abort', () => (aborted(), reject(new Error('aborted')))),
            ),
        ),
      ],
      { leaseMs: 90, pollMs: 5 },
    );
    await worker.start('calling', { id: 'r' });
    const client = engineOn(data, worker.workflows as AnyWorkflow[], { work: 'none' });
    await client.delete('r', { force: true });
    await vi.waitUntil(() => aborted.mock.calls.length === 1);
    await expect(codeOf(client.run('r').snapshot())).resolves.toBe('RUN_NOT_FOUND');
  });
});

describe('a store that is away', () => {
  /** A store whose reads fail, or never answer, while `isAway`. */
  function failing(data: MemoryData, state: { isAway: boolean }): Store {
    const store = memoryStore({ data });
    return {
      ...store,
      load: async (runId) => {
        if (state.isAway) throw new StoreUnavailable('away');
        return store.load(runId);
      },
    };
  }

  it('is waited out by calls that wait', async () => {
    const data = createMemoryData();
    const state = { isAway: false };
    const client = engineOn(data, [waiting()], { work: 'none', store: failing(data, state) });
    const run = await client.start('waiting', { id: 'r' });
    state.isAway = true;
    const waits = [run.waitFor({ state: 'ended' }), run.result(), run.steps({ from: 1 }).next()];
    await expect(codeOf(run.result({ timeoutMs: 300 }))).resolves.toBe('WAIT_TIMEOUT');
    await expect(codeOf(run.snapshot())).resolves.toBe('STORE_UNAVAILABLE');
    state.isAway = false;
    const worker = engineOn(data, [waiting()]);
    await worker.run('r').send({ type: 'END' });
    await expect(Promise.all(waits)).resolves.toMatchObject([{ value: 'ended' }, undefined, { done: false }]);
  });
});

describe('an engine that stops', () => {
  it('says of each call whether what it sent is stored', async () => {
    const data = createMemoryData();
    const store = memoryStore({ data });
    let answer = (): void => {};
    const slow: Store = {
      ...store,
      send: async (runId, message) => {
        if (message.key === 'slow') await new Promise<void>((resolve) => (answer = resolve));
        return store.send(runId, message);
      },
    };
    const client = engineOn(data, [waiting()], { work: 'none', store: slow });
    const run = await client.start('waiting', { id: 'r' });
    const stored = expect(run.send({ type: 'GO' })).rejects.toMatchObject({
      code: 'ENGINE_STOPPED',
      details: { stored: true, messageId: 1 },
    });
    const unknown = expect(run.send({ type: 'GO' }, { key: 'slow' })).rejects.toMatchObject({
      code: 'ENGINE_STOPPED',
      details: { stored: 'unknown' },
    });
    const waits = expect(run.result()).rejects.toMatchObject({ code: 'ENGINE_STOPPED' });
    await vi.waitUntil(async () => (await store.inbox('r', 0)).length === 1);
    await pause(0);
    await Promise.all([client.stop(), client.stop()]);
    await Promise.all([stored, unknown, waits]);
    await expect(run.send({ type: 'GO' })).rejects.toMatchObject({
      code: 'ENGINE_STOPPED',
      details: { stored: false },
    });
    answer();
  });

  it('ends although its store never answers', async () => {
    const data = createMemoryData();
    const never = new Promise<never>(() => {});
    const store: Store = { ...memoryStore({ data }), release: () => never, announce: () => never };
    const engine = engineOn(data, [calling(() => never)], { store });
    await engine.start('calling', { id: 'r' });
    await engine.stop({ graceMs: 0, timeoutMs: 50 });
    await expect(codeOf(engine.run('r').result())).resolves.toBe('ENGINE_STOPPED');
  });
});

describe('many calls on one run', () => {
  it('look at the store together', async () => {
    const data = createMemoryData();
    const store = memoryStore({ data });
    const calls = { load: 0, history: 0, inbox: 0 };
    const counting: Store = {
      ...store,
      load: (runId) => (calls.load++, store.load(runId)),
      history: (...args) => (calls.history++, store.history(...args)),
      inbox: (...args) => (calls.inbox++, store.inbox(...args)),
    };
    const client = engineOn(data, [waiting()], { work: 'none', store: counting });
    const run = await client.start('waiting', { id: 'r' });
    const controller = new AbortController();
    const sends = Array.from({ length: 200 }, () =>
      run.send({ type: 'ADD' }, { signal: controller.signal, hold: false }),
    );
    for (const send of sends) send.catch(() => {});
    await vi.waitUntil(async () => (await store.inbox('r', 0)).length === 200);
    calls.load = calls.history = calls.inbox = 0;
    await pause(500);
    // One look each 50 ms, however many wait; each of them alone would make it two thousand.
    expect(calls.load).toBeLessThan(40);
    expect(calls.history + calls.inbox).toBeLessThan(40);
    engineOn(data, [waiting()]);
    const last = (await Promise.all(sends)).at(-1);
    expect(last).toMatchObject({ value: 'first' });
    await expect(run.snapshot()).resolves.toMatchObject({ context: { count: 200 } });
  });

  it("a duplicate's fate is found without reading all that has happened since", async () => {
    const data = createMemoryData();
    const store = memoryStore({ data });
    const worker = engineOn(data, [waiting()]);
    const run = await worker.start('waiting', { id: 'r' });
    await run.send({ type: 'ADD' }, { key: 'first' });
    const log = data.runs.get('r')?.log as string[];
    const filler = log.at(-1) as string;
    for (let n = 0; n < 50_000; n++) log.push(filler.replace('"messageId":1', '"messageId":9999999'));
    let read = 0;
    const counting: Store = {
      ...store,
      history: async (...args) => {
        const page = await store.history(...args);
        read += page.length;
        return page;
      },
    };
    const client = engineOn(data, [waiting()], { work: 'none', store: counting });
    await client.run('r').send({ type: 'ADD' }, { key: 'first' });
    expect(read).toBeLessThanOrEqual(500);
  });
});
