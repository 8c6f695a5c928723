/**
 * A workflow that tells what each message did in it: which transitions were taken, how each guard answered, what of the
 * context decided, and what was written from what.
 *
 * It is the same machine, in a config and implementations that are wrapped; `advance` hosts it like any other.
 *
 * I1. States, transitions, verdicts and invocations are those of the workflow that it was made of.
 * I2. What decided is never told too small. Where a function cannot be watched, it counts as having read everything.
 *
 * The guards and assigners are called twice, once for their answer and once to see what they read, so they must be pure, as
 * XState asks of them.
 */
import { type AnyActorLogic, type AnyStateMachine, and, createMachine } from 'xstate';

import { inlineSource, isStateMachine, sourceKind, type StateNode } from '../../actor-sources.ts';
import type { DecidedAction } from '../../engine/run-state.ts';
import { collectVerdicts, recordVerdict, type Verdict } from '../../gates/verdict.ts';
import { keepShape } from '../../engine/machine-shape.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { invokeName } from '../invocation-name.ts';
import { guardName, leadsOn, transitionId, type TransitionPlace } from '../transitions.ts';
import { watchReads } from './reads.ts';
import type { GuardAnswer, GuardUse, WatchEntry } from './watch-entry.ts';
import {
  type Config,
  createWatcher,
  mapped,
  type Note,
  unrecorded,
  type Watcher,
} from './watched-functions.ts';

export interface WatchOptions {
  /** Tell what gates look at. Default: false. */
  readonly gates?: boolean;
}

export interface WatchedWorkflow {
  readonly workflow: AnyWorkflow;
  /** What was seen since this was asked last. */
  take(): readonly WatchEntry[];
}

export function watchedWorkflow(
  workflow: AnyWorkflow,
  { gates = false }: WatchOptions = {},
): WatchedWorkflow {
  let entries: WatchEntry[] = [];
  const note: Note = (entry) => entries.push(entry);
  const machine = watchedMachine(workflow.machine as AnyStateMachine, { note, gates });
  keepShape(machine, workflow.machine as AnyStateMachine);
  return {
    workflow: { ...workflow, machine },
    take() {
      const taken = entries;
      entries = [];
      return taken;
    },
  };
}

/** The action that tells that a transition was taken. */
const took = 'signalbox.took';

/** Ids of the transitions that a watched workflow took, in order, by the actions that it decided. */
export function transitionsTaken(actions: readonly DecidedAction[] = []): string[] {
  return actions.flatMap(({ type, params }) =>
    type === took ? [(params as { readonly transition: string }).transition] : [],
  );
}

interface Watching {
  readonly note: Note;
  readonly gates: boolean;
}

function watchedMachine(
  machine: AnyStateMachine,
  watching: Watching,
  prefix = '',
  made = new Map<AnyStateMachine, AnyStateMachine>(),
): AnyStateMachine {
  const known = made.get(machine);
  if (known) return known;
  const { note } = watching;
  // The context of a nested machine counts as a whole, so nobody asks what of it is read or written.
  const watch = createWatcher(prefix === '' ? note : () => {});
  const { actors, guards, actions, delays } = machine.implementations as unknown as Readonly<
    Record<'actors' | 'guards' | 'actions' | 'delays', Readonly<Record<string, unknown>>>
  >;
  // Filled in once the machine is known, so that a machine may invoke itself.
  const watchedActors: Record<string, unknown> = {};
  const nested = (src: string, logic: unknown): unknown =>
    isStateMachine(logic) ? watchedMachine(logic, watching, prefix ? `${prefix}/${src}` : src, made) : logic;
  const pure = new Set(
    Object.entries(actors).flatMap(([src, logic]) =>
      sourceKind(logic as AnyActorLogic) === 'promise' ? [] : [src],
    ),
  );
  const rebuilt = createMachine(
    watchedNode(machine.config as Config, machine.root, {
      ...watching,
      watch,
      prefix,
      pure,
      nested,
    }) as never,
    {
      actors: watchedActors,
      guards: mapped(guards, (guard) => watch.guard(guard)),
      actions: { ...mapped(actions, (action) => watch.action(action)), [took]: () => {} },
      delays: mapped(delays, (delay) => watch.deciding(delay)),
    } as never,
  ) as unknown as AnyStateMachine;
  made.set(machine, rebuilt);
  for (const [src, logic] of Object.entries(actors)) watchedActors[src] = nested(src, logic);
  return rebuilt;
}

interface Wrapping extends Watching {
  readonly watch: Watcher;
  readonly prefix: string;
  /** Sources of the actors that the route goes on in: what they are started with matters. */
  readonly pure: ReadonlySet<string>;
  /** The logic of an actor, watched if it is a machine. */
  readonly nested: (src: string, logic: unknown) => unknown;
}

function watchedNode(config: Config, node: StateNode, wrapping: Wrapping): Config {
  const { watch, prefix, pure, nested, note, gates } = wrapping;
  const source = node.path.join('.');
  const transitions = (on: string, given: unknown): unknown =>
    // `on: { EVENT: undefined }` forbids the event, so it must not get lost.
    (Array.isArray(given) ? (given as readonly unknown[]) : [given]).map((one, index) => {
      const transition = typeof one === 'object' && one !== null ? (one as Config) : { target: one };
      if (!leadsOn(transition)) return { ...transition, ...guarded(transition, on, index) };
      const id = transitionId({ machine: prefix, source, on, index });
      return {
        ...transition,
        ...guarded(transition, on, index),
        actions: [{ type: took, params: { transition: id } }, ...actionsOf(transition['actions'])],
      };
    });
  const guarded = (transition: Config, on: string, index: number): Config => {
    const { guard } = transition;
    if (guard === undefined) return {};
    const place: TransitionPlace = { machine: prefix, source, on, index };
    const use: GuardUse = { name: guardName(guard) ?? '', transition: transitionId(place) };
    return {
      guard: noting(watch.guard(guard), gates, (answer) => note({ type: 'guard', use, ...answer })),
    };
  };
  const actionsOf = (given: unknown): unknown[] => listOf(given).map((action) => watch.action(action));
  const each = (given: unknown, naming: (key: string) => string): Config =>
    mapped(given as Config, (value, key) => transitions(naming(key), value));

  const invoke = listOf(config['invoke']).map((definition, index) => {
    const { input, src, onDone, onError, onSnapshot, ...rest } = definition as Config;
    const name = invokeName(node, index);
    const goesOnInside =
      typeof src === 'string' ? pure.has(src) : sourceKind(src as AnyActorLogic) !== 'promise';
    return {
      ...rest,
      src: typeof src === 'string' ? src : nested(inlineSource(node.id, index), src),
      ...(input === undefined ? {} : { input: goesOnInside ? watch.deciding(input) : input }),
      ...(onDone === undefined ? {} : { onDone: transitions(`${name}.done`, onDone) }),
      ...(onError === undefined ? {} : { onError: transitions(`${name}.error`, onError) }),
      ...(onSnapshot === undefined ? {} : { onSnapshot: transitions(`${name}.snapshot`, onSnapshot) }),
    };
  });
  const { initial } = config;
  const isRoot = node.parent === undefined;
  return {
    ...config,
    ...(config['on'] ? { on: each(config['on'], (key) => key) } : {}),
    ...(config['after'] ? { after: each(config['after'], (key) => `after ${key}`) } : {}),
    ...(config['always'] ? { always: transitions('always', config['always']) } : {}),
    ...(config['onDone'] ? { onDone: transitions('done', config['onDone']) } : {}),
    ...(config['entry'] ? { entry: actionsOf(config['entry']) } : {}),
    ...(config['exit'] ? { exit: actionsOf(config['exit']) } : {}),
    ...(config['invoke'] ? { invoke } : {}),
    ...(typeof initial === 'object' && initial !== null && 'actions' in initial
      ? { initial: { ...initial, actions: actionsOf(initial.actions) } }
      : {}),
    // What the whole machine gives is nobody's business inside of it; what a state gives, the next transition may look at.
    ...(config['output'] && !(isRoot && prefix === '') ? { output: watch.deciding(config['output']) } : {}),
    ...(config['states']
      ? {
          states: mapped(config['states'] as Config, (state, key) =>
            watchedNode(state as Config, node.states[key] as StateNode, wrapping),
          ),
        }
      : {}),
  };
}

/** The guard, with its answers told. */
function noting(
  guard: unknown,
  watchesGates: boolean,
  tell: (answer: Pick<GuardAnswer, 'passed' | 'gates'>) => void,
): unknown {
  const inner = and([guard as never]) as unknown as Builtin;
  const outer = (): boolean => false;
  return Object.assign(outer, {
    check(snapshot: unknown, args: GuardArgs) {
      const verdicts: Verdict[] = [];
      const passed = collectVerdicts(verdicts, () => inner.check(snapshot, args, inner));
      for (const verdict of verdicts) recordVerdict(verdict);
      const names = verdicts.map(({ gate }) => gate);
      if (!watchesGates || names.length === 0) tell({ passed });
      else {
        const { context, event } = args;
        const again = (given: GuardArgs): boolean => inner.check(snapshot, given, inner);
        tell({
          passed,
          gates: {
            names,
            context: unrecorded(() => watchReads(context, (seen) => again({ context: seen, event }))).reads,
            event: unrecorded(() => watchReads(event, (seen) => again({ context, event: seen }))).reads,
          },
        });
      }
      return passed;
    },
  });
}

interface GuardArgs {
  readonly context: unknown;
  readonly event: unknown;
}

/** A guard that XState made of others. */
interface Builtin {
  check(snapshot: unknown, args: GuardArgs, self: unknown): boolean;
}

function listOf(given: unknown): readonly unknown[] {
  return given === undefined ? [] : Array.isArray(given) ? given : [given];
}
