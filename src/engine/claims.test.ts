/** Which runs a worker takes: not those that kill workers, nor those that the store has lost steps of; and ghosts stop nobody. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { createMemoryData, type MemoryData, memoryStore } from '../../persistence/memory.ts';
import type { Store } from '../../persistence/store.ts';
import { calling, waiting } from '../../test/support/small-workflows.ts';
import { StoreForeign } from '../errors.ts';
import { createEngine, type Engine, type EngineOptions } from './engine.ts';

interface Told {
  readonly runId: string | undefined;
  readonly code: unknown;
}

function worker(
  data: MemoryData,
  workflows: EngineOptions['workflows'],
  options: Partial<EngineOptions> = {},
): Engine & { readonly told: Told[] } {
  const told: Told[] = [];
  const engine = createEngine({
    workflows,
    store: memoryStore({ data }),
    pollMs: 5,
    onProblem: (error, { runId }) =>
      void told.push({ runId, code: 'code' in error ? error.code : error.message }),
    ...options,
  });
  onTestFinished(() => engine.stop({ graceMs: 0 }));
  return { ...engine, told };
}

/** As if so many workers had died while they held the run. */
async function takeOver(data: MemoryData, runId: string, times: number): Promise<void> {
  const store = memoryStore({ data });
  for (let n = 0; n <= times; n++) {
    await store.acquire(runId, { token: `dead ${n}`, until: 0, now: Number.MAX_SAFE_INTEGER });
  }
}

async function started(
  data: MemoryData,
  workflow: ReturnType<typeof calling>,
  ids: readonly string[],
): Promise<void> {
  const client = worker(data, [workflow], { work: 'none' });
  for (const id of ids) await client.start(workflow, { id });
}

describe('a run whose workers die', () => {
  it('is parked after so many takeovers without a step, until it is resumed', async () => {
    const data = createMemoryData();
    const call = vi.fn(async () => 'called');
    const workflow = calling(call);
    await started(data, workflow, ['bad', 'good']);
    await takeOver(data, 'bad', 3);
    const engine = worker(data, [workflow], { maxTakeovers: 3 });
    await expect(engine.run('good').result()).resolves.toBe('called');
    await expect(engine.run('bad').result()).rejects.toMatchObject({
      code: 'RUN_STUCK',
      details: { problem: { code: 'RUN_PARKED' } },
    });
    await expect(engine.list({ stuck: true })).resolves.toMatchObject({ runs: [{ id: 'bad' }] });
    expect(engine.told).toEqual([{ runId: 'bad', code: 'RUN_PARKED' }]);
    // A message does not bring it back.
    await memoryStore({ data }).send('bad', { at: 0, body: '' });
    await vi.waitUntil(async () => (await memoryStore({ data }).load('bad'))?.lease === undefined);
    expect(call).toHaveBeenCalledTimes(1);
    data.runs.get('bad')!.inbox.clear();
    await engine.resume('bad');
    await expect(engine.run('bad').result()).resolves.toBe('called');
    await expect(engine.list({ stuck: true })).resolves.toMatchObject({ runs: [] });
  });

  it('is executed with no other such run beside it, and those without blame go on', async () => {
    const data = createMemoryData();
    let atOnce = 0;
    let mostAtOnce = 0;
    const workflow = calling(async () => {
      mostAtOnce = Math.max(mostAtOnce, ++atOnce);
      await new Promise((resolve) => setTimeout(resolve, 20));
      atOnce--;
      return 'called';
    });
    const ids = ['a', 'b', 'c', 'd'];
    await started(data, workflow, ids);
    for (const id of ids) await takeOver(data, id, 3);
    const engine = worker(data, [workflow]);
    await Promise.all(ids.map((id) => engine.run(id).result()));
    expect(mostAtOnce).toBe(1);
    expect(engine.told).toEqual([]);
  });
});

describe('a store that has lost steps', () => {
  it('is noticed, told, and the run is not executed until that is accepted', async () => {
    const data = createMemoryData();
    const workflow = waiting();
    const engine = worker(data, [workflow]);
    const run = await engine.start(workflow, { id: 'r' });
    const before = structuredClone({
      ...data.runs.get('r')!,
      keys: undefined,
      journal: undefined,
      recorded: undefined,
    });
    await run.send({ type: 'ADD' });
    await run.send({ type: 'ADD' });
    Object.assign(data.runs.get('r')!, { progress: before.progress, seq: before.seq });
    await expect(run.send({ type: 'ADD' })).rejects.toMatchObject({
      code: 'RUN_STUCK',
      details: { problem: { code: 'RUN_ROLLED_BACK' } },
    });
    expect(engine.told).toEqual([{ runId: 'r', code: 'RUN_ROLLED_BACK' }]);
    // Nor by a worker that has not seen the later steps, whatever it is sent.
    const other = worker(data, [workflow]);
    await expect(other.run('r').send({ type: 'ADD' })).rejects.toMatchObject({ code: 'RUN_STUCK' });
    expect(data.runs.get('r')?.seq).toBe(before.seq);
    await engine.resume('r');
    await expect(
      run.waitFor(({ context }) => (context as { count: number }).count === 2),
    ).resolves.toMatchObject({ value: 'first' });
  });

  it('is not suspected when a run was deleted and its id is used again', async () => {
    const data = createMemoryData();
    const workflow = waiting();
    const engine = worker(data, [workflow]);
    const run = await engine.start(workflow, { id: 'r' });
    await run.send({ type: 'ADD' });
    await run.send({ type: 'END' });
    const other = worker(data, [workflow], { work: 'none' });
    await other.delete('r');
    await new Promise((resolve) => setTimeout(resolve, 2));
    await other.start(workflow, { id: 'r' });
    await expect(run.send({ type: 'ADD' })).resolves.toMatchObject({ context: { count: 1 } });
    expect(engine.told).toEqual([]);
  });
});

describe('runs that cannot be taken', () => {
  it('are told of once, and do not keep others from it', async () => {
    const data = createMemoryData();
    const workflow = calling(async () => 'called');
    const ghosts = Array.from({ length: 12 }, (_, n) => `ghost-${n}`);
    await started(data, workflow, ['good-1', 'good-2', 'good-3']);
    const store = memoryStore({ data });
    const tries = new Map<string, number>();
    const haunted: Store = {
      ...store,
      due: async (query) => [...ghosts, ...(await store.due({ ...query, limit: 100 }))].slice(0, query.limit),
      acquire: async (runId, options) => {
        if (!runId.startsWith('ghost')) return store.acquire(runId, options);
        tries.set(runId, (tries.get(runId) ?? 0) + 1);
        if (runId.endsWith('1')) return 'missing';
        throw new StoreForeign('damaged');
      },
    };
    const engine = worker(data, [workflow], { store: haunted, concurrency: 2 });
    const ids = ['good-1', 'good-2', 'good-3'];
    await expect(Promise.all(ids.map((id) => engine.run(id).result()))).resolves.toHaveLength(3);
    const unreadable = ghosts.filter((id) => !id.endsWith('1'));
    await vi.waitUntil(() => unreadable.every((id) => (tries.get(id) ?? 0) >= 2));
    expect(engine.told).toHaveLength(unreadable.length);
    expect(new Set(engine.told.map(({ runId }) => runId))).toEqual(new Set(unreadable));
  });
});

describe('places', () => {
  it('are not all held by calls that never end', async () => {
    const data = createMemoryData();
    const stuck = calling(() => new Promise(() => {}), 'stuck');
    const quick = calling(async () => 'called', 'quick');
    const engine = worker(data, [stuck, quick], { concurrency: 2, leaseMs: 50 });
    await engine.start(stuck, { id: 's1' });
    await engine.start(stuck, { id: 's2' });
    const run = await engine.start(quick, { id: 'q' });
    await expect(run.result()).resolves.toBe('called');
  });
});
