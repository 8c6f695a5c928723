import { spawnSync } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { afterEach, describe, expect, it, vi } from 'vitest';
import { assign, fromPromise, type PromiseActorLogic, setup } from 'xstate';

import { createMemoryData, type MemoryData, memoryStore } from '../../persistence/memory.ts';
import type { Store } from '../../persistence/store.ts';
import { OutcomeUnknown, StoreUnavailable } from '../errors.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { type AnyWorkflow, defineWorkflow } from '../workflow.ts';
import { createEngine, type Engine, type EngineOptions } from './engine.ts';
import type { DurableActor, InvocationScope } from '../invocation.ts';
import { createOwnerToken } from './owner.ts';

const engines: Engine[] = [];
const problems: Error[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop({ graceMs: 0 })));
  problems.length = 0;
});

function engineOn(data: MemoryData, workflow: AnyWorkflow, options: Partial<EngineOptions> = {}): Engine {
  const engine = createEngine({
    workflows: [workflow],
    store: memoryStore({ data }),
    pollMs: 5,
    onProblem: (error) => void problems.push(error),
    ...options,
  });
  engines.push(engine);
  return engine;
}

/** A store that stops working for its engine, as if the process had died. */
function mortal(data: MemoryData): { store: Store; die(): void } {
  const store = memoryStore({ data });
  return { store, die: () => void store.close() };
}

/** What a dead worker left is free once its lease has run out. */
async function leaseRunsOut(clock: ReturnType<typeof createVirtualClock>): Promise<void> {
  await clock.advance(15_001);
}

type Perform = (scope: InvocationScope) => Promise<unknown>;

/** One invocation of an actor with the given behaviour, then done with its output, or failed with its error. */
function oneStep(perform: Perform, declared: Partial<DurableActor> = {}): AnyWorkflow {
  const work = Object.assign(
    fromPromise<unknown>(() => Promise.reject(new Error('never called'))),
    {
      signalbox: {
        kind: 'test',
        irreversible: false,
        idempotent: true,
        perform: (_: unknown, scope: InvocationScope) => perform(scope),
        ...declared,
      },
    },
  );
  const machine = setup({
    types: { context: {} as { result: unknown; error: unknown } },
    actors: { work },
  }).createMachine({
    id: 'one-step',
    context: { result: null, error: null },
    initial: 'working',
    states: {
      working: {
        invoke: {
          src: 'work',
          id: 'work',
          onDone: { target: 'finished', actions: assign({ result: ({ event }) => event.output }) },
          onError: { target: 'finished', actions: assign({ error: ({ event }) => event.error }) },
        },
        on: { LEAVE: 'finished', NOTE: { actions: assign({}) } },
      },
      finished: { type: 'final' },
    },
    output: ({ context }) => context,
  });
  return defineWorkflow({ machine, version: '1' });
}

const never = new Promise<never>(() => {});

describe('an invocation whose worker dies', () => {
  it('is performed again with the same key, as another attempt', async () => {
    const data = createMemoryData();
    const clock = createVirtualClock();
    const seen: Array<[string, number]> = [];
    const { store, die } = mortal(data);
    const first = engineOn(
      data,
      oneStep((scope) => {
        seen.push([scope.key, scope.attempt]);
        return never;
      }),
      { store, clock },
    );
    await first.start('one-step', { id: 'r' });
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    die();
    await leaseRunsOut(clock);
    const second = engineOn(
      data,
      oneStep((scope) => {
        seen.push([scope.key, scope.attempt]);
        return Promise.resolve('ok');
      }),
      { clock },
    );
    expect(await second.run('r').result()).toEqual({ result: 'ok', error: null });
    expect(seen).toEqual([
      ['r/work#1', 1],
      ['r/work#1', 2],
    ]);
    const types = (await second.run('r').history()).map(({ type }) => type);
    expect(types).toEqual(['message', 'attempt', 'message']);
  });

  it('is not performed again if it is irreversible and not idempotent: the machine is told that nobody knows', async () => {
    const data = createMemoryData();
    const clock = createVirtualClock();
    const perform = vi.fn<Perform>(() => never);
    const declared = { irreversible: true, idempotent: false };
    const { store, die } = mortal(data);
    await engineOn(data, oneStep(perform, declared), { store, clock }).start('one-step', { id: 'r' });
    await vi.waitFor(() => expect(perform).toHaveBeenCalledTimes(1));
    die();
    await leaseRunsOut(clock);
    const { error } = (await engineOn(data, oneStep(perform, declared), { clock }).run('r').result()) as {
      error: unknown;
    };
    expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(perform).toHaveBeenCalledTimes(1);
  });

  it('nor with messages of its inbox between taking it over and telling the machine, on a slow store', async () => {
    const data = createMemoryData();
    const clock = createVirtualClock();
    const perform = vi.fn<Perform>(() => never);
    const workflow = oneStep(perform, { irreversible: true, idempotent: false });
    const { store, die } = mortal(data);
    const first = engineOn(data, workflow, { store, clock });
    await first.start('one-step', { id: 'r' });
    await vi.waitFor(() => expect(perform).toHaveBeenCalledTimes(1));
    die();
    const client = engineOn(data, workflow, { work: 'none', clock });
    for (let n = 0; n < 3; n++) await client.run('r').send({ type: 'NOTE' }, { until: 'stored' });
    await leaseRunsOut(clock);
    const quick = memoryStore({ data });
    let overlap!: (problem: string) => void;
    const overlapping = new Promise<string>((resolve) => (overlap = resolve));
    let committing = 0;
    const slow: Store = {
      ...quick,
      async commit(runId, commit) {
        if (++committing > 1) overlap('two steps of one run are written at once');
        for (let turn = 0; turn < 5; turn++) await nextTurn();
        committing -= 1;
        return quick.commit(runId, commit);
      },
    };
    const second = engineOn(data, workflow, { clock, store: slow });
    const ended = await Promise.race([second.run('r').result(), overlapping]);
    expect(ended).toMatchObject({ error: expect.any(OutcomeUnknown) });
    expect(perform).toHaveBeenCalledTimes(1);
  });

  it('is performed if it is irreversible, but its start was never recorded', async () => {
    const data = createMemoryData();
    const declared = { irreversible: true, idempotent: false };
    const workflow = oneStep(() => Promise.resolve('charged'), declared);
    await engineOn(data, workflow, { work: 'none' }).start('one-step', { id: 'r' });
    expect(await engineOn(data, workflow).run('r').result()).toEqual({ result: 'charged', error: null });
  });

  it('computes nothing twice that it had kept with `once`', async () => {
    const data = createMemoryData();
    const clock = createVirtualClock();
    const computed: string[] = [];
    const work =
      (until: number): Perform =>
      async (scope) => {
        const values: string[] = [];
        for (let index = 0; index < 5; index++) {
          if (index === until) await never;
          values.push(
            await scope.once(`item ${index}`, async () => {
              computed.push(`item ${index}`);
              return `value ${index}`;
            }),
          );
        }
        return values;
      };
    const { store, die } = mortal(data);
    await engineOn(data, oneStep(work(3)), { store, clock }).start('one-step', { id: 'r' });
    await vi.waitFor(() => expect(computed).toHaveLength(3));
    die();
    await leaseRunsOut(clock);
    const { result } = (await engineOn(data, oneStep(work(99)), { clock })
      .run('r')
      .result()) as { result: string[] };
    expect(result).toEqual(['value 0', 'value 1', 'value 2', 'value 3', 'value 4']);
    expect(computed).toEqual(['item 0', 'item 1', 'item 2', 'item 3', 'item 4']);
  });

  it('is computed once even if the same name is asked for twice at a time, and again if it failed', async () => {
    const compute = vi
      .fn<() => Promise<number>>()
      .mockRejectedValueOnce(new Error('first'))
      .mockResolvedValue(7);
    const workflow = oneStep(async ({ once }) => {
      const [first] = await Promise.allSettled([once('n', compute), once('n', compute)]);
      return [first.status, await once('n', compute), await once('n', compute)];
    });
    const run = await engineOn(createMemoryData(), workflow).start('one-step');
    expect(await run.result()).toMatchObject({ result: ['rejected', 7, 7] });
    expect(compute).toHaveBeenCalledTimes(2);
  });
});

describe('a run that cannot go on', () => {
  it('is left as it is, named with its reason, and goes on once the workflow is mended', async () => {
    const data = createMemoryData();
    const clock = createVirtualClock();
    await engineOn(
      data,
      oneStep(() => never),
      { work: 'none', clock },
    ).start('one-step', { id: 'r' });
    const changed = setup({ actors: { other: fromPromise(() => never) } }).createMachine({
      id: 'one-step',
      initial: 'elsewhere',
      states: { elsewhere: { invoke: { src: 'other' } } },
    });
    const broken = engineOn(data, defineWorkflow({ machine: changed, version: '1' }), { clock });
    await vi.waitFor(() => expect(problems).not.toEqual([]));
    expect(problems[0]?.message).toMatch(/`r`.*one-step@1/);
    await expect(broken.run('r').result()).rejects.toMatchObject({
      code: 'RUN_STUCK',
      details: { problem: { code: 'SNAPSHOT_NOT_RESTORABLE' } },
    });
    expect((await broken.list()).runs[0]).toMatchObject({
      status: 'running',
      problem: { code: 'SNAPSHOT_NOT_RESTORABLE' },
    });
    await broken.stop();
    await clock.advance(60_000);
    const mended = engineOn(
      data,
      oneStep(() => Promise.resolve(1)),
      { clock },
    ).run('r');
    await vi.waitFor(async () =>
      expect(await mended.snapshot()).toMatchObject({ status: 'done', output: { result: 1 } }),
    );
  });

  it('is refused with the version that it needs', async () => {
    const data = createMemoryData();
    const workflow = oneStep(() => never);
    await engineOn(data, workflow, { work: 'none' }).start(workflow, { id: 'r' });
    const newer = engineOn(data, { ...workflow, version: '2', ref: 'one-step@2' });
    await expect(newer.run('r').snapshot()).rejects.toThrow(/one-step@1.*does not have/s);
  });
});

describe('a store that fails in the middle of a commit', () => {
  const flaky = (data: MemoryData, applied: boolean): Store => {
    const store = memoryStore({ data });
    let failed = false;
    return {
      ...store,
      async commit(runId, commit) {
        if (failed) return store.commit(runId, commit);
        failed = true;
        if (applied) await store.commit(runId, commit);
        throw new StoreUnavailable('the connection was lost');
      },
    };
  };

  it.each([true, false])(
    'applies the step once, whether the lost commit had been applied (%s)',
    async (applied) => {
      const data = createMemoryData();
      const perform = vi.fn<Perform>(() => Promise.resolve('ok'));
      const run = await engineOn(data, oneStep(perform), { store: flaky(data, applied) }).start('one-step');
      expect(await run.result()).toMatchObject({ result: 'ok' });
      expect(perform).toHaveBeenCalledTimes(1);
      expect(await run.history()).toHaveLength(2);
      expect(problems.map(({ message }) => message)).toEqual(['the connection was lost']);
    },
  );
});

describe('what an actor gives back', () => {
  it('fails the invocation, with the place, if it cannot be stored', async () => {
    const run = await engineOn(
      createMemoryData(),
      oneStep(() => Promise.resolve({ deep: [() => 1] })),
    ).start('one-step');
    const { error } = (await run.result()) as { error: Error };
    expect(error.message).toMatch(/output of work\.deep\[0\].*function/);
  });

  it('is told as far as it can be if it is an error that cannot be stored', async () => {
    class Refused extends Error {
      readonly response = { headers: new Headers() };
      readonly code = 'E_REFUSED';
    }
    const run = await engineOn(
      createMemoryData(),
      oneStep(() => Promise.reject(new Refused('no'))),
    ).start('one-step');
    const { error } = (await run.result()) as { error: Error };
    expect(error).toMatchObject({ message: 'no', code: 'E_REFUSED' });
  });

  it('keeps on record what it exchanged, even if the machine had left in the meantime', async () => {
    let answer!: (value: string) => void;
    const answered = new Promise<string>((resolve) => {
      answer = resolve;
    });
    const asking = oneStep(async ({ exchange }) =>
      exchange({
        kind: 'model',
        by: 'test',
        request: 'q',
        perform: () => answered,
        describe: (response) => ({ response }),
      }),
    );
    const { work } = asking.machine.implementations.actors as { work: PromiseActorLogic<unknown> };
    const machine = setup({ actors: { work, other: fromPromise(() => never) } }).createMachine({
      id: 'leaver',
      initial: 'working',
      states: {
        working: { invoke: { src: 'work' }, on: { LEAVE: 'left' } },
        left: { invoke: { src: 'other' } },
      },
    });
    const leaver = defineWorkflow({ machine, version: '1' });
    const run = await engineOn(createMemoryData(), leaver).start(leaver);
    await run.send({ type: 'LEAVE' });
    answer('late');
    await vi.waitFor(async () => {
      expect((await run.history()).at(-1)).toMatchObject({
        type: 'discarded',
        exchanges: [{ response: 'late' }],
      });
    });
    expect(await run.snapshot()).toMatchObject({ value: 'left' });
  });
});

describe('stopping an engine', () => {
  it('waits for an irreversible invocation and stores its result', async () => {
    const data = createMemoryData();
    let charged!: (value: string) => void;
    const started = vi.fn<() => void>();
    const declared = { irreversible: true, idempotent: false };
    const workflow = oneStep(() => {
      started();
      return new Promise((resolve) => {
        charged = resolve;
      });
    }, declared);
    const engine = engineOn(data, workflow);
    await engine.start('one-step', { id: 'r' });
    await vi.waitFor(() => expect(started).toHaveBeenCalled());
    const stopped = engine.stop();
    charged('receipt');
    await stopped;
    expect(await engineOn(data, workflow, { work: 'none' }).run('r').result()).toMatchObject({
      result: 'receipt',
    });
  });

  it('aborts what can be performed again, and gives the run to others at once', async () => {
    const data = createMemoryData();
    const aborted = vi.fn<() => void>();
    const engine = engineOn(
      data,
      oneStep(
        ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              aborted();
              reject(signal.reason as Error);
            });
          }),
      ),
    );
    await engine.start('one-step', { id: 'r' });
    await engine.stop();
    expect(aborted).toHaveBeenCalledTimes(1);
    expect(
      await engineOn(
        data,
        oneStep(() => Promise.resolve('other')),
      )
        .run('r')
        .result(),
    ).toMatchObject({ result: 'other' });
  });
});

describe('custom actions', () => {
  it('do not stop the run when they throw; the failure is on record', async () => {
    const machine = setup({
      actions: {
        explode: () => {
          throw new RangeError('boom');
        },
      },
    }).createMachine({
      id: 'explosive',
      initial: 'waiting',
      states: {
        waiting: { on: { GO: { target: 'finished', actions: 'explode' } } },
        finished: { on: { END: 'over' } },
        over: { type: 'final' },
      },
    });
    const workflow = defineWorkflow({ machine, version: '1' });
    const run = await engineOn(createMemoryData(), workflow).start(workflow);
    expect(await run.send({ type: 'GO' })).toMatchObject({ value: 'finished' });
    expect(problems[0]?.message).toMatch(/`explode`.*boom/);
    expect(await run.send({ type: 'END' })).toMatchObject({ status: 'done' });
  });
});

describe('an engine that works on its own runs only', () => {
  it('takes the place of another whose process is dead, as soon as something is wanted of the run', async () => {
    const data = createMemoryData();
    const { store } = mortal(data);
    await engineOn(
      data,
      oneStep(() => never),
      { work: 'none' },
    ).start('one-step', { id: 'r' });
    const { token } = ownerOfNoProcess();
    await store.acquire('r', { token, until: Date.now() + 3_600_000, now: Date.now() });
    const engine = engineOn(
      data,
      oneStep(() => Promise.resolve('mine')),
      { work: 'own' },
    );
    const run = await engine.resume('r');
    expect(await run.result()).toMatchObject({ result: 'mine' });
  });

  it('goes on when it is started once more, as its owner would after a crash', async () => {
    const data = createMemoryData();
    await engineOn(
      data,
      oneStep(() => never),
      { work: 'none' },
    ).start('one-step', { id: 'r' });
    const engine = engineOn(
      data,
      oneStep(() => Promise.resolve('mine')),
      { work: 'own' },
    );
    const run = await engine.start('one-step', { id: 'r' });
    expect(await run.result()).toMatchObject({ result: 'mine' });
    expect(await engine.start('one-step', { id: 'r' })).toMatchObject({ id: 'r' });
  });

  it('looks again when the lease of one that may be alive is over', async () => {
    const data = createMemoryData();
    const clock = createVirtualClock();
    await engineOn(
      data,
      oneStep(() => never),
      { work: 'none', clock },
    ).start('one-step', { id: 'r' });
    await memoryStore({ data }).acquire('r', {
      token: 'elsewhere',
      until: clock.now() + 5_000,
      now: clock.now(),
    });
    const engine = engineOn(
      data,
      oneStep(() => Promise.resolve('mine')),
      { work: 'own', clock },
    );
    const run = await engine.resume('r');
    await clock.advance(4_999);
    expect(await run.snapshot()).toMatchObject({ status: 'running' });
    await clock.advance(1);
    expect(await run.result()).toMatchObject({ result: 'mine' });
  });
});

/** A token as a process of this machine would have made it that is not there any more. */
function ownerOfNoProcess(): { token: string } {
  const { pid } = spawnSync(process.execPath, ['--version']);
  const [realm, , ...rest] = createOwnerToken().split('|');
  return { token: [realm, pid, ...rest].join('|') };
}

describe('a stored state that is damaged', () => {
  it('is named without its content', async () => {
    const data = createMemoryData();
    const workflow = oneStep(() => never);
    const secret: Store = {
      ...memoryStore({ data }),
      create: (run) => memoryStore({ data }).create({ ...run, state: 'secret-token' }),
    };
    const clock = createVirtualClock();
    await engineOn(data, workflow, { work: 'none', store: secret, clock }).start('one-step', { id: 'r' });
    engineOn(data, workflow, { clock });
    await vi.waitFor(() => expect(problems).not.toEqual([]));
    expect(problems[0]?.message).toMatch(/`r`.*one-step@1.*cannot be read/);
    expect(problems[0]?.message).not.toContain('secret');
  });
});

describe('a timer that never fires', () => {
  it('lets the run wait for its events', async () => {
    const machine = setup({ delays: { never: Infinity } }).createMachine({
      id: 'patient',
      initial: 'waiting',
      states: { waiting: { after: { never: 'over' }, on: { GO: 'over' } }, over: { type: 'final' } },
    });
    const workflow = defineWorkflow({ machine, version: '1' });
    const run = await engineOn(createMemoryData(), workflow).start(workflow);
    expect(await run.settled()).toMatchObject({ status: 'waiting', timers: [{ deadline: Infinity }] });
    expect(await run.send({ type: 'GO' })).toMatchObject({ status: 'done' });
  });
});
