/**
 * The functions of a machine, wrapped so that they tell what they read and what they wrote from it.
 *
 * Each is called twice: once for its answer, and once with a context that notes what is asked of it. The second time can do
 * nothing: it spawns and enqueues nothing, its verdicts are not recorded, and its answer is thrown away.
 */
import { collectVerdicts } from '../../gates/verdict.ts';
import { everything, pathOf, type Read, type Watched, watchReads } from './reads.ts';
import type { WatchEntry } from './watch-entry.ts';

export type Note = (entry: WatchEntry) => void;
export type Config = Readonly<Record<string, unknown>>;
type Fn = (...args: readonly unknown[]) => unknown;

export interface Watcher {
  guard(guard: unknown): unknown;
  action(action: unknown): unknown;
  /** A function whose answer the route depends on; anything else is given back as it is. */
  deciding(given: unknown): unknown;
}

export function createWatcher(note: Note): Watcher {
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

/** What an assigner is given for an actor that it spawns: nothing that anyone looks into. */
function spawnNothing(): symbol {
  return Symbol('an actor');
}

const nothing: Watched = { reads: new Set(), copies: [] };

/** What is told of one key's own function, as if it had given an object with that key. */
function under(key: string, { reads, copies }: Watched): Watched {
  return { reads, copies: copies.map(([to, from]) => [pathOf('', key) + to, from] as const) };
}

/** What a function reads that is called with these arguments, the first of which has the context. */
function seenIn(fn: Fn, args: readonly unknown[]): Watched {
  const [first, ...others] = args;
  if (typeof first !== 'object' || first === null || !('context' in first)) return everything;
  const deaf = 'spawn' in first ? { ...first, spawn: spawnNothing } : first;
  return unrecorded(() => watchReads(first.context, (context) => fn({ ...deaf, context }, ...others)));
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

/** What a body does to the verdicts stays out of the record. */
export function unrecorded<T>(body: () => T): T {
  return collectVerdicts(undefined, body);
}

export function mapped(given: Config | undefined, change: (value: unknown, key: string) => unknown): Config {
  return Object.fromEntries(Object.entries(given ?? {}).map(([key, value]) => [key, change(value, key)]));
}
