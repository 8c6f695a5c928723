/** A store that is away, refuses, or answers too late is not the failure of a run, nor of an actor. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';

import { createMemoryData, memoryStore } from '../../persistence/memory.ts';
import type { Store } from '../../persistence/store.ts';
import { durableLogic } from '../actors/durable-logic.ts';
import { StoreUnavailable } from '../errors.ts';
import type { InvocationScope } from '../invocation.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { defineWorkflow } from '../workflow.ts';
import { createEngine, type Engine, type EngineOptions } from './engine.ts';

const engines: Engine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop({ graceMs: 0 })));
});

function engineOf(options: EngineOptions & { readonly problems?: Error[] }): Engine {
  const { problems = [], ...rest } = options;
  const engine = createEngine({ pollMs: 5, onProblem: (error) => void problems.push(error), ...rest });
  engines.push(engine);
  return engine;
}

/** One invocation, and what the machine was told of it. */
function workflowOf(perform: (scope: InvocationScope) => Promise<unknown>, { irreversible = false } = {}) {
  const actor = durableLogic<unknown, unknown>({
    kind: 'test',
    name: 'act',
    irreversible,
    idempotent: false,
    perform: (_input, scope) => perform(scope),
  });
  return defineWorkflow({
    version: '1',
    machine: setup({ types: { context: {} as { why?: unknown } }, actors: { actor } }).createMachine({
      id: 'one-act',
      context: {},
      initial: 'acting',
      states: {
        acting: {
          invoke: {
            src: 'actor',
            onDone: 'done',
            onError: { target: 'failed', actions: assign({ why: ({ event }) => event.error }) },
          },
          on: { LEAVE: 'left' },
        },
        done: { type: 'final' },
        failed: { type: 'final' },
        left: { type: 'final' },
      },
    }),
  });
}

/** Until it holds; the test's own limit is the bound. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await nextTurn();
}

/** The store with one call replaced, which is given the real one. */
function storeWith<K extends keyof Store>(name: K, replaced: (real: Store[K]) => Store[K]): Store {
  const store = memoryStore();
  return { ...store, [name]: replaced(store[name]) };
}

/** Rejects `times` times, having applied the call or not. */
function troubled<A extends readonly unknown[], R>(
  call: (...args: A) => Promise<R>,
  times: number,
  { applied = false, error = (): Error => new Error('The disk is full.') } = {},
): (...args: A) => Promise<R> {
  let left = times;
  return async (...args) => {
    if (left-- <= 0) return call(...args);
    if (applied) await call(...args);
    throw error();
  };
}

describe('a store that refuses a few writes', () => {
  it.each([
    { applied: false, error: () => new Error('The disk is full.') },
    { applied: false, error: () => new StoreUnavailable('Away.') },
    { applied: true, error: () => new StoreUnavailable('No answer.') },
  ])('costs neither an answer that was paid for nor a second one (applied: $applied)', async (trouble) => {
    let paid = 0;
    const workflow = workflowOf((scope) => scope.once('answer', async () => ++paid));
    const store = storeWith('record', (record) => troubled(record, 3, trouble));
    const run = await engineOf({ workflows: [workflow], store }).start(workflow);
    await run.result();
    expect((await run.snapshot()).value).toBe('done');
    expect(paid).toBe(1);
    const kept = (await run.history()).filter(({ type }) => type === 'kept');
    expect(kept).toHaveLength(1);
  });

  it('is not seen by an actor that catches what `once` rejects with', async () => {
    const caught: unknown[] = [];
    const workflow = workflowOf(async (scope) => {
      try {
        return await scope.once('answer', async () => 1);
      } catch (error) {
        caught.push(error);
        throw error;
      }
    });
    const store = storeWith('record', (record) => troubled(record, 2));
    const run = await engineOf({ workflows: [workflow], store }).start(workflow);
    await run.result();
    expect(caught).toEqual([]);
  });

  it('is waited out by what actors share', async () => {
    const allowance = { limit: 5, windowMs: 60_000 };
    const workflow = workflowOf(async ({ shared, cached }) => {
      await shared.take('calls', 1, allowance);
      return cached('answer', async () => 1, { per: 'workflow' });
    });
    const store = memoryStore();
    const shared = {
      ...store.shared,
      take: troubled(store.shared.take, 2),
      cache: troubled(store.shared.cache, 2),
      cached: troubled(store.shared.cached, 2),
    };
    const run = await engineOf({ workflows: [workflow], store: { ...store, shared } }).start(workflow);
    await run.result();
    expect((await run.snapshot()).value).toBe('done');
  });

  it('has each irreversible start recorded once, as safely as the store can', async () => {
    const recordings: { id: string; durable: boolean | undefined }[] = [];
    let performed = 0;
    const workflow = workflowOf(async () => ++performed, { irreversible: true });
    const store = storeWith('record', (record) => {
      const trouble = troubled(record, 2, { applied: true });
      return (runId, recording) => {
        recordings.push({ id: recording.id, durable: recording.durable });
        return trouble(runId, recording);
      };
    });
    const run = await engineOf({ workflows: [workflow], store }).start(workflow);
    await run.result();
    expect(performed).toBe(1);
    expect(new Set(recordings.map(({ id }) => id)).size).toBe(1);
    expect(recordings.every(({ durable }) => durable)).toBe(true);
    expect((await run.history()).filter(({ type }) => type === 'attempt')).toHaveLength(1);
  });

  it('counts against no timeout of the actor', async () => {
    const clock = createVirtualClock();
    let answer = (): void => {};
    let isAsked = false;
    const timedOut: string[] = [];
    const workflow = workflowOf(async (scope) => {
      const callOff = scope.after(1_000, () => void timedOut.push('timed out'));
      await scope.once('answer', async () => 1);
      callOff();
    });
    const store = storeWith('record', (record) => async (...args) => {
      isAsked = true;
      await new Promise<void>((resolve) => (answer = resolve));
      return record(...args);
    });
    const run = await engineOf({ workflows: [workflow], store, clock, leaseMs: 60_000 }).start(workflow);
    await until(() => isAsked);
    await clock.advance(5_000);
    answer();
    await run.result();
    expect(timedOut).toEqual([]);
  });
});

describe('a store that is away for longer than the lease', () => {
  it.each([true, false])(
    'has what was being recorded performed once it is back (irreversible: %s)',
    async (irreversible) => {
      const clock = createVirtualClock();
      let performed = 0;
      let back = (): void => {};
      let isAway = false;
      const away = new Promise<void>((resolve) => (back = resolve));
      const workflow = workflowOf(
        async (scope) => {
          if (!irreversible) await scope.once('answer', async () => 1);
          return ++performed;
        },
        { irreversible },
      );
      const data = createMemoryData();
      const inner = memoryStore({ data });
      const store: Store = {
        ...inner,
        async record(...args) {
          isAway = true;
          await away;
          return inner.record(...args);
        },
        async renew(...args) {
          if (isAway) await away;
          return inner.renew(...args);
        },
      };
      const engine = engineOf({ workflows: [workflow], store, clock, leaseMs: 50 });
      const run = await engine.start(workflow);
      await until(() => isAway);
      await clock.advance(200);
      back();
      await run.result();
      expect((await run.snapshot()).value).toBe('done');
      expect(performed).toBe(1);
    },
  );

  it('does not keep a stop waiting', async () => {
    const never = new Promise<never>(() => {});
    let isAway = false;
    const workflow = workflowOf((scope) => scope.once('answer', async () => 1));
    const store = storeWith('record', () => () => {
      isAway = true;
      return never;
    });
    const engine = engineOf({ workflows: [workflow], store: { ...store, release: () => never } });
    await engine.start(workflow);
    await until(() => isAway);
    await engine.stop({ graceMs: 0 });
  });
});

describe('a store that has lost steps it acknowledged', () => {
  it.each(['earlier', 'missing'] as const)('has the run set aside and told: %s', async (how) => {
    let goOn = (): void => {};
    const released = new Promise<void>((resolve) => (goOn = resolve));
    let aborted = false;
    const problems: Error[] = [];
    const workflow = workflowOf(async (scope) => {
      scope.signal.addEventListener('abort', () => (aborted = true));
      await released;
      await new Promise(() => {});
    });
    const data = createMemoryData();
    const inner = memoryStore({ data });
    const store: Store = {
      ...inner,
      async commit(runId, commit) {
        const stored = data.runs.get(runId);
        if (how === 'missing') data.runs.delete(runId);
        else if (stored) stored.seq = commit.seq - 1;
        return inner.commit(runId, commit);
      },
    };
    const engine = engineOf({ workflows: [workflow], store, problems });
    const run = await engine.start(workflow, { id: 'r' });
    goOn();
    void run.send({ type: 'LEAVE' }, { key: 'leave' }).catch(() => {});
    const code = how === 'earlier' ? 'RUN_ROLLED_BACK' : 'RUN_MISSING';
    await until(() => problems.some((error) => 'code' in error && error.code === code));
    await until(() => aborted);
    if (how === 'earlier') await until(() => data.runs.get('r')?.problem?.code === code);
    const details = how === 'earlier' ? { storedSeq: 0, seenSeq: 1 } : { seenSeq: 1 };
    expect(problems).toContainEqual(expect.objectContaining({ code, details: { runId: 'r', ...details } }));
  });
});

describe('a key of an event that was refused', () => {
  it('is free again', async () => {
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const actor = durableLogic<unknown, unknown>({
      kind: 'test',
      name: 'act',
      irreversible: false,
      idempotent: false,
      perform: () => held,
    });
    const workflow = defineWorkflow({
      version: '1',
      machine: setup({ actors: { actor } }).createMachine({
        id: 'order',
        initial: 'working',
        states: {
          working: { invoke: { src: 'actor', onDone: 'open' } },
          open: { on: { APPROVE: 'approved' } },
          approved: { type: 'final' },
        },
      }),
    });
    const run = await engineOf({ workflows: [workflow], store: memoryStore() }).start(workflow);
    const approve = () => run.send({ type: 'APPROVE' }, { key: 'approval' });
    await expect(approve()).rejects.toMatchObject({ code: 'EVENT_NOT_ACCEPTED' });
    goOn();
    await run.waitFor({ state: 'open' });
    await expect(approve()).resolves.toMatchObject({ value: 'approved' });
  });
});
