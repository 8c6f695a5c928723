/**
 * Which parts of the context the route may still read, at each place: live variables, as compilers know them (Aho, Lam, Sethi,
 * Ullman, section 9.2.5), over the graph that was explored.
 *
 * A part is live at a place if some way on from there reads it before it is written. Two states at the same place whose
 * live parts are equal go on alike, whatever else they hold.
 */
import type { Group, ReadAt, Trace, Traces, TraceStep, Write } from './traces.ts';
import type { Read } from './watch/reads.ts';

/** A way from one place to another. */
export interface Passage {
  readonly from: string;
  readonly to: string;
  readonly trace: Trace;
}

/** The groups that are live, by place. They only ever become more. */
export type Live = Map<string, Set<Group>>;

/** Adds to `live` what is live by these passages. True if there was something to add. */
export function spreadLive(passages: Iterable<Passage>, live: Live, traces: Traces): boolean {
  let grew = false;
  /** By place, what is live there and was not carried back from there yet. */
  const waiting = new Map([...live].map(([place, groups]) => [place, [...groups]]));
  const add = (place: string, groups: Iterable<Group>): void => {
    const known = live.get(place) ?? new Set<Group>();
    live.set(place, known);
    for (const group of groups) {
      if (known.has(group)) continue;
      known.add(group);
      grew = true;
      const more = waiting.get(place);
      if (more) more.push(group);
      else waiting.set(place, [group]);
    }
  };

  const into = new Map<string, Map<string, Passage>>();
  for (const { from, to, trace } of passages) {
    add(from, readFirst(trace, traces));
    const { writes = trace } = trace;
    const known = into.get(to) ?? new Map<string, Passage>();
    into.set(to, known.set(`${writes.id} ${from}`, { from, to, trace: writes }));
  }
  for (const [place, groups] of waiting) {
    waiting.delete(place);
    for (const { from, trace } of into.get(place)?.values() ?? []) {
      for (const group of groups) add(from, carriedBack(group, trace, traces));
    }
  }
  return grew;
}

/** What is read in it, of what was there before it. */
function readFirst(trace: Trace, traces: Traces): readonly Group[] {
  trace.readFirst ??= [
    ...new Set(
      trace.steps.flatMap((step, index) =>
        'group' in step ? beforeWrites([step.group], trace.steps.slice(0, index), traces) : [],
      ),
    ),
  ];
  return trace.readFirst;
}

/** What a group that is live after it was made of, in the context before it. */
function carriedBack(group: Group, trace: Trace, traces: Traces): readonly Group[] {
  const known = trace.carriedBack.get(group);
  if (known) return known;
  const made = beforeWrites([group], trace.steps, traces);
  trace.carriedBack.set(group, made);
  return made;
}

function beforeWrites(
  groups: readonly Group[],
  steps: readonly TraceStep[],
  traces: Traces,
): readonly Group[] {
  let live = groups;
  for (const step of steps.toReversed()) {
    if ('group' in step) continue;
    const { write } = step;
    live = [
      ...new Set(
        live.flatMap((group) => {
          const made = write.before.get(group) ?? madeOf(group, write, traces);
          write.before.set(group, made);
          return made;
        }),
      ),
    ];
  }
  return live;
}

/** What a group was made of, in the context before the write: nothing, if it was written from nothing in it. */
function madeOf(group: Group, { keys }: Write, traces: Traces): readonly Group[] {
  const isTouched = group.reads.some(({ read, keys: [root] }) => read === '*' || keys.has(root ?? ''));
  if (!isTouched) return [group];
  return traces.groupsOf(group.reads.flatMap((read) => sourcesOf(read, keys)));
}

function sourcesOf({ read, kind, path, keys: [root] }: ReadAt, written: Write['keys']): Read[] {
  if (read === '*') return [read, ...[...written.values()].flatMap(({ reads }) => reads)];
  const key = written.get(root ?? '');
  if (!key) return [read];
  const copied = key.copies.flatMap(([to, from]): Read[] => {
    if (path === to || path.startsWith(`${to}/`)) return [kind + from + path.slice(to.length)];
    // All of something that holds a copy: all of the copied too.
    return kind === '*' && to.startsWith(`${path}/`) ? [`*${from}`] : [];
  });
  return [...key.reads, ...copied];
}
