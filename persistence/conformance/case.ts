/** What a conformance case is, and the small vocabulary that the cases are written in. */
import assert from 'node:assert/strict';

import type { Commit, CommitResult, NewRun, Recording, SendResult, Store } from '../store.ts';

/** A store under test, and the way to reach its data from elsewhere. */
export interface OpenedStore {
  readonly store: Store;
  /** Another connection to the same data, as another process would have; the first one stays open. */
  reopen(): Promise<Store>;
  /**
   * Behind the store's back, make what is stored of the run unreadable, its state for one, as damage would. Leave it out
   * if the store's data cannot be damaged; then the cases of damage pass without a look.
   */
  damage?(runId: string): Promise<void>;
  /**
   * Behind the store's back, remove the run, and leave the index of due runs naming it. Leave it out if the store
   * cannot come to that.
   */
  orphan?(runId: string): Promise<void>;
}

/** Opens a store with no runs in it, shared with no other case. */
export type OpenStore = () => Promise<OpenedStore>;

export interface StoreCase {
  /** A sentence about what a store does. */
  readonly name: string;
  /** Rejects if the store does not. Closes every store that it opened. */
  run(open: OpenStore): Promise<void>;
}

type CaseBody = (store: Store, reopen: () => Promise<Store>) => Promise<void>;

/** Of what goes wrong behind the store's back. */
type DamageBody = (store: Store, damage: (runId: string) => Promise<void>) => Promise<void>;

export function defineCase(name: string, body: CaseBody): StoreCase {
  return {
    name,
    async run(open) {
      const { store, reopen } = await open();
      const opened = [store];
      try {
        await body(store, async () => {
          const another = await reopen();
          opened.push(another);
          return another;
        });
      } finally {
        await Promise.all(opened.map((each) => each.close()));
      }
    },
  };
}

/** A case that needs `damage` or `orphan`. */
export function defineDamageCase(name: string, what: 'damage' | 'orphan', body: DamageBody): StoreCase {
  return {
    name,
    async run(open) {
      const opened = await open();
      try {
        if (opened[what]) await body(opened.store, (runId) => opened[what]?.(runId) ?? Promise.resolve());
      } finally {
        await opened.store.close();
      }
    },
  };
}

export const kind = 'ticket@1.0.0';

/** A run as the cases start them: created at 1000 and due at once. */
export function newRun(changes: Partial<NewRun> = {}): NewRun {
  return {
    id: 'run-1',
    workflow: 'ticket',
    version: '1.0.0',
    input: '{"text":"hello"}',
    state: 'state-1',
    status: 'running',
    value: '"drafting"',
    tags: [],
    log: ['started'],
    createdAt: 1000,
    labels: {},
    wakeAt: 1000,
    ...changes,
  };
}

/** A run that is held by `worker` until 61000. */
export function heldRun(changes: Partial<NewRun> = {}): NewRun {
  return newRun({ lease: { token: 'worker', until: 61_000 }, wakeAt: null, ...changes });
}

/** The commit that follows `seq`: it keeps the lease and touches nothing else. */
export function nextCommit(seq: number, changes: Partial<Commit> = {}): Commit {
  return {
    token: 'worker',
    seq,
    now: 2000,
    state: `state-${seq + 1}`,
    status: 'running',
    value: '"drafting"',
    tags: [],
    log: [`step-${seq}`],
    consumed: [],
    freeKeys: [],
    forget: [],
    seen: 0,
    lease: 'keep',
    wakeAt: null,
    ...changes,
  };
}

let recordings = 0;

/** A recording by `worker` that was not made before. */
export function nextRecording(changes: Partial<Recording> = {}): Recording {
  return { token: 'worker', id: `recording ${++recordings}`, log: [], ...changes };
}

/** Asserts that the commit was applied, and returns what came of it. */
export async function assertCommitted(
  result: Promise<CommitResult>,
): Promise<Extract<CommitResult, { readonly status: 'committed' }>> {
  const settled = await result;
  assert.equal(settled.status, 'committed');
  if (settled.status !== 'committed') throw new TypeError('unreachable');
  return settled;
}

/** Sends a message and asserts that it was stored; returns its id. */
export async function assertStored(store: Store, runId: string, body: string, at = 1500): Promise<number> {
  const result: SendResult = await store.send(runId, { at, body });
  assert.equal(result.status, 'stored');
  if (result.status !== 'stored') throw new TypeError('unreachable');
  return result.messageId;
}

export async function isDue(store: Store, now: number, runId = 'run-1', workflow = kind): Promise<boolean> {
  const due = await store.due({ workflows: [workflow], now, limit: 1000 });
  return due.includes(runId);
}

/** Asserts that the run is due from `at` on, and not a millisecond before. */
export async function assertDueFrom(store: Store, at: number, runId = 'run-1'): Promise<void> {
  assert.equal(await isDue(store, at - 1, runId), false, `${runId} is due before ${at}`);
  assert.equal(await isDue(store, at, runId), true, `${runId} is not due at ${at}`);
}

/** A time later than any that a case uses: what is not due by then never is. */
export const everAfter = 9_000_000_000_000;

export async function assertNeverDue(store: Store, runId = 'run-1'): Promise<void> {
  assert.equal(await isDue(store, everAfter, runId), false, `${runId} is due`);
}

/** Resolves once the condition holds; rejects if it does not within five seconds of real time. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`Within five seconds: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
