/**
 * What was seen on the way from one state to another, each thing kept once: reads as groups, writes as what they were made of.
 * The same groups and writes come again and again, so they are compared by identity.
 */
import { keysOf, type Read } from './watch/reads.ts';
import type { WatchEntry } from './watch/watch-entry.ts';

/** One read, taken apart. */
export interface ReadAt {
  readonly read: Read;
  /** `=` a value or of what kind it is, `#` which keys, `*` all of it. */
  readonly kind: string;
  readonly path: string;
  readonly keys: readonly string[];
}

/**
 * What one function reads: what it decides, it decides by all of it. A function that reads a lot counts as several that read
 * one thing each: there are too many ways to put their values together.
 */
export interface Group {
  readonly id: number;
  readonly reads: readonly ReadAt[];
}

/** Keys of the context that were written at once. */
export interface Write {
  readonly id: number;
  readonly keys: ReadonlyMap<string, WrittenKey>;
  /** What groups were made of before it, as far as that is known. */
  readonly before: Map<Group, readonly Group[]>;
}

export interface WrittenKey {
  readonly reads: readonly Read[];
  readonly copies: ReadonlyArray<readonly [to: string, from: string]>;
}

export type TraceStep = { readonly group: Group } | { readonly write: Write };

export interface Trace {
  readonly id: number;
  /** In order. */
  readonly steps: readonly TraceStep[];
  /** What is live before it, as far as that was asked: by what it reads, and by what is live after it. */
  readFirst?: readonly Group[];
  readonly carriedBack: Map<Group, readonly Group[]>;
  /** The same without what was read: only what was written decides what becomes of what is live after it. */
  readonly writes: Trace | undefined;
}

export interface Traces {
  trace(entries: readonly WatchEntry[]): Trace;
  groupsOf(reads: Iterable<Read>): readonly Group[];
}

/** The most reads of a group. */
const widest = 5;

export function createTraces(): Traces {
  const reads = new Map<Read, ReadAt>();
  const groups = new Map<string, Group>();
  const writes = new Map<string, Write>();
  const traces = new Map<string, Trace>();

  const readAt = (read: Read): ReadAt => {
    const known = reads.get(read);
    if (known) return known;
    const path = read.slice(1);
    const made: ReadAt = { read, kind: read[0] ?? '', path, keys: keysOf(path) };
    reads.set(read, made);
    return made;
  };

  const group = (given: readonly Read[]): Group =>
    once(groups, given.join(' '), (id) => ({ id, reads: given.map(readAt) }));

  const groupsOf = (given: Iterable<Read>): readonly Group[] => {
    const sorted = [...new Set(given)].sort();
    if (sorted.length > widest) return sorted.map((read) => group([read]));
    return sorted.length > 0 ? [group(sorted)] : [];
  };

  const write = (given: Extract<WatchEntry, { readonly type: 'write' }>['writes']): Write => {
    const keys = [...given].map(([key, { reads: read, copies }]): [string, WrittenKey] => [
      key,
      { reads: [...read], copies },
    ]);
    return once(writes, JSON.stringify(keys), (id) => ({ id, keys: new Map(keys), before: new Map() }));
  };

  const traceOf = (steps: readonly TraceStep[]): Trace => {
    const name = steps.map((step) => ('group' in step ? `r${step.group.id}` : `w${step.write.id}`)).join(' ');
    const written = steps.filter((step) => 'write' in step);
    const writes = written.length < steps.length ? traceOf(written) : undefined;
    return once(traces, name, (id) => ({ id, steps, carriedBack: new Map(), writes }));
  };

  return {
    groupsOf,
    trace(entries) {
      const steps = decidedTogether(entries).flatMap((entry): TraceStep[] => {
        if (entry.type === 'read') return groupsOf(entry.reads).map((one) => ({ group: one }));
        return entry.type === 'write' ? [{ write: write(entry.writes) }] : [];
      });
      return traceOf(steps);
    },
  };
}

function once<T>(known: Map<string, T>, name: string, make: (id: number) => T): T {
  const before = known.get(name);
  if (before) return before;
  const made = make(known.size);
  known.set(name, made);
  return made;
}

/** Guards that are asked one after the other, with nothing written in between, decide together. */
function decidedTogether(entries: readonly WatchEntry[]): WatchEntry[] {
  const all: WatchEntry[] = [];
  let together = new Set<Read>();
  const end = (): void => {
    if (together.size > 0 && together.size <= widest) all.push({ type: 'read', reads: together });
    together = new Set();
  };
  for (const entry of entries) {
    if (entry.type === 'write') end();
    all.push(entry);
    if (entry.type === 'read') together = new Set([...together, ...entry.reads]);
  }
  end();
  return all;
}
