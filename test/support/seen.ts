/** What can be done to a run and what can be seen of it, in words that do not depend on how it is run. */
import type { AnyActorRef, AnyEventObject } from 'xstate';

export type Step =
  | AnyEventObject
  /** Settle the invocation of that key (ids that XState made up are written `made:<n>`). */
  | { readonly settle: string; readonly output?: unknown; readonly error?: unknown }
  /** Let time pass; what is due fires in order. */
  | { readonly elapse: number }
  | { readonly cancel: true };

/** What can be seen of a run after a step. */
export interface Seen {
  readonly status: string;
  readonly value: unknown;
  readonly context: unknown;
  readonly output: unknown;
  readonly error: unknown;
  readonly tags: readonly string[];
  readonly children: unknown;
  readonly timers: readonly unknown[];
  readonly invocations: readonly string[];
  readonly started: readonly { readonly key: string; readonly input: unknown }[];
  readonly stopped: readonly string[];
  readonly actions: readonly { readonly path: string; readonly type: string; readonly params: unknown }[];
  readonly emitted: readonly { readonly path: string; readonly event: unknown }[];
}

export interface Driver {
  start(input: unknown): Promise<Seen>;
  step(step: Step): Promise<Seen>;
  /** The state as a store would give it back, if it is one that `advance` gave. */
  stored?(): unknown;
}

export const startAt = 1_000_000;

export interface PersistedLike {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly historyValue?: unknown;
  readonly children?: Readonly<Record<string, { readonly snapshot: PersistedLike; readonly src: unknown }>>;
}

export function storedChildren({ children = {} }: PersistedLike): unknown {
  return Object.fromEntries(
    Object.entries(children).map(([id, { snapshot }]) => [id, childSeen(snapshot, storedChildren(snapshot))]),
  );
}

/** By the actors' own ids: XState keeps a child that was spawned without one as its parent's `undefined`. */
export function liveChildren(actor: AnyActorRef): unknown {
  const { children = {} } = actor.getSnapshot() as { children?: Record<string, AnyActorRef> };
  return Object.fromEntries(
    Object.values(children).map((child) => {
      const persisted = (child as unknown as { getPersistedSnapshot(): unknown }).getPersistedSnapshot();
      return [child.id, childSeen(persisted as PersistedLike, liveChildren(child))];
    }),
  );
}

function childSeen({ status, value, context, output, error }: PersistedLike, children: unknown): unknown {
  return { status, value, context: pathless(context), output, error: errorSeen(error), children };
}

export function errorSeen(error: unknown): unknown {
  return error instanceof Error ? { name: error.name, message: error.message } : error;
}

/** References to actors as XState stores them. */
export function pathless(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(pathless);
  if (typeof part !== 'object' || part === null || Object.getPrototypeOf(part) !== Object.prototype)
    return part;
  return Object.fromEntries(
    Object.entries(part)
      .filter(([key]) => !('xstate$$type' in part) || (key !== 'path' && key !== 'gone'))
      .map(([key, value]) => [key, pathless(value)]),
  );
}

export interface Naming {
  (seen: Seen): Seen;
  raw(named: string): string;
}

/** Ids that XState makes up differ from one way to another in all but their order; they get the same names. */
export function createNaming(): Naming {
  const names = new Map<string, string>();
  const naming = (seen: Seen): Seen => {
    const found = new Set<string>();
    eachString(seen, (text) => {
      for (const id of text.match(/x:\d+/g) ?? []) found.add(id);
    });
    const fresh = [...found]
      .filter((id) => !names.has(id))
      .toSorted((one, other) => number(one) - number(other));
    for (const id of fresh) names.set(id, `made:${names.size + 1}`);
    const all = renamed(seen, (text) => text.replaceAll(/x:\d+/g, (id) => names.get(id) ?? id)) as Seen;
    return { ...all, invocations: all.invocations.toSorted(), stopped: all.stopped.toSorted() };
  };
  const raw = (named: string): string =>
    named.replaceAll(/made:\d+/g, (name) => [...names].find(([, other]) => other === name)?.[0] ?? name);
  return Object.assign(naming, { raw });
}

function number(id: string): number {
  return Number(id.slice(2));
}

function eachString(part: unknown, visit: (text: string) => void): void {
  if (typeof part === 'string') visit(part);
  else if (typeof part === 'object' && part !== null)
    for (const [key, value] of Object.entries(part)) {
      visit(key);
      eachString(value, visit);
    }
}

function renamed(part: unknown, rename: (text: string) => string): unknown {
  if (typeof part === 'string') return rename(part);
  if (Array.isArray(part)) return part.map((item) => renamed(item, rename));
  if (typeof part !== 'object' || part === null || Object.getPrototypeOf(part) !== Object.prototype)
    return part;
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [rename(key), renamed(value, rename)]),
  );
}
