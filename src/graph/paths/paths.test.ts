import { getSimplePaths } from '@xstate/graph';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, createMachine, setup } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../actors/index.ts';
import { InvalidOption } from '../../errors.ts';
import { gate } from '../../gates/gate.ts';
import { type AnyWorkflow, defineWorkflow } from '../../workflow.ts';
import { criteria, paths } from './paths.ts';
import { randomPaths } from './random-paths.ts';

const draft = fromTool({
  name: 'draft',
  input: z.undefined(),
  output: z.object({ length: z.enum(['short', 'long']) }),
  run: async () => ({ length: 'short' as const }),
});
const send = fromTool({
  name: 'send',
  input: z.undefined(),
  output: z.object({ sent: z.literal(true) }),
  run: async () => ({ sent: true as const }),
});

const machine = setup({
  types: {
    context: {} as { tries: number },
    events: {} as { type: 'APPROVE'; by: string } | { type: 'REJECT' },
  },
  actors: { draft, send },
  guards: {
    shortEnough: gate(
      'shortEnough',
      ({ event }) => outputOf(event).length === 'short' || ['It is too long.'],
    ),
    mayRepair: ({ context }) => context.tries < 2,
  },
}).createMachine({
  id: 'reply',
  context: { tries: 0 },
  initial: 'drafting',
  states: {
    drafting: {
      invoke: {
        id: 'draft',
        src: 'draft',
        input: undefined,
        onDone: [
          { guard: 'shortEnough', target: 'sending' },
          {
            guard: 'mayRepair',
            target: 'drafting',
            reenter: true,
            actions: assign({ tries: ({ context }) => context.tries + 1 }),
          },
          { target: 'asking' },
        ],
        onError: 'asking',
      },
    },
    asking: { on: { APPROVE: 'sending', REJECT: 'rejected' }, after: { 60_000: 'rejected' } },
    sending: { invoke: { id: 'send', src: 'send', input: undefined, onDone: 'sent', onError: 'asking' } },
    sent: { type: 'final' },
    rejected: { type: 'final' },
  },
});

const reply = defineWorkflow({
  machine,
  version: '1',
  events: { APPROVE: z.object({ by: z.string() }), REJECT: z.object({}) } as never,
});

function outputOf(event: unknown): { length: string } {
  return (event as { output: { length: string } }).output;
}

describe('paths', () => {
  it('cover every transition, end where the run does, and can be read', () => {
    const { paths: found, coverage, graph } = paths(reply);
    expect(coverage).toEqual({ criterion: 'transitions', covered: 9, of: 9, missing: [], leftOut: [] });
    expect(found.map(({ name }) => name)).toEqual([
      'draft → long (not shortEnough), draft → long (not shortEnough), draft → long (not shortEnough), REJECT',
      'draft → short, send → failed, REJECT',
      'draft → failed, APPROVE, send → true',
      'draft → failed, after 60000',
    ]);
    expect(found.map(({ steps }) => steps.at(-1)?.status)).toEqual(['done', 'done', 'done', 'done']);
    expect(graph).toMatchObject({ leftOut: 0, stuckGuards: [], lacking: [] });
  });

  it('tell what really comes of each step', () => {
    const { paths: found } = paths(reply);
    const late = found.find(({ name }) => name.includes('after'));
    expect(late?.steps.map(({ name, value, transitions }) => [name, value, transitions])).toEqual([
      ['', 'drafting', []],
      ['draft → failed', 'asking', ['drafting draft.error 0']],
      ['after 60000', 'rejected', ['asking after 60000 0']],
    ]);
    const [start, , end] = late?.steps ?? [];
    expect((end?.at ?? 0) - (start?.at ?? 0)).toBe(60_000);
  });

  it('cover every state with fewer', () => {
    const { paths: found, coverage } = paths(reply, { cover: 'states' });
    expect(coverage).toMatchObject({ covered: 5, of: 5, missing: [] });
    expect(found.length).toBeLessThan(4);
  });

  it('cover every two transitions that follow each other', () => {
    const { paths: found, coverage } = paths(reply, { cover: 'transition-pairs' });
    expect(coverage.missing).toEqual([]);
    const pairs = found.flatMap(({ steps }) => {
      const all = steps.flatMap(({ transitions }) => transitions);
      return all.slice(1).map((one, index) => `${all[index]} then ${one}`);
    });
    expect(pairs).toContain('asking APPROVE 0 then sending send.error 0');
    expect(pairs).toContain('drafting draft.done 1 then drafting draft.error 0');
    expect(new Set(pairs).size).toBe(coverage.of);
  });

  it('say what no way was found to, and why', () => {
    const workflow = defineWorkflow({
      machine: createMachine({
        id: 'stuck',
        initial: 'a',
        states: { a: { on: { GO: { guard: () => false, target: 'b' } } }, b: { on: { BACK: 'a' } } },
      }),
      version: '1',
    });
    const { coverage, graph } = paths(workflow);
    expect(coverage).toMatchObject({ covered: 0, of: 2, missing: ['a GO 0', 'b BACK 0'] });
    expect(graph.stuckGuards).toEqual([{ name: 'guard', transition: 'a GO 0', passed: false, failed: true }]);
  });

  it('end with what they have when there are more than asked for', () => {
    for (const cover of criteria) {
      const { paths: found, coverage } = paths(reply, { cover, maxPaths: 1 });
      expect(found).toHaveLength(1);
      expect(coverage.leftOut.length).toBeGreaterThan(0);
    }
  });

  it('begin with each example, and are told apart by its name', () => {
    const workflow = defineWorkflow({
      machine: setup({
        types: { input: {} as { high: boolean }, context: {} as { high: boolean } },
      }).createMachine({
        id: 'two-ways',
        context: ({ input }) => input,
        initial: 'deciding',
        states: {
          deciding: { always: [{ guard: ({ context }) => context.high, target: 'high' }, { target: 'low' }] },
          high: { type: 'final' },
          low: { type: 'final' },
        },
      }),
      version: '1',
      input: z.object({ high: z.boolean() }),
      examples: [
        { name: 'over the limit', input: { high: true } },
        { name: 'under it', input: { high: false } },
      ],
    });
    expect(paths(workflow).paths.map(({ name }) => name)).toEqual(['over the limit', 'under it']);
    const wrong = [{ name: 'neither', input: { high: 'very' } }];
    expect(() => paths(workflow, { examples: wrong })).toThrow(
      'Example `neither` of `two-ways@1` is not as the input schema asks: high: Invalid input',
    );
  });

  it.each([
    ['cover', { cover: 'everything' }, 'Expected `cover` to be one of states, transitions'],
    ['maxPaths', { maxPaths: 0 }, 'Expected `maxPaths` to be a positive integer, got `0`.'],
    ['maxNodes', { maxNodes: -1 }, 'Expected `maxNodes` to be a positive integer'],
    ['variants', { variants: 1.5 }, 'Expected `variants` to be a positive integer'],
  ])('refuse a wrong `%s`', (_, options, message) => {
    expect(() => paths(reply, options as never)).toThrow(InvalidOption);
    expect(() => paths(reply, options as never)).toThrow(message);
  });

  it('that are simple are those that @xstate/graph finds', () => {
    fc.assert(
      fc.property(randomGraph, (edges) => {
        const workflow = workflowOf(edges);
        const ours = paths(workflow, { cover: 'all-simple', maxPaths: 100_000 }).paths.map(({ steps }) =>
          steps.slice(1).map(({ move }) => move.name),
        );
        const theirs = getSimplePaths(workflow.machine, {
          events: edges.map(([from, to]) => ({ type: `${from}${to}` })),
        }).map(({ steps }) => steps.slice(1).map(({ event }) => event.type));
        // Theirs stop everywhere on the way; ours go on as far as they can.
        const whole = theirs.filter((path) => !theirs.some((other) => isLonger(other, path)));
        expect(sorted(ours)).toEqual(sorted(whole));
      }),
      { numRuns: 60 },
    );
  });

  it('that are prime hold each way and loop that is part of no longer one', () => {
    const workflow = workflowOf([
      ['a', 'b'],
      ['b', 'a'],
      ['b', 'c'],
    ]);
    const found = paths(workflow, { cover: 'prime' }).paths.map(({ steps }) =>
      steps.slice(1).map(({ move }) => move.name),
    );
    // Round from a to a, round from b to b, and past both to c; each with the way to where it begins.
    expect(sorted(found)).toEqual(['ab ba', 'ab ba ab', 'ab bc']);
  });
});

describe('randomPaths', () => {
  it('walk until the run ends, the same ones for the same seed', () => {
    const { paths: walks, missing } = randomPaths(reply, { count: 50 });
    expect(walks).toHaveLength(50);
    expect(missing).toEqual([]);
    expect(new Set(walks.map(({ steps }) => steps.at(-1)?.status))).toEqual(new Set(['done']));
    expect(randomPaths(reply, { count: 50 }).paths).toEqual(walks);
    expect(randomPaths(reply, { count: 50, seed: 2 }).paths).not.toEqual(walks);
  });

  it('are as long as asked for where nothing ends them', () => {
    const [walk] = randomPaths(workflowOf([['a', 'a']]), { count: 1, maxSteps: 30 }).paths;
    expect(walk?.steps).toHaveLength(30);
  });

  it('say what none of them took', () => {
    const { missing } = randomPaths(reply, { count: 1, maxSteps: 2 });
    expect(missing).toContain('asking APPROVE 0');
    expect(() => randomPaths(reply, { count: 0 })).toThrow(
      'Expected `count` to be a positive integer, got `0`.',
    );
  });
});

const places = ['a', 'b', 'c', 'd', 'e'] as const;
const randomGraph = fc.uniqueArray(fc.tuple(fc.constantFrom(...places), fc.constantFrom(...places)), {
  selector: (edge) => edge.join(''),
  minLength: 1,
  maxLength: 10,
});

function workflowOf(edges: ReadonlyArray<readonly [string, string]>): AnyWorkflow {
  const states = Object.fromEntries(
    places.map((place) => [
      place,
      {
        on: Object.fromEntries(
          edges.filter(([from]) => from === place).map(([from, to]) => [`${from}${to}`, to]),
        ),
      },
    ]),
  );
  return defineWorkflow({
    machine: createMachine({ id: 'graph', initial: 'a', states } as never),
    version: '1',
  });
}

function isLonger(path: readonly string[], than: readonly string[]): boolean {
  return path.length > than.length && than.every((step, index) => path[index] === step);
}

function sorted(all: ReadonlyArray<readonly string[]>): string[] {
  return all.map((path) => path.join(' ')).sort();
}
