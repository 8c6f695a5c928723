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

import { isStateMachine, sourceKind, type StateNode } from '../../actor-sources.ts';
import { collectVerdicts, recordVerdict, type Verdict } from '../../gates/verdict.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { guardName, leadsOn, transitionId, type TransitionPlace } from '../transitions.ts';
import { everything, pathOf, type Read, type Watched, watchReads } from './reads.ts';

/** What happened, in order. */
export type WatchEntry =
  /** The route depended on this. */
  | { readonly type: 'read'; readonly reads: ReadonlySet<Read> }
  /** Keys of the context were written at once, each from what is told of it. */
  | { readonly type: 'write'; readonly writes: ReadonlyMap<string, Watched> }
  | GuardAnswer;

export interface GuardAnswer {
  readonly type: 'guard';
  readonly use: GuardUse;
  readonly passed: boolean;
  /** The gates that it asked, if these are watched. */
  readonly gates?: GatesAsked;
}

/** Gates that were asked together, and what they looked at. */
export interface GatesAsked {
  readonly names: readonly string[];
  /** Of the context, and of the event. */
  readonly context: ReadonlySet<Read>;
  readonly event: ReadonlySet<Read>;
}

export interface WatchOptions {
  /** Tell what gates look at. Default: false. */
  readonly gates?: boolean;
}

/** A guard at one place. */
export interface GuardUse {
  readonly name: string;
  /** The id of the transition that it guards. */
  readonly transition: string;
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
  return {
    workflow: { ...workflow, machine },
    take() {
      const taken = entries;
      entries = [];
      return taken;
    },
  };
}

type Note = (entry: WatchEntry) => void;
type Fn = (...args: readonly unknown[]) => unknown;
type Config = Readonly<Record<string, unknown>>;

/** The action that tells that a transition was taken. */
export const took = 'signalbox.took';

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
  // Only the context of the workflow's own machine is told of; that of a nested one counts as a whole.
  const { note } = watching;
  const watch = createWatcher(prefix === '' ? note : (entry) => entry.type !== 'write' && note(entry));
  const { actors, guards, actions, delays } = machine.implementations as unknown as Readonly<
    Record<'actors' | 'guards' | 'actions' | 'delays', Readonly<Record<string, unknown>>>
  >;
  const shell = { actors: {} as Record<string, unknown> };
  const nested = (src: string, logic: unknown): unknown =>
    isStateMachine(logic) ? watchedMachine(logic, watching, prefix ? `${prefix}/${src}` : src, made) : logic;
  const pure = new Set(
    Object.entries(actors).flatMap(([src, logic]) =>
      sourceKind(logic as AnyActorLogic) === 'promise' ? [] : [src],
    ),
  );
  const rebuilt = createMachine(
    watchedNode(machine.config as Config, machine.root, { ...watching, watch, prefix, pure }) as never,
    {
      actors: shell.actors,
      guards: mapped(guards, (guard) => watch.guard(guard)),
      actions: { ...mapped(actions, (action) => watch.action(action)), [took]: () => {} },
      delays: mapped(delays, (delay) => watch.deciding(delay)),
    } as never,
  ) as unknown as AnyStateMachine;
  made.set(machine, rebuilt);
  for (const [src, logic] of Object.entries(actors)) shell.actors[src] = nested(src, logic);
  return rebuilt;
}

interface Wrapping extends Watching {
  readonly watch: Watcher;
  readonly prefix: string;
  /** Sources of the actors that the route goes on in: what they are started with matters. */
  readonly pure: ReadonlySet<string>;
}

// --- the config ------------------------------------------------------------------------------------------------------

function watchedNode(config: Config, node: StateNode, wrapping: Wrapping): Config {
  const { watch, prefix, pure, note, gates } = wrapping;
  const source = node.path.join('.');
  const transitions = (on: string, given: unknown): unknown =>
    listOf(given).map((one, index) => {
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
    const id = node.invoke[index]?.id ?? '';
    const goesOnInside =
      typeof src === 'string' ? pure.has(src) : sourceKind(src as AnyActorLogic) !== 'promise';
    return {
      ...rest,
      src,
      ...(input === undefined ? {} : { input: goesOnInside ? watch.deciding(input) : input }),
      ...(onDone === undefined ? {} : { onDone: transitions(`${id}.done`, onDone) }),
      ...(onError === undefined ? {} : { onError: transitions(`${id}.error`, onError) }),
      ...(onSnapshot === undefined ? {} : { onSnapshot: transitions(`${id}.snapshot`, onSnapshot) }),
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

function unrecorded<T>(body: () => T): T {
  return collectVerdicts(undefined, body);
}

interface GuardArgs {
  readonly context: unknown;
  readonly event: unknown;
}

/** A guard that XState made of others. */
interface Builtin {
  check(snapshot: unknown, args: GuardArgs, self: unknown): boolean;
}

// --- the functions ---------------------------------------------------------------------------------------------------

interface Watcher {
  guard(guard: unknown): unknown;
  action(action: unknown): unknown;
  /** A function whose answer the route depends on; anything else is given back as it is. */
  deciding(given: unknown): unknown;
}

function createWatcher(note: Note): Watcher {
  /** What the parameters of the next action were made of. */
  let paramReads: ReadonlySet<Read> = new Set();

  const deciding = (given: unknown): unknown => {
    if (typeof given !== 'function') return given;
    return (...args: readonly unknown[]) => {
      note({ type: 'read', reads: seenIn(given as Fn, args).reads });
      return (given as Fn)(...args);
    };
  };

  const guard = (given: unknown): unknown => {
    if (typeof given === 'function') {
      const { guards, check } = given as { readonly guards?: readonly unknown[]; readonly check?: unknown };
      if (check === undefined) return deciding(given);
      return guards ? copyOf(given as Fn, { guards: guards.map(guard) }) : given;
    }
    return withParams(given, deciding);
  };

  /** Keys that are written by one function, or each by its own, are written at once: all of them read the context before. */
  const assignment = (given: unknown): Fn => {
    const parts = typeof given === 'function' ? undefined : Object.entries(given as Config);
    return (...args: readonly unknown[]) => {
      const writes = new Map<string, Watched>();
      const answer = parts
        ? Object.fromEntries(
            parts.map(([key, value]) => [key, typeof value === 'function' ? (value as Fn)(...args) : value]),
          )
        : (given as Fn)(...args);
      const whole = parts ? undefined : seenIn(given as Fn, args);
      for (const key of Object.keys((answer ?? {}) as object)) {
        const value = parts && (given as Config)[key];
        const seen = whole ?? (typeof value === 'function' ? under(key, seenIn(value as Fn, args)) : nothing);
        const root = pathOf('', key);
        writes.set(key, {
          reads: new Set([...seen.reads, ...paramReads]),
          copies: seen.copies.filter(([to]) => to === root || to.startsWith(`${root}/`)),
        });
      }
      paramReads = new Set();
      note({ type: 'write', writes });
      return answer;
    };
  };

  const action = (given: unknown): unknown => {
    if (typeof given !== 'function') {
      return withParams(given, (params) =>
        typeof params === 'function'
          ? (...args: readonly unknown[]) => {
              paramReads = seenIn(params as Fn, args).reads;
              return (params as Fn)(...args);
            }
          : params,
      );
    }
    const { type } = given as unknown as { readonly type?: string };
    switch (type) {
      case undefined:
      case 'xstate.log':
      case 'xstate.emit':
        // It has no say in where the route goes.
        return given;
      case 'xstate.assign': {
        const own = given as unknown as { readonly assignment: unknown };
        return copyOf(given as Fn, { assignment: assignment(own.assignment) });
      }
      case 'xstate.enqueueActions': {
        const { collect } = given as unknown as { readonly collect: Fn };
        return copyOf(given as Fn, { collect: collecting(collect) });
      }
      default:
        return copyOf(
          given as Fn,
          Object.fromEntries(
            Object.entries(given)
              .filter(([key]) => !['resolve', 'retryResolve', 'execute', 'type'].includes(key))
              .map(([key, value]) => [key, deciding(value)]),
          ),
        );
    }
  };

  const collecting =
    (collect: Fn): Fn =>
    (args, params) => {
      const { enqueue, check, ...rest } = args as EnqueueArgs;
      const watching = { ...rest, enqueue: deafQueue, check: (asked: unknown) => check(asked) };
      note({ type: 'read', reads: seenIn(collect, [watching, params]).reads });
      const queue = Object.assign((queued: unknown) => enqueue(action(queued)), {
        ...settingsOf(enqueue),
        assign: (given: unknown) => enqueue.assign?.(assignment(given)),
        raise: (event: unknown, options?: Config) =>
          enqueue.raise?.(deciding(event), options && mapped(options, deciding)),
        sendTo: (to: unknown, event: unknown, options?: Config) =>
          enqueue.sendTo?.(deciding(to), deciding(event), options && mapped(options, deciding)),
        spawnChild: (src: unknown, options?: Config) =>
          enqueue.spawnChild?.(src, options && mapped(options, deciding)),
      });
      return collect({ ...rest, enqueue: queue, check: (asked: unknown) => check(guard(asked)) }, params);
    };

  return { guard, action, deciding };
}

type Queue = ((action: unknown) => void) & Readonly<Partial<Record<string, Fn>>>;

interface EnqueueArgs {
  readonly enqueue: Queue;
  readonly check: (guard: unknown) => boolean;
}

const deafQueue: Queue = Object.assign(
  () => {},
  Object.fromEntries(
    ['assign', 'cancel', 'raise', 'sendTo', 'sendParent', 'spawnChild', 'stopChild', 'emit'].map((name) => [
      name,
      () => {},
    ]),
  ),
);

const nothing: Watched = { reads: new Set(), copies: [] };

/** What is told of one key's own function, as if it had given an object with that key. */
function under(key: string, { reads, copies }: Watched): Watched {
  return { reads, copies: copies.map(([to, from]) => [pathOf('', key) + to, from] as const) };
}

/** What a function reads that is called with these arguments, the first of which has the context. */
function seenIn(fn: Fn, args: readonly unknown[]): Watched {
  const [first, ...others] = args;
  if (typeof first !== 'object' || first === null || !('context' in first)) return everything;
  return unrecorded(() => watchReads(first.context, (context) => fn({ ...first, context }, ...others)));
}

function withParams(given: unknown, wrap: (params: unknown) => unknown): unknown {
  return typeof given === 'object' && given !== null && 'params' in given
    ? { ...given, params: wrap(given.params) }
    : given;
}

function settingsOf(fn: object): Config {
  return Object.fromEntries(Object.entries(fn));
}

/** XState's own actions and guards are functions with their settings on them. */
function copyOf(original: Fn, changed: Config): Fn {
  const { name } = original;
  const copy: Fn = () => false;
  Object.defineProperty(copy, 'name', { value: name });
  return Object.assign(copy, original, changed);
}

function listOf(given: unknown): readonly unknown[] {
  return given === undefined ? [] : Array.isArray(given) ? given : [given];
}

function mapped(given: Config | undefined, change: (value: unknown, key: string) => unknown): Config {
  return Object.fromEntries(Object.entries(given ?? {}).map(([key, value]) => [key, change(value, key)]));
}
