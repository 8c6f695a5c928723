/**
 * Which parts of the context the route may still read, at each place: live variables, as compilers know them (Aho, Lam, Sethi,
 * Ullman, section 9.2.5), over the graph that was explored.
 *
 * A part is live at a place if some way on from there reads it before it is written. Two states at the same place whose
 * live parts are equal go on alike, whatever else they hold.
 */
import type { Group, ReadAt, Trace, Traces, Write } from './traces.ts';
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
  const into = new Map<string, Passage[]>();
  for (const passage of passages) {
    const known = into.get(passage.to);
    if (known) known.push(passage);
    else into.set(passage.to, [passage]);
  }
  let grew = false;
  const waiting = new Set(into.keys());
  for (const place of waiting) {
    waiting.delete(place);
    for (const { from, trace } of into.get(place) ?? []) {
      const known = live.get(from) ?? new Set<Group>();
      live.set(from, known);
      const { size } = known;
      for (const group of liveBefore(trace, live.get(place) ?? [], traces)) known.add(group);
      if (known.size === size) continue;
      grew = true;
      waiting.add(from);
    }
  }
  return grew;
}

/** What is live before all that happened, given what is live after it. */
export function liveBefore({ steps }: Trace, after: Iterable<Group>, traces: Traces): Set<Group> {
  let live = new Set(after);
  for (const step of steps.toReversed()) {
    if ('group' in step) {
      live.add(step.group);
      continue;
    }
    const { write } = step;
    const before = new Set<Group>();
    for (const group of live) {
      const made = write.before.get(group) ?? madeOf(group, write, traces);
      write.before.set(group, made);
      for (const one of made) before.add(one);
    }
    live = before;
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
