/** Invocations that are put off: they hold no worker, take their turn with everything else, and forget nothing. */
import { setup } from 'xstate';
import { describe, expect, it } from 'vitest';

import { createWorld, performing } from '../../test/support/world.ts';
import { memoryStore } from '../../persistence/memory.ts';
import { durableLogic } from '../actors/durable-logic.ts';
import { Deferred, type InvocationScope } from '../invocation.ts';
import { defineWorkflow } from '../workflow.ts';
import { exchangesOf } from './spend.ts';

/** An actor whose performances come one after another. */
function acting(...performances: ((scope: InvocationScope) => Promise<unknown>)[]) {
  const attempts: number[] = [];
  const logic = durableLogic<unknown, unknown>({
    kind: 'test',
    name: 'work',
    irreversible: false,
    idempotent: true,
    perform: (_, scope) => {
      const perform = performances[attempts.push(scope.attempt) - 1];
      return perform ? perform(scope) : Promise.reject(new Error('One performance too many.'));
    },
  });
  return { logic, attempts };
}

const later =
  (ms: number) =>
  (scope: InvocationScope): Promise<never> =>
    Promise.reject(new Deferred(scope.now() + ms, `in ${ms} ms`));
const done = () => Promise.resolve('done');
const never = () => new Promise<never>(() => {});

describe('an invocation that was put off', () => {
  it('is performed in turn with the timers of its run and of others, each at its own time', async () => {
    const order: string[] = [];
    const { logic } = acting(later(120_000), async () => void order.push('work'));
    const machine = setup({
      actors: { work: logic },
      actions: { note: (_, params: { name: string }) => void order.push(params.name) },
    }).createMachine({
      id: 'timed',
      type: 'parallel',
      states: {
        one: {
          initial: 'working',
          states: { working: { invoke: { src: 'work', onDone: 'over' } }, over: { type: 'final' } },
        },
        other: {
          initial: 'waiting',
          states: {
            waiting: {
              after: { 60_000: { actions: { type: 'note', params: { name: 'before' } }, target: 'again' } },
            },
            again: {
              after: { 60_001: { actions: { type: 'note', params: { name: 'after' } }, target: 'over' } },
            },
            over: { type: 'final' },
          },
        },
      },
    });
    const world = createWorld(defineWorkflow({ machine, version: '1' }));
    const run = await world.engine().start('timed', { id: 'r' });
    await world.clock.advance(0);
    expect(world.data.runs.get('r')?.lease).toBeUndefined();
    await world.clock.advance(120_000);
    expect(order).toEqual(['before', 'work']);
    await world.clock.advance(1);
    expect(order).toEqual(['before', 'work', 'after']);
    expect((await run.snapshot()).status).toBe('done');
  });

  it('keeps its run `running`, shows when it goes on, and is not what `settled` waits past', async () => {
    const { logic } = acting(later(60_000), done);
    const world = createWorld(performing(logic, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(0);
    expect(await run.snapshot()).toMatchObject({
      status: 'running',
      invocations: [{ key: 'work#1', notBefore: world.clock.now() + 60_000, attempt: 2 }],
    });
    const settled = run.settled();
    await world.clock.advance(60_000);
    expect((await settled).status).toBe('done');
  });

  it('is gone on with by another worker, which knows what it has kept and how often it was begun', async () => {
    const keeping = async (scope: InvocationScope) => scope.once('n', () => Promise.resolve(7));
    const { logic, attempts } = acting(
      async (scope) => {
        await keeping(scope);
        return later(60_000)(scope);
      },
      never,
      async (scope) => [await scope.once('n', () => Promise.reject(new Error('again'))), scope.key],
    );
    const world = createWorld(performing(logic, 1));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await world.clock.advance(0);
    await first.stop();
    const second = world.engine();
    await world.clock.advance(60_000);
    await expect.poll(() => attempts.length).toBe(2);
    second.die();
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ output: [7, 'r/work#1'] });
    expect(attempts.slice(0, 2)).toEqual([1, 2]);
  });

  it('may be put off again and again, and one that a worker gave back is due at once', async () => {
    const { logic, attempts } = acting(later(1_000), later(1_000), never, done);
    const world = createWorld(performing(logic, 1));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await world.clock.advance(2_000);
    expect(attempts).toEqual([1, 2, 3]);
    await first.stop();
    expect(await world.engine().run('r').result()).toMatchObject({ output: 'done' });
    expect(attempts).toHaveLength(4);
  });

  it('takes events while it waits, refused ones too, without being performed for them', async () => {
    const { logic, attempts } = acting(later(60_000), done);
    const world = createWorld(performing(logic, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(0);
    await expect(run.send({ type: 'END' } as never)).rejects.toMatchObject({ code: 'EVENT_NOT_ACCEPTED' });
    expect(attempts).toEqual([1]);
    expect(world.data.runs.get('r')?.lease).toBeUndefined();
    await run.send({ type: 'LEAVE' } as never);
    await world.clock.advance(60_000);
    expect(attempts).toEqual([1]);
    expect(await run.snapshot()).toMatchObject({ value: 'left', status: 'waiting', invocations: [] });
  });

  it('that is entered anew is another, and is not put off for the one before', async () => {
    const { logic, attempts } = acting(later(60_000), done);
    const machine = setup({ actors: { work: logic } }).createMachine({
      id: 'again',
      initial: 'working',
      states: {
        working: {
          invoke: { src: 'work', id: 'work', onDone: 'over' },
          on: { AGAIN: { target: 'working', reenter: true } },
        },
        over: { type: 'final' },
      },
    });
    const world = createWorld(defineWorkflow({ machine, version: '1' }));
    const run = await world.engine().start('again', { id: 'r' });
    await world.clock.advance(0);
    await run.send({ type: 'AGAIN' } as never);
    await expect.poll(async () => (await run.snapshot()).status).toBe('done');
    expect(attempts).toEqual([1, 1]);
  });

  it('has what it called meanwhile on record, once', async () => {
    const call = (scope: InvocationScope) =>
      scope.exchange({
        kind: 'test',
        by: 'there',
        request: scope.attempt,
        perform: () => Promise.resolve('fine'),
        describe: (response) => ({ response }),
      });
    const { logic } = acting(async (scope) => {
      await call(scope);
      return later(1_000)(scope);
    }, call);
    const world = createWorld(performing(logic, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(1_000);
    await run.result();
    const requests = (await run.history()).flatMap(exchangesOf).map(({ request }) => request);
    expect(requests).toEqual([1, 2]);
  });

  it('is performed once if its worker dies as the wait is stored', async () => {
    const { logic, attempts } = acting(later(60_000), done);
    const world = createWorld(performing(logic, 1));
    const store = memoryStore({ data: world.data });
    const dying = world.engine({
      store: {
        ...store,
        async commit(id, commit) {
          const result = await store.commit(id, commit);
          await store.close();
          return result;
        },
      },
    });
    await dying.start('performing', { id: 'r' });
    await expect.poll(() => world.data.runs.get('r')?.seq).toBe(2);
    const next = world.engine();
    await world.clock.advance(59_999);
    expect(attempts).toEqual([1]);
    await world.clock.advance(1);
    expect(await next.run('r').result()).toMatchObject({ output: 'done' });
    expect(attempts).toEqual([1, 2]);
  });
});

describe('what is computed once', () => {
  it('is not left to one who was stopped', async () => {
    const { logic } = acting(async (scope) => {
      const controller = new AbortController();
      const stopped = scope.under(controller.signal).once('n', never);
      stopped.catch(() => {});
      const waiting = scope.once('n', () => Promise.resolve('mine'));
      controller.abort(new Error('Stopped.'));
      // Whoever asks after the stop does not wait for it either.
      return Promise.all([waiting, scope.once('n', () => Promise.resolve('next'))]);
    });
    const world = createWorld(performing(logic, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ output: ['next', 'next'] });
  });
});
