/** What path tests must catch: the machine cannot differ between the paths and the engine, so the store below it is broken. */
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';

import { createMemoryData, memoryStore } from '../../../persistence/memory.ts';
import type { Store } from '../../../persistence/store.ts';
import { durableLogic } from '../../actors/durable-logic.ts';
import { fromTool } from '../../actors/index.ts';
import { decode, encode } from '../../engine/codec.ts';
import { decodeEntry } from '../../engine/history.ts';
import { stateOf } from '../../engine/progress.ts';
import type { RunState } from '../../engine/run-state.ts';
import { type AnyWorkflow, defineWorkflow } from '../../workflow.ts';
import { pathTests, type PathTestsOptions } from './path-tests.ts';

/** Asks, waits for a person for an hour at most, and pays; or it is not known whether it has paid. */
function createPayment({ payable = z.number() } = {}): AnyWorkflow {
  const ask = fromTool({
    name: 'ask',
    input: z.undefined(),
    output: z.literal(5),
    run: async () => 5 as const,
  });
  const pay = fromTool({
    name: 'pay',
    input: payable,
    output: z.literal('paid'),
    irreversible: true,
    run: async () => 'paid' as const,
  });
  const machine = setup({
    types: { context: {} as { cents: number }, events: {} as { type: 'GO' } },
    actors: { ask, pay },
  }).createMachine({
    id: 'payment',
    context: { cents: 0 },
    initial: 'asking',
    states: {
      asking: {
        invoke: {
          id: 'ask',
          src: 'ask',
          input: undefined,
          onDone: { target: 'waiting', actions: assign({ cents: ({ event }) => event.output }) },
          onError: 'late',
        },
      },
      waiting: { on: { GO: 'paying' }, after: { 3_600_000: 'late' } },
      paying: {
        invoke: {
          id: 'pay',
          src: 'pay',
          input: ({ context }) => context.cents,
          onDone: 'done',
          onError: 'unsure',
        },
      },
      done: { type: 'final' },
      late: { type: 'final' },
      unsure: { on: { GO: 'done' } },
    },
  });
  return defineWorkflow({ machine, version: '1' });
}

/** The names of the tests that fail, each with why. */
async function failuresOf(
  options: PathTestsOptions,
  workflow = createPayment(),
): Promise<Record<string, string>> {
  const failures: Record<string, string> = {};
  for (const { name, run } of pathTests(workflow, { stepMs: 1_000, ...options })) {
    await run().catch((error: Error) => (failures[name] = error.message));
  }
  return failures;
}

/** A memory store that is broken in one place. */
function broken(change: (below: Store) => Partial<Store>): () => Store {
  return () => {
    const below = memoryStore();
    return { ...below, ...change(below) };
  };
}

function withState(text: string, change: (state: RunState) => object): string {
  const state = stateOf(text);
  return encode({ ...state, ...change(state) });
}

describe('path tests', () => {
  it('pass on a store that is whole', async () => {
    expect(await failuresOf({})).toEqual({});
    expect(await failuresOf({ crash: 'every-commit' })).toEqual({});
  });

  it('catch an event that was acknowledged and lost', async () => {
    const store = broken(() => ({ send: async () => ({ status: 'stored', messageId: 1, logLength: 1 }) }));
    expect(await failuresOf({ store })).toEqual({
      'ask → 5, GO, pay → paid': expect.stringMatching(
        /^The event had no turn within 1000 ms: it is active in "waiting"\.\n {2}at step 3 of 4, GO\n {2}of path: ask → 5, GO, pay → paid$/,
      ),
      'ask → 5, GO, pay → failed, GO': expect.stringContaining('The event had no turn'),
    });
  });

  it('catch a start that was acknowledged and lost', async () => {
    const store = broken(() => ({ create: async () => 'created' }));
    expect(Object.values(await failuresOf({ store }))).toContainEqual(
      expect.stringContaining('The store no longer has run'),
    );
  });

  it('catch a step that was acknowledged and lost', async () => {
    const store = broken((below) => ({
      commit: async (runId, commit) =>
        commit.log
          .map(decodeEntry)
          .some((entry) => entry.type === 'message' && entry.message.type === 'event')
          ? { status: 'committed', inbox: [], released: false }
          : below.commit(runId, commit),
    }));
    expect(Object.keys(await failuresOf({ store })).sort()).toEqual([
      'ask → 5, GO, pay → failed, GO',
      'ask → 5, GO, pay → paid',
    ]);
  });

  it('catch a timer that a store has lost', async () => {
    const store = broken((below) => ({
      async acquire(runId, options) {
        const acquired = await below.acquire(runId, options);
        if (typeof acquired === 'string') return acquired;
        return {
          ...acquired,
          run: { ...acquired.run, state: withState(acquired.run.state, () => ({ timers: [] })) },
        };
      },
    }));
    const failures = await failuresOf({ store, crash: 'every-commit' });
    expect(failures['ask → 5, after 3600000']).toMatch(
      /^The run did not take it within 1000 ms: it is active in "waiting"\.\n {2}at step 3 of 3, after 3600000/,
    );
  });

  it('catch a context that comes back as another', async () => {
    const store = broken((below) => ({
      async acquire(runId, options) {
        const acquired = await below.acquire(runId, options);
        if (typeof acquired === 'string') return acquired;
        const change = ({ snapshot }: RunState) => ({ snapshot: { ...snapshot, context: { cents: 6 } } });
        return { ...acquired, run: { ...acquired.run, state: withState(acquired.run.state, change) } };
      },
    }));
    const failures = await failuresOf({ store, crash: 'every-commit' });
    expect(failures['ask → 5, GO, pay → paid']).toMatch(
      /^It is another (?:context|list of pending invocations) than the path says\./,
    );
  });

  it('catch a second effect: a payment begun by one process, and performed again by the next', async () => {
    const store = broken((below) => ({
      // The start of what is irreversible is acknowledged, and forgotten.
      record: async (runId, { token, id, log }) => below.record(runId, { token, id, log }),
    }));
    expect(await failuresOf({ store })).toEqual({});
    const failures = await failuresOf({ store, crash: 'every-commit' });
    expect(failures['ask → 5, GO, pay → paid']).toMatch(
      /^`pay` had a second effect for `pay#1`: it is irreversible and has no idempotency key, and was performed again\.\n {2}at step 4 of 4, pay → paid, by a process killed just before its write 6\n/,
    );
  });

  it('catch mail that was taken and stays', async () => {
    const store = broken((below) => ({
      commit: async (runId, commit) => below.commit(runId, { ...commit, consumed: [] }),
    }));
    const failures = await failuresOf({ store });
    expect(failures['ask → 5, GO, pay → paid']).toContain('There is mail that the run has not taken.');
  });

  it('catch a history that has lost an entry', async () => {
    const store = broken((below) => ({
      record: async (runId, recording) => below.record(runId, { ...recording, log: [] }),
    }));
    const failures = await failuresOf({ store });
    expect(failures['ask → 5, GO, pay → paid']).toMatch(
      /^The store has another history than was written\.\n {2}after its last step\n/,
    );
  });

  it('catch a state that was stored as another', async () => {
    const store = broken((below) => ({
      async load(runId) {
        const stored = await below.load(runId);
        return stored && { ...stored, state: withState(stored.state, () => ({ ids: 77 })) };
      },
    }));
    const failures = Object.values(await failuresOf({ store }));
    expect(failures).toContainEqual(expect.stringMatching(/^The store has another state than was written\./));
  });

  it('catch what the engine reports and no caller waits for', async () => {
    const store = broken(() => ({
      record: async () => {
        throw new Error('The disk is full.');
      },
    }));
    const failures = await failuresOf({ store });
    expect(failures['ask → 5, GO, pay → paid']).toContain('The engine reported a problem: The disk is full.');
  });

  it('catch a guard that asks an error for its class, which no store gives back', async () => {
    class Refused extends Error {}
    const ask = durableLogic({
      kind: 'test',
      name: 'ask',
      irreversible: false,
      idempotent: false,
      failures: [new Refused('No.')],
      perform: async () => {},
    });
    const machine = setup({ actors: { ask } }).createMachine({
      id: 'asking',
      initial: 'asking',
      states: {
        asking: {
          invoke: {
            id: 'ask',
            src: 'ask',
            onDone: 'done',
            onError: [
              { guard: ({ event }) => event.error instanceof Refused, target: 'refused' },
              { target: 'done' },
            ],
          },
        },
        refused: { type: 'final' },
        done: { type: 'final' },
      },
    });
    const failures = await failuresOf({}, defineWorkflow({ machine: machine as never, version: '1' }));
    expect(Object.keys(failures)).toHaveLength(1);
  });

  it('catch an input that the actor would not have taken', async () => {
    const failures = await failuresOf({}, createPayment({ payable: z.number().min(10) }));
    expect(failures).toEqual({
      'ask → 5, GO, pay → paid': expect.stringMatching(
        /^The machine gave `pay` an input that its schema refuses, so it could not have answered: Too small/,
      ),
    });
  });
});

describe('an idempotency key', () => {
  /** Pays twice, with a key of its own making. */
  function paying(
    idempotencyKey: (cents: number, invocation: { readonly key: string }) => string,
  ): AnyWorkflow {
    const pay = fromTool({
      name: 'pay',
      input: z.number(),
      output: z.literal('paid'),
      irreversible: true,
      idempotencyKey,
      run: async () => 'paid' as const,
    });
    const machine = setup({ actors: { pay } }).createMachine({
      id: 'paying',
      initial: 'first',
      states: {
        first: { invoke: { id: 'pay', src: 'pay', input: 5, onDone: 'second', onError: 'done' } },
        second: { invoke: { id: 'pay again', src: 'pay', input: 6, onDone: 'done', onError: 'done' } },
        done: { type: 'final' },
      },
    });
    return defineWorkflow({ machine, version: '1' });
  }

  it('of the invocation makes one effect of all performances', async () => {
    expect(
      await failuresOf(
        { crash: 'every-commit' },
        paying((_, { key }) => key),
      ),
    ).toEqual({});
  });

  it('that is another each time makes two of one, once a process is killed', async () => {
    let asked = 0;
    const random = paying(() => `payment ${++asked}`);
    expect(await failuresOf({}, random)).toEqual({});
    const failures = await failuresOf({ crash: 'every-commit' }, random);
    expect(failures['pay → paid, pay again → paid']).toMatch(
      /^`pay` had a second effect for `pay#1`: it was performed again with the idempotency key `payment \d+`, and before with `payment \d+`\..*\n {2}at step 2 of 3, pay → paid, by a process killed just/,
    );
  });

  it('that does not tell two effects apart loses the second', async () => {
    const failures = await failuresOf(
      {},
      paying(() => 'payment'),
    );
    expect(failures).toEqual({
      'pay → paid, pay again → paid': expect.stringMatching(
        /^`pay` was asked for another effect under the idempotency key `payment`: for `pay#1` it was done, and for `pay again#1` it has another input/,
      ),
      'pay → paid, pay again → failed': expect.stringContaining('was asked for another effect'),
    });
  });
});

describe('a process that is killed while it pays', () => {
  it('leaves a machine that is told that the outcome is unknown, once, and is not paid again', async () => {
    const data = createMemoryData();
    const store = (): Store => memoryStore({ data });
    expect(await failuresOf({ store, crash: 'every-commit' })).toEqual({});
    const unknown = [...data.runs.values()].map(
      ({ log }) =>
        log
          .map(decodeEntry)
          .filter((entry) => entry.type === 'message' && entry.message.type === 'error')
          .filter((entry) => JSON.stringify(entry).includes('OUTCOME_UNKNOWN')).length,
    );
    expect(Math.max(...unknown)).toBe(1);
    // After the attempt was recorded, until its outcome was: two kills, on each of two paths.
    expect(unknown.filter((count) => count === 1)).toHaveLength(4);
  });

  it('must not leave it without a way on', async () => {
    const { machine } = createPayment();
    const states = { ...machine.config.states, unsure: {} };
    const stuck = setup({ actors: machine.implementations.actors as never }).createMachine({
      ...machine.config,
      states,
    } as never);
    const failures = await failuresOf(
      { crash: 'every-commit', threshold: 0 },
      defineWorkflow({ machine: stuck as never, version: '1' }),
    );
    expect(failures['ask → 5, GO, pay → paid']).toMatch(
      /^It hangs: it is active in "unsure", and nothing is left that could come\./,
    );
  });

  it('must not be told so if nothing was begun', async () => {
    const store = broken((below) => ({
      async acquire(runId, options) {
        const acquired = await below.acquire(runId, options);
        if (typeof acquired === 'string') return acquired;
        const { invocations } = decode(acquired.run.state) as RunState;
        const journal = new Map(invocations.map(({ key }) => [`attempt ${key} 1`, '1']));
        return { ...acquired, journal };
      },
    }));
    const failures = await failuresOf({ store, crash: 'every-commit' });
    expect(Object.keys(failures).sort()).toEqual([
      'ask → 5, GO, pay → failed, GO',
      'ask → 5, GO, pay → paid',
    ]);
    for (const failure of Object.values(failures)) {
      expect(failure).toMatch(/^It is another message than the path says\./);
    }
  });
});

describe('the coverage of paths', () => {
  const workflow = (): AnyWorkflow => {
    const machine = setup({
      types: { events: {} as { type: 'OPEN'; code: string } },
      guards: { known: ({ event }) => event.code === 'sesame' },
    }).createMachine({
      id: 'cave',
      initial: 'shut',
      states: {
        shut: { on: { OPEN: { guard: 'known', target: 'open' } }, after: { 10: 'left' } },
        open: {},
        left: {},
      },
    });
    return defineWorkflow({
      machine: machine as never,
      version: '1',
      events: { OPEN: z.object({ code: z.string() }) } as never,
    });
  };

  it('fails below the threshold, and tells what is missing and what to do', async () => {
    expect(await failuresOf({}, workflow())).toEqual({
      'takes 1 of 2 transitions (50%)': [
        'The paths take 50% of the transitions; at least 100% are asked for. Missing:',
        '  shut OPEN 0: guard known never passed; an example of OPEN?',
        'What actors answer and events hold is made from their schemas, and from `examples` of the workflow or of this call:',
        '  examples: [{ name, input, outputs: { <src>: [<output>] }, events: { <TYPE>: [<payload>] } }]',
        'Give one that leads there, or say why a transition need not be taken: `excused: { "<transition>": "<reason>" }`.',
      ].join('\n'),
    });
    expect(await failuresOf({ threshold: 50.1 }, workflow())).toHaveProperty([
      'takes 1 of 2 transitions (50%)',
    ]);
    expect(await failuresOf({ threshold: 50 }, workflow())).toEqual({});
  });

  it('is whole with the example that leads there', async () => {
    const examples = [{ name: 'thieves', input: undefined, events: { OPEN: [{ code: 'sesame' }] } }];
    expect(await failuresOf({ examples }, workflow())).toEqual({});
  });

  it('does not count what is excused, which must then not be taken', async () => {
    const excused = { 'shut OPEN 0': 'Nobody knows the word.' };
    const [...tests] = pathTests(workflow(), { excused });
    expect(tests.at(-1)?.name).toBe('takes 1 of 1 transitions (100%, 1 excused)');
    expect(await failuresOf({ excused }, workflow())).toEqual({});
    const needless = { 'shut after 10 0': 'Nobody leaves.' };
    expect(Object.values(await failuresOf({ excused: needless, threshold: 0 }, workflow()))).toEqual([
      'Excused, but taken: `shut after 10 0`. Remove it from `excused`.',
    ]);
  });

  it('tells the missing transitions with their guards', () => {
    const { coverage } = pathTests(workflow());
    expect(coverage).toMatchObject({
      covered: 1,
      of: 2,
      percent: 50,
      missing: [{ id: 'shut OPEN 0', guard: 'known' }],
      stuckGuards: [{ name: 'known', passed: false, failed: true }],
    });
  });
});
