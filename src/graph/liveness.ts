/**
 * Which parts of the context the route may still read, at each place: live variables, as compilers know them (Aho, Lam, Sethi,
 * Ullman, section 9.2.5), over the graph that was explored.
 *
 * A part is live at a place if some way on from there reads it before it is written. Two states at the same place whose
 * live parts are equal go on alike, whatever else they hold.
 *
 * Parts that one function reads are kept together as a group: what it decides, it decides by all of them.
 */
import type { Read } from './watch/reads.ts';
import type { WatchEntry } from './watch/watched-workflow.ts';

/** What was seen on the way from one place to another. */
export interface Passage {
  readonly from: string;
  readonly to: string;
  readonly entries: readonly WatchEntry[];
}

export type Group = ReadonlySet<Read>;

/** The groups that are live at a place, each under a name made of its reads. */
export type LiveGroups = Map<string, Group>;

/** By place. */
export type Live = Map<string, LiveGroups>;

/** Adds to `live` what is live by these passages. True if there was something to add. */
export function spreadLive(passages: readonly Passage[], live: Live): boolean {
  const into = new Map<string, Passage[]>();
  for (const passage of passages) {
    const known = into.get(passage.to);
    if (known) known.push(passage);
    else into.set(passage.to, [passage]);
  }
  let grew = false;
  const waiting = new Set(passages.map(({ to }) => to));
  for (const place of waiting) {
    waiting.delete(place);
    for (const { from, entries } of into.get(place) ?? []) {
      const known = live.get(from) ?? new Map<string, Group>();
      live.set(from, known);
      let added = false;
      for (const [name, group] of liveBefore(entries, live.get(place) ?? new Map<string, Group>())) {
        if (known.has(name)) continue;
        known.set(name, group);
        added = true;
      }
      if (!added) continue;
      grew = true;
      waiting.add(from);
    }
  }
  return grew;
}

/** What is live before all that happened, given what is live after it. */
export function liveBefore(entries: readonly WatchEntry[], after: LiveGroups): LiveGroups {
  let live = after;
  for (const entry of entries.toReversed()) {
    if (entry.type === 'read') live = withGroup(live, entry.reads);
    if (entry.type !== 'write') continue;
    const before: LiveGroups = new Map();
    for (const [name, group] of live) {
      const source = beforeWrite(group, entry.writes);
      if (source === group) before.set(name, group);
      else if (source.size > 0) before.set(nameOf(source), source);
    }
    live = before;
  }
  return live;
}

type Writes = Extract<WatchEntry, { readonly type: 'write' }>['writes'];

/** What a group was made of, in the context before the write. */
function beforeWrite(group: Group, writes: Writes): Group {
  const isTouched = [...group].some((read) => read === '*' || writes.has(keyOf(read)));
  if (!isTouched) return group;
  const before = new Set<Read>();
  for (const read of group) {
    const path = read.slice(1);
    const written = writes.get(keyOf(read));
    if (!written) before.add(read);
    if (read === '*') for (const { reads } of writes.values()) for (const source of reads) before.add(source);
    if (!written) continue;
    for (const source of written.reads) before.add(source);
    for (const [to, from] of written.copies) {
      if (path === to || path.startsWith(`${to}/`))
        before.add((read[0] ?? '') + from + path.slice(to.length));
      // All of something that holds a copy: all of the copied too.
      else if (read.startsWith('*') && to.startsWith(`${path}/`)) before.add(`*${from}`);
    }
  }
  return before;
}

function withGroup(live: LiveGroups, group: Group): LiveGroups {
  if (group.size === 0) return live;
  const name = nameOf(group);
  return live.has(name) ? live : new Map([...live, [name, group]]);
}

function nameOf(group: Group): string {
  return [...group].sort().join(' ');
}

/** The key of the context that a read is in. */
function keyOf(read: Read): string {
  const key = read.split('/', 2)[1] ?? '';
  return key.includes('~') ? key.replaceAll('~1', '/').replaceAll('~0', '~') : key;
}
