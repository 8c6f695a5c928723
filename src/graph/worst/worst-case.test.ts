import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromPromise, setup } from 'xstate';
import { z } from 'zod';

import { durableLogic } from '../../actors/durable-logic.ts';
import { fromWorkflow } from '../../actors/from-workflow.ts';
import { InvalidOption } from '../../errors.ts';
import { person } from '../../gates/person.ts';
import type { WorstCase, WorstCaseScope } from '../../invocation.ts';
import { type AnyWorkflow, defineWorkflow, type WorkflowDefinition } from '../../workflow.ts';
import { placeName } from '../checks/place-name.ts';
import { explore } from '../explore.ts';
import type { GraphNode } from '../graph.ts';
import { worstCase } from './worst-case.ts';

type Says = Partial<WorstCase> | ((input: unknown, scope: WorstCaseScope) => Partial<WorstCase>);

/** An actor that says by hand what it takes. */
function taking(name: string, says: Says, { fallible = true, output = z.literal('ok') as z.ZodType } = {}) {
  return durableLogic<unknown, unknown>({
    kind: 'model',
    name,
    output,
    irreversible: false,
    idempotent: true,
    fallible,
    worstCase: (input, scope) => ({
      modelCalls: 0,
      tokens: 0,
      usd: 0,
      timeMs: 0,
      ...(typeof says === 'function' ? says(input, scope) : says),
    }),
    perform: () => Promise.reject(new Error('Nothing is performed.')),
  });
}

const call = (times: number) => ({
  modelCalls: times,
  tokens: 100 * times,
  usd: times / 100,
  timeMs: 1_000 * times,
});
const machines = setup({
  types: { context: {} as { rounds: number; text: string } },
  actors: {
    one: taking('one', call(1)),
    two: taking('two', call(2)),
    five: taking('five', call(5)),
    byLength: taking('byLength', (input) => call(String(input).length)),
    choosing: taking('choosing', call(1), { output: z.enum(['a', 'bb', 'cccc']) }),
    silent: fromPromise(async () => 'ok'),
    unpriced: taking('unpriced', (_, { costOf }) => ({
      ...call(1),
      usd: costOf({ model: 'nobody-knows', usage: { inputTokens: 1, outputTokens: 1 } }),
    })),
    assuming: taking('assuming', (_, { assume }) => {
      assume('prompts are short');
      return call(1);
    }),
    throwing: taking('throwing', () => {
      throw new Error('No template.');
    }),
  },
  guards: { few: ({ context }) => context.rounds < 3 },
  actions: { count: assign({ rounds: ({ context }) => context.rounds + 1 }) },
});
const done = { type: 'final' } as const;

function workflowOf(config: object, definition: object = {}): AnyWorkflow {
  const machine = machines.createMachine({
    id: 'taking',
    context: { rounds: 0, text: '' },
    ...config,
  } as Parameters<typeof machines.createMachine>[0]);
  return defineWorkflow({ machine, version: '1', owner: 'us', ...definition } as WorkflowDefinition<
    never,
    unknown
  >) as AnyWorkflow;
}

const invoke = (src: string, next: string, failed = next) => ({
  invoke: { id: src, src, onDone: next, onError: failed },
});

describe('worstCase', () => {
  it('adds up a chain, from each state on', () => {
    const { run, bounded, places, complete } = worstCase(
      workflowOf({ initial: 'a', states: { a: invoke('one', 'b'), b: invoke('two', 'c'), c: done } }),
    );
    expect(run).toEqual({ modelCalls: 3, tokens: 300, usd: 0.03, timeMs: 3_000, elapsedMs: 3_000 });
    expect(bounded).toEqual(run);
    expect(complete).toBe(true);
    // What a run does in `a` was begun before it came there, but for its time.
    expect(places).toMatchObject([
      { place: 'a', worst: { modelCalls: 2, usd: 0.02, timeMs: 3_000 }, dearest: 'one → ok' },
      { place: 'b', worst: { modelCalls: 0, usd: 0, timeMs: 2_000 }, dearest: '' },
    ]);
  });

  it('takes the dearer branch of each measure, with a path that shows it', () => {
    const states = { a: invoke('one', 'b', 'c'), b: invoke('five', 'd'), c: invoke('two', 'd'), d: done };
    const { run, dearest } = worstCase(workflowOf({ initial: 'a', states }));
    expect(run).toMatchObject({ modelCalls: 6, timeMs: 6_000 });
    expect(dearest.name).toBe('one → ok');
  });

  it('counts each round of a loop that a counter bounds', () => {
    const states = {
      a: {
        invoke: {
          id: 'one',
          src: 'one',
          onDone: 'b',
          onError: [{ guard: 'few', target: 'a', actions: 'count', reenter: true }, { target: 'b' }],
        },
      },
      b: done,
    };
    const { run, loops } = worstCase(workflowOf({ initial: 'a', states }));
    expect(run).toMatchObject({ modelCalls: 4, usd: 0.04, timeMs: 4_000 });
    expect(loops).toEqual([]);
  });

  it('has no bound for a loop without a counter, and shows it', () => {
    const states = { a: invoke('one', 'c', 'b'), b: { after: { 500: 'a' } }, c: done };
    const { run, bounded, loops } = worstCase(workflowOf({ initial: 'a', states }));
    expect(run).toMatchObject({ modelCalls: Infinity, usd: Infinity, timeMs: Infinity });
    expect(bounded.usd).toBe(Infinity);
    expect(loops.map(({ name }) => name)).toEqual(['one → failed, after 500, one → failed']);
  });

  it('says which event begins rounds without a bound, what is taken without it, and what each adds', () => {
    const states = {
      drafting: invoke('two', 'asking'),
      asking: { ...person({ title: 'Good?' }), on: { EDIT: 'drafting', YES: 'sending' } },
      sending: invoke('one', 'sent'),
      sent: done,
    };
    const { run, bounded, rounds, loops } = worstCase(workflowOf({ initial: 'drafting', states }));
    expect(run).toEqual({
      modelCalls: Infinity,
      tokens: Infinity,
      usd: Infinity,
      timeMs: Infinity,
      elapsedMs: Infinity,
    });
    expect(bounded).toMatchObject({ modelCalls: 3, usd: 0.03, timeMs: 3_000 });
    // Drafting again, and all that may come after it.
    expect(rounds).toMatchObject([{ event: 'EDIT', each: { modelCalls: 3, usd: 0.03, timeMs: 3_000 } }]);
    expect(rounds[0]?.path.name).toBe('two → ok, EDIT, two → ok');
    expect(loops).toEqual([]);
  });

  it('holds it against no loop that nothing is begun in', () => {
    const states = { a: { on: { MORE: 'b', END: 'c' } }, b: { on: { LESS: 'a' } }, c: done };
    const { run, rounds } = worstCase(workflowOf({ initial: 'a', states }));
    expect(run).toEqual({ modelCalls: 0, tokens: 0, usd: 0, timeMs: 0, elapsedMs: Infinity });
    expect(rounds).toEqual([]);
  });

  it('takes as long as the longer of what goes on side by side, and what comes after it', () => {
    const region = (first: string, second: string) => ({
      initial: 'x',
      states: { x: invoke(first, 'y'), y: invoke(second, 'z'), z: done },
    });
    const both = (one: object, two: object) =>
      workflowOf({
        initial: 'a',
        states: {
          a: { type: 'parallel', states: { one, two }, onDone: 'b' },
          b: invoke('one', 'c'),
          c: done,
        },
      });
    const { run } = worstCase(both(region('five', 'one'), region('two', 'unpriced')));
    expect(run).toMatchObject({ modelCalls: 5 + 1 + 2 + 1 + 1, timeMs: 6_000 + 1_000 });
  });

  it('waits no longer for an answer than a timer allows', () => {
    const states = { a: { ...invoke('five', 'b'), after: { 1_500: 'b' } }, b: invoke('one', 'c'), c: done };
    expect(worstCase(workflowOf({ initial: 'a', states })).run).toMatchObject({
      modelCalls: 6,
      timeMs: 2_500,
      elapsedMs: 2_500,
    });
  });

  it('lets a timer bound all the rounds that it goes on in, but not those that arm it anew', () => {
    const waiting = (reenter: boolean) =>
      workflowOf({
        initial: 'a',
        states: {
          a: {
            initial: 'x',
            states: { x: invoke('one', 'y'), y: { on: { AGAIN: 'x' } } },
            after: { 60_000: 'b' },
            ...(reenter ? { on: { ANEW: { target: 'a', reenter: true } } } : {}),
          },
          b: done,
        },
      });
    const bound = worstCase(waiting(false));
    expect(bound.run).toMatchObject({ modelCalls: Infinity, timeMs: 60_000, elapsedMs: 60_000 });
    expect(bound.rounds.map(({ event }) => event)).toEqual(['AGAIN']);
    expect(worstCase(waiting(true)).run).toMatchObject({ timeMs: Infinity, elapsedMs: Infinity });
  });

  it('keeps what people take apart from what the machine takes', () => {
    const asking = (after: object) => ({
      a: invoke('one', 'b'),
      b: { ...person({ title: 'Good?' }), on: { YES: 'c' }, ...after },
      c: invoke('two', 'd'),
      d: done,
    });
    const timed = worstCase(workflowOf({ initial: 'a', states: asking({ after: { 86_400_000: 'd' } }) }));
    expect(timed.run).toMatchObject({ timeMs: 3_000, elapsedMs: 86_403_000 });
    const untimed = worstCase(workflowOf({ initial: 'a', states: asking({}) }));
    expect(untimed.run).toMatchObject({ timeMs: 3_000, elapsedMs: Infinity });
    expect(untimed.bounded).toMatchObject({ timeMs: 3_000, elapsedMs: 3_000 });
  });

  it('waits for no event that the machine takes anywhere: a delay is its own', () => {
    const states = { a: invoke('one', 'b'), b: { after: { 5_000: 'c' } }, c: done };
    const { run } = worstCase(workflowOf({ initial: 'a', states, on: { CANCEL: '.c' } }));
    expect(run).toMatchObject({ timeMs: 6_000, elapsedMs: 6_000 });
  });

  it('names actors that say nothing, and counts what else there is', () => {
    const { run, bounded, silent, untimed } = worstCase(
      workflowOf({ initial: 'a', states: { a: invoke('silent', 'b'), b: invoke('one', 'c'), c: done } }),
    );
    expect(run).toMatchObject({ modelCalls: 1, timeMs: Infinity, elapsedMs: Infinity });
    expect(bounded).toMatchObject({ modelCalls: 1, timeMs: 1_000, elapsedMs: 1_000 });
    expect([silent, untimed]).toEqual([['silent'], ['silent']]);
  });

  it('names models without a price, what is assumed, and actors that cannot say', () => {
    const states = {
      a: invoke('unpriced', 'b'),
      b: invoke('assuming', 'c'),
      c: invoke('throwing', 'd'),
      d: done,
    };
    const { run, unpriced, assumes, silent } = worstCase(workflowOf({ initial: 'a', states }));
    expect(run).toMatchObject({ modelCalls: 2, usd: 0.01 });
    expect(unpriced).toEqual(['nobody-knows']);
    expect(assumes).toEqual(['prompts are short', expect.stringMatching(/^throwing .*: No template\.$/)]);
    expect(silent).toEqual(['throwing']);
    const prices = {
      asOf: '2026-11-21',
      source: 'us',
      models: { 'nobody-knows': { input: 1e6, output: 1e6, cacheRead: 0, cacheWrite: 0 } },
    };
    const priced = worstCase(workflowOf({ initial: 'a', states }), { prices });
    expect(priced.unpriced).toEqual([]);
    expect(priced.run.usd).toBe(2.01);
  });

  it('takes the dearest of inputs that lead the same way', () => {
    const states = {
      a: {
        invoke: {
          id: 'choosing',
          src: 'choosing',
          onDone: {
            target: 'b',
            actions: assign({ text: ({ event }) => (event as unknown as { output: string }).output }),
          },
          onError: 'c',
        },
      },
      b: {
        invoke: {
          id: 'byLength',
          src: 'byLength',
          input: ({ context }: { context: { text: string } }) => context.text,
          onDone: 'c',
          onError: 'c',
        },
      },
      c: done,
    };
    expect(worstCase(workflowOf({ initial: 'a', states })).run).toMatchObject({
      modelCalls: 5,
      timeMs: 5_000,
    });
  });

  it('takes states that were left out to go on like the most similar ones at their place, and says so', () => {
    const parcel = (name: string, times: number, outputs: ReadonlyArray<readonly [string, string]>) =>
      taking(name, call(times), {
        output: z.union(outputs.map((pair) => z.tuple([z.literal(pair[0]), z.literal(pair[1])])) as never),
      });
    const machine = setup({
      types: { context: {} as { parcel: readonly [string, string] } },
      actors: {
        first: parcel('first', 1, [
          ['a', 'small'],
          ['b', 'large'],
        ]),
        // Costs more, and comes with values that were there before, though not together.
        second: parcel('second', 2, [['a', 'large']]),
        pack: taking('pack', call(5)),
      },
      guards: {
        isA: ({ context }) => context.parcel[0] === 'a',
        isLarge: ({ context }) => context.parcel[1] === 'large',
      },
    }).createMachine({
      id: 'packing',
      context: { parcel: ['', ''] },
      initial: 'first',
      states: {
        first: {
          invoke: {
            src: 'first',
            onDone: {
              target: 'deciding',
              actions: assign({ parcel: ({ event }) => event.output as [string, string] }),
            },
            onError: 'second',
          },
        },
        second: {
          invoke: {
            src: 'second',
            onDone: {
              target: 'deciding',
              actions: assign({ parcel: ({ event }) => event.output as [string, string] }),
            },
            onError: 'done',
          },
        },
        deciding: {
          on: { GO: [{ guard: 'isA', target: 'packing' }, { target: 'weighing' }] },
          after: { 1_000: 'weighing' },
        },
        weighing: { after: { 1_000: [{ guard: 'isLarge', target: 'packing' }, { target: 'packing' }] } },
        packing: { invoke: { src: 'pack', onDone: 'done', onError: 'done' } },
        done,
      },
    });
    const workflow = defineWorkflow({ machine, version: '1', owner: 'us' }) as AnyWorkflow;
    const whole = worstCase(workflow, { variants: Infinity });
    const most = worstCase(workflow, { variants: 2 });
    expect(explore(workflow, { variants: 2 }).nodes.some(({ explored }) => !explored)).toBe(true);
    expect(whole.run.modelCalls).toBe(8);
    expect(most.run.modelCalls).toBe(8);
    expect(most.complete).toBe(true);
    expect(most.assumes.join()).toMatch(/states go on as the most similar of those at the same place/);
    expect(whole.assumes).toEqual([]);
  });

  it('is not complete if there are states that were not gone on from', () => {
    const states = { a: invoke('one', 'b'), b: invoke('one', 'c'), c: invoke('one', 'd'), d: done };
    const { complete } = worstCase(workflowOf({ initial: 'a', states }), { maxNodes: 2 });
    expect(complete).toBe(false);
  });

  it('knows the longest chain of answers that nobody looks at', () => {
    const states = {
      a: invoke('one', 'b', 'asking'),
      b: invoke('two', 'asking', 'a'),
      asking: { ...person({ title: 'Good?' }), on: { YES: 'c' } },
      c: invoke('five', 'd'),
      d: done,
    };
    expect(worstCase(workflowOf({ initial: 'a', states })).chain).toEqual({
      actors: ['one', 'two'],
      judged: [],
    });
  });

  it.each([[{ prices: { asOf: 'today', source: 'us', models: {} } }], [{ maxNodes: 0 }]])(
    'refuses %j',
    (options) => {
      expect(() => worstCase(workflowOf({ initial: 'a', states: { a: done } }), options)).toThrow(
        InvalidOption,
      );
    },
  );
});

describe('worstCase of child runs', () => {
  /** As `fromWorkflow` is to say it. */
  const starting = (workflow: AnyWorkflow) =>
    taking('child', (input, scope) => scope.ofRun(workflow, input), { fallible: false });
  const parentOf = (child: AnyWorkflow) =>
    defineWorkflow({
      machine: setup({ actors: { child: starting(child) } }).createMachine({
        id: 'parent',
        initial: 'a',
        states: { a: { invoke: { id: 'child', src: 'child', onDone: 'b', onError: 'b' } }, b: done },
      }),
      version: '1',
    }) as AnyWorkflow;

  it('counts all that a run of the child can take, what it waits for people apart', () => {
    const child = workflowOf({
      initial: 'a',
      states: {
        a: invoke('two', 'b'),
        b: { on: { YES: 'c' }, after: { 60_000: 'c' } },
        c: invoke('unpriced', 'd'),
        d: done,
      },
    });
    const { run, assumes, unpriced } = worstCase(parentOf(child));
    expect(run).toMatchObject({ modelCalls: 3, usd: 0.02, timeMs: 3_000, elapsedMs: 63_000 });
    expect(assumes).toEqual(['runs of taking begin as in its examples']);
    expect(unpriced).toEqual(['nobody-knows']);
  });

  it('takes no more than the budget of the child, which is enforced', () => {
    const states = { a: invoke('five', 'b'), b: done };
    const child = workflowOf({ initial: 'a', states }, { budget: { usd: 0.02 } });
    expect(worstCase(parentOf(child)).run).toMatchObject({ modelCalls: 5, tokens: 500, usd: 0.02 });
  });

  it('has no bound if a workflow starts runs of itself', () => {
    const itself: { workflow?: AnyWorkflow } = {};
    const again = taking('again', (input, scope) =>
      itself.workflow ? scope.ofRun(itself.workflow, input) : {},
    );
    itself.workflow = defineWorkflow({
      machine: setup({ actors: { again } }).createMachine({
        id: 'endless',
        initial: 'a',
        states: { a: { invoke: { id: 'again', src: 'again', onDone: 'b', onError: 'b' } }, b: done },
      }),
      version: '1',
    }) as AnyWorkflow;
    const { run, recursive } = worstCase(itself.workflow);
    expect(run.modelCalls).toBe(Infinity);
    expect(recursive).toEqual(['endless@1']);
  });

  it('asks `fromWorkflow` the same', () => {
    const child = workflowOf({ initial: 'a', states: { a: invoke('two', 'b'), b: done } });
    const parent = defineWorkflow({
      machine: createMachine({
        id: 'parent',
        initial: 'a',
        states: {
          a: { invoke: { id: 'child', src: fromWorkflow({ workflow: child }), onDone: 'b', onError: 'b' } },
          b: done,
        },
      }),
      version: '1',
    });
    expect(worstCase(parent as AnyWorkflow).run).toMatchObject({ modelCalls: 2, timeMs: 2_000 });
  });
});

describe('against every path there is', () => {
  const step = fc.record({
    calls: fc.nat({ max: 4 }),
    ms: fc.nat({ max: 50 }),
    after: fc.option(fc.integer({ min: 1, max: 40 })),
    // How much further each way leads.
    ok: fc.integer({ min: 1, max: 4 }),
    failed: fc.integer({ min: 1, max: 4 }),
    late: fc.integer({ min: 1, max: 4 }),
  });

  it('finds the longest of all paths through a machine without loops', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 9 }), (steps) => {
        const nameAt = (index: number): string => (index < steps.length ? `s${index}` : 'end');
        const actors = Object.fromEntries(
          steps.map(({ calls, ms }, index) => [
            `a${index}`,
            taking(`a${index}`, { ...call(calls), timeMs: ms }),
          ]),
        );
        const states = Object.fromEntries(
          steps.map(({ ok, failed, late, after }, index) => [
            `s${index}`,
            {
              ...invoke(`a${index}`, nameAt(index + ok), nameAt(index + failed)),
              ...(after === null ? {} : { after: { [after]: nameAt(index + late) } }),
            },
          ]),
        );
        const machine = setup({ actors }).createMachine({
          id: 'random',
          initial: 's0',
          states: { ...states, end: done },
        } as never);
        const workflow = defineWorkflow({ machine, version: '1' } as never) as unknown as AnyWorkflow;

        const lasts = (node: GraphNode): number => {
          const index = Number(placeName(node.state?.snapshot.value).slice(1));
          const { ms = 0, after = null } = steps[index] ?? {};
          return Math.min(ms, after ?? Infinity);
        };
        const longest = (node: GraphNode): { readonly modelCalls: number; readonly timeMs: number } => {
          const onward = node.out.map(({ advanced, to }) => {
            const rest = longest(to);
            const started = advanced.started.map(({ src }) => steps[Number(src.slice(1))]?.calls ?? 0);
            return {
              modelCalls: started.reduce((sum, calls) => sum + calls, rest.modelCalls),
              timeMs: rest.timeMs + (node.state ? lasts(node) : 0),
            };
          });
          return {
            modelCalls: Math.max(0, ...onward.map(({ modelCalls }) => modelCalls)),
            timeMs: Math.max(0, ...onward.map(({ timeMs }) => timeMs)),
          };
        };
        const { start, nodes } = explore(workflow);
        const { run, places, complete } = worstCase(workflow);
        expect(complete).toBe(true);
        expect(run).toMatchObject(longest(start));
        expect(run.elapsedMs).toBe(run.timeMs);
        for (const { place, worst } of places) {
          const at = nodes.filter(({ state }) => state?.snapshot.value === place).map(longest);
          expect(worst.modelCalls).toBe(Math.max(...at.map(({ modelCalls }) => modelCalls)));
          expect(worst.timeMs).toBe(Math.max(...at.map(({ timeMs }) => timeMs)));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is the longest of chains that run side by side, for any two', () => {
    const chain = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(chain, chain, (one, two) => {
        const named = { one, two };
        const actors = Object.fromEntries(
          Object.entries(named).flatMap(([name, all]) =>
            all.map((timeMs, index) => [`${name}${index}`, taking(`${name}${index}`, { timeMs })]),
          ),
        );
        const region = (name: string, all: readonly number[]) => ({
          initial: 's0',
          states: {
            ...Object.fromEntries(
              all.map((_, index) => [`s${index}`, invoke(`${name}${index}`, `s${index + 1}`)]),
            ),
            [`s${all.length}`]: done,
          },
        });
        const machine = setup({ actors }).createMachine({
          id: 'beside',
          type: 'parallel',
          states: { one: region('one', one), two: region('two', two) },
        } as never);
        const { run } = worstCase(
          defineWorkflow({ machine, version: '1' } as never) as unknown as AnyWorkflow,
        );
        const sum = (all: readonly number[]): number => all.reduce((total, ms) => total + ms, 0);
        expect(run.timeMs).toBe(Math.max(sum(one), sum(two)));
      }),
      { numRuns: 30 },
    );
  });
});
