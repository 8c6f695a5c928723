/**
 * A store in this process's memory: for tests, simulation and trying things out. It owns the data of its runs and
 * nothing else; nothing survives the process.
 *
 * I1 holds because each call does its whole work in one turn of the event loop, before its promise is returned.
 * What goes in and comes out is never shared: arrays and maps are copied, strings cannot change.
 */
import { StoreUnavailable } from '../src/errors.ts';
import { guardShared } from './guard-shared.ts';
import { createInProcessShared } from './in-process-shared.ts';
import { compareBytes, compareListed, encodeCursor, readListStart, type ListPlace } from './listing.ts';
import { guardNames } from './names.ts';
import { hasEnded } from './run-status.ts';
import type { Shared } from './shared.ts';
import type {
  InboxMessage,
  Labels,
  Lease,
  Progress,
  RunProblem,
  RunSummary,
  Store,
  StoredRun,
  Worker,
} from './store.ts';

/** What a memory store holds. Two stores given the same one behave like two connections to one database. */
export interface MemoryData {
  readonly runs: Map<string, MemoryRun>;
  /** The same runs, in the order of `list` turned round: the newest last. */
  readonly listed: MemoryRun[];
  readonly listeners: Set<(runId: string) => void>;
  /** Of published text, by run. */
  readonly subscribers: Map<string, Set<(text: string) => void>>;
  readonly workers: Map<string, Worker>;
  readonly shared: Shared;
}

interface MemoryRun {
  readonly id: string;
  readonly workflow: string;
  readonly version: string;
  readonly input: string;
  readonly createdAt: number;
  readonly labels: Labels;
  readonly parent: string | undefined;
  progress: Omit<Progress, 'log'>;
  updatedAt: number;
  seq: number;
  lease: Lease | undefined;
  /** When the run is due while nobody has its lease. */
  wakeAt: number | null;
  problem: RunProblem | undefined;
  takeovers: number;
  /** Ids of the recordings of the lease's holder. */
  recorded: Set<string>;
  readonly log: string[];
  /** By id, oldest first. */
  readonly inbox: Map<number, InboxMessage>;
  lastMessageId: number;
  readonly keys: Map<string, { readonly messageId: number; readonly logLength: number }>;
  readonly journal: Map<string, string>;
}

export interface MemoryStoreOptions {
  /** Default: an empty one of its own. */
  readonly data?: MemoryData;
}

export function createMemoryData(): MemoryData {
  return {
    runs: new Map(),
    listed: [],
    listeners: new Set(),
    subscribers: new Map(),
    workers: new Map(),
    shared: createInProcessShared(),
  };
}

/**
 * Keep runs in memory.
 *
 * @example
 * const engine = createEngine({ workflows: [supportTicket], store: memoryStore() });
 */
export function memoryStore({ data = createMemoryData() }: MemoryStoreOptions = {}): Store {
  const { runs, listed, listeners, subscribers, workers } = data;
  /** Ends what this store listens to. */
  const unlisten = new Set<() => void>();
  let closed = false;

  function assertOpen(): void {
    if (closed) throw new StoreUnavailable('The memory store is closed; create another one to go on.');
  }

  /** The run, if there is one and this token's lease holds it (I3, I4). */
  function findHeld(runId: string, token: string): MemoryRun | undefined {
    const run = runs.get(runId);
    return run?.lease?.token === token ? run : undefined;
  }

  return guardNames({
    async create(input) {
      assertOpen();
      if (runs.has(input.id)) return 'exists';
      const { id, workflow, version, createdAt, labels, parent, lease, wakeAt } = input;
      const run: MemoryRun = {
        id,
        workflow,
        version,
        input: input.input,
        createdAt,
        labels: { ...labels },
        parent,
        progress: copyProgress(input),
        updatedAt: createdAt,
        seq: 1,
        lease: lease && { token: lease.token, until: lease.until },
        wakeAt,
        problem: undefined,
        takeovers: 0,
        recorded: new Set(),
        log: [...input.log],
        inbox: new Map(),
        lastMessageId: 0,
        keys: new Map(),
        journal: new Map(),
      };
      runs.set(id, run);
      listed.splice(findPlace(listed, run), 0, run);
      return 'created';
    },

    async load(runId) {
      assertOpen();
      const run = runs.get(runId);
      return run && toStored(run);
    },

    async acquire(runId, { token, until, now, evict, forgive = false }) {
      assertOpen();
      const run = runs.get(runId);
      if (!run) return 'missing';
      const holder = run.lease;
      if (holder && holder.until > now && holder.token !== token && holder.token !== evict) return 'held';
      if (forgive) run.takeovers = 0;
      else if (holder && holder.token !== token) run.takeovers++;
      if (holder?.token !== token) run.recorded = new Set();
      run.lease = { token, until };
      return { run: toStored(run), inbox: [...run.inbox.values()], journal: new Map(run.journal) };
    },

    async commit(runId, commit) {
      assertOpen();
      const run = runs.get(runId);
      if (!run) return { status: 'missing' };
      if (run.lease?.token !== commit.token) return { status: 'lease-lost' };
      if (run.seq !== commit.seq) return { status: 'sequence', seq: run.seq };
      run.progress = copyProgress(commit);
      run.problem = undefined;
      run.takeovers = 0;
      run.updatedAt = commit.now;
      run.seq++;
      run.log.push(...commit.log);
      for (const id of commit.consumed) run.inbox.delete(id);
      for (const key of commit.freeKeys) run.keys.delete(key);
      for (const name of commit.forget) run.journal.delete(name);
      const inbox = messagesPast(run, commit.seen);
      const released = commit.lease === 'release' && inbox.length === 0;
      if (released) {
        run.lease = undefined;
        run.wakeAt = commit.wakeAt;
      } else if (typeof commit.lease === 'object') {
        run.lease = { token: commit.token, until: commit.lease.until };
      }
      return { status: 'committed', inbox, released };
    },

    async record(runId, { token, id, log, journal = {} }) {
      assertOpen();
      const run = findHeld(runId, token);
      if (!run) return false;
      if (run.recorded.has(id)) return true;
      run.recorded.add(id);
      run.log.push(...log);
      for (const [name, value] of Object.entries(journal)) {
        if (!run.journal.has(name)) run.journal.set(name, value);
      }
      return true;
    },

    async renew({ token, until, runs: renewed }) {
      assertOpen();
      const lost: string[] = [];
      const mail: string[] = [];
      for (const { id, seen } of renewed) {
        const run = findHeld(id, token);
        if (!run) {
          lost.push(id);
          continue;
        }
        run.lease = { token, until };
        if (messagesPast(run, seen).length > 0) mail.push(id);
      }
      return { lost, mail };
    },

    async release(runId, { token, wakeAt, seen, problem }) {
      assertOpen();
      const run = findHeld(runId, token);
      if (!run) return;
      run.lease = undefined;
      const unseen = messagesPast(run, seen);
      run.wakeAt = unseen.reduce<number | null>((earliest, { at }) => Math.min(earliest ?? at, at), wakeAt);
      run.problem = problem;
    },

    async send(runId, { at, body, key }) {
      assertOpen();
      const run = runs.get(runId);
      if (!run) return { status: 'missing' };
      const first = key === undefined ? undefined : run.keys.get(key);
      if (first) return { status: 'duplicate', ...first };
      if (hasEnded(run.progress.status)) return { status: 'ended' };
      const stored = { messageId: ++run.lastMessageId, logLength: run.log.length };
      run.inbox.set(stored.messageId, { id: stored.messageId, at, body, ...(key !== undefined && { key }) });
      if (key !== undefined) run.keys.set(key, stored);
      if (!run.lease) run.wakeAt = Math.min(run.wakeAt ?? at, at);
      for (const listener of listeners) queueMicrotask(() => listeners.has(listener) && listener(runId));
      return { status: 'stored', ...stored };
    },

    async inbox(runId, after) {
      assertOpen();
      const run = runs.get(runId);
      return run ? messagesPast(run, after) : [];
    },

    async due({ workflows, now, limit }) {
      assertOpen();
      const wanted = new Set(workflows);
      const found: Array<{ readonly id: string; readonly dueAt: number }> = [];
      for (const run of runs.values()) {
        const dueAt = getDueAt(run);
        if (dueAt !== null && dueAt <= now && wanted.has(toKind(run))) found.push({ id: run.id, dueAt });
      }
      found.sort((a, b) => a.dueAt - b.dueAt || compareBytes(a.id, b.id));
      return found.slice(0, limit).map(({ id }) => id);
    },

    async leases() {
      assertOpen();
      return listed.flatMap(({ id, workflow, version, lease }) =>
        lease ? [{ runId: id, workflow, version, ...lease }] : [],
      );
    },

    async open() {
      assertOpen();
      const counts = new Map<string, number>();
      for (const run of listed) {
        if (!hasEnded(run.progress.status)) counts.set(toKind(run), (counts.get(toKind(run)) ?? 0) + 1);
      }
      return counts;
    },

    async list(query) {
      assertOpen();
      const start = readListStart(query);
      const { workflow, status, tag, labels = {}, parent, stuck, limit } = query;
      const page: MemoryRun[] = [];
      // The first run that is older than the one that ended the page before.
      const newest = (start ? findPlace(listed, start) : listed.length) - 1;
      for (let at = newest; at >= 0 && page.length <= limit; at--) {
        const run = listed[at];
        if (!run) continue;
        if (workflow !== undefined && run.workflow !== workflow) continue;
        if (status !== undefined && run.progress.status !== status) continue;
        if (tag !== undefined && !run.progress.tags.includes(tag)) continue;
        if (Object.entries(labels).some(([name, value]) => run.labels[name] !== value)) continue;
        if (parent !== undefined && (run.parent ?? null) !== parent) continue;
        if (stuck && !run.problem) continue;
        page.push(run);
      }
      const last = page.length > limit ? page[limit - 1] : undefined;
      return {
        runs: page.slice(0, limit).map(toSummary),
        ...(last && { cursor: encodeCursor(last) }),
      };
    },

    async ended({ status, before, limit }) {
      assertOpen();
      return [...runs.values()]
        .filter((run) => run.progress.status === status && run.updatedAt < before)
        .sort((a, b) => a.updatedAt - b.updatedAt || compareBytes(a.id, b.id))
        .slice(0, limit)
        .map(({ id }) => id);
    },

    async delete(runId, { seq, token }) {
      assertOpen();
      const run = runs.get(runId);
      if (!run) return 'missing';
      if (run.lease && run.lease.token !== token) return 'held';
      if (run.seq !== seq) return 'sequence';
      runs.delete(runId);
      listed.splice(findPlace(listed, run), 1);
      return 'deleted';
    },

    async history(runId, from, limit) {
      assertOpen();
      return runs.get(runId)?.log.slice(from, from + limit) ?? [];
    },

    shared: guardShared(data.shared, assertOpen),

    watch(listener) {
      assertOpen();
      // A function of its own, so that the same listener can watch twice.
      return listen(listeners, (runId: string) => listener(runId));
    },

    publish(runId, text) {
      assertOpen();
      for (const listener of subscribers.get(runId) ?? []) queueMicrotask(() => listener(text));
    },

    subscribe(runId, listener) {
      assertOpen();
      const ofRun = subscribers.get(runId) ?? new Set();
      subscribers.set(runId, ofRun);
      const stop = listen(ofRun, (text: string) => listener(text));
      return () => {
        stop();
        if (ofRun.size === 0 && subscribers.get(runId) === ofRun) subscribers.delete(runId);
      };
    },

    async announce(token, worker) {
      assertOpen();
      if (worker) workers.set(token, { ...worker, token });
      else workers.delete(token);
    },

    async workers(now) {
      assertOpen();
      for (const { token, until } of workers.values()) if (until <= now) workers.delete(token);
      return [...workers.values()];
    },

    onProblem: () => () => {},

    async close() {
      closed = true;
      for (const stop of unlisten) stop();
    },
  });

  /** Until the way to stop is taken, or this store is closed. */
  function listen<T>(all: Set<T>, listener: T): () => void {
    const stop = (): void => {
      all.delete(listener);
      unlisten.delete(stop);
    };
    all.add(listener);
    unlisten.add(stop);
    return stop;
  }
}

/** Costs what has come since, or what there is, whichever is less. */
function messagesPast({ inbox, lastMessageId }: MemoryRun, seen: number): readonly InboxMessage[] {
  if (lastMessageId - seen > inbox.size) return [...inbox.values()].filter(({ id }) => id > seen);
  const past: InboxMessage[] = [];
  for (let id = seen + 1; id <= lastMessageId; id++) {
    const message = inbox.get(id);
    if (message) past.push(message);
  }
  return past;
}

/** When the run is due, if ever (I7). */
function getDueAt(run: MemoryRun): number | null {
  if (hasEnded(run.progress.status) && run.inbox.size === 0) return null;
  return run.lease ? run.lease.until : run.wakeAt;
}

function toKind({ workflow, version }: MemoryRun): string {
  return `${workflow}@${version}`;
}

function copyProgress({ state, status, value, tags }: Progress): Omit<Progress, 'log'> {
  return { state, status, value, tags: [...tags] };
}

function toSummary(run: MemoryRun): RunSummary {
  const { id, workflow, version, createdAt, updatedAt, labels, parent, problem, progress } = run;
  const { status, value, tags } = progress;
  return {
    id,
    workflow,
    version,
    status,
    value,
    tags: [...tags],
    createdAt,
    updatedAt,
    labels: { ...labels },
    ...(parent !== undefined && { parent }),
    ...(problem !== undefined && { problem }),
  };
}

function toStored(run: MemoryRun): StoredRun {
  const { seq, input, takeovers, progress, lease } = run;
  return {
    ...toSummary(run),
    seq,
    input,
    takeovers,
    state: progress.state,
    ...(lease && { lease: { ...lease } }),
  };
}

/** Where in `listed` the place is or belongs. */
function findPlace(listed: readonly MemoryRun[], place: ListPlace): number {
  let low = 0;
  let high = listed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const run = listed[middle];
    if (run && compareListed(run, place) > 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
