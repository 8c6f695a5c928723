/**
 * When two states of a run count as one: if whatever can happen in them is the same, and so is what the route will ask.
 *
 * The first part of the key is everything but the root machine's context: where it is, what is pending, which timers fire
 * in how long, what history and nested machines hold. Of the context it has what is still going to be read.
 */
import { encode } from '../engine/codec.ts';
import type { PersistedActor, RunState } from '../engine/run-state.ts';
import type { Group, ReadAt } from './traces.ts';

/**
 * All but the context. `now` is the time that its timers' waits are counted from; `contended` are the states whose turns
 * matter.
 */
export function controlKey(
  { snapshot, timers, invocations }: RunState,
  now: number,
  contended: ReadonlySet<string>,
): string {
  const { status, error, turns, ...rest } = snapshot;
  const order = turns?.filter((id) => contended.has(id)) ?? [];
  if (status !== 'active') return canonical({ status, value: rest.value, error: nameOf(error) });
  return canonical({
    ...actorKey(rest, true),
    ...(order.length > 1 ? { order } : {}),
    timers: timers.map(({ source, id, target, event, deadline }) => [
      source,
      id,
      target,
      event,
      deadline - now,
    ]),
    invocations: invocations.map(({ path, src }) => [path, src]),
  });
}

/** What the route is still going to read at one place, ready to be looked up in contexts. */
export interface LiveReads {
  /** Two contexts with the same key hold the same of all that is live. */
  keyOf(context: unknown): string;
  /** What the key is made of: the values of each group together. */
  partsOf(context: unknown): string[];
  /** Each part of the context that is read (`attempts`, `parts.0`), with its value in short. */
  fieldsOf(context: unknown): Array<readonly [field: string, value: string]>;
}

/** `short` gives long values a short name, the same each time. */
export function liveReads(groups: ReadonlySet<Group>, short: (value: string) => string): LiveReads {
  const all = [...new Set([...groups].flatMap(({ reads }) => reads))];
  const places = new Map(all.map((read, index) => [read, index]));
  const shapes = [...groups].map(({ id, reads }) => ({
    id,
    indices: reads.map((read) => places.get(read) ?? 0),
  }));
  const valuesOf = (context: unknown): string[] => all.map((read) => short(valueAt(context, read)));
  return {
    keyOf: (context) => valuesOf(context).join('\n'),
    fieldsOf: (context) => valuesOf(context).map((value, index) => [all[index]?.keys.join('.') ?? '', value]),
    partsOf(context) {
      const values = valuesOf(context);
      return shapes.map(({ id, indices }) => `${id}: ${indices.map((index) => values[index]).join('\n')}`);
    },
  };
}

const longest = 40;

export function createShortener(): (value: string) => string {
  const names = new Map<string, string>();
  return (value) => {
    if (value.length <= longest) return value;
    const name = names.get(value) ?? `~${names.size}`;
    names.set(value, name);
    return name;
  };
}

function valueAt(context: unknown, { kind, keys }: ReadAt): string {
  let value = context;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !(key in value)) return 'nothing';
    value = (value as Record<string, unknown>)[key];
  }
  if (kind === '*' || typeof value !== 'object' || value === null) return canonical(value);
  if (kind === '#') return Object.keys(value).join(',');
  return Array.isArray(value) ? '[]' : '{}';
}

function actorKey(
  { value, turns, historyValue, context, children, input, status }: Partial<PersistedActor>,
  isRoot: boolean,
): object {
  return {
    value,
    turns,
    status,
    history: historyValue,
    ...(isRoot ? {} : { context, input: value === undefined ? undefined : input }),
    // What an invocation has given, the route knows from its event; only a machine goes on inside.
    children: Object.entries(children ?? {}).map(([id, { src, snapshot }]) => [
      id,
      src,
      actorKey(snapshot, false),
    ]),
  };
}

/** Errors of one kind count as one. */
function nameOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return error === undefined ? undefined : canonical(error);
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return canonical(code ?? name);
}

/** The same text for values that are equal, whatever the order of their keys. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return encode(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return encode(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}
