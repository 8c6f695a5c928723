/** Leases, due times and timers go by one clock, whatever the clocks of the machines show. */
import { fromPromise, setup } from 'xstate';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { createMemoryData, type MemoryData, memoryStore } from '../../persistence/memory.ts';
import type { Store } from '../../persistence/store.ts';
import { waiting } from '../../test/support/small-workflows.ts';
import { StoreUnavailable } from '../errors.ts';
import { defineWorkflow } from '../workflow.ts';
import { createEngine, type Engine, type EngineOptions } from './engine.ts';
import { createStoreClock } from './store-clock.ts';

afterEach(() => void vi.restoreAllMocks());

/** A store with a clock of its own. */
function timed(data: MemoryData, time: () => number): Store {
  return { ...memoryStore({ data }), time: async () => time() };
}

function engineOn(
  store: Store,
  workflows: EngineOptions['workflows'],
  options: Partial<EngineOptions> = {},
): Engine {
  const engine = createEngine({ workflows, store, onProblem: () => {}, ...options });
  onTestFinished(() => engine.stop({ graceMs: 0 }));
  return engine;
}

const serverNow = (): number => 1_000_000 + performance.now();

describe("the store's clock", () => {
  it('is counted on from between two questions, and never goes back', async () => {
    let offset = 5_000;
    const clock = createStoreClock({ time: async () => offset + performance.now(), leaseMs: 15_000 });
    expect(() => clock.now()).toThrow(StoreUnavailable);
    await clock.ready();
    const before = clock.now();
    expect(Math.abs(before - (5_000 + performance.now()))).toBeLessThan(1_000);
    offset = 1_000;
    await clock.resample();
    expect(clock.now()).toBeGreaterThanOrEqual(before);
  });

  it('takes no sample that took too long, and moves timers when it has jumped', async () => {
    let offset = 0;
    let isSlow = false;
    const time = async (): Promise<number> => {
      if (isSlow) await new Promise((resolve) => setTimeout(resolve, 120));
      return offset + performance.now();
    };
    const clock = createStoreClock({ time, leaseMs: 500 });
    await clock.ready();
    const fired = vi.fn();
    clock.at(clock.now() + 3_600_000, fired);
    offset = 3_700_000;
    isSlow = true;
    await clock.resample();
    expect(clock.now()).toBeLessThan(3_600_000);
    isSlow = false;
    await vi.waitUntil(async () => {
      await clock.resample();
      return fired.mock.calls.length > 0;
    });
  });

  it('is asked for again after the store was away', async () => {
    let isAway = true;
    const time = async (): Promise<number> => {
      if (isAway) throw new StoreUnavailable('away');
      return 42;
    };
    const clock = createStoreClock({ time, leaseMs: 15_000 });
    await expect(clock.ready()).rejects.toThrow(StoreUnavailable);
    isAway = false;
    await clock.ready();
    expect(clock.now()).toBeGreaterThanOrEqual(42);
  });
});

describe('two workers whose clocks are 90 s apart', () => {
  it('make each call once', async () => {
    const data = createMemoryData();
    const called = vi.fn();
    const letGo: Array<() => void> = [];
    const workflow = defineWorkflow({
      version: '1',
      machine: setup({
        actors: {
          call: fromPromise(async () => {
            called();
            await new Promise<void>((resolve) => letGo.push(resolve));
          }),
        },
      }).createMachine({
        id: 'skewed',
        initial: 'calling',
        states: {
          calling: { invoke: { src: 'call', id: 'call', onDone: 'ended' } },
          ended: { type: 'final' },
        },
      }),
    });
    // Engines ask for the time in turn, so both clocks are read by this one.
    const date = vi.spyOn(Date, 'now');
    let skew = 0;
    const real = performance.timeOrigin;
    date.mockImplementation(() => Math.floor(real + performance.now() + skew));
    const due = vi.fn();
    const counting = (store: Store): Store => ({ ...store, due: async (query) => (due(), store.due(query)) });
    const leaseMs = 3_000;
    const one = engineOn(timed(data, serverNow), [workflow], { leaseMs, pollMs: 5 });
    const run = await one.start(workflow, { id: 'r' });
    await vi.waitUntil(() => called.mock.calls.length === 1);
    skew = 90_000;
    engineOn(counting(timed(data, serverNow)), [workflow], { leaseMs, pollMs: 5 });
    await vi.waitUntil(() => due.mock.calls.length > 20);
    skew = -86_400_000;
    const looked = due.mock.calls.length;
    await vi.waitUntil(() => due.mock.calls.length > looked + 20);
    expect(called).toHaveBeenCalledTimes(1);
    expect(data.runs.get('r')).toMatchObject({ takeovers: 0, createdAt: expect.closeTo(serverNow(), -6) });
    letGo[0]?.();
    await run.result();
    expect(called).toHaveBeenCalledTimes(1);
  });
});

describe("a machine's clock that is set", () => {
  it.each([86_400_000, -86_400_000])('by %i ms fires no timer and takes no lease', async (jump) => {
    const data = createMemoryData();
    const workflow = defineWorkflow({
      version: '1',
      machine: setup({}).createMachine({
        id: 'timed',
        initial: 'waiting',
        states: {
          waiting: { after: { 300: 'soon', 3_600_000: 'late' } },
          soon: { after: { 3_600_000: 'late' } },
          late: { type: 'final' },
        },
      }),
    });
    const engine = engineOn(memoryStore({ data }), [workflow], { pollMs: 5 });
    const run = await engine.start(workflow, { id: 'r' });
    const real = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => real() + jump);
    await expect(run.waitFor({ state: 'soon' })).resolves.toMatchObject({ value: 'soon' });
    const { at } = (await run.history()).at(-1) ?? { at: 0 };
    expect(Math.abs(at - real())).toBeLessThan(3_600_000);
    await expect(run.snapshot()).resolves.toMatchObject({ value: 'soon' });
    // An engine that is started now counts on from the time that is shown now; a client waits by no clock that was set.
    await expect(
      engine.start(waiting(), { id: 'w' }).catch((error: { code: string }) => error.code),
    ).resolves.toBe('WORKFLOW_NOT_FOUND');
    await expect(run.result({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
  });
});
