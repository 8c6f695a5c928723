/**
 * Every call of an engine and of a handle, with a store that fails, a store that never answers, dead workers, a stuck run and a
 * missing version: each answers, or can be given up.
 */
import { describe, expect, it, onTestFinished } from 'vitest';

import { createMemoryData, type MemoryData, memoryStore } from '../../../persistence/memory.ts';
import type { Store } from '../../../persistence/store.ts';
import { waiting } from '../../../test/support/small-workflows.ts';
import { StoreUnavailable } from '../../errors.ts';
import { createEngine, type Engine, type EngineOptions } from '../engine.ts';
import type { WaitOptions } from './bounded.ts';
import type { RunHandle } from './run-handle.ts';

type Call = (engine: Engine, limits: WaitOptions) => unknown;
const run = (engine: Engine): RunHandle => engine.run('r');

const engineCalls: Record<Exclude<keyof Engine, 'workflows'>, Call> = {
  start: (engine, limits) => engine.start('waiting', { id: 'new', ...limits }),
  run: (engine) => engine.run('r').id,
  list: (engine, limits) => engine.list(limits),
  resume: (engine, limits) => engine.resume('r', limits),
  delete: (engine, limits) => engine.delete('r', limits),
  work: (engine) => engine.work(),
  stop: (engine, limits) => engine.stop({ graceMs: 0, timeoutMs: limits.timeoutMs ?? 100 }),
};

const handleCalls: Record<Exclude<keyof RunHandle, 'id'>, Call> = {
  send: (engine, limits) => run(engine).send({ type: 'GO' }, { key: 'k', ...limits }),
  snapshot: (engine, limits) => run(engine).snapshot(limits),
  waitFor: (engine, limits) => run(engine).waitFor({ status: 'done' }, limits),
  settled: (engine, limits) => run(engine).settled(limits),
  result: (engine, limits) => run(engine).result(limits),
  cancel: (engine, limits) => run(engine).cancel('why', limits),
  retry: (engine, limits) => run(engine).retry(limits),
  onPartial: (engine) => run(engine).onPartial(() => {})(),
  history: (engine, limits) => run(engine).history(limits),
  steps: (engine, limits) =>
    run(engine)
      .steps({ from: 2, ...limits })
      .next(),
};

const calls = Object.entries({ ...engineCalls, ...handleCalls });

/** Calls that wait for the run itself, or its store, for as long as the caller does. */
const waits: readonly string[] = ['waitFor', 'settled', 'result', 'steps'];

interface Trouble {
  readonly name: string;
  /** The store as the engine under test has it. */
  store(data: MemoryData): Store;
  readonly options?: Partial<EngineOptions>;
  readonly workflows?: EngineOptions['workflows'];
  /** Which calls have nothing that keeps them from waiting. */
  readonly waiting: readonly string[];
}

const never = new Promise<never>(() => {});

/** Every method that returns a promise does this instead. */
function broken(data: MemoryData, answer: () => Promise<never>): Store {
  const store = memoryStore({ data });
  const sync: readonly string[] = ['watch', 'subscribe', 'publish', 'onProblem', 'shared', 'close'];
  return Object.fromEntries(
    Object.entries({ ...store, time: answer }).map(([name, member]) => [
      name,
      sync.includes(name) ? member : answer,
    ]),
  ) as unknown as Store;
}

const troubles: readonly Trouble[] = [
  {
    name: 'a store that fails',
    store: (data) => broken(data, () => Promise.reject(new StoreUnavailable('away'))),
    waiting: waits,
  },
  {
    name: 'a store that never answers',
    store: (data) => broken(data, () => never),
    waiting: calls
      .map(([name]) => name)
      .filter((name) => !['run', 'work', 'stop', 'onPartial'].includes(name)),
  },
  {
    name: 'no live worker',
    store: (data) => memoryStore({ data }),
    options: { work: 'none' },
    waiting: ['waitFor', 'result', 'steps'],
  },
  {
    name: 'a stuck run',
    store: (data) => memoryStore({ data }),
    workflows: [waiting('renamed')],
    waiting: ['steps'],
  },
  {
    name: 'a version that is not there',
    store: (data) => memoryStore({ data }),
    workflows: [waiting('second', '2')],
    waiting: ['steps'],
  },
];

/** A run that waits in `second`. */
async function world({ store, options = {}, workflows = [waiting()] }: Trouble): Promise<Engine> {
  const data = createMemoryData();
  const before = createEngine({ workflows: [waiting()], store: memoryStore({ data }) });
  await (await before.start('waiting', { id: 'r' })).send({ type: 'GO' });
  await before.stop();
  const engine = createEngine({ workflows, store: store(data), pollMs: 5, onProblem: () => {}, ...options });
  onTestFinished(() => engine.stop({ graceMs: 0, timeoutMs: 100 }));
  return engine;
}

it('the list has every call', async () => {
  const engine = createEngine({ workflows: [], store: memoryStore(), work: 'none' });
  onTestFinished(() => engine.stop());
  const functions = (value: object): string[] =>
    Object.entries(value).flatMap(([name, member]) => (typeof member === 'function' ? [name] : []));
  expect(Object.keys(engineCalls).sort()).toEqual(functions(engine).sort());
  expect(Object.keys(handleCalls).sort()).toEqual(functions(engine.run('r')).sort());
});

describe.each(troubles)('with $name', (trouble) => {
  it.each(calls)('`%s` answers, or can be given up', async (name, call) => {
    const engine = await world(trouble);
    const isWaiting = trouble.waiting.includes(name);
    if (!isWaiting) {
      // It settles without a limit; how, its own tests say.
      await Promise.resolve()
        .then(() => call(engine, {}))
        .catch((error: { code?: string }) => expect(error.code).toMatch(/^[A-Z_]+$/));
      return;
    }
    const promise = call(engine, { timeoutMs: 30 }) as Promise<unknown>;
    await expect(promise).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
    const controller = new AbortController();
    const aborted = call(engine, { signal: controller.signal }) as Promise<unknown>;
    const reason = new Error('given up');
    setTimeout(() => controller.abort(reason), 5);
    await expect(aborted).rejects.toBe(reason);
  });
});
