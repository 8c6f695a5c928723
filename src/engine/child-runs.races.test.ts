/** Runs that start runs, when workers die and things happen at the same time: no child goes on for nobody, no end is missed. */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';
import { childRunId } from '../actors/from-workflow.ts';
import { fromPromise, setup } from 'xstate';
import { z } from 'zod';

import { createWorld, performing, type World } from '../../test/support/world.ts';
import { memoryStore } from '../../persistence/memory.ts';
import type { Store } from '../../persistence/store.ts';
import { fromMap } from '../actors/from-map.ts';
import { fromVote } from '../actors/from-vote.ts';
import { fromWorkflow } from '../actors/from-workflow.ts';
import { defineWorkflow } from '../workflow.ts';
import { decode } from './codec.ts';
import type { HistoryEntry } from './history.ts';

const fail = fromPromise<never>(() => Promise.reject(new Error('No answer.')));

/** Waits for a person. */
const question = defineWorkflow({
  machine: setup({
    types: { events: {} as { type: 'ANSWER' } | { type: 'FAIL' }, output: {} as string },
    actors: { fail },
  }).createMachine({
    id: 'question',
    initial: 'asking',
    states: {
      asking: { on: { ANSWER: 'answered', FAIL: 'failing' } },
      failing: { invoke: { src: 'fail' } },
      answered: { type: 'final' },
    },
    output: 'yes',
  }),
  version: '1',
});

/** Fails as soon as it is worked on. */
const failing = defineWorkflow({
  machine: setup({ types: { output: {} as string }, actors: { fail } }).createMachine({
    id: 'failing',
    initial: 'working',
    states: { working: { invoke: { src: 'fail' } } },
  }),
  version: '1',
});

const ask = fromWorkflow({ workflow: question });
const parent = performing(ask, undefined, { id: 'parent' });
const child = (id: string): string => childRunId(`${id}/work#1`);
const deep = (id: string): string => child(child(child(id)));
const childId = childRunId('p/work#1');

const askAll = (concurrency?: number) =>
  fromMap({
    name: 'askAll',
    input: z.array(z.number()),
    items: (numbers) => numbers,
    each: ask,
    ...(concurrency && { concurrency }),
  });

function statuses({ data }: World): Record<string, string> {
  return Object.fromEntries([...data.runs].map(([id, { progress }]) => [id, progress.status]));
}

function storedHistory({ data }: World, id: string): HistoryEntry[] {
  return (data.runs.get(id)?.log ?? []).map((entry) => decode(entry) as HistoryEntry);
}

const answer = { type: 'ANSWER' } as never;

describe('the end of a child', () => {
  it('is not missed between the look for it and the wait', async () => {
    const world = createWorld(parent);
    // The child ends after the parent has looked, and the news is there before the wait is stored.
    let interfere = true;
    const store = memoryStore({ data: world.data });
    const meddled: Store = {
      ...store,
      async load(id) {
        const found = await store.load(id);
        if (id === childId && interfere) {
          interfere = false;
          const other = world.engine({ workflows: [question] });
          await other.run(childId).send(answer);
          await expect
            .poll(() => world.data.runs.get('p')?.inbox.size ?? 0, { interval: 1 })
            .toBeGreaterThan(0);
        }
        return found;
      },
    };
    const engine = world.engine({ store: meddled, concurrency: 1 });
    const run = await engine.start('parent', { id: 'p' });
    await expect.poll(async () => (await run.snapshot()).status).toBe('done');
    expect(await run.result()).toMatchObject({ output: 'yes' });
  });

  it('is told by the next worker if its own dies before it has', async () => {
    const world = createWorld(parent);
    const waiting = world.engine({ work: 'own' });
    await waiting.start('parent', { id: 'p' });
    await world.clock.advance(0);
    await waiting.stop();

    const store = memoryStore({ data: world.data });
    const dying = world.engine({
      workflows: [question],
      store: {
        ...store,
        // The step that ends it is its last deed.
        async commit(id, commit) {
          const result = await store.commit(id, commit);
          if (id === childId && commit.status === 'done') await store.close();
          return result;
        },
      },
    });
    void dying
      .run(childId)
      .send(answer)
      .catch(() => {});
    await expect.poll(() => world.data.runs.get(childId)?.progress.status).toBe('done');
    expect(world.data.runs.get('p')?.inbox.size).toBe(0);

    await world.leasesRunOut();
    const next = world.engine();
    await expect.poll(async () => (await next.run('p').snapshot()).status).toBe('done');
    expect(world.data.runs.get(childId)?.inbox.size).toBe(0);
  });

  it('is waited for with a look a day, so that a week leaves no long history', async () => {
    const world = createWorld(parent);
    const engine = world.engine();
    await engine.start('parent', { id: 'p' });
    await world.clock.advance(7 * 86_400_000);
    expect(storedHistory(world, 'p').length).toBeLessThan(12);
    await engine.run(childId).send(answer);
    await world.clock.advance(0);
    expect(await engine.run('p').result()).toMatchObject({ output: 'yes' });
  });
});

describe('no child goes on for nobody', () => {
  it('after another item of its map has failed', async () => {
    const world = createWorld(performing(askAll(), [1, 2, 3], { id: 'map' }));
    const engine = world.engine();
    const run = await engine.start('map', { id: 'm' });
    await world.clock.advance(0);
    await engine.run(childRunId('m/work#1/item 1')).send({ type: 'FAIL' } as never);
    await world.clock.advance(0);
    expect(await run.result()).toMatchObject({ error: { code: 'CHILD_RUN_FAILED' } });
    await expect
      .poll(() => statuses(world))
      .toEqual({
        m: 'done',
        [childRunId('m/work#1/item 0')]: 'cancelled',
        [childRunId('m/work#1/item 1')]: 'failed',
        [childRunId('m/work#1/item 2')]: 'cancelled',
      });
  });

  it('after a vote that was decided, or that the machine has left', async () => {
    const vote = fromVote({ name: 'vote', input: z.unknown(), voters: { ask, times: 3 }, concurrency: 3 });
    const world = createWorld(performing(vote, 1, { id: 'vote' }));
    const engine = world.engine();
    const run = await engine.start('vote', { id: 'v' });
    await world.clock.advance(0);
    expect(Object.keys(statuses(world))).toHaveLength(4);
    await run.send({ type: 'LEAVE' } as never);
    await expect
      .poll(() => Object.values(statuses(world)).sort())
      .toEqual(['cancelled', 'cancelled', 'cancelled', 'waiting']);

    const decided = await engine.start('vote', { id: 'w' });
    await world.clock.advance(0);
    for (const voter of [1, 3]) await engine.run(childRunId(`w/work#1/voter ${voter}`)).send(answer);
    await world.clock.advance(0);
    expect(await decided.result()).toMatchObject({ output: { decided: true, votes: 2 } });
    await expect.poll(() => statuses(world)[childRunId('w/work#1/voter 2')]).toBe('cancelled');
  });

  it('if it was a fallback', async () => {
    const first = fromWorkflow({ workflow: failing, fallback: [ask] });
    const world = createWorld(performing(first, undefined, { id: 'fallback' }));
    const engine = world.engine();
    const run = await engine.start('fallback', { id: 'f' });
    await world.clock.advance(0);
    expect(statuses(world)).toMatchObject({ [childRunId('f/work#1/fallback 1')]: 'waiting' });
    await run.cancel();
    await expect.poll(() => statuses(world)[childRunId('f/work#1/fallback 1')]).toBe('cancelled');
  });

  it('if the machine moves on while it is being started', async () => {
    const world = createWorld(parent);
    const store = memoryStore({ data: world.data });
    let create = (): void => {};
    const gate = new Promise<void>((resolve) => (create = resolve));
    const engine = world.engine({
      store: {
        ...store,
        async create(run) {
          if (run.id === childId) await gate;
          return store.create(run);
        },
      },
    });
    const run = await engine.start('parent', { id: 'p' });
    await run.send({ type: 'LEAVE' } as never);
    await expect.poll(() => world.data.runs.get('p')?.inbox.size).toBe(0);
    create();
    await expect.poll(() => statuses(world)).toEqual({ p: 'waiting', [childId]: 'cancelled' });
  });

  it('when its time is over, at once', async () => {
    const limited = fromWorkflow({ workflow: question, totalTimeoutMs: 3_600_000 });
    const world = createWorld(performing(limited, undefined, { id: 'limited' }));
    const engine = world.engine();
    const run = await engine.start('limited', { id: 'l' });
    await world.clock.advance(3_599_999);
    expect(statuses(world)).toMatchObject({ [childRunId('l/work#1')]: 'waiting' });
    await world.clock.advance(1);
    expect(await run.result()).toMatchObject({ error: { code: 'TIMED_OUT' } });
    await expect.poll(() => statuses(world)[childRunId('l/work#1')]).toBe('cancelled');
  });
});

describe('children', () => {
  it('are no more at a time than the map allows', async () => {
    const world = createWorld(performing(askAll(2), [1, 2, 3, 4, 5], { id: 'map' }));
    const engine = world.engine();
    const run = await engine.start('map', { id: 'm' });
    await world.clock.advance(0);
    for (const [item, started] of [
      [0, 2],
      [1, 3],
      [2, 4],
      [3, 5],
      [4, 5],
    ] as const) {
      expect(Object.keys(statuses(world))).toHaveLength(started + 1);
      expect(world.data.runs.get('m')?.lease).toBeUndefined();
      await engine.run(childRunId(`m/work#1/item ${item}`)).send(answer);
      await world.clock.advance(0);
    }
    expect(await run.result()).toMatchObject({ output: ['yes', 'yes', 'yes', 'yes', 'yes'] });
  });

  it('may have children that have children, all cancelled with the first', async () => {
    const second = performing(ask, undefined, { id: 'second' });
    const third = performing(fromWorkflow({ workflow: second }), undefined, { id: 'third' });
    const fourth = performing(fromWorkflow({ workflow: third }), undefined, { id: 'fourth' });
    const world = createWorld(fourth);
    const engine = world.engine();
    for (const id of ['a', 'b']) await engine.start('fourth', { id });
    await world.clock.advance(0);
    expect(Object.keys(statuses(world))).toContain(deep('a'));
    await engine.run(deep('a')).send(answer);
    await engine.run('b').cancel();
    expect(await engine.run('a').result()).toMatchObject({ output: { output: { output: 'yes' } } });
    await expect
      .poll(() => Object.entries(statuses(world)).filter(([id]) => id.startsWith('b')))
      .toEqual(['b', child('b'), child(child('b')), deep('b')].map((id) => [id, 'cancelled']));
    expect(world.problems).toEqual([]);
  });

  it('may have a longer id than a person may give', async () => {
    const world = createWorld(parent);
    const engine = world.engine();
    const id = 'x'.repeat(500);
    const run = await engine.start('parent', { id });
    await world.clock.advance(0);
    await engine.run(childRunId(`${id}/work#1`)).send(answer);
    expect(await run.result()).toMatchObject({ output: 'yes' });
  });

  it('are started anew for each retry, as other runs', async () => {
    const again = fromWorkflow({
      workflow: question,
      retry: { attempts: 2, delayMs: 5_000, jitter: 0, on: () => true },
    });
    const world = createWorld(performing(again, undefined, { id: 'again' }));
    const engine = world.engine();
    const run = await engine.start('again', { id: 'r' });
    await world.clock.advance(0);
    await engine.run(childRunId('r/work#1')).send({ type: 'FAIL' } as never);
    await world.clock.advance(5_000);
    expect(statuses(world)).toEqual({
      r: 'running',
      [childRunId('r/work#1')]: 'failed',
      [childRunId('r/work#1', 2)]: 'waiting',
    });
    await engine.run(childRunId('r/work#1', 2)).send(answer);
    expect(await run.result()).toMatchObject({ output: 'yes' });
  });

  it('are not started with input that they refuse', async () => {
    const strict = defineWorkflow({
      machine: setup({ types: { input: {} as { name: string } } }).createMachine({
        id: 'strict',
        initial: 'ended',
        states: { ended: { type: 'final' } },
      }),
      version: '1',
      input: z.object({ name: z.string() }),
    });
    const logic = fromWorkflow({ workflow: strict });
    const world = createWorld(performing(logic, { name: 5 } as never));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({
      error: { code: 'ACTOR_VALUE_INVALID', details: { issues: [{ path: ['name'] }] } },
    });
    expect(statuses(world)).toEqual({ r: 'done' });
  });

  it('whose engine stops while it starts them are started by the next', async () => {
    const world = createWorld(parent);
    const store = memoryStore({ data: world.data });
    let stopping: Promise<void> | undefined;
    const first = world.engine({
      store: {
        ...store,
        async create(run) {
          if (run.id === childId) {
            stopping ??= first.stop();
            await nextTurn();
          }
          return store.create(run);
        },
      },
    });
    await first.start('parent', { id: 'p' });
    await expect.poll(() => stopping !== undefined).toBe(true);
    await stopping;
    const second = world.engine();
    await expect.poll(() => statuses(world)[childId]).toBe('waiting');
    await second.run(childId).send(answer);
    expect(await second.run('p').result()).toMatchObject({ output: 'yes' });
  });
});
