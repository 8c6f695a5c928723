/** A run's life: how it is found, followed, retried, kept and deleted. */
import { assign, fromPromise, setup } from 'xstate';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';

import { createMemoryData, type MemoryData, memoryStore } from '../../persistence/memory.ts';
import { calling, waiting } from '../../test/support/small-workflows.ts';
import { createWorld } from '../../test/support/world.ts';
import { fromTool } from '../actors/from-tool.ts';
import { fromWorkflow } from '../actors/from-workflow.ts';
import { OutcomeUnknown } from '../errors.ts';
import type { InvocationScope } from '../invocation.ts';
import { defineWorkflow } from '../workflow.ts';
import { createEngine, type Engine, type EngineOptions } from './engine.ts';
import type { HistoryEntry } from './history.ts';

function engineOn(
  data: MemoryData,
  workflows: EngineOptions['workflows'],
  options: Partial<EngineOptions> = {},
): Engine {
  const engine = createEngine({
    workflows,
    store: memoryStore({ data }),
    pollMs: 5,
    onProblem: () => {},
    ...options,
  });
  onTestFinished(() => engine.stop({ graceMs: 0 }));
  return engine;
}

describe('starting', () => {
  it('another version under a used id is a conflict', async () => {
    const engine = engineOn(createMemoryData(), [waiting('second', '1'), waiting('second', '2')]);
    const [one, two] = engine.workflows;
    await engine.start(one!, { id: 'r' });
    await expect(engine.start(two!, { id: 'r' })).rejects.toMatchObject({
      code: 'RUN_CONFLICT',
      details: { version: '1' },
    });
  });

  it.each([
    [{ id: '\ud800' }, 'id'],
    [{ id: '' }, 'id'],
    [{ labels: { tenant: '\udc00x' } }, 'labels.tenant'],
    [{ labels: { tenant: '' } }, 'labels.tenant'],
    [{ labels: { tenant: 'x'.repeat(257) } }, 'labels.tenant'],
    [{ labels: { tenant: 1 as never } }, 'labels.tenant'],
    [{ labels: { ['x'.repeat(65)]: 'y' } }, expect.stringContaining('labels')],
    [{ labels: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`l${n}`, 'x'])) }, 'labels'],
  ])('%j is refused', async (options, field) => {
    const engine = engineOn(createMemoryData(), [waiting()]);
    await expect(engine.start('waiting', options)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      details: { field },
    });
    await expect(engine.list()).resolves.toEqual({ runs: [] });
  });

  it('a key that is not well-formed is refused', async () => {
    const engine = engineOn(createMemoryData(), [waiting()]);
    const run = await engine.start('waiting', { id: 'r' });
    await expect(run.send({ type: 'GO' }, { key: '\ud800' })).rejects.toMatchObject({
      details: { field: 'key' },
    });
  });
});

describe('listing', () => {
  it('finds runs by their labels and parents, and those at the top', async () => {
    const child = waiting();
    const parent = defineWorkflow({
      version: '1',
      machine: setup({ actors: { ask: fromWorkflow({ workflow: child }) } }).createMachine({
        id: 'parent',
        initial: 'asking',
        states: { asking: { invoke: { src: 'ask', id: 'ask', onDone: 'ended' } }, ended: { type: 'final' } },
      }),
    });
    const engine = engineOn(createMemoryData(), [parent, child]);
    const run = await engine.start(parent, { id: 'p', labels: { tenant: 'acme', tier: '1' } });
    await engine.start(child, { id: 'other', labels: { tenant: 'other' } });
    const children = await vi.waitUntil(async () => {
      const { runs } = await engine.list({ parent: 'p' });
      return runs.length > 0 && runs;
    });
    expect(children).toMatchObject([{ workflow: 'waiting', parent: 'p' }]);
    const ids = async (options: Parameters<Engine['list']>[0]) =>
      (await engine.list(options)).runs.map(({ id }) => id).sort();
    await expect(ids({ labels: { tenant: 'acme' } })).resolves.toEqual(['p']);
    await expect(ids({ labels: { tenant: 'acme', tier: '2' } })).resolves.toEqual([]);
    await expect(ids({ topLevel: true })).resolves.toEqual(['other', 'p']);
    await expect(engine.list({ topLevel: true, parent: 'p' })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    await expect(run.snapshot()).resolves.toMatchObject({ labels: { tenant: 'acme', tier: '1' } });
    await expect(engine.run(children[0]!.id).snapshot()).resolves.toMatchObject({ parent: 'p', labels: {} });
  });
});

describe('following', () => {
  it('gives every entry as it is stored, by another process too, and ends with the run', async () => {
    const data = createMemoryData();
    const worker = engineOn(data, [waiting()]);
    const client = engineOn(data, [waiting()], { work: 'none' });
    await client.start('waiting', { id: 'r' });
    const follow = async (engine: Engine, from?: number): Promise<HistoryEntry[]> => {
      const seen: HistoryEntry[] = [];
      for await (const entry of engine.run('r').steps({ from })) seen.push(entry);
      return seen;
    };
    const followed = [follow(worker), follow(client), follow(client, 2)];
    await client.run('r').send({ type: 'ADD' });
    await client.run('r').send({ type: 'END' });
    const history = await client.run('r').history();
    await expect(Promise.all(followed)).resolves.toEqual([history, history, history.slice(2)]);
  });

  it('reads no more than is taken, and can be left', async () => {
    const data = createMemoryData();
    const engine = engineOn(data, [waiting()]);
    await engine.start('waiting', { id: 'r' });
    const { log } = data.runs.get('r')!;
    for (let n = 0; n < 1_000; n++) log.push(log[0]!);
    const history = vi.fn(memoryStore({ data }).history);
    const client = engineOn(data, [waiting()], {
      work: 'none',
      store: { ...memoryStore({ data }), history },
    });
    for await (const entry of client.run('r').steps()) {
      expect(entry.type).toBe('message');
      break;
    }
    expect(history).toHaveBeenCalledTimes(1);
    await expect(client.run('r').steps({ from: 1_001, timeoutMs: 5 }).next()).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
    });
    await expect(client.run('none').steps().next()).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });
});

describe('retrying', () => {
  it('goes on from where the run failed, with what was journaled, on record', async () => {
    let pay = (): void => {};
    const paying = new Promise<void>((resolve) => (pay = resolve));
    const paid = vi.fn(async () => {
      await paying;
      return 'paid';
    });
    let isBroken = true;
    const perform = async (_: unknown, { once }: InvocationScope): Promise<string> => {
      const first = await once('pay', paid);
      if (isBroken) throw new Error('broken');
      return `${first} and done`;
    };
    const work = Object.assign(
      fromPromise<string, unknown>(() => Promise.reject(new Error('never called'))),
      { signalbox: { kind: 'test', irreversible: false, idempotent: true, perform } },
    );
    const workflow = defineWorkflow({
      version: '1',
      machine: setup({ types: { context: {} as { out: string } }, actors: { work } }).createMachine({
        id: 'retried',
        context: { out: '' },
        initial: 'working',
        states: {
          working: {
            invoke: {
              src: 'work',
              id: 'work',
              input: {},
              onDone: { target: 'ended', actions: assign({ out: ({ event }) => event.output }) },
            },
          },
          ended: { type: 'final' },
        },
        output: ({ context }) => context.out,
      }),
    });
    const data = createMemoryData();
    const engine = engineOn(data, [workflow]);
    const run = await engine.start(workflow, { id: 'r' });
    await expect(run.retry()).rejects.toMatchObject({ code: 'RETRY_NOT_POSSIBLE' });
    pay();
    await expect(run.result()).rejects.toMatchObject({ code: 'RUN_FAILED' });
    isBroken = false;
    // A client may ask for it as well.
    const client = engineOn(data, [workflow], { work: 'none' });
    await expect(client.run('r').retry()).resolves.toMatchObject({ value: 'working', seq: 3 });
    await expect(run.result()).resolves.toBe('paid and done');
    expect(paid).toHaveBeenCalledTimes(1);
    expect(await run.history()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ message: expect.objectContaining({ type: 'retry' }), status: 'running' }),
      ]),
    );
    await expect(run.retry()).rejects.toMatchObject({
      code: 'RETRY_NOT_POSSIBLE',
      details: { status: 'done' },
    });
  });

  function charging() {
    const charge = vi.fn(async (): Promise<string> => {
      throw new Error('declined');
    });
    const workflow = defineWorkflow({
      version: '1',
      machine: setup({
        types: { context: {} as { count: number }, events: {} as { type: 'ADD' | 'CHARGE' } },
        actors: {
          charge: fromTool({
            name: 'charge',
            irreversible: true,
            input: z.object({}),
            output: z.string(),
            run: charge,
          }),
        },
      }).createMachine({
        id: 'charging',
        context: { count: 0 },
        initial: 'idle',
        on: { ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
        states: {
          idle: { on: { CHARGE: 'charging' } },
          charging: { invoke: { src: 'charge', id: 'charge', input: {}, onDone: 'ended' } },
          ended: { type: 'final' },
        },
      }),
    });
    return { charge, workflow };
  }

  it('does not repeat what is irreversible, unless told to', async () => {
    const { charge, workflow } = charging();
    const engine = engineOn(createMemoryData(), [workflow]);
    const run = await engine.start(workflow, { id: 'r' });
    await run.send({ type: 'CHARGE' });
    await expect(run.result()).rejects.toMatchObject({ code: 'RUN_FAILED' });
    await run.retry();
    await expect(run.result()).rejects.toMatchObject({ cause: expect.any(OutcomeUnknown) });
    expect(charge).toHaveBeenCalledTimes(1);
    charge.mockResolvedValue('paid');
    await run.retry({ repeatIrreversible: true });
    await run.result();
    expect(charge).toHaveBeenCalledTimes(2);
  });

  it('goes on from an earlier step, unless something irreversible came after it', async () => {
    const { charge, workflow } = charging();
    const engine = engineOn(createMemoryData(), [workflow]);
    const run = await engine.start(workflow, { id: 'r' });
    await run.send({ type: 'ADD' });
    await run.send({ type: 'ADD' });
    await run.send({ type: 'CHARGE' });
    await expect(run.result()).rejects.toMatchObject({ code: 'RUN_FAILED' });
    await expect(run.retry({ from: 2 })).rejects.toMatchObject({
      code: 'RETRY_NOT_POSSIBLE',
      details: { key: 'charge#1' },
    });
    await expect(run.retry({ from: 99 })).rejects.toMatchObject({ code: 'RETRY_NOT_POSSIBLE' });
    await expect(run.retry({ from: 2, repeatIrreversible: true })).resolves.toMatchObject({
      value: 'idle',
      context: { count: 1 },
      status: 'waiting',
    });
    charge.mockResolvedValue('paid');
    await run.send({ type: 'CHARGE' });
    await run.result();
    expect((await run.history()).find((entry) => entry.type === 'message' && entry.from === 2)).toMatchObject(
      {
        message: { type: 'retry' },
      },
    );
  });
});

describe('keeping', () => {
  it('ended runs are deleted when their time is over, and none whose parent still is', async () => {
    const child = waiting();
    const parent = defineWorkflow({
      version: '1',
      machine: setup({
        actors: { ask: fromWorkflow({ workflow: child }), wait: fromPromise(() => new Promise(() => {})) },
      }).createMachine({
        id: 'parent',
        initial: 'asking',
        states: {
          asking: { invoke: { src: 'ask', id: 'ask', onDone: 'resting' } },
          resting: { on: { END: 'ended' } },
          ended: { type: 'final' },
        },
      }),
    });
    const world = createWorld(parent, child);
    const engine = world.engine({ retain: { done: '30d', cancelled: '10h' } });
    await engine.start(parent, { id: 'p' });
    const childId = await vi.waitUntil(async () => (await engine.list({ parent: 'p' })).runs[0]?.id);
    await engine.run(childId).send({ type: 'END' });
    await engine.run('p').waitFor({ state: 'resting' });
    const alone = await engine.start(child, { id: 'alone' });
    await alone.send({ type: 'END' });
    const failed = await engine
      .start(
        calling(async () => 1),
        { id: 'f' },
      )
      .catch(() => undefined);
    expect(failed).toBeUndefined();
    const left = async () => (await engine.list()).runs.map(({ id }) => id).sort();
    await world.clock.advance(29 * 86_400_000);
    await expect(left()).resolves.toEqual(['alone', childId, 'p'].sort());
    await world.clock.advance(2 * 86_400_000);
    await vi.waitUntil(async () => !(await left()).includes('alone'));
    await expect(left()).resolves.toEqual([childId, 'p'].sort());
    await engine.run('p').cancel();
    await world.clock.advance(12 * 3_600_000);
    await vi.waitUntil(async () => (await left()).length === 0);
    expect(world.problems).toEqual([]);
  });

  it('more than a page of runs that stay keeps none of the others', async () => {
    const world = createWorld(waiting());
    const client = world.engine({ work: 'none' });
    await client.start('waiting', { id: 'parent' });
    const store = memoryStore({ data: world.data });
    const template = (await store.load('parent'))!;
    for (let n = 0; n < 250; n++) {
      const { state, value, tags, input, workflow, version } = template;
      const isChild = n < 120;
      await store.create({
        id: `run-${n}`,
        workflow,
        version,
        input,
        state,
        value,
        tags,
        status: 'done',
        labels: {},
        log: [],
        wakeAt: null,
        createdAt: world.clock.now() + n,
        ...(isChild ? { parent: 'parent' } : {}),
      });
    }
    await world.clock.advance(60_000);
    world.engine({ retain: { done: '10s' } });
    await vi.waitUntil(async () => (await client.list({ limit: 500 })).runs.length === 121);
  });

  it.each([['30 days'], ['-1d'], [Number.NaN], [-5]])('`%s` is refused', (done) => {
    expect(() => createEngine({ workflows: [], store: memoryStore(), retain: { done } })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', details: { field: 'retain.done' } }),
    );
  });
});
