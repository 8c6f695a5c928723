import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { assign, createMachine, enqueueActions, fromPromise, log, sendParent, setup } from 'xstate';
import { z } from 'zod';

import { memoryStore } from '../../../persistence/memory.ts';
import { redisStore } from '../../../persistence/redis/index.ts';
import { sqliteStore } from '../../../persistence/sqlite/index.ts';
import type { Store } from '../../../persistence/store.ts';
import { fromTool } from '../../actors/index.ts';
import { gate } from '../../gates/gate.ts';
import { person } from '../../gates/person.ts';
import { paths } from '../../graph/index.ts';
import { type AnyWorkflow, defineWorkflow } from '../../workflow.ts';
import { pathTests } from './path-tests.ts';
import { testPaths } from './test-paths.ts';

const happened: string[] = [];

/** A purchase: priced, judged, approved by a person, paid once, and packed by a machine of its own. */
function createPurchase(): AnyWorkflow {
  const price = fromTool({
    name: 'price',
    input: z.object({ item: z.string() }),
    output: z.object({ cents: z.union([z.literal(500), z.literal(90_000)]) }),
    run: async () => {
      happened.push('priced');
      return { cents: 500 as const };
    },
  });
  const pay = fromTool({
    name: 'pay',
    input: z.object({ cents: z.number().positive() }),
    output: z.object({ receipt: z.literal('R-1') }),
    irreversible: true,
    run: async () => {
      happened.push('paid');
      return { receipt: 'R-1' as const };
    },
  });
  const packing = createMachine({
    id: 'packing',
    initial: 'labelling',
    states: {
      labelling: {
        invoke: {
          id: 'label',
          src: fromPromise(async () => void happened.push('labelled')),
          onDone: 'packed',
          onError: { target: 'packed', actions: sendParent({ type: 'UNLABELLED' }) },
        },
      },
      packed: { type: 'final' },
    },
  });
  const machine = setup({
    types: {
      context: {} as { item: string; cents: number; note: string },
      events: {} as
        | { type: 'APPROVE' }
        | { type: 'REJECT'; reason: string }
        | { type: 'UNLABELLED' }
        | { type: 'CALL' },
      input: {} as { item: string },
      output: {} as { cents: number; note: string },
    },
    actors: { price, pay, packing },
    guards: {
      cheap: gate('cheap', ({ event }) => {
        const { cents } = (event as unknown as { output: { cents: number } }).output;
        return cents < 1_000 || [`It costs ${cents}.`];
      }),
    },
    actions: { ring: () => void happened.push('rang') },
    delays: { approvalTime: 3_600_000 },
  }).createMachine({
    id: 'purchase',
    context: ({ input }) => ({ item: input.item, cents: 0, note: '' }),
    output: ({ context: { cents, note } }) => ({ cents, note }),
    initial: 'pricing',
    states: {
      pricing: {
        entry: ['ring', log('pricing'), () => void happened.push('an action of its own')],
        invoke: {
          id: 'price',
          src: 'price',
          input: ({ context: { item } }) => ({ item }),
          onDone: [
            {
              guard: 'cheap',
              target: 'paying',
              actions: assign({ cents: ({ event }) => event.output.cents }),
            },
            { target: 'awaitingApproval', actions: assign({ cents: ({ event }) => event.output.cents }) },
          ],
          onError: 'failed',
        },
      },
      awaitingApproval: {
        ...person({ title: 'Approve', who: { roles: ['buyer'] }, due: 'approvalTime' }),
        on: {
          APPROVE: 'paying',
          REJECT: { target: 'failed', actions: assign({ note: ({ event }) => event.reason }) },
        },
        after: { approvalTime: 'failed' },
      },
      paying: {
        entry: enqueueActions(({ enqueue }) => {
          enqueue(() => void happened.push('an enqueued action'));
          enqueue.assign({ note: 'paying' });
        }),
        invoke: {
          id: 'pay',
          src: 'pay',
          input: ({ context: { cents } }) => ({ cents }),
          onDone: 'packing',
          onError: 'unsure',
        },
      },
      unsure: { on: { CALL: 'packing' } },
      packing: {
        invoke: { id: 'packing', src: 'packing', onDone: 'done' },
        on: { UNLABELLED: { actions: assign({ note: 'unlabelled' }) } },
      },
      done: { type: 'final' },
      failed: { type: 'final' },
    },
  });
  return defineWorkflow({
    machine,
    version: '1',
    input: z.object({ item: z.string().default('pen') }),
    events: { REJECT: z.object({ reason: z.string() }) },
    examples: [{ name: 'a pen', input: { item: 'pen' } }],
  });
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-paths-'));
afterAll(() => rmSync(folder, { recursive: true }));

const stores: Readonly<Record<string, () => Store>> = {
  memory: () => memoryStore(),
  SQLite: () => sqliteStore(join(folder, `${randomUUID()}.db`)),
  Redis: () => redisStore({ url: inject('redisUrl'), prefix: `paths:${randomUUID()}` }),
};

describe.each(Object.entries(stores))('the paths of a purchase, on %s', (_name, store) => {
  const tests = testPaths(createPurchase(), { describe, it, store, crash: 'every-commit' });

  afterAll(() => {
    expect(happened).toEqual([]);
    const { played } = tests;
    expect(played.paths).toBe([...tests].length - 1);
    expect(played.kills).toBeGreaterThan(played.steps * 2);
  });
});

describe('pathTests', () => {
  it('makes one test for each path, named like it, and one for what they cover', () => {
    const workflow = createPurchase();
    const { paths: found } = paths(workflow);
    const names = [...pathTests(workflow)].map(({ name }) => name);
    expect(names).toEqual([...found.map(({ name }) => name), 'takes 13 of 13 transitions (100%)']);
  });

  it('plays paths that were made before', async () => {
    const workflow = createPurchase();
    const given = paths(workflow, { cover: 'all-simple' });
    const tests = pathTests(workflow, { paths: given });
    for (const { run } of tests) await run();
    expect(tests.played).toEqual({
      paths: given.paths.length,
      steps: given.paths.flatMap(({ steps }) => steps).length,
      kills: 0,
    });
  });

  it('closes each store that it opened', async () => {
    let open = 0;
    const store = (): Store => {
      open += 1;
      const below = memoryStore();
      return {
        ...below,
        close: async () => {
          open -= 1;
          await below.close();
        },
      };
    };
    const [first] = pathTests(createPurchase(), { store });
    await first?.run();
    expect(open).toBe(0);
  });

  it('plays a path up to where something would have to come before a timer that is due', async () => {
    const region = (event: string) => ({
      initial: 'on',
      states: { on: { after: { 1_000: 'off' }, on: { [event]: 'out' } }, off: {}, out: {} },
    });
    const machine = createMachine({
      id: 'both',
      type: 'parallel',
      states: { one: region('ONE'), two: region('TWO') },
    });
    const workflow = defineWorkflow({ machine: machine as never, version: '1' });
    const tests = pathTests(workflow, { cover: 'all-simple' });
    const cut = [...tests].filter(({ name }) => name.includes('a timer is due before the next'));
    expect(cut.map(({ name }) => name)).toEqual([
      expect.stringMatching(
        /^after 1000, (?:ONE|TWO).* \(its first 2 steps: a timer is due before the next\)$/,
      ),
    ]);
    for (const { run } of tests) await run();
  });

  it('plays what comes late just before the timer that it is late for', async () => {
    const machine = createMachine({
      id: 'lateness',
      type: 'parallel',
      states: {
        whole: { initial: 'on', states: { on: { after: { 10_000: 'over' } }, over: {} } },
        part: { initial: 'a', states: { a: { on: { GO: 'b' } }, b: { after: { 6_000: 'c' } }, c: {} } },
      },
    });
    const workflow = defineWorkflow({ machine: machine as never, version: '1' });
    const tests = [...pathTests(workflow, { cover: 'transition-pairs', crash: 'every-commit' })];
    expect(tests.map(({ name }) => name)).toContain('GO (late), after 10000, after 6000');
    for (const { run } of tests) await run();
  });

  it.each([
    ['crash', { crash: 'sometimes' }, /Expected `crash` to be `every-commit` or left out, got `"sometimes"`/],
    ['threshold', { threshold: 101 }, /Expected `threshold` to be a number from 0 to 100, got `101`/],
    ['stepMs', { stepMs: 0 }, /Expected `stepMs` to be a positive number of milliseconds, got `0`/],
    ['cover', { cover: 'most' }, /Expected `cover` to be one of/],
    ['excused', { excused: { 'a GO 0': 'why not' } }, /no such transition. It has: pricing price.done 0/],
    ['a reason', { excused: { 'paying pay.done 0': ' ' } }, /say why `paying pay.done 0` need not be taken/],
  ])('refuses %s that is not as described', (_option, options, message) => {
    expect(() => pathTests(createPurchase(), options as never)).toThrow(message);
  });

  it('refuses paths that the workflow does not have any more', () => {
    const given = paths(createPurchase());
    const machine = createMachine({ id: 'purchase', initial: 'a', states: { a: { on: { GO: 'a' } } } });
    const other = defineWorkflow({ machine: machine as never, version: '2' });
    expect(() => pathTests(other, { paths: given })).toThrow(
      /is not one of `purchase@2` as it is now: step 1, `.*`, does not lead where the path says. Make the paths anew/,
    );
  });
});

describe('testPaths', () => {
  it('hands each test to the runner, in a group of the workflow', () => {
    const made: unknown[] = [];
    const tests = testPaths(createPurchase(), {
      describe: (name, body) => {
        made.push(name);
        body();
      },
      it: (name, run, timeoutMs) => made.push([name, run, timeoutMs]),
      timeoutMs: 5,
    });
    expect(made).toEqual(['paths of purchase@1', ...[...tests].map(({ name, run }) => [name, run, 5])]);
  });

  it('says what to do where there is no runner', () => {
    expect(() => testPaths(createPurchase())).toThrow(/There is no global `it`. Pass the test runner's own/);
  });
});
