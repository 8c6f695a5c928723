/**
 * Watches one run for all calls of this process that wait for it: one timer, one look at the store per interval, one pass
 * over the history for the fates of all messages that were sent.
 *
 * Where this process holds the run, it hears of each step; elsewhere it looks at the store at short intervals.
 *
 * I1. A store that is away is asked again for as long as a caller waits; a caller without a limit is told after a minute.
 * I2. A run that no live worker executes is told to those that wait: with an error if they have sent a message, once as a
 *     problem otherwise.
 * I3. It costs nothing once nobody waits.
 */
import type { RunProblem, StoredRun } from '../../../persistence/store.ts';
import { StoreUnavailable } from '../../errors.ts';
import { decodeEntry, type HistoryEntry } from '../history.ts';
import {
  type RunSnapshot,
  snapshotOf,
  type SnapshotSource,
  sourceOf,
  storedSnapshotOf,
} from '../run-snapshot.ts';
import type { EngineCore, Fate, Look, Outcome, RunWatch } from './core.ts';
import { answered } from './answered.ts';
import { isOfRun, noWorkerError, stuckError } from './stuck.ts';

interface Waiter {
  looked(look: Look): void;
  failed(error: Error): void;
  readonly isLimited: boolean;
}

interface Pending {
  readonly messageId: number;
  /** From where the history has not been searched for it. */
  from: number;
  readonly settle: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
  readonly isLimited: boolean;
  /** It is not enough to listen to what this process does. */
  mustSearch: boolean;
}

const lookMs = 50;
const maxLookMs = 250;
const slowdown = 1.05;
const historyPage = 500;
/** Callers without a limit of their own wait so long for a store that is away. */
const maxOutageMs = 60_000;
/** A run is stuck, or has no worker, once that has been so for this time. */
const stuckAfterMs = 1_000;
const unservedAfterMs = 3_000;
const servedCheckMs = 500;

export function createRunWatch(core: EngineCore, id: string, over: () => void): RunWatch {
  const { store } = core;
  const waiters = new Set<Waiter>();
  const pending = new Map<number, Set<Pending>>();
  /** Fates that were heard of while something was being sent. */
  const fates = new Map<number, Outcome>();
  let deliveries = 0;
  let latest: { readonly stored: StoredRun; readonly look: Look } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let timerDueAt = 0;
  let unlisten = (): void => {};
  let isWatching = false;
  let isLooking = false;
  let intervalMs = lookMs;
  let searchedSeq = -1;
  let outageSince: number | undefined;
  let stuckSince: number | undefined;
  let unservedSince: number | undefined;
  let servedAt = -Infinity;
  let isUnservedTold = false;

  // --- looking ------------------------------------------------------------------------------------------------------

  /** A newcomer need not wait for a slow interval. */
  function begin(firstLookMs: number): void {
    intervalMs = lookMs;
    if (!isWatching) listen();
    if (!isLooking) schedule(firstLookMs);
  }

  function listen(): void {
    isWatching = true;
    unlisten = core.listen(id, {
      stepped: (run) => show(heldLook(run)),
      disposed(run, messageId, fate) {
        if (deliveries === 0) return;
        const outcome = { fate, snapshot: snapshotOf(run) };
        const waiting = pending.get(messageId);
        if (!waiting) fates.set(messageId, outcome);
        for (const each of waiting ?? []) each.settle(outcome);
      },
      left: () => schedule(0),
    });
  }

  function endIfIdle(): void {
    if (waiters.size > 0 || deliveries > 0 || !isWatching) return;
    isWatching = false;
    clearTimeout(timer);
    timer = undefined;
    unlisten();
    fates.clear();
    over();
  }

  /** Look after so long, or before if that was planned. */
  function schedule(delayMs: number): void {
    const dueAt = performance.now() + delayMs;
    if (!isWatching || (timer && timerDueAt <= dueAt)) return;
    clearTimeout(timer);
    timerDueAt = dueAt;
    timer = setTimeout(() => {
      timer = undefined;
      void lookAgain();
    }, delayMs);
  }

  async function lookAgain(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    try {
      await lookOnce();
      outageSince = undefined;
      intervalMs = Math.min(intervalMs * slowdown, maxLookMs);
    } catch (error) {
      failed(error as Error);
    } finally {
      isLooking = false;
      schedule(intervalMs);
    }
  }

  async function lookOnce(): Promise<void> {
    const run = core.held(id);
    if (run) {
      stuckSince = unservedSince = undefined;
      show(heldLook(run));
      if (everyPending().some(({ mustSearch }) => mustSearch)) await search();
      return;
    }
    await answered(core.ready());
    const stored = await answered(core.load(id));
    if (stored.seq !== latest?.stored.seq) intervalMs = lookMs;
    if (stored.seq !== searchedSeq || everyPending().some(({ mustSearch }) => mustSearch)) {
      await search();
      searchedSeq = stored.seq;
    }
    const stuckBy = stuckness(stored);
    showStored(stored, stuckBy);
    if (stuckBy) rejectPending(stored.id, stuckBy);
    await checkServed(stored);
  }

  function heldLook(source: SnapshotSource): Look {
    let snapshot: RunSnapshot | undefined;
    // What the run is at is read now: it goes on while others look.
    const now = frozen(source);
    return { source: now, isHeld: true, stuckBy: undefined, snapshot: () => (snapshot ??= snapshotOf(now)) };
  }

  function storedLook(stored: StoredRun, stuckBy: RunProblem | undefined): Look {
    const before = latest?.stored;
    const isSame =
      before?.seq === stored.seq &&
      before.problem?.message === stored.problem?.message &&
      before.status === stored.status;
    if (latest && isSame && latest.look.stuckBy === stuckBy) return latest.look;
    const source = sourceOf(core.workflowOf(stored), stored);
    let snapshot: RunSnapshot | undefined;
    const look: Look = { source, isHeld: false, stuckBy, snapshot: () => (snapshot ??= snapshotOf(source)) };
    latest = { stored, look };
    return look;
  }

  function showStored(stored: StoredRun, stuckBy: RunProblem | undefined): void {
    if (waiters.size === 0) return;
    let look: Look;
    try {
      look = storedLook(stored, stuckBy);
    } catch (error) {
      // It cannot be shown here, which is nothing to those that only wait for their message to be taken.
      for (const waiter of waiters) waiter.failed(error as Error);
      return;
    }
    show(look);
  }

  function show(look: Look): void {
    for (const waiter of waiters) waiter.looked(look);
  }

  function failed(error: Error): void {
    const isOutage = error instanceof StoreUnavailable && error.details['closed'] !== true;
    const now = performance.now();
    outageSince = isOutage ? (outageSince ?? now) : undefined;
    if (isOutage) intervalMs = Math.min(intervalMs * 2, 1_000);
    const isTooLong = outageSince !== undefined && now - outageSince > maxOutageMs;
    for (const waiter of waiters) {
      if (!isOutage || (isTooLong && !waiter.isLimited)) waiter.failed(error);
    }
    for (const each of everyPending()) {
      if (!isOutage || (isTooLong && !each.isLimited)) each.reject(error);
    }
  }

  // --- the fates of messages ----------------------------------------------------------------------------------------

  function everyPending(): Pending[] {
    return [...pending.values()].flatMap((same) => [...same]);
  }

  /** Search the history from where it was not searched for all messages that wait, and stop when each was found. */
  async function search(): Promise<void> {
    while (pending.size > 0) {
      const from = everyPending().reduce((least, each) => Math.min(least, each.from), Infinity);
      const page = await answered(store.history(id, from, historyPage));
      const found = page.map(decodeEntry).filter((entry) => pending.has(messageIdOf(entry)));
      if (found.length > 0) {
        const snapshot = await snapshotNow();
        for (const entry of found) {
          for (const each of pending.get(messageIdOf(entry)) ?? [])
            each.settle({ fate: fateOf(entry), snapshot });
        }
      }
      const end = from + page.length;
      for (const each of everyPending()) {
        each.from = Math.max(each.from, end);
        if (page.length < historyPage) each.mustSearch = false;
      }
      if (page.length < historyPage) return;
    }
  }

  async function snapshotNow(): Promise<RunSnapshot> {
    const run = core.held(id);
    if (run) return snapshotOf(run);
    const stored = await answered(core.load(id));
    if (!core.hasWorkflow(stored)) return storedSnapshotOf(stored);
    return snapshotOf(sourceOf(core.workflowOf(stored), stored));
  }

  // --- runs that nobody executes ------------------------------------------------------------------------------------

  function stuckness(stored: StoredRun): RunProblem | undefined {
    const { problem, lease } = stored;
    if (!problem || !isOfRun(problem) || core.workers.isLive(lease)) {
      stuckSince = undefined;
      return undefined;
    }
    stuckSince ??= performance.now();
    return performance.now() - stuckSince >= stuckAfterMs ? problem : undefined;
  }

  function rejectPending(runId: string, problem: RunProblem): void {
    for (const each of everyPending()) {
      each.reject(stuckError(runId, problem, { stored: true, messageId: each.messageId }));
    }
  }

  async function checkServed(stored: StoredRun): Promise<void> {
    const isWaitedFor = pending.size > 0 || (waiters.size > 0 && stored.status === 'running');
    const isServed =
      !isWaitedFor || core.workers.isLive(stored.lease) || core.executes(stored) || (await hasWorker(stored));
    if (isServed) {
      unservedSince = undefined;
      return;
    }
    unservedSince ??= performance.now();
    if (performance.now() - unservedSince < unservedAfterMs) return;
    for (const each of everyPending()) {
      each.reject(noWorkerError(stored, { stored: true, messageId: each.messageId }));
    }
    if (waiters.size === 0 || isUnservedTold) return;
    isUnservedTold = true;
    core.problem(noWorkerError(stored, {}), id);
  }

  async function hasWorker({ workflow, version }: StoredRun): Promise<boolean> {
    const now = performance.now();
    if (now - servedAt < servedCheckMs) return unservedSince === undefined;
    servedAt = now;
    return answered(core.workers.serves(`${workflow}@${version}`));
  }

  // --- who waits ----------------------------------------------------------------------------------------------------

  return {
    until(scope, check) {
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          waiters.delete(waiter);
          endIfIdle();
        };
        const waiter: Waiter = {
          isLimited: scope.isLimited,
          looked(look) {
            try {
              const found = check(look);
              if (found === undefined) return;
              leave();
              resolve(found);
            } catch (error) {
              waiter.failed(error as Error);
            }
          },
          failed(error) {
            leave();
            reject(error);
          },
        };
        waiters.add(waiter);
        scope.onOver(leave);
        begin(0);
      });
    },

    deliver(scope) {
      deliveries++;
      scope.onOver(() => {
        deliveries--;
        if (deliveries === 0) fates.clear();
        endIfIdle();
      });
      begin(lookMs);
      return {
        known: (messageId) => fates.get(messageId),
        fateOf: ({ messageId, logLength }, isRepeat) =>
          new Promise((resolve, reject) => {
            const known = fates.get(messageId);
            if (known) return resolve(known);
            const same = pending.get(messageId) ?? new Set();
            const leave = (): void => {
              same.delete(own);
              if (same.size === 0 && pending.get(messageId) === same) pending.delete(messageId);
            };
            const own: Pending = {
              messageId,
              from: logLength,
              isLimited: scope.isLimited,
              mustSearch: isRepeat,
              settle(outcome) {
                leave();
                resolve(outcome);
              },
              reject(error) {
                leave();
                reject(error);
              },
            };
            pending.set(messageId, same.add(own));
            scope.onOver(leave);
            begin(isRepeat ? 0 : lookMs);
          }),
      };
    },
  };
}

function messageIdOf(entry: HistoryEntry): number {
  return ('messageId' in entry ? entry.messageId : undefined) ?? -1;
}

function fateOf(entry: HistoryEntry): Fate {
  if (entry.type !== 'refused') return 'accepted';
  return { refused: entry.reason, ...(entry.code ? { code: entry.code } : {}) };
}

/** A held run's fields as they are now. */
function frozen(run: SnapshotSource): SnapshotSource {
  const { id, workflow, state, seq, createdAt, updatedAt, labels, parent, problem, hosts } = run;
  return {
    id,
    workflow,
    state,
    seq,
    createdAt,
    updatedAt,
    labels,
    parent,
    problem,
    ...(hosts ? { hosts } : {}),
  };
}
