/**
 * What was seen on the way from one state to another, each thing kept once: reads as groups, writes as what they were made of.
 * The same groups and writes come again and again, so they are compared by identity.
 */
import { keysOf, type Read } from './watch/reads.ts';
import type { WatchEntry } from './watch/watched-workflow.ts';

/** One read, taken apart. */
export interface ReadAt {
  readonly read: Read;
  /** `=` a value or of what kind it is, `#` which keys, `*` all of it. */
  readonly kind: string;
  readonly path: string;
  readonly keys: readonly string[];
}

/** What one function reads: what it decides, it decides by all of it. */
export interface Group {
  readonly id: number;
  readonly reads: readonly ReadAt[];
}

/** Keys of the context that were written at once. */
export interface Write {
  readonly id: number;
  readonly keys: ReadonlyMap<string, WrittenKey>;
  /** What groups were made of before it, as far as that is known. */
  readonly before: Map<Group, Group>;
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
}

export interface Traces {
  trace(entries: readonly WatchEntry[]): Trace;
  group(reads: Iterable<Read>): Group;
}

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

  const group = (given: Iterable<Read>): Group => {
    const sorted = [...given].sort();
    return once(groups, sorted.join(' '), (id) => ({ id, reads: sorted.map(readAt) }));
  };

  const write = (given: Extract<WatchEntry, { readonly type: 'write' }>['writes']): Write => {
    const keys = [...given].map(([key, { reads: read, copies }]): [string, WrittenKey] => [
      key,
      { reads: [...read], copies },
    ]);
    return once(writes, JSON.stringify(keys), (id) => ({ id, keys: new Map(keys), before: new Map() }));
  };

  return {
    group,
    trace(entries) {
      const steps = entries.flatMap((entry): TraceStep[] => {
        if (entry.type === 'read' && entry.reads.size > 0) return [{ group: group(entry.reads) }];
        return entry.type === 'write' ? [{ write: write(entry.writes) }] : [];
      });
      const name = steps
        .map((step) => ('group' in step ? `r${step.group.id}` : `w${step.write.id}`))
        .join(' ');
      return once(traces, name, (id) => ({ id, steps }));
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
