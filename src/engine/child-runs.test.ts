/** Runs that start runs: each durable in its own right, and none of them for nobody. */
import { assign, createActor, fromPromise, setup, toPromise } from 'xstate';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { childRunId } from '../actors/from-workflow.ts';
import { z } from 'zod';

import { createWorld } from '../../test/support/world.ts';
import { fromMap } from '../actors/from-map.ts';
import { fromWorkflow } from '../actors/from-workflow.ts';
import { defineWorkflow } from '../workflow.ts';

const Case = z.object({ name: z.string() });

/** Waits for a person, and ends with what they say. */
const inquiry = defineWorkflow({
  machine: setup({
    types: {
      input: {} as { name: string },
      context: {} as { name: string; verdict: string },
      events: {} as { type: 'ANSWER'; verdict: string } | { type: 'FAIL' },
      output: {} as { verdict: string },
    },
    actors: { fail: fromPromise(() => Promise.reject(new Error('The file is lost.'))) },
  }).createMachine({
    id: 'inquiry',
    context: ({ input }) => ({ ...input, verdict: '' }),
    initial: 'asking',
    states: {
      asking: {
        on: {
          ANSWER: { target: 'answered', actions: assign({ verdict: ({ event }) => event.verdict }) },
          FAIL: 'failing',
        },
      },
      failing: { invoke: { src: 'fail' } },
      answered: { type: 'final' },
    },
    output: ({ context }) => ({ verdict: `${context.name}: ${context.verdict}` }),
  }),
  version: '1',
  input: Case,
});

const inquire = fromWorkflow({ workflow: inquiry });

const parent = defineWorkflow({
  machine: setup({
    types: {
      context: {} as { verdict: string; error: unknown },
      events: {} as { type: 'GIVE_UP' },
      output: {} as { verdict: string; error: unknown },
    },
    actors: { inquire },
  }).createMachine({
    id: 'parent',
    context: { verdict: '', error: null },
    initial: 'inquiring',
    states: {
      inquiring: {
        invoke: {
          src: 'inquire',
          id: 'inquire',
          input: { name: 'Ann' },
          onDone: { target: 'ended', actions: assign({ verdict: ({ event }) => event.output.verdict }) },
          onError: { target: 'ended', actions: assign({ error: ({ event }) => event.error }) },
        },
        on: { GIVE_UP: 'resting' },
      },
      resting: { after: { 1_000_000: 'ended' } },
      ended: { type: 'final' },
    },
    output: ({ context }) => context,
  }),
  version: '1',
});

const childId = childRunId('p/inquire#1');

describe('a run that starts another', () => {
  it('waits for it for a week, holding no worker, and goes on with its output', async () => {
    const world = createWorld(parent);
    const engine = world.engine();
    const run = await engine.start(parent, { id: 'p' });
    await world.clock.advance(0);
    expect(await engine.run(childId).snapshot()).toMatchObject({ workflow: 'inquiry', status: 'waiting' });
    expect(world.data.runs.get('p')?.lease).toBeUndefined();
    await world.clock.advance(7 * 24 * 3_600_000);
    await engine.run(childId).send({ type: 'ANSWER', verdict: 'fine' } as never);
    await world.clock.advance(0);
    expect(await run.result()).toEqual({ verdict: 'Ann: fine', error: null });
    expect(world.problems).toEqual([]);
  });

  it('is told why the other failed', async () => {
    const world = createWorld(parent);
    const engine = world.engine();
    const run = await engine.start(parent, { id: 'p' });
    await world.clock.advance(0);
    await engine.run(childId).send({ type: 'FAIL' } as never);
    expect(await run.result()).toMatchObject({
      error: {
        code: 'CHILD_RUN_FAILED',
        details: { runId: childId, status: 'failed' },
        cause: { message: 'The file is lost.' },
      },
    });
  });

  it('is told that the other was cancelled', async () => {
    const world = createWorld(parent);
    const engine = world.engine();
    const run = await engine.start(parent, { id: 'p' });
    await world.clock.advance(0);
    await engine.run(childId).cancel('by a person');
    expect(await run.result()).toMatchObject({
      error: { code: 'CHILD_RUN_FAILED', details: { status: 'cancelled' } },
    });
  });

  it.each(['moves on', 'is cancelled'])('cancels it when it %s', async (how) => {
    const world = createWorld(parent);
    const engine = world.engine();
    const run = await engine.start(parent, { id: 'p' });
    await world.clock.advance(0);
    await (how === 'moves on' ? run.send({ type: 'GIVE_UP' }) : run.cancel('enough'));
    await expect.poll(async () => (await engine.run(childId).snapshot()).status).toBe('cancelled');
    expect(await run.snapshot()).toMatchObject(
      how === 'moves on' ? { value: 'resting' } : { status: 'cancelled' },
    );
    const reason = (await engine.run(childId).history()).at(-1);
    expect(reason).toMatchObject({
      message: { type: 'cancel', reason: expect.stringContaining('`p`') as string },
    });
    expect(world.problems).toEqual([]);
  });

  it('has it cancelled by the next worker if its own dies in between', async () => {
    const world = createWorld(parent);
    const first = world.engine({ work: 'own' });
    const run = await first.start(parent, { id: 'p' });
    await world.clock.advance(0);
    // The step is stored, and the worker is dead before it has told anyone.
    const child = world.data.runs.get(childId);
    const commits = child?.seq;
    first.run('p').onPartial(() => {});
    const leaving = run.send({ type: 'GIVE_UP' }).catch(() => {});
    await expect.poll(() => world.data.runs.get('p')?.progress.value).toBe('"resting"');
    first.die();
    await leaving;
    expect(commits).toBeDefined();
    await world.leasesRunOut();
    const second = world.engine();
    await expect.poll(async () => (await second.run(childId).snapshot()).status).toBe('cancelled');
  });

  it('finds it ended if that happened while nobody was there', async () => {
    const world = createWorld(parent);
    const first = world.engine();
    await first.start(parent, { id: 'p' });
    await world.clock.advance(0);
    first.die();
    const child = world.engine({ workflows: [inquiry] });
    await child.run(childId).send({ type: 'ANSWER', verdict: 'fine' } as never);
    await child.stop();
    const second = world.engine();
    await expect.poll(async () => (await second.run('p').snapshot()).status).toBe('done');
  });

  it('starts one, however often it is performed', async () => {
    const world = createWorld(parent);
    const first = world.engine();
    await first.start(parent, { id: 'p' });
    await world.clock.advance(0);
    first.die();
    await world.leasesRunOut();
    const second = world.engine();
    await world.clock.advance(120_000);
    expect([...world.data.runs.keys()]).toEqual(['p', childId]);
    await second.run(childId).send({ type: 'ANSWER', verdict: 'fine' } as never);
    await expect.poll(async () => (await second.run('p').snapshot()).status).toBe('done');
  });

  it('may start one for each item', async () => {
    const inquireAll = fromMap({ name: 'all', input: z.array(Case), items: (cases) => cases, each: inquire });
    const many = defineWorkflow({
      machine: setup({
        types: { context: {} as { verdicts: string[] }, output: {} as string[] },
        actors: { inquireAll },
      }).createMachine({
        id: 'many',
        context: { verdicts: [] },
        initial: 'inquiring',
        states: {
          inquiring: {
            invoke: {
              src: 'inquireAll',
              id: 'all',
              input: [{ name: 'Ann' }, { name: 'Bob' }],
              onDone: {
                target: 'ended',
                actions: assign({ verdicts: ({ event }) => event.output.map(({ verdict }) => verdict) }),
              },
            },
          },
          ended: { type: 'final' },
        },
        output: ({ context }) => context.verdicts,
      }),
      version: '1',
    });
    const world = createWorld(many);
    const engine = world.engine();
    const run = await engine.start(many, { id: 'm' });
    await world.clock.advance(0);
    expect([...world.data.runs.keys()]).toEqual([
      'm',
      childRunId('m/all#1/item 0'),
      childRunId('m/all#1/item 1'),
    ]);
    await engine.run(childRunId('m/all#1/item 1')).send({ type: 'ANSWER', verdict: 'no' } as never);
    await engine.run(childRunId('m/all#1/item 0')).send({ type: 'ANSWER', verdict: 'yes' } as never);
    await world.clock.advance(0);
    expect(await run.result()).toEqual(['Ann: yes', 'Bob: no']);
  });

  it('runs it in its place under a plain `createActor`', async () => {
    const instant = defineWorkflow({
      machine: setup({ types: { output: {} as number } }).createMachine({
        id: 'instant',
        initial: 'ended',
        states: { ended: { type: 'final' } },
        output: () => 42,
      }),
      version: '1',
    });
    const logic = fromWorkflow({ workflow: instant });
    const outcome = () => toPromise(createActor(logic).start());
    expectTypeOf<Awaited<ReturnType<typeof outcome>>>().toEqualTypeOf<number>();
    await expect(outcome()).resolves.toBe(42);
  });
});
