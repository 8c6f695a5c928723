/** Answers that are shared: how far, for how long, and what a stop or a crash of one who asked means for the others. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { assign, setup } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../../test/support/world.ts';
import { sqliteStore } from '../../../persistence/sqlite/index.ts';
import { createEngine } from '../../engine/engine.ts';
import { defineWorkflow } from '../../workflow.ts';
import { durableLogic } from '../durable-logic.ts';
import { fromMap } from '../from-map.ts';
import { fromTool } from '../from-tool.ts';
import type { CachePolicy } from './policies.ts';

const Name = z.object({ name: z.string() });

function looking(cache: CachePolicy<{ name: string }>, run?: (name: string) => Promise<string>) {
  const calls: string[] = [];
  const tool = fromTool({
    name: 'lookUp',
    input: Name,
    output: z.string(),
    cache,
    run: async ({ name }) => {
      calls.push(name);
      return run ? run(name) : `${name} ${calls.length}`;
    },
  });
  return { tool, calls };
}

const byName = { key: ({ name }: { name: string }) => name.toLowerCase() };

describe('a cache', () => {
  it('is for all runs of the workflow, across engines and restarts, on one SQLite file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-cache-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { tool, calls } = looking({ ...byName, per: 'workflow' });
    const workflow = performing(tool, { name: 'Ann' });
    for (const id of ['one', 'other']) {
      const store = sqliteStore(join(folder, 'runs.db'));
      const engine = createEngine({ workflows: [workflow], store });
      const run = await engine.start('performing', { id });
      expect(await run.result()).toMatchObject({ output: 'Ann 1' });
      await engine.stop();
      await store.close();
    }
    expect(calls).toEqual(['Ann']);
  });

  it('is not for another version of the workflow', async () => {
    const { tool, calls } = looking({ ...byName, per: 'workflow' });
    const first = performing(tool, { name: 'Ann' });
    const second = defineWorkflow({ machine: first.machine, version: '2' });
    const world = createWorld(first, second);
    const engine = world.engine();
    await (await engine.start(first as never, { id: 'r1' } as never)).result();
    expect(await (await engine.start(second as never, { id: 'r2' } as never)).result()).toMatchObject({
      output: 'Ann 2',
    });
    expect(calls).toHaveLength(2);
  });

  it('of a run is for all who ask in it, also at the same time', async () => {
    const { tool, calls } = looking(byName);
    const logic = fromMap({ name: 'all', input: z.array(Name), items: (names) => names, each: tool });
    const world = createWorld(performing(logic, [{ name: 'Ann' }, { name: 'Bob' }, { name: 'ANN' }]));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ output: ['Ann 1', 'Bob 2', 'Ann 1'] });
    expect(calls).toEqual(['Ann', 'Bob']);
  });

  it('of a run survives a crash', async () => {
    let stuck = true;
    const { tool, calls } = looking(byName);
    const wait = fromTool({
      name: 'wait',
      input: Name,
      output: z.string(),
      run: () => (stuck ? new Promise<string>(() => {}) : Promise.resolve('over')),
    });
    const each = durableLogic<string, { name: string }>({
      ...tool.signalbox,
      perform: async (input, scope) => {
        const found = await tool.signalbox.perform(input, scope);
        await wait.signalbox.perform(input, scope);
        return found;
      },
    });
    const world = createWorld(performing(each, { name: 'Ann' }));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await expect.poll(() => world.data.runs.get('r')?.journal.size).toBe(1);
    first.die();
    stuck = false;
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ output: 'Ann 1' });
    expect(calls).toEqual(['Ann']);
  });

  it('of a run is good for its time, by the clock of the engine', async () => {
    let made = 0;
    const logic = durableLogic<number[], unknown>({
      kind: 'test',
      name: 'work',
      irreversible: false,
      idempotent: true,
      async perform(_, scope) {
        const seen: number[] = [];
        for (let minute = 0; minute < 5; minute++) {
          seen.push(await scope.cached('k', async () => (made += 1), { ttlMs: 120_000 }));
          await new Promise<void>((resolve) => void scope.after(60_000, resolve));
        }
        return seen;
      },
    });
    const world = createWorld(performing(logic, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(600_000);
    expect(await run.result()).toMatchObject({ output: [1, 1, 2, 2, 3] });
  });

  it('does not fail one who waits for an answer because another who asked was stopped', async () => {
    let asked = 0;
    const { tool } = looking(byName, () => {
      asked += 1;
      // The first never ends, and does not listen to its signal either.
      return asked === 1 ? new Promise<string>(() => {}) : Promise.resolve('second');
    });
    const machine = setup({
      types: { context: {} as { found: string }, events: {} as { type: 'SKIP' }, output: {} as string },
      actors: { tool },
    }).createMachine({
      id: 'both',
      context: { found: '' },
      type: 'parallel',
      states: {
        one: {
          initial: 'looking',
          states: {
            looking: {
              invoke: { src: 'tool', id: 'one', input: { name: 'Ann' }, onDone: 'over' },
              on: { SKIP: 'over' },
            },
            over: { type: 'final' },
          },
        },
        other: {
          initial: 'waiting',
          states: {
            waiting: { on: { SKIP: 'looking' } },
            looking: {
              invoke: {
                src: 'tool',
                id: 'other',
                input: { name: 'Ann' },
                onDone: { target: 'over', actions: assign({ found: ({ event }) => event.output }) },
              },
            },
            over: { type: 'final' },
          },
        },
      },
      output: ({ context }) => context.found,
    });
    const world = createWorld(defineWorkflow({ machine, version: '1' }));
    const run = await world.engine().start('both', { id: 'r' });
    await expect.poll(() => asked).toBe(1);
    await run.send({ type: 'SKIP' } as never);
    expect(await run.result()).toBe('second');
  });

  it('makes its key of the input as the schema gives it', async () => {
    const keys: string[] = [];
    const input = z.object({ name: z.string().trim().toLowerCase(), words: z.number().default(100) });
    type Said = z.output<typeof input>;
    const cache = { key: ({ name, words }: Said) => keys[keys.push(`${name} ${words.toFixed()}`) - 1] ?? '' };
    let calls = 0;
    const tool = fromTool({ name: 'lookUp', input, output: z.number(), cache, run: async () => ++calls });
    const all = [{ name: ' Ann' }, { name: 'ANN', words: 100 }, { name: 'ann', words: 9 }];
    const logic = fromMap({
      name: 'all',
      input: z.unknown(),
      items: () => all,
      each: tool,
      concurrency: 1,
    });
    const run = await createWorld(performing(logic, 1)).engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ output: [1, 1, 2] });
    expect(keys).toEqual(['ann 100', 'ann 100', 'ann 9']);
  });

  it('makes no key of input that is refused', async () => {
    const { tool, calls } = looking(byName);
    const world = createWorld(performing(tool, {} as never));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ error: { code: 'ACTOR_VALUE_INVALID' } });
    expect(calls).toEqual([]);
  });

  it.each([{ ttlMs: 0.5 }, { ttlMs: 0 }, { per: 'ever' }, { key: 'k' }])('%o is refused', (wrong) => {
    expect(() => looking({ ...byName, ...(wrong as object) })).toThrow(/Expected `cache/);
  });
});
