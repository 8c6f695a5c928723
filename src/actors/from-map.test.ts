import { createActor, setup, toPromise } from 'xstate';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../test/support/world.ts';
import type { DurablePromiseLogic } from './durable-logic.ts';
import { fromMap } from './from-map.ts';
import { fromTool } from './from-tool.ts';
import type { MapOutcome } from './map-options.ts';

const Numbers = z.object({ numbers: z.array(z.number()) });
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a map', () => {
  it('gives the outputs in the order of the items, so many at a time', async () => {
    let going = 0;
    let most = 0;
    const each = tool(async (number) => {
      most = Math.max(most, (going += 1));
      await new Promise((resolve) => setTimeout(resolve, (number % 3) + 1));
      going -= 1;
      return number * 2;
    });
    const logic = fromMap({ ...base, each, concurrency: 4 });
    await expect(run(logic, upTo(20))).resolves.toEqual(upTo(20).map((number) => number * 2));
    expect(most).toBe(4);
  });

  it('of nothing is nothing', async () => {
    await expect(run(fromMap({ ...base, each: tool(double) }), [])).resolves.toEqual([]);
  });

  it('fails with the first item that fails, and stops the others', async () => {
    const stopped: number[] = [];
    const each = tool(async (number, signal) => {
      if (number === 1) throw new Error('Not one.');
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          stopped.push(number);
          reject(signal.reason as Error);
        });
      });
    });
    await expect(run(fromMap({ ...base, each, concurrency: 3 }), [0, 1, 2, 3])).rejects.toThrow('Not one.');
    expect(stopped).toEqual([0, 2]);
  });

  it('bears so many failures, and names them', async () => {
    const each = tool(async (number) => {
      if (number % 4 === 1) throw Object.assign(new Error(`Not ${number}.`), { code: 'E_ODD' });
      return number;
    });
    const logic = fromMap({ ...base, each, onFailure: { atMost: 2 } });
    await expect(run(logic, upTo(7))).resolves.toEqual({
      outputs: [0, undefined, 2, 3, 4, undefined, 6],
      failures: [1, 5].map((index) => ({
        index,
        error: { name: 'Error', message: `Not ${index}.`, code: 'E_ODD' },
      })),
    });
    await expect(run(logic, upTo(10))).rejects.toMatchObject({
      code: 'MAP_FAILED',
      message: expect.stringContaining('3 of 10 items') as string,
    });
  });

  it('reduces in a tree, each group once', async () => {
    const groups: number[][] = [];
    const by = fromTool({
      name: 'add',
      input: z.array(z.number()),
      output: z.number(),
      run: async (group) => {
        groups.push(group);
        return group.reduce((sum, number) => sum + number, 0);
      },
    });
    const logic = fromMap({ ...base, each: tool(double), reduce: { by, fanIn: 3 } });
    await expect(run(logic, upTo(10))).resolves.toBe(90);
    expect(groups.map(({ length }) => length)).toEqual([3, 3, 3, 3, 2]);
    await expect(run(logic, [4])).resolves.toBe(8);
    await expect(run(logic, [])).rejects.toMatchObject({ code: 'MAP_FAILED' });
  });

  it('reduces what there is where it bears failures, and names them', async () => {
    const groups: number[][] = [];
    const by = fromTool({
      name: 'add',
      input: z.array(z.number()),
      output: z.number(),
      run: async (group) => {
        groups.push(group);
        return group.reduce((sum, number) => sum + number, 0);
      },
    });
    const each = tool(async (number) => {
      if (number % 4 === 1) throw new Error(`Not ${number}.`);
      return number;
    });
    const logic = fromMap({ ...base, each, onFailure: { atMost: 2 }, reduce: { by, fanIn: 3 } });
    await expect(run(logic, upTo(8))).resolves.toEqual({
      output: 22,
      failures: [1, 5].map((index) => ({ index, error: { name: 'Error', message: `Not ${index}.` } })),
    });
    // Neighbours without those that failed.
    expect(groups).toEqual([
      [0, 2, 3],
      [4, 6, 7],
      [5, 17],
    ]);
    await expect(run(logic, [2])).resolves.toEqual({ output: 2, failures: [] });
    await expect(run(logic, upTo(10))).rejects.toMatchObject({
      code: 'MAP_FAILED',
      message: expect.stringContaining('3 of 10 items') as string,
    });
    await expect(run(logic, [1, 5])).rejects.toMatchObject({
      code: 'MAP_FAILED',
      message: expect.stringContaining('nothing to reduce') as string,
    });
  });

  it('refuses input of another form before anything is performed', async () => {
    const logic = fromMap({ ...base, each: tool(double) });
    await expect(run(logic, ['x'] as never)).rejects.toMatchObject({ code: 'ACTOR_VALUE_INVALID' });
  });

  it('of ten thousand takes no longer for each than of a hundred, by far', async () => {
    const logic = fromMap({ ...base, each: tool(double), concurrency: 50 });
    await expect(run(logic, upTo(10_000))).resolves.toHaveLength(10_000);
  });
});

describe('in the engine', () => {
  it('pays for no item twice: of 100, killed after 60, it pays for 40', async () => {
    const performed: { number: number; key: string }[] = [];
    let alive = true;
    const each = tool(async (number, _, key) => {
      if (alive && performed.length >= 60) return new Promise(() => {});
      performed.push({ number, key });
      return number;
    });
    const world = createWorld(performing(fromMap({ ...base, each, concurrency: 5 }), { numbers: upTo(100) }));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await expect.poll(() => world.data.runs.get('r')?.journal.size).toBe(60);
    first.die();
    alive = false;
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ output: upTo(100) });
    expect(performed).toHaveLength(100);
    expect(new Set(performed.map(({ key }) => key)).size).toBe(100);
    expect(performed.find(({ number }) => number === 42)?.key).toBe('r/work#1/item 42');
    expect(world.data.runs.get('r')?.journal.size).toBe(0);
  });

  it('holds no worker while all that is left waits, and goes on with the rest meanwhile', async () => {
    const failing = new Set([1, 3]);
    const done: number[] = [];
    const each = tool(
      async (number) => {
        if (failing.delete(number)) throw Object.assign(new Error('Busy.'), { status: 429 });
        done.push(number);
        return number;
      },
      { retry: { attempts: 2, delayMs: 5_000, jitter: 0 } },
    );
    const world = createWorld(performing(fromMap({ ...base, each, concurrency: 2 }), { numbers: upTo(6) }));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(0);
    expect(done).toEqual([0, 2, 4, 5]);
    expect(world.data.runs.get('r')?.lease).toBeUndefined();
    await world.clock.advance(5_000);
    expect(await run.result()).toMatchObject({ output: upTo(6) });
    expect(new Set(done)).toEqual(new Set(upTo(6)));
  });

  it('ends when the machine moves on', async () => {
    const aborted: number[] = [];
    const each = tool(
      (number, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(number);
            reject(signal.reason as Error);
          });
        }),
    );
    const world = createWorld(performing(fromMap({ ...base, each, concurrency: 2 }), { numbers: upTo(6) }));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(0);
    await run.send({ type: 'LEAVE' });
    expect(aborted).toEqual([0, 1]);
  });
});

describe('the types', () => {
  it('of input and output come from zod and the actor', () => {
    const each = tool(double);
    const list = fromMap({ ...base, each });
    const settled = fromMap({ ...base, each, onFailure: { atMost: 1 } });
    const listed = () => run(list, [1]);
    const settling = () => run(settled, [1]);
    expectTypeOf<Awaited<ReturnType<typeof listed>>>().toEqualTypeOf<number[]>();
    expectTypeOf<Awaited<ReturnType<typeof settling>>>().toEqualTypeOf<MapOutcome<number>>();
    // @ts-expect-error -- the items are texts, and the tool takes numbers
    fromMap({ name: 'm', input: z.array(z.string()), items: (texts) => texts, each });
    setup({ actors: { list } }).createMachine({
      // @ts-expect-error -- the input has numbers
      invoke: { src: 'list', input: { texts: [] } },
    });
  });
});

const base = {
  name: 'double',
  input: Numbers,
  items: ({ numbers }: z.output<typeof Numbers>) => numbers,
};

const double = async (number: number): Promise<number> => number * 2;

function tool(
  work: (number: number, signal: AbortSignal, key: string) => Promise<number>,
  options: { retry?: { attempts: number; delayMs: number; jitter: number } } = {},
) {
  return fromTool({
    name: 'double',
    input: z.number(),
    output: z.number(),
    run: (number, { signal, idempotencyKey }) => work(number, signal, idempotencyKey),
    ...options,
  });
}

function run<TOutput>(
  logic: DurablePromiseLogic<TOutput, z.input<typeof Numbers>>,
  numbers: number[],
): Promise<TOutput> {
  return toPromise(createActor(logic, { input: { numbers } }).start());
}
