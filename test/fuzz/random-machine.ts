/** Machines and walks through them made at random, from seeds that make the same ones again. */
import fc from 'fast-check';
import {
  type AnyActorRef,
  type AnyStateMachine,
  assign,
  cancel,
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

import { advanceDriver } from '../support/advance-driver.ts';
import { act, work } from '../support/plain-driver.ts';
import type { Seen, Step } from '../support/seen.ts';

interface Context {
  readonly n: number;
  readonly spawned: number;
}

const events = ['E0', 'E1', 'E2', 'E3', 'G.one'];

/** Has no id of its own for what it calls, and calls again. */
const grandchild = setup({ actors: { ask: work() }, actions: { note: act() } }).createMachine({
  id: 'grandchild',
  context: { n: 0 },
  entry: 'note',
  exit: { type: 'note' },
  initial: 'asking',
  states: {
    asking: {
      invoke: {
        src: 'ask',
        onDone: [
          { guard: ({ context }) => context.n > 1, target: 'over' },
          { target: 'asking', reenter: true, actions: assign({ n: ({ context }) => context.n + 1 }) },
        ],
        onError: 'over',
      },
    },
    over: { type: 'final' },
  },
  on: { 'G.*': { actions: [emit({ type: 'below' }), 'note'] } },
});

const child = setup({
  types: { context: {} as { heard: number } },
  actors: { grandchild },
  actions: { note: act(), tell: act() },
}).createMachine({
  id: 'child',
  context: { heard: 0 },
  entry: ['note', emit({ type: 'here' })],
  exit: [{ type: 'tell', params: ({ context }: { context: unknown }) => context }],
  initial: 'asking',
  states: {
    asking: {
      entry: 'note',
      invoke: { id: 'p', src: work() as never, onDone: 'telling', onError: 'telling' },
      after: { 30: 'telling' },
    },
    telling: {
      entry: [sendParent({ type: 'E1' }), 'tell'],
      invoke: { src: 'grandchild' },
      on: { E0: { target: 'asking', reenter: true } },
      after: { 50: 'over' },
    },
    over: { type: 'final' },
  },
  on: {
    E2: { actions: [assign({ heard: ({ context }) => context.heard + 1 }), 'note'] },
    E3: { actions: sendTo(({ self }) => self, { type: 'E0' }, { delay: 10 }) },
    '*': { actions: ['tell', emit(({ event }) => ({ type: 'heard', what: event.type }))] },
  },
  output: ({ context }) => context.heard,
});

const base = setup({
  types: { context: {} as Context },
  actors: {
    ask: work(),
    child,
    grandchild,
    tally: fromTransition((sum: number, { type }: { type: string }) => (type === 'E0' ? sum + 1 : sum), 0),
  },
  actions: { note: act(), tell: act() },
  guards: {
    even: ({ context }) => context.n % 2 === 0,
    few: ({ context }) => context.n < 5,
    loud: ({ context, event }) => event.type === 'E3' && context.n < 20,
  },
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
  anonymous: assign(
    ({ context, spawn }: { context: Context; spawn: (src: string, options?: object) => unknown }) => ({
      spawned: context.spawned,
      latest: spawn(context.n % 2 === 0 ? 'child' : 'grandchild'),
    }),
  ) as unknown,
  again: [stopChild('fixed'), spawnChild('child' as never, { id: 'fixed' } as never)],
  brief: [spawnChild('child' as never, { id: 'brief' } as never), stopChild('brief')],
  poke: enqueueActions(({ context, enqueue, self }) => {
    const found = self.getSnapshot().children[`s${(context as Context).spawned}`] as AnyActorRef | undefined;
    if (found && found.getSnapshot().status === 'active') enqueue.sendTo(found, { type: 'E2' });
  }),
  system: enqueueActions(({ enqueue, system }) => {
    const [first] = Object.entries(system.getAll()).toSorted(([one], [other]) => (one < other ? -1 : 1));
    if (first) enqueue.sendTo(first[1] as AnyActorRef, { type: 'G.one' });
  }),
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
    on: fc.array(fc.record({ event: fc.nat(6), target: fc.nat(40), how: fc.nat(9), actions: actionNames }), {
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
              ...(kind % 3 === 2 ? {} : { id: `${id}i${index}` }),
              ...(kind === 1 ? { systemId: `${id}y${index}` } : {}),
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
        guard: to % 4 === 3 ? 'loud' : 'few',
        target: target(to, id),
        actions: doing(['inc', ...names]),
      })),
      on: Object.fromEntries(
        on.map(({ event, target: to, how, actions: names }) => [
          [...events, 'G.*', '*'][event],
          {
            ...(how > 2 ? { target: target(to, id) } : {}),
            ...(how % 3 === 0 ? { reenter: true } : {}),
            ...(how === 5 ? { guard: 'even' } : how === 7 ? { guard: { type: 'few' } } : {}),
            actions: [
              ...doing(names),
              ...(how === 1 && kind % 3 !== 2 && invokes[0] !== undefined ? [forwardTo(`${id}i0`)] : []),
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
    output: ({ context }: { context: Context }) => context.n,
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

export interface Scenario {
  readonly root: Plan;
  readonly choices: readonly number[];
}

export const scenarios: fc.Arbitrary<Scenario> = fc
  .record({ root: plan, choices: fc.array(fc.nat(1000), { minLength: 1, maxLength: 15 }) })
  .filter(({ root }) => root.children.length > 0);

/** The machine of the scenario, what is done to a run of it, and what that leads to when it goes through `advance`. */
export async function playOut({
  root,
  choices,
}: Scenario): Promise<{ machine: AnyStateMachine; steps: Step[]; seen: Seen[] }> {
  const machine = machineOf(root);
  const driver = advanceDriver(false)(machine);
  const steps: Step[] = [];
  let last = await driver.start(undefined);
  const seen = [last];
  const settled = new Set<string>();
  for (const choice of choices) {
    if (last.status !== 'active') break;
    const options = possible(last, [...settled]);
    const step = options[choice % options.length] as Step;
    if ('settle' in step) settled.add(step.settle as string);
    steps.push(step);
    last = await driver.step(step);
    seen.push(last);
  }
  return { machine, steps, seen };
}
