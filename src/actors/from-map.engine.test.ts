/** Maps on an engine: what waits, what is paid for, and what is left when parts do not end. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../test/support/world.ts';
import { fromMap } from './from-map.ts';
import { fromTool, type ToolActorOptions } from './from-tool.ts';

const Count = z.number();
const Counts = z.array(Count);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const items = (numbers: number[]) => numbers;
const busy = (): Error => Object.assign(new Error('Busy.'), { status: 429 });

type Run = ToolActorOptions<typeof Count, typeof Count>['run'];

function working(run: Run, options: Partial<ToolActorOptions<typeof Count, typeof Count>> = {}) {
  return fromTool({ name: 'work', input: Count, output: Count, run, ...options });
}

const never = () => new Promise<never>(() => {});

describe('a map on an engine', () => {
  it('is over with the first failure that is not borne, and pays for no more items', async () => {
    const asked: number[] = [];
    const each = working(async (number) => {
      asked.push(number);
      if (number % 2 === 1) throw new Error(`Not ${number}.`);
      return number;
    });
    const logic = fromMap({
      name: 'map',
      input: Counts,
      items,
      each,
      concurrency: 1,
      onFailure: { atMost: 1 },
    });
    const world = createWorld(performing(logic, upTo(50)));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({
      error: {
        code: 'MAP_FAILED',
        message: '2 of 50 items of `map` failed, and at most 1 are borne. Item 1: Not 1.',
        details: { failures: [{ index: 1 }, { index: 3 }] },
      },
    });
    expect(asked).toEqual([0, 1, 2, 3]);
  });

  it('counts failures on after a crash', async () => {
    let stuck = true;
    const asked: number[] = [];
    const each = working(async (number) => {
      asked.push(number);
      if (number === 0) throw new Error('Not 0.');
      if (number === 1 && stuck) return never();
      throw new Error(`Not ${number}.`);
    });
    const options = { name: 'map', input: Counts, items, each, concurrency: 1 };
    const logic = fromMap({ ...options, onFailure: { atMost: 1 } });
    const world = createWorld(performing(logic, upTo(5)));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await expect.poll(() => asked.length).toBe(2);
    first.die();
    stuck = false;
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ error: { code: 'MAP_FAILED' } });
    expect(asked).toEqual([0, 1, 1]);
  });

  it('reduces no group twice, whenever it is killed', async () => {
    const merged: string[] = [];
    let dieAt = 2;
    let died = (): void => {};
    const each = working(async (number) => number);
    const by = fromTool({
      name: 'merge',
      input: Counts,
      output: Count,
      run: async (numbers, { idempotencyKey }) => {
        if (merged.length === dieAt) {
          died();
          return never();
        }
        merged.push(idempotencyKey);
        return numbers.reduce((one, other) => one + other, 0);
      },
    });
    const reduce = { by, fanIn: 3 };
    const logic = fromMap({ name: 'sum', input: Counts, items, each, concurrency: 1, reduce });
    const world = createWorld(performing(logic, upTo(10)));
    for (const next of [4, 99]) {
      const engine = world.engine();
      const dead = new Promise<void>((resolve) => (died = resolve));
      if (next === 4) await engine.start('performing', { id: 'r' });
      await dead;
      engine.die();
      dieAt = next;
      await world.leasesRunOut();
    }
    expect(await world.engine().run('r').result()).toMatchObject({ output: 45 });
    // 10 leave 4, of which the last goes up alone; 4 leave 2, of which again; 2 leave 1.
    expect(merged).toEqual(['1.0', '1.1', '1.2', '2.0', '3.0'].map((group) => `r/work#1/reduce ${group}`));
  });

  it('spends a moment’s wait here, and is not begun anew for it', async () => {
    const failing = new Set([1, 3]);
    const each = working(
      async (number) => {
        if (failing.delete(number)) throw busy();
        return number;
      },
      { retry: { attempts: 2, delayMs: 500, jitter: 0 } },
    );
    const world = createWorld(performing(fromMap({ name: 'map', input: Counts, items, each }), upTo(4)));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(500);
    expect(await run.result()).toMatchObject({ output: upTo(4) });
    const types = (await run.history()).map((entry) =>
      entry.type === 'message' ? entry.message.type : 'kept',
    );
    expect(types.filter((type) => type !== 'kept')).toEqual(['start', 'output']);
  });

  it('of ten thousand items that all wait comes through in bounded time', async () => {
    const seen = new Set<number>();
    const each = working(
      async (number) => {
        if (!seen.has(number)) {
          seen.add(number);
          throw busy();
        }
        return number;
      },
      { retry: { attempts: 2, delayMs: 60_000, jitter: 0.5 } },
    );
    const logic = fromMap({ name: 'map', input: Counts, items, each, concurrency: 100 });
    const world = createWorld(performing(logic, upTo(10_000)));
    const run = await world.engine().start('performing', { id: 'r' });
    await expect.poll(() => seen.size).toBe(10_000);
    for (let second = 0; second < 61; second++) await world.clock.advance(1_000);
    await expect.poll(async () => (await run.snapshot()).status).toBe('done');
    const waits = (await run.history()).filter(
      (entry) => entry.type === 'message' && entry.message.type === 'deferred',
    );
    expect(waits.length).toBeLessThan(60);
  });

  it('does not wait for items that do not listen, and what they give in the end harms nothing', async () => {
    let end = (): void => {};
    const each = working((number) =>
      number === 1
        ? Promise.reject(new Error('Not 1.'))
        : new Promise((resolve) => (end = () => resolve(number))),
    );
    const world = createWorld(performing(fromMap({ name: 'map', input: Counts, items, each }), [0, 1]));
    const engine = world.engine();
    const run = await engine.start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ error: { message: 'Not 1.' } });
    const before = (await run.history()).length;
    end();
    await world.clock.advance(0);
    expect(await run.history()).toHaveLength(before);
    expect(world.problems).toEqual([]);
  });

  it('of what cannot be taken back is not gone on with after a crash', async () => {
    const paid: number[] = [];
    const each = working(
      async (number) => {
        paid.push(number);
        return number === 2 ? never() : number;
      },
      { irreversible: true },
    );
    const logic = fromMap({ name: 'payAll', input: Counts, items, each, concurrency: 1 });
    const world = createWorld(performing(logic, upTo(5)));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await expect.poll(() => paid.length).toBe(3);
    first.die();
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ error: { code: 'OUTCOME_UNKNOWN' } });
    expect(paid).toEqual([0, 1, 2]);
  });
});
