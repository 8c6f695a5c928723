/**
 * When two states of a run count as one: if whatever can happen in them is the same, and so is what the route will ask.
 *
 * The first part of the key is everything but the root machine's context: where it is, what is pending, which timers fire
 * in how long, what history and nested machines hold. Of the context it has what is still going to be read.
 */
import { encode } from '../engine/codec.ts';
import type { PersistedActor, RunState } from '../engine/run-state.ts';
import type { Group } from './liveness.ts';
import { keysOf, type Read } from './watch/reads.ts';

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

/** A group of more reads than these is not looked at as a whole: there are too many ways to put their values together. */
const tuple = 5;

export interface LiveValues {
  /** Two contexts with the same key hold the same of all that is live. */
  readonly key: string;
  /** What it is made of: the values of a small group together, those of a large one each for itself. */
  readonly parts: readonly string[];
}

/** What the route is still going to read of the context. */
export function liveValues(context: unknown, groups: Iterable<Group>): LiveValues {
  const values = new Map<Read, string>();
  const valueOf = (read: Read): string => {
    const known = values.get(read);
    if (known !== undefined) return known;
    const value = `${read}:${valueAt(context, read)}`;
    values.set(read, value);
    return value;
  };
  const parts = [...groups].flatMap((group) => {
    const all = [...group].map(valueOf);
    return all.length <= tuple ? [all.join('\n')] : all;
  });
  return { key: [...values.values()].join('\n'), parts };
}

function valueAt(context: unknown, read: Read): string {
  let value = context;
  for (const key of keysOf(read.slice(1))) {
    if (typeof value !== 'object' || value === null || !(key in value)) return 'nothing';
    value = (value as Record<string, unknown>)[key];
  }
  const kind = read[0];
  if (kind === '*') return canonical(value);
  if (typeof value !== 'object' || value === null) return canonical(value);
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
  if (typeof value !== 'object' || value === null) return encode(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return encode(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}
