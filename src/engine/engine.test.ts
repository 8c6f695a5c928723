import { afterEach, describe, expect, it, vi } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { z } from 'zod';

import { createMemoryData, type MemoryData, memoryStore } from '../../persistence/memory.ts';
import type { Store } from '../../persistence/store.ts';
import {
  EventInvalid,
  EventNotAccepted,
  InputInvalid,
  InvalidOption,
  RunCancelled,
  RunConflict,
  RunFailed,
  RunNotFound,
  WaitTimeout,
  WorkflowNotFound,
} from '../errors.ts';
import { gate } from '../gates/gate.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { type AnyWorkflow, defineWorkflow } from '../workflow.ts';
import { createEngine, type Engine, type EngineOptions } from './engine.ts';

const engines: Engine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

function engineOf(
  workflow: AnyWorkflow,
  options: Partial<EngineOptions> & { data?: MemoryData } = {},
): Engine {
  const { data = createMemoryData(), ...rest } = options;
  const engine = createEngine({
    workflows: [workflow],
    store: memoryStore({ data }),
    onProblem: (error) => {
      throw error;
    },
    ...rest,
  });
  engines.push(engine);
  return engine;
}

/** A promise that a test settles by hand. */
function deferred<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}

const Approval = z.object({ by: z.string().min(1) });

/** Charges, waits for an approval for a day, ships. */
function orderWorkflow(
  actors: { charge?: (signal: AbortSignal) => Promise<string>; log?: (line: string) => void } = {},
) {
  const machine = setup({
    types: {
      context: {} as { item: string; receipt: string | undefined; by: string | undefined },
      input: {} as { item: string },
      events: {} as { type: 'APPROVE'; by: string } | { type: 'REJECT' },
      output: {} as { item: string; by: string | undefined },
    },
    actors: {
      charge: fromPromise<string, { item: string }>(({ signal }) =>
        actors.charge ? actors.charge(signal) : Promise.resolve('r-1'),
      ),
    },
    actions: { note: (_, params: { line: string }) => actors.log?.(params.line) },
  }).createMachine({
    id: 'order',
    context: ({ input }) => ({ item: input.item, receipt: undefined, by: undefined }),
    initial: 'charging',
    states: {
      charging: {
        invoke: {
          src: 'charge',
          id: 'charge',
          input: ({ context }) => ({ item: context.item }),
          onDone: {
            target: 'awaitingApproval',
            actions: [
              assign({ receipt: ({ event }) => event.output }),
              { type: 'note', params: { line: 'charged' } },
            ],
          },
          onError: 'declined',
        },
      },
      awaitingApproval: {
        tags: 'person',
        on: {
          APPROVE: { target: 'shipped', actions: assign({ by: ({ event }) => event.by }) },
          REJECT: 'declined',
        },
        after: { 86_400_000: 'expired' },
      },
      shipped: { type: 'final' },
      declined: { type: 'final' },
      expired: { type: 'final' },
    },
    output: ({ context }) => ({ item: context.item, by: context.by }),
  });
  return defineWorkflow({
    machine,
    version: '1.0.0',
    input: z.object({ item: z.string().min(1) }),
    events: { APPROVE: Approval },
  });
}

describe('a run', () => {
  it('goes from its start through an event to its output', async () => {
    const workflow = orderWorkflow();
    const engine = engineOf(workflow);
    const run = await engine.start(workflow, { id: 'o-1', input: { item: 'lamp' } });
    const waiting = await run.settled();
    expect(waiting).toMatchObject({ status: 'waiting', value: 'awaitingApproval', tags: ['person'] });
    expect(waiting.accepts.map(({ type }) => type)).toEqual(['APPROVE', 'REJECT']);
    expect(waiting.accepts[0]?.schema).toMatchObject({ required: ['by'] });
    const after = await run.send({ type: 'APPROVE', by: 'dana' });
    expect(after).toMatchObject({ status: 'done', value: 'shipped' });
    expect(await run.result()).toEqual({ item: 'lamp', by: 'dana' });
    const entries = await run.history();
    expect(entries.map((entry) => (entry.type === 'message' ? entry.message.type : entry.type))).toEqual([
      'start',
      'output',
      'event',
    ]);
  });

  it('performs custom actions once, after the commit', async () => {
    const log = vi.fn<(line: string) => void>();
    const workflow = orderWorkflow({ log });
    const run = await engineOf(workflow).start(workflow, { input: { item: 'lamp' } });
    await run.settled();
    expect(log.mock.calls).toEqual([['charged']]);
  });

  it('keeps the deadline of its timer, and fires it', async () => {
    const clock = createVirtualClock();
    const workflow = orderWorkflow();
    const run = await engineOf(workflow, { clock }).start(workflow, { input: { item: 'lamp' } });
    const { timers } = await run.settled();
    expect(timers[0]?.deadline).toBe(clock.now() + 86_400_000);
    await clock.advance(86_399_999);
    expect((await run.snapshot()).value).toBe('awaitingApproval');
    await clock.advance(1);
    expect((await run.snapshot()).value).toBe('expired');
  });

  it('is one run however often it is started with one id', async () => {
    const charge = vi.fn<() => Promise<string>>(() => Promise.resolve('r'));
    const workflow = orderWorkflow({ charge });
    const engine = engineOf(workflow);
    const runs = await Promise.all(
      Array.from({ length: 5 }, () => engine.start(workflow, { id: 'same', input: { item: 'lamp' } })),
    );
    await Promise.all(runs.map((run) => run.settled()));
    expect(charge).toHaveBeenCalledTimes(1);
    await expect(engine.start(workflow, { id: 'same', input: { item: 'desk' } })).rejects.toThrow(
      RunConflict,
    );
  });

  it('is aborted in flight when it is cancelled', async () => {
    const aborted = deferred<unknown>();
    const workflow = orderWorkflow({
      charge: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted.resolve(signal.reason);
            reject(signal.reason as Error);
          });
        }),
    });
    const run = await engineOf(workflow).start(workflow, { input: { item: 'lamp' } });
    const result = run.result().catch((error: unknown) => error);
    expect(await run.cancel('changed my mind')).toMatchObject({ status: 'cancelled' });
    await aborted.promise;
    expect(await result).toBeInstanceOf(RunCancelled);
  });

  it('refuses what is wrong before it stores anything', async () => {
    const workflow = orderWorkflow();
    const engine = engineOf(workflow);
    await expect(engine.start(workflow, { input: { item: '' } })).rejects.toThrow(InputInvalid);
    await expect(engine.start('nope')).rejects.toThrow(WorkflowNotFound);
    await expect(engine.start(workflow, { id: '', input: { item: 'x' } })).rejects.toThrow(InvalidOption);
    await expect(engine.run('nope').snapshot()).rejects.toThrow(RunNotFound);
    await expect(engine.run('nope').history()).rejects.toThrow(RunNotFound);
    expect((await engine.list()).runs).toEqual([]);
  });

  it('refuses events that are unknown, invalid or not accepted now, and stores none of them', async () => {
    const workflow = orderWorkflow();
    const engine = engineOf(workflow);
    const run = await engine.start(workflow, { input: { item: 'lamp' } });
    await run.settled();
    await expect(engine.run(run.id).send({ type: 'NOPE' } as never)).rejects.toThrow(EventInvalid);
    await expect(run.send({ type: 'APPROVE', by: '' })).rejects.toThrow(EventInvalid);
    await run.send({ type: 'REJECT' });
    await expect(run.send({ type: 'APPROVE', by: 'dana' })).rejects.toThrow(EventNotAccepted);
    expect(await run.history()).toHaveLength(3);
  });

  it('holds an event that comes before its question', async () => {
    const charged = deferred<string>();
    const workflow = orderWorkflow({ charge: () => charged.promise });
    const run = await engineOf(workflow).start(workflow, { input: { item: 'lamp' } });
    expect(await run.send({ type: 'APPROVE', by: 'early' }, { hold: true })).toMatchObject({
      value: 'charging',
    });
    charged.resolve('r');
    expect(await run.result()).toEqual({ item: 'lamp', by: 'early' });
  });

  it('refuses at its turn an event that came too early without hold, and says so on record', async () => {
    const charged = deferred<string>();
    const workflow = orderWorkflow({ charge: () => charged.promise });
    const run = await engineOf(workflow).start(workflow, { input: { item: 'lamp' } });
    await expect(run.send({ type: 'APPROVE', by: 'early' })).rejects.toThrow(EventNotAccepted);
    charged.resolve('r');
    await run.settled();
    expect((await run.history()).map(({ type }) => type)).toEqual(['message', 'refused', 'message']);
  });

  it('takes an event once per key', async () => {
    const workflow = orderWorkflow();
    const run = await engineOf(workflow).start(workflow, { input: { item: 'lamp' } });
    await run.settled();
    const first = await run.send({ type: 'APPROVE', by: 'dana' }, { key: 'k' });
    const second = await run.send({ type: 'APPROVE', by: 'other' }, { key: 'k' });
    expect(second.output).toEqual(first.output);
  });

  it('answers an event that it has had before, even while it is busy with what the first led to', async () => {
    const never = new Promise<never>(() => {});
    const machine = setup({ actors: { work: fromPromise(() => never) } }).createMachine({
      id: 'busy',
      initial: 'idle',
      states: { idle: { on: { GO: 'working' } }, working: { invoke: { src: 'work' } } },
    });
    const workflow = defineWorkflow({ machine, version: '1' });
    const run = await engineOf(workflow).start(workflow);
    await run.send({ type: 'GO' }, { key: 'k' });
    expect(await run.send({ type: 'GO' }, { key: 'k' })).toMatchObject({ value: 'working' });
    expect(await run.history()).toHaveLength(2);
  });

  it('fails with the error that no state handled', async () => {
    const machine = setup({
      actors: { work: fromPromise<string>(() => Promise.reject(new TypeError('broken'))) },
    }).createMachine({ id: 'fragile', initial: 'working', states: { working: { invoke: { src: 'work' } } } });
    const workflow = defineWorkflow({ machine, version: '1' });
    const run = await engineOf(workflow).start(workflow);
    const failure = await run.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunFailed);
    expect((failure as RunFailed).cause).toBeInstanceOf(TypeError);
    expect((failure as RunFailed).message).toContain('fragile@1');
  });

  it('gives up waiting after the time it was given', async () => {
    const clock = createVirtualClock();
    const workflow = orderWorkflow();
    const run = await engineOf(workflow, { clock }).start(workflow, { input: { item: 'lamp' } });
    const waited = run.waitFor({ state: 'shipped' }, { timeoutMs: 1_000 }).catch((error: unknown) => error);
    await clock.advance(1_000);
    expect(await waited).toBeInstanceOf(WaitTimeout);
  });

  it('shows every state in passing to whoever waits for it', async () => {
    const workflow = orderWorkflow();
    const run = await engineOf(workflow).start(workflow, { input: { item: 'lamp' } });
    const seen = run.waitFor({ tag: 'person', status: 'waiting' });
    expect(await seen).toMatchObject({ value: 'awaitingApproval' });
  });
});

describe('an engine', () => {
  it('takes up what another left unfinished', async () => {
    const data = createMemoryData();
    const first = deferred<string>();
    const crashed = orderWorkflow({ charge: () => first.promise });
    const one = engineOf(crashed, { data });
    const run = await one.start(crashed, { id: 'o-9', input: { item: 'lamp' } });
    await one.stop();
    const two = engineOf(orderWorkflow(), { data, pollMs: 5 });
    expect(await two.run('o-9').waitFor({ state: 'awaitingApproval' })).toMatchObject({ status: 'waiting' });
    await expect(run.send({ type: 'REJECT' })).rejects.toThrow(/stopped/);
  });

  it('starts and sends without working when it is only a client', async () => {
    const data = createMemoryData();
    const workflow = orderWorkflow();
    const client = engineOf(workflow, { data, work: 'none' });
    const run = await client.start(workflow, { input: { item: 'lamp' } });
    expect(await run.snapshot()).toMatchObject({ status: 'running', value: 'charging' });
    engineOf(workflow, { data, pollMs: 5 });
    await run.settled();
    expect(await run.send({ type: 'APPROVE', by: 'remote' })).toMatchObject({ status: 'done' });
    expect((await client.list({ status: 'done' })).runs).toHaveLength(1);
  });
});

describe('the output schema', () => {
  it('fails a run whose output it refuses', async () => {
    const machine = setup({ types: { output: {} as { total: number } } }).createMachine({
      id: 'total',
      context: {},
      initial: 'finished',
      states: { finished: { type: 'final' } },
      output: () => ({ total: -1 }),
    });
    const workflow = defineWorkflow({
      machine,
      version: '1',
      output: z.object({ total: z.number().positive() }),
    });
    await expect(engineOf(workflow).start(workflow)).rejects.toThrow(/output.*total@1.*total: /s);
  });
});

describe('concurrency', () => {
  it.each(['all', 'own'] as const)(
    'holds no more runs than it is given, and comes to all of them (%s)',
    async (work) => {
      let now = 0;
      let most = 0;
      const charge = async (): Promise<string> => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        return 'r';
      };
      const workflow = orderWorkflow({ charge });
      const engine = engineOf(workflow, { concurrency: 2, work, pollMs: 60_000 });
      const runs = await Promise.all(
        Array.from({ length: 9 }, () => engine.start(workflow, { input: { item: 'lamp' } })),
      );
      await Promise.all(runs.map((run) => run.settled()));
      expect(most).toBe(2);
    },
  );
});

describe('an event that a gate refuses', () => {
  it('is refused with the reasons of the gate', async () => {
    const machine = setup({
      types: { events: {} as { type: 'EDIT'; amount: number } },
      guards: {
        sane: gate(
          'sane',
          (_, { amount }: { amount: number }) => amount <= 100 || [`${amount} is over 100.`],
        ),
      },
    }).createMachine({
      id: 'edit',
      initial: 'waiting',
      states: {
        waiting: { on: { EDIT: { guard: { type: 'sane', params: ({ event }) => event }, target: 'over' } } },
        over: { type: 'final' },
      },
    });
    const workflow = defineWorkflow({ machine, version: '1' });
    const run = await engineOf(workflow).start(workflow);
    await expect(run.send({ type: 'EDIT', amount: 10_000 })).rejects.toThrow('`sane`: 10000 is over 100.');
    expect(await run.send({ type: 'EDIT', amount: 100 })).toMatchObject({ status: 'done' });
  });
});

describe('what the store notices by itself', () => {
  it('is told by `onProblem`, until the engine stops', async () => {
    const listeners = new Set<(error: Error) => void>();
    const told: Error[] = [];
    const store: Store = {
      ...memoryStore(),
      onProblem(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const engine = createEngine({ workflows: [], store, onProblem: (error) => void told.push(error) });
    const noticed = new Error('the server may evict runs');
    for (const listener of listeners) listener(noticed);
    expect(told).toEqual([noticed]);
    await engine.stop();
    expect(listeners.size).toBe(0);
  });
});
