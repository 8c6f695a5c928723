/** How an actor that runs another workflow ends. What holds between the two runs is tested in `engine/child-runs.test.ts`. */
import { assign, createActor, setup, toPromise } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../test/support/world.ts';
import { defineWorkflow } from '../workflow.ts';
import { fromMap } from './from-map.ts';
import { fromTool } from './from-tool.ts';
import { childRunId, fromWorkflow } from './from-workflow.ts';

const Count = z.number();

/** Performs one tool, and ends with its output. */
function doing(run: (number: number, key: string) => Promise<number>) {
  const work = fromTool({
    name: 'work',
    input: Count,
    output: Count,
    run: (number, { idempotencyKey }) => run(number, idempotencyKey),
  });
  const machine = setup({
    types: {
      input: {} as number,
      context: {} as { number: number; done: number },
      output: {} as { done: number },
    },
    actors: { work },
  }).createMachine({
    id: 'doing',
    context: ({ input }) => ({ number: input, done: -1 }),
    initial: 'working',
    states: {
      working: {
        invoke: {
          src: 'work',
          id: 'work',
          input: ({ context }) => context.number,
          onDone: { target: 'ended', actions: assign({ done: ({ event }) => event.output }) },
        },
      },
      ended: { type: 'final' },
    },
    output: ({ context }) => ({ done: context.done }),
  });
  const workflow = defineWorkflow({
    machine,
    version: '1',
    input: Count,
    output: z.object({ done: z.number().max(100, 'That is too much.') }),
  });
  return fromWorkflow({ workflow });
}

describe('a workflow that is invoked', () => {
  const logic = doing(async (number) => {
    if (number < 0) throw Object.assign(new Error('Less than nothing.'), { code: 'E_LESS' });
    return number * 2;
  });
  const alone = (input: number) => toPromise(createActor(logic, { input }).start());
  const inRun = async (input: number) => {
    const run = await createWorld(performing(logic, input)).engine().start('performing', { id: 'r' });
    return run.result();
  };

  it('gives its output, on an engine and under a plain `createActor`', async () => {
    expect(await inRun(7)).toMatchObject({ output: { done: 14 } });
    expect(await alone(7)).toEqual({ done: 14 });
  });

  it.each([
    ['what went wrong in it', -1, { message: 'Less than nothing.', code: 'E_LESS' }],
    ['an output that its schema refuses', 77, { message: expect.stringContaining('too much') as string }],
  ])('fails with %s, in the same way', async (_, input, cause) => {
    const failed = { code: 'CHILD_RUN_FAILED', details: { status: 'failed', workflow: 'doing@1' }, cause };
    expect(await inRun(input)).toMatchObject({ output: null, error: failed });
    await expect(alone(input)).rejects.toMatchObject(failed);
  });

  it('is performed once for each item: of 100 runs, killed after 60, it pays for 40', async () => {
    const done: string[] = [];
    let alive = true;
    const each = doing(async (number, key) => {
      if (alive && done.length >= 60) return new Promise<never>(() => {});
      done.push(key);
      return number;
    });
    const upTo100 = Array.from({ length: 100 }, (_, index) => index);
    const all = fromMap({ name: 'all', input: z.array(Count), items: (numbers) => numbers, each });
    const world = createWorld(performing(all, upTo100));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    const ended = () => [...world.data.runs.values()].filter(({ progress }) => progress.status === 'done');
    await expect.poll(() => ended().length).toBe(60);
    first.die();
    alive = false;
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({
      output: upTo100.map((number) => ({ done: number })),
    });
    expect(done).toHaveLength(100);
    expect(new Set(done).size).toBe(100);
    expect(world.data.runs.size).toBe(101);
  });

  it('is cancelled in each group of a map that it reduces, when nobody waits for that any more', async () => {
    const machine = setup({
      types: { input: {} as number[], output: {} as number, events: {} as { type: 'SAY' } },
    }).createMachine({
      id: 'adding',
      context: ({ input }) => ({ sum: input.reduce((one, other) => one + other, 0) }),
      initial: 'asking',
      states: { asking: { on: { SAY: 'said' } }, said: { type: 'final' } },
      output: ({ context }) => context.sum as number,
    });
    const by = fromWorkflow({
      workflow: defineWorkflow({ machine, version: '1', input: z.array(Count) }),
    });
    const each = fromTool({ name: 'same', input: Count, output: Count, run: async (number) => number });
    const sum = fromMap({
      name: 'sum',
      input: z.array(Count),
      items: (numbers) => numbers,
      each,
      reduce: { by, fanIn: 2 },
    });
    const world = createWorld(performing(sum, [1, 2, 3, 4]));
    const engine = world.engine();
    const run = await engine.start('performing', { id: 'r' });
    const reduced = (group: string): string => childRunId(`r/work#1/reduce ${group}`);
    const statuses = () => [...world.data.runs].map(([id, { progress }]) => [id, progress.status]);
    await expect.poll(() => world.data.runs.size).toBe(3);
    for (const group of ['1.0', '1.1']) {
      await engine.run(reduced(group)).send({ type: 'SAY' } as never);
    }
    await expect.poll(() => world.data.runs.size).toBe(4);
    await run.send({ type: 'LEAVE' } as never);
    await expect.poll(statuses).toEqual([
      ['r', 'waiting'],
      [reduced('1.0'), 'done'],
      [reduced('1.1'), 'done'],
      [reduced('2.0'), 'cancelled'],
    ]);
  });
});

describe('the id of a run that an invocation starts', () => {
  const ids = [
    'r/work#1',
    'r/work#2',
    'r/work#1/again 2',
    'r.work#1',
    'r/work/1',
    'Bestellung 7 (über $(rm -rf ~) & "x")/x:0/pay#1',
    '/-a/b#1',
    `${'long/'.repeat(300)}#1`,
    `${'long/'.repeat(300)}#2`,
  ].map((key) => childRunId(key));

  it('survives URLs and shells', () => {
    for (const id of ids) {
      expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9._~-]*$/);
      expect(encodeURIComponent(id)).toBe(id);
      expect(id.length).toBeLessThanOrEqual(500);
    }
  });

  it('is its own, also where two keys look the same once they are readable, and the same each time', () => {
    expect(new Set(ids).size).toBe(ids.length);
    expect(childRunId('r/work#1')).toBe(ids[0]);
    expect(childRunId('r/work#1', 2)).toBe(ids[2]);
    expect(ids[0]).toMatch(/^r\.work\.1~/);
  });
});
