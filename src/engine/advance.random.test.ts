/** Machines and walks through them made at random: every way to run them must agree. */
import {
  type AnyStateMachine,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromTransition,
  log,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { sameEveryWay, ways } from '../../test/support/drive.ts';
import { act, work } from '../../test/support/plain-driver.ts';
import type { Seen, Step } from '../../test/support/seen.ts';

interface Context {
  readonly n: number;
  readonly spawned: number;
}

const events = ['E0', 'E1', 'E2', 'E3'];

const child = createMachine({
  id: 'child',
  context: { heard: 0 },
  initial: 'asking',
  states: {
    asking: {
      invoke: { id: 'p', src: work(), onDone: 'telling', onError: 'telling' },
      after: { 30: 'telling' },
    },
    telling: {
      entry: sendParent({ type: 'E1' }),
      on: { E0: { target: 'asking', reenter: true } },
      after: { 50: 'over' },
    },
    over: { type: 'final' },
  },
  on: {
    E2: { actions: assign({ heard: ({ context }) => context.heard + 1 }) },
    E3: { actions: sendTo(({ self }) => self, { type: 'E0' }, { delay: 10 }) },
  },
  output: ({ context }) => context.heard,
});

const base = setup({
  types: { context: {} as Context },
  actors: {
    ask: work(),
    child,
    tally: fromTransition((sum: number, { type }: { type: string }) => (type === 'E0' ? sum + 1 : sum), 0),
  },
  actions: { note: act(), tell: act() },
  guards: { even: ({ context }) => context.n % 2 === 0, few: ({ context }) => context.n < 5 },
  delays: { soon: 20, later: ({ context }) => 30 + context.n },
});

/** What a state or transition may do. */
const actions: Record<string, unknown> = {
  inc: assign({ n: ({ context }: { context: Context }) => context.n + 1 }),
  note: 'note',
  tell: { type: 'tell', params: ({ context }: { context: Context }) => ({ n: context.n }) },
  log: log('here'),
  // Not for ever.
  raise: enqueueActions(({ context, enqueue }) => {
    if ((context as Context).n > 8) return;
    enqueue(actions['inc'] as never);
    enqueue.raise({ type: 'E2' });
  }),
  delayed: raise({ type: 'E3' }, { delay: 'soon' as never }),
  // XState forgets a timer whose id is armed again, but fires it.
  named: enqueueActions(({ enqueue }) => {
    enqueue.cancel('named');
    enqueue.raise({ type: 'E1' }, { delay: 45, id: 'named' });
  }),
  cancel: cancel('named'),
  emit: emit(({ context }) => ({ type: 'told', n: (context as Context).n })),
  spawn: [
    assign({ spawned: ({ context }: { context: Context }) => context.spawned + 1 }),
    spawnChild(
      'child' as never,
      { id: (({ context }: { context: Context }) => `s${context.spawned}`) as never } as never,
    ),
  ],
  ask: [
    assign({ spawned: ({ context }: { context: Context }) => context.spawned + 1 }),
    spawnChild(
      'ask' as never,
      { id: (({ context }: { context: Context }) => `s${context.spawned}`) as never, input: 7 } as never,
    ),
  ],
  assigned: assign(
    ({ context, spawn }: { context: Context; spawn: (src: string, options: object) => unknown }) => ({
      spawned: context.spawned + 1,
      latest: spawn('child', { id: `s${context.spawned + 1}` }),
    }),
  ) as unknown,
  stop: stopChild(({ context }: { context: Context }) => `s${context.spawned}`),
};

interface Plan {
  readonly kind: number;
  readonly children: readonly Plan[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invokes: readonly number[];
  readonly after: ReadonlyArray<{ readonly delay: number; readonly target: number }>;
  readonly always: ReadonlyArray<{ readonly target: number; readonly actions: readonly string[] }>;
  readonly on: ReadonlyArray<{
    readonly event: number;
    readonly target: number;
    readonly how: number;
    readonly actions: readonly string[];
  }>;
}

const actionNames = fc.array(fc.constantFrom(...Object.keys(actions)), { maxLength: 2 });
const { plan } = fc.letrec<{ plan: Plan }>((tie) => ({
  plan: fc.record({
    kind: fc.nat(5),
    children: fc.oneof(
      { maxDepth: 2 },
      fc.constant([]),
      fc.array(tie('plan'), { minLength: 2, maxLength: 3 }),
    ),
    entry: actionNames,
    exit: actionNames,
    invokes: fc.array(fc.nat(3), { maxLength: 2 }),
    after: fc.array(fc.record({ delay: fc.nat(3), target: fc.nat(40) }), { maxLength: 2 }),
    always: fc.array(fc.record({ target: fc.nat(40), actions: actionNames }), { maxLength: 1 }),
    on: fc.array(fc.record({ event: fc.nat(3), target: fc.nat(40), how: fc.nat(9), actions: actionNames }), {
      maxLength: 3,
    }),
  }),
}));

/** A machine of the plan; a target is one of its states, counted from the first. */
function machineOf(root: Plan): AnyStateMachine {
  const ids: string[] = [];
  const name = (node: Plan, id: string): void => {
    if (id) ids.push(id);
    node.children.forEach((inner, index) => name(inner, `${id}s${index}`));
    if (id && node.children.length > 0 && node.kind % 2 === 0) ids.push(`${id}h`);
  };
  name(root, '');
  // From within, XState enters what history remembers without having left it, and forgets the timers that it arms again.
  const target = (index: number, from: string): string => {
    const id = ids[index % ids.length] as string;
    return id.endsWith('h') && from.startsWith(id.slice(0, -1)) ? `#${id.slice(0, -1)}` : `#${id}`;
  };
  const doing = (names: readonly string[]): unknown[] => names.flatMap((each) => actions[each] as unknown);
  const config = (node: Plan, id: string): object => {
    const { kind, children, entry, exit, invokes, after, always, on } = node;
    const states: Record<string, object> = Object.fromEntries(
      children.map((inner, index) => [`s${index}`, config(inner, `${id}s${index}`)]),
    );
    if (id && children.length > 0 && kind % 2 === 0)
      states['h'] = { id: `${id}h`, type: 'history', history: kind === 2 ? 'deep' : 'shallow' };
    const parallel = children.length > 0 && kind === 5;
    const final = children.length === 0 && kind === 4 && id !== 's0';
    return {
      ...(id ? { id } : {}),
      ...(parallel ? { type: 'parallel' } : children.length > 0 ? { initial: 's0' } : {}),
      ...(children.length > 0 ? { states, onDone: target(kind, id) } : final ? { type: 'final' } : {}),
      entry: doing(entry),
      exit: doing(exit),
      tags: [`tag ${id}`],
      ...(final
        ? {}
        : {
            invoke: invokes.map((which, index) => ({
              id: `${id}i${index}`,
              src: ['ask', 'ask', 'child', 'tally'][which],
              input: ({ context }: { context: Context }) => context.n,
              ...(which === 3
                ? {}
                : {
                    onDone: { target: target(index + kind, id), actions: 'note' },
                    onError: { actions: doing(['inc']) },
                  }),
            })),
            after: Object.fromEntries(
              after.map(({ delay, target: to }) => [
                [10, 25, 'soon', 'later'][delay],
                { target: target(to, id) },
              ]),
            ),
          }),
      always: always.map(({ target: to, actions: names }) => ({
        guard: 'few',
        target: target(to, id),
        actions: doing(['inc', ...names]),
      })),
      on: Object.fromEntries(
        on.map(({ event, target: to, how, actions: names }) => [
          events[event],
          {
            ...(how > 2 ? { target: target(to, id) } : {}),
            ...(how % 3 === 0 ? { reenter: true } : {}),
            ...(how === 5 ? { guard: 'even' } : how === 7 ? { guard: { type: 'few' } } : {}),
            actions: [
              ...doing(names),
              ...(how === 1 && invokes[0] !== undefined ? [forwardTo(`${id}i0`)] : []),
            ],
          },
        ]),
      ),
    };
  };
  return base.createMachine({
    ...rooted(config(root, '')),
    id: 'random',
    context: { n: 0, spawned: 0 },
    options: { maxIterations: 50 },
  } as never) as unknown as AnyStateMachine;
}

/** Most errors do not end the run. */
function rooted(config: object): object {
  const { on } = config as { on: object };
  return { ...config, on: { ...on, 'xstate.error.actor.*': { actions: 'tell' } } };
}

/** What may happen next, by what can be seen. */
function possible({ invocations, timers }: Seen, settled: readonly string[]): Step[] {
  return [
    ...events.map((type) => ({ type })),
    ...invocations.flatMap((key) => [
      { settle: key, output: { from: key } },
      { settle: key, error: new Error(key) },
    ]),
    ...timers.slice(0, 1).map((timer) => ({ elapse: (timer as { in: number }).in })),
    { elapse: 5 },
    ...settled.slice(0, 1).map((key) => ({ settle: key, output: 'late' })),
  ];
}

async function walk(
  machine: AnyStateMachine,
  choices: readonly number[],
): Promise<{ steps: Step[]; last: Seen }> {
  const driver = ways.live()(machine);
  const steps: Step[] = [];
  let last = await driver.start(undefined);
  const settled = new Set<string>();
  for (const choice of choices) {
    if (last.status !== 'active') break;
    const options = possible(last, [...settled]);
    const step = options[choice % options.length] as Step;
    if ('settle' in step) settled.add(step.settle as string);
    steps.push(step);
    last = await driver.step(step);
  }
  return { steps, last };
}

describe('any machine', () => {
  it('goes the same way live, restored before every message, and in plain XState', async () => {
    // XState warns of events to actors that have stopped, in its development build.
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const met = { steps: 0, timers: 0, children: 0, failed: 0, done: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc
          .record({ root: plan, choices: fc.array(fc.nat(1000), { minLength: 1, maxLength: 15 }) })
          .filter(({ root }) => root.children.length > 0),
        async ({ root, choices }) => {
          const machine = machineOf(root);
          const { steps, last } = await walk(machine, choices);
          // Where a machine throws, XState leaves behind what it had begun.
          const seen = await sameEveryWay(machine, {
            steps,
            ...(last.status === 'error' ? { ways: ['live', 'restored'] } : {}),
          });
          met.steps += steps.length;
          met.timers += seen.some(({ timers }) => timers.length > 1) ? 1 : 0;
          met.children += seen.some(({ children }) => Object.keys(children as object).length > 1) ? 1 : 0;
          met.failed += last.status === 'error' ? 1 : 0;
          met.done += last.status === 'done' ? 1 : 0;
        },
      ),
      { numRuns: 200 },
    );
    // Otherwise the machines have become too plain to tell anything.
    expect(met.steps).toBeGreaterThan(500);
    expect(Math.min(met.timers, met.children)).toBeGreaterThan(50);
  });
});
