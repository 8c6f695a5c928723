import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AnyStateMachine,
  assign,
  createMachine,
  enqueueActions,
  fromPromise,
  sendTo,
  setup,
} from 'xstate';
import { z } from 'zod';

import { fromTool } from '../actors/index.ts';
import { advance, viewState } from '../engine/advance.ts';
import type { RunState } from '../engine/run-state.ts';
import { type AnyWorkflow, defineWorkflow } from '../workflow.ts';
import { explore } from './explore.ts';
import { canonical } from './fold.ts';
import type { Graph } from './graph.ts';
import { createMoves, messageOf } from './moves.ts';
import { paths } from './paths/paths.ts';
import { transitionsOf } from './transitions.ts';
import { watchedWorkflow } from './watch/watched-workflow.ts';

function taken({ edges }: Graph): string[] {
  return [...new Set(edges.flatMap(({ transitions }) => transitions))].sort();
}

function places({ nodes }: Graph): string[] {
  return [...new Set(nodes.map(({ state }) => JSON.stringify(state?.snapshot.value ?? null)))].sort();
}

function workflowOf(machine: unknown): AnyWorkflow {
  return defineWorkflow({ machine: machine as never, version: '1' });
}

describe('explore', () => {
  it('tries what each invocation can answer, and what is accepted, and the timer', () => {
    const decide = fromTool({
      name: 'decide',
      input: z.undefined(),
      output: z.object({ kind: z.enum(['a', 'b']), sure: z.boolean() }),
      run: async () => ({ kind: 'a' as const, sure: true }),
    });
    const machine = setup({
      actors: { decide },
      guards: { isA: ({ event }) => (event as unknown as { output: { kind: string } }).output.kind === 'a' },
    }).createMachine({
      id: 'deciding',
      initial: 'asking',
      states: {
        asking: {
          invoke: {
            id: 'decide',
            src: 'decide',
            input: undefined,
            onDone: [{ guard: 'isA', target: 'a' }, { target: 'b' }],
            onError: 'failed',
          },
        },
        a: { on: { GO: 'done' }, after: { 1000: 'late' } },
        b: { type: 'final' },
        failed: { type: 'final' },
        late: { type: 'final' },
        done: { type: 'final' },
      },
    });
    const graph = explore(workflowOf(machine));
    expect(places(graph)).toEqual(['"a"', '"asking"', '"b"', '"done"', '"failed"', '"late"', 'null']);
    expect(taken(graph)).toEqual([
      'a GO 0',
      'a after 1000 0',
      'asking decide.done 0',
      'asking decide.done 1',
      'asking decide.error 0',
    ]);
  });

  it('goes into machines that stand inline', () => {
    const inner = createMachine({
      id: 'inner',
      initial: 'x',
      states: { x: { after: { 1_000: 'y' } }, y: { type: 'final' } },
    });
    const machine = createMachine({
      id: 'outer',
      initial: 'a',
      states: { a: { invoke: { id: 'inner', src: inner, onDone: 'b' } }, b: { type: 'final' } },
    });
    const workflow = workflowOf(machine);
    const ids = transitionsOf(workflow.machine as AnyStateMachine).map(({ id }) => id);
    expect(ids).toEqual(['a inner.done 0', 'inline:outer.a:0/x after 1000 0']);
    expect(taken(explore(workflow))).toEqual(ids);
  });

  it('lets an event come late where timers then fire in another order', () => {
    const machine = createMachine({
      id: 'lateness',
      type: 'parallel',
      states: {
        whole: { initial: 'on', states: { on: { after: { 10_000: 'over' } }, over: {} } },
        part: { initial: 'a', states: { a: { on: { GO: 'b' } }, b: { after: { 6_000: 'c' } }, c: {} } },
      },
    });
    const graph = explore(workflowOf(machine));
    // Over while `part` is still in `b`, which it only is if GO came late.
    expect(places(graph)).toContain('{"whole":"over","part":"b"}');
    expect(places(graph)).toContain('{"whole":"on","part":"c"}');
    const late = graph.edges.filter(({ move }) => 'late' in move);
    expect(late.map(({ move, from, to }) => [move.name, to.now - from.now])).toEqual([['GO', 9_999]]);
    const { paths: all } = paths(workflowOf(machine), { cover: 'transition-pairs' });
    const names = all.map(({ name }) => name);
    expect(names).toContain('GO (late), after 10000, after 6000');
  });

  it('lets nothing come late where that changes no order', () => {
    const machine = createMachine({
      id: 'in-time',
      type: 'parallel',
      states: {
        whole: { initial: 'on', states: { on: { after: { 1_000: 'over' } }, over: {} } },
        part: { initial: 'a', states: { a: { on: { GO: 'b' } }, b: { after: { 6_000: 'c' } }, c: {} } },
      },
    });
    expect(explore(workflowOf(machine)).edges.some(({ move }) => 'late' in move)).toBe(false);
  });

  it('fires timers in the order of their deadlines only', () => {
    const machine = createMachine({
      id: 'timers',
      type: 'parallel',
      states: {
        slow: { initial: 'on', states: { on: { after: { 5000: 'off' } }, off: {} } },
        fast: { initial: 'on', states: { on: { after: { 1000: 'off' } }, off: {} } },
      },
    });
    const graph = explore(workflowOf(machine));
    expect(places(graph)).toEqual([
      'null',
      '{"slow":"off","fast":"off"}',
      '{"slow":"on","fast":"off"}',
      '{"slow":"on","fast":"on"}',
    ]);
  });

  it('tells states apart by what a guard reads later, and by nothing else', () => {
    const machine = setup({
      types: {
        context: {} as { tries: number; note: string; log: string[] },
        events: {} as { type: 'FAIL' | 'NEXT' },
      },
    }).createMachine({
      id: 'retrying',
      context: { tries: 0, note: '', log: [] },
      initial: 'trying',
      states: {
        trying: {
          on: {
            FAIL: {
              target: 'resting',
              actions: assign({
                tries: ({ context }) => context.tries + 1,
                note: ({ context }) => `${context.note}!`,
                log: ({ context }) => [...context.log, `try ${context.tries}`],
              }),
            },
          },
        },
        resting: { on: { NEXT: 'checking' } },
        checking: {
          always: [{ guard: ({ context }) => context.tries < 5, target: 'trying' }, { target: 'givenUp' }],
        },
        givenUp: { type: 'final' },
      },
    });
    const graph = explore(workflowOf(machine));
    expect(places(graph)).toContain('"givenUp"');
    // Before the start, five times trying and resting, and the end.
    expect(graph.nodes).toHaveLength(1 + 5 + 5 + 1);
    expect(graph.nodes.every(({ explored }) => explored)).toBe(true);
  });

  it('forgets what is written before it is read', () => {
    const machine = setup({
      types: {
        context: {} as { answer: number; kept: number },
        events: {} as { type: 'ANSWER'; value: number } | { type: 'RESET' },
      },
      guards: { high: ({ context }) => context.answer > 3 },
    }).createMachine({
      id: 'forgetting',
      context: { answer: 0, kept: 0 },
      initial: 'idle',
      states: {
        idle: {
          on: { ANSWER: { target: 'looking', actions: assign({ answer: ({ event }) => event.value }) } },
        },
        looking: { always: [{ guard: 'high', target: 'high' }, { target: 'low' }] },
        high: { on: { RESET: { target: 'idle', actions: assign({ answer: 0 }) } } },
        low: { on: { RESET: { target: 'idle', actions: assign({ answer: 0 }) } } },
      },
    });
    const workflow = defineWorkflow({
      machine: machine as never,
      version: '1',
      events: { ANSWER: z.object({ value: z.int().min(0).max(10) }) } as never,
    });
    const graph = explore(workflow);
    expect(graph.nodes).toHaveLength(4);
  });

  it.each([
    ['copied as it is', ({ list }: Kept) => ({ chosen: list[0] })],
    ['copied within something else', ({ list }: Kept) => ({ chosen: { ...list[0], also: list } })],
    ['put together anew', ({ list }: Kept) => ({ chosen: { kind: list[0]?.kind } })],
    ['copied as a whole', (context: Kept) => ({ chosen: structuredClone(context).list[0] })],
  ])('follows what is %s until it is read', (_, choose) => {
    const machine = setup({
      types: {
        context: {} as Kept,
        events: {} as { type: 'PUT'; kind: string } | { type: 'CHOOSE' | 'LOOK' },
      },
    }).createMachine({
      id: 'copying',
      context: { list: [], chosen: undefined },
      initial: 'empty',
      states: {
        empty: {
          on: { PUT: { target: 'full', actions: assign({ list: ({ event }) => [{ kind: event.kind }] }) } },
        },
        full: { on: { CHOOSE: { target: 'chosen', actions: assign(({ context }) => choose(context)) } } },
        chosen: {
          on: {
            LOOK: [
              { guard: ({ context }) => context.chosen?.kind === 'red', target: 'red' },
              { target: 'blue' },
            ],
          },
        },
        red: {},
        blue: {},
      },
    });
    const workflow = defineWorkflow({
      machine: machine as never,
      version: '1',
      events: { PUT: z.object({ kind: z.enum(['blue', 'red']) }) } as never,
    });
    expect(places(explore(workflow))).toEqual(['"blue"', '"chosen"', '"empty"', '"full"', '"red"', 'null']);
  });

  it('lets nested machines, history and what is enqueued decide as they do in a run', () => {
    const inner = setup({
      types: {
        context: {} as { left: number },
        input: {} as { left: number },
        events: {} as { type: 'TICK' },
      },
    }).createMachine({
      id: 'inner',
      context: ({ input }) => ({ left: input.left }),
      initial: 'on',
      states: {
        on: {
          always: { guard: ({ context }) => context.left === 0, target: 'off' },
          on: { TICK: { actions: assign({ left: ({ context }) => context.left - 1 }) } },
        },
        off: { type: 'final' },
      },
      output: ({ context }) => context.left,
    });
    const machine = setup({
      types: {
        context: {} as { left: number; odd: boolean },
        events: {} as { type: 'ADD' | 'RUN' | 'TICK' },
      },
      actors: { inner },
    }).createMachine({
      id: 'outer',
      context: { left: 0, odd: false },
      initial: 'filling',
      states: {
        filling: {
          on: {
            ADD: {
              guard: ({ context }) => context.left < 2,
              actions: enqueueActions(({ enqueue, check }) => {
                enqueue.assign({ left: ({ context }) => context.left + 1 });
                if (check(({ context }: { context: { left: number } }) => context.left === 0))
                  enqueue.assign({ odd: true });
                else enqueue.assign({ odd: false });
              }),
            },
            RUN: [{ guard: ({ context }) => context.odd, target: 'running' }, { target: 'even' }],
          },
        },
        running: {
          on: { TICK: { actions: sendTo('inner', { type: 'TICK' }) } },
          invoke: {
            id: 'inner',
            src: 'inner',
            input: ({ context }) => ({ left: context.left }),
            onDone: 'ran',
          },
        },
        even: {},
        ran: { type: 'final' },
      },
    });
    expect(places(explore(workflowOf(machine)))).toEqual([
      '"even"',
      '"filling"',
      '"ran"',
      '"running"',
      'null',
    ]);
  });

  it('lets a state forbid an event to those above it by giving nothing for it', () => {
    const machine = createMachine({
      id: 'forbidding',
      initial: 'a',
      on: { GO: '.b' },
      states: { a: { on: { GO: undefined } }, b: {} },
    });
    expect(places(explore(workflowOf(machine)))).toEqual(['"a"', 'null']);
  });

  it('spawns no more than a run does', () => {
    const timer = createMachine({
      id: 'timer',
      initial: 'on',
      states: { on: { after: { 1000: 'off' } }, off: {} },
    });
    const machine = setup({
      types: { context: {} as { child: unknown }, events: {} as { type: 'GO' } },
      actors: { timer },
    }).createMachine({
      id: 'spawning',
      context: { child: null },
      initial: 'a',
      states: {
        a: { on: { GO: { target: 'b', actions: assign({ child: ({ spawn }) => spawn('timer') }) } } },
        b: {},
      },
    });
    const workflow = workflowOf(machine);
    const start = advance(workflow, undefined, { type: 'start', at: 0 }).state;
    const plain = advance(workflow, start, { type: 'event', at: 0, event: { type: 'GO' } }).state;
    const led = explore(workflow).edges.find(({ move }) => move.name === 'GO')?.to.state;
    expect(plain.timers).toHaveLength(1);
    expect(led?.timers.map(({ id, target }) => [id, target])).toEqual(
      plain.timers.map(({ id, target }) => [id, target]),
    );
    expect(Object.keys(led?.snapshot.children ?? {})).toEqual(Object.keys(plain.snapshot.children ?? {}));
  });

  it('tells which guards no outcome could flip, and what no value was found for', () => {
    const look = fromTool({
      name: 'look',
      input: z.undefined(),
      output: z.object({ code: z.string().refine((code) => code === 'the one') }),
      run: async () => ({ code: 'the one' }),
    });
    const machine = setup({
      actors: { look },
      guards: { never: () => false, ever: ({ context }) => context !== undefined },
    }).createMachine({
      id: 'stuck',
      initial: 'looking',
      states: {
        looking: {
          invoke: {
            id: 'look',
            src: 'look',
            input: undefined,
            onError: [
              { guard: 'never', target: 'a' },
              { guard: 'ever', target: 'b' },
            ],
          },
        },
        a: { type: 'final' },
        b: { type: 'final' },
      },
    });
    const graph = explore(workflowOf(machine));
    expect(graph.lacking).toEqual(['output of look: code', 'output of look: all of it']);
    expect(graph.guards).toEqual([
      { name: 'never', transition: 'looking look.error 0', passed: false, failed: true },
      { name: 'ever', transition: 'looking look.error 1', passed: true, failed: false },
    ]);
  });

  it('performs nothing: no actor, no action', () => {
    let performed = 0;
    const machine = createMachine({
      id: 'quiet',
      entry: () => void (performed += 1),
      initial: 'working',
      states: {
        working: {
          invoke: {
            src: fromPromise(async () => {
              performed += 1;
            }),
            onDone: { target: 'done', actions: () => void (performed += 1) },
          },
        },
        done: { type: 'final' },
      },
    });
    const graph = explore(workflowOf(machine));
    expect(places(graph)).toContain('"done"');
    expect(performed).toBe(0);
  });

  it('ends when its budget is spent, and says what it did not go on from', () => {
    const machine = setup({
      types: { context: {} as { n: number }, events: {} as { type: 'MORE' } },
    }).createMachine({
      id: 'counting',
      context: { n: 0 },
      on: {
        MORE: {
          guard: ({ context }) => context.n < 1_000_000,
          actions: assign({ n: ({ context }) => context.n + 1 }),
        },
      },
    });
    const graph = explore(workflowOf(machine), { maxNodes: 100 });
    expect(graph.nodes.filter(({ explored }) => explored)).toHaveLength(100);
    expect(graph.nodes.filter(({ explored }) => !explored)).toHaveLength(1);
  });

  it('finds every place and transition that trying everything finds', () => {
    fc.assert(
      fc.property(randomMachine, (config) => {
        const workflow = workflowOf(machineOf(config));
        const folded = explore(workflow, { variants: Infinity });
        const all = exploreUnfolded(workflow);
        expect(places(folded)).toEqual(all.places);
        expect(taken(folded)).toEqual(all.taken);
        expect(folded.nodes.length).toBeLessThanOrEqual(all.states + 1);
      }),
      { numRuns: 150 },
    );
  });
});

// --- machines at random -----------------------------------------------------------------------------------------------

const names = ['a', 'b', 'c', 'd'] as const;
const variables = ['x', 'y', 'z'] as const;
const events = ['E', 'F'] as const;

const guard = fc.option(
  fc.record({ of: fc.constantFrom(...variables), is: fc.constantFrom('<', '='), than: fc.nat(2) }),
  { nil: undefined },
);
const write = fc.record({
  to: fc.constantFrom(...variables),
  from: fc.constantFrom(...variables),
  how: fc.constantFrom('copy', 'next', 'zero', 'sum'),
});
const transition = fc.record({
  target: fc.constantFrom(...names),
  guard,
  writes: fc.array(write, { maxLength: 2 }),
  whole: fc.boolean(),
});
const randomMachine = fc.record(
  Object.fromEntries(
    names.map((name) => [
      name,
      fc.record({
        E: fc.array(transition, { maxLength: 2 }),
        F: fc.array(transition, { maxLength: 2 }),
        after: fc.option(transition, { nil: undefined }),
      }),
    ]),
  ),
);

interface Kept {
  list: Array<{ kind: string }>;
  chosen: { kind?: string | undefined } | undefined;
}

type Config = typeof randomMachine extends fc.Arbitrary<infer T> ? T : never;
type Context = Record<(typeof variables)[number], number>;
type Transition = typeof transition extends fc.Arbitrary<infer T> ? T : never;

function machineOf(config: Config) {
  const transitionOf = ({ target, guard: asked, writes, whole }: Transition) => ({
    target,
    reenter: true,
    ...(asked
      ? {
          guard: ({ context }: { context: Context }) =>
            asked.is === '<' ? context[asked.of] < asked.than : context[asked.of] === asked.than,
        }
      : {}),
    actions: whole
      ? assign(({ context }: { context: Context }) => {
          const next = { ...context };
          for (const one of writes) next[one.to] = valueOf(one, context);
          return next;
        })
      : writes.map((one) =>
          assign({ [one.to]: ({ context }: { context: Context }) => valueOf(one, context) }),
        ),
  });
  return createMachine({
    id: 'random',
    context: { x: 0, y: 1, z: 2 },
    initial: 'a',
    states: Object.fromEntries(
      Object.entries(config).map(([name, state]) => [
        name,
        {
          on: Object.fromEntries(events.map((type) => [type, state[type].map(transitionOf)])),
          ...(state.after ? { after: { 1000: transitionOf(state.after) } } : {}),
        },
      ]),
    ),
  } as never);
}

function valueOf(
  { from, to, how }: { from: keyof Context; to: keyof Context; how: string },
  context: Context,
): number {
  if (how === 'copy') return context[from];
  if (how === 'next') return (context[to] + 1) % 3;
  return how === 'zero' ? 0 : (context[from] + context[to]) % 3;
}

/** Every state is its own: nothing is folded but what is equal. */
function exploreUnfolded(given: AnyWorkflow): { places: string[]; taken: string[]; states: number } {
  const { workflow } = watchedWorkflow(given);
  const moves = createMoves(workflow, []);
  const transitions = new Set<string>();
  const first = advance(workflow, undefined, { type: 'start', at: 0 }).state;
  const seen = new Map<string, { state: RunState; now: number }>([['', { state: first, now: 0 }]]);
  const keyOf = (state: RunState, now: number): string =>
    canonical([
      state.snapshot.value,
      state.snapshot.context,
      state.timers.map(({ deadline }) => deadline - now),
    ]);
  seen.clear();
  seen.set(keyOf(first, 0), { state: first, now: 0 });
  for (const { state, now } of seen.values()) {
    for (const move of moves.of(state, viewState(workflow, state))) {
      const at = move.type === 'timer' ? (state.timers[0]?.deadline ?? now) : now;
      const message = messageOf(move, state, at);
      if (!message) continue;
      const led = advance(workflow, state, message);
      for (const { params } of led.actions) transitions.add((params as { transition: string }).transition);
      const key = keyOf(led.state, at);
      if (led.accepted && !seen.has(key)) seen.set(key, { state: led.state, now: at });
    }
  }
  const values = [...seen.values()].map(({ state }) => JSON.stringify(state.snapshot.value));
  return {
    places: [...new Set([...values, 'null'])].sort(),
    taken: [...transitions].sort(),
    states: seen.size,
  };
}
