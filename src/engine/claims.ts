/**
 * Takes runs for this process, and knows which it holds. What happens to a held run is `held-run.ts`'s; when one is taken is
 * `dispatcher.ts`'s.
 *
 * I1. A run is held at most once in this process, and never beyond `concurrency`, long calls aside.
 * I2. A run that was taken over from dead workers too often is not executed, and one that may have killed some is executed
 *     with no other such run beside it, so that it takes none of them down with it.
 * I3. A run whose stored state is older than what this process has seen is not executed.
 * I4. Why a run is not executed is stored with it, and told once.
 */
import type { AcquiredRun, StoredRun } from '../../persistence/store.ts';
import type { SignalboxError } from '../errors.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { createHostCache, viewState } from './advance.ts';
import type { DispatcherPorts } from './dispatcher.ts';
import {
  type HeldRun,
  type HeldRunPorts,
  type Holding,
  holdingOf,
  holdRun,
  problemRetryMs,
} from './held-run.ts';
import { problemOf, stateOf } from './progress.ts';
import { notRestorable, runParked, runRolledBack } from './set-aside.ts';

export interface ClaimsPorts extends Pick<
  DispatcherPorts,
  'store' | 'clock' | 'token' | 'leaseMs' | 'workers' | 'ready' | 'problem'
> {
  readonly byRef: ReadonlyMap<string, AnyWorkflow>;
  readonly maxTakeovers: number;
  readonly ports: Omit<HeldRunPorts, 'workflow'>;
  concurrency(): number;
  /** Whether this process takes no more runs. */
  isStopping(): boolean;
  /** The run has another holder, whose lease ends then. */
  heldElsewhere(run: StoredRun, until: number): void;
  /** Take this run now. */
  want(runId: string): void;
}

export interface ClaimOptions {
  readonly evict?: string | undefined;
  /** A person wants it tried again, whatever has kept it from being executed. */
  readonly forgive?: boolean;
}

export interface Claims {
  readonly held: ReadonlyMap<string, HeldRun>;
  /** How many more runs may be held. */
  capacity(): number;
  /** Acquire the run and hold it, unless somebody does. Resolves when that is decided. */
  claim(runId: string, options?: ClaimOptions): Promise<void>;
  isClaimed(runId: string): boolean;
  /** Keeps the run from being claimed again in this process until `work` settles. */
  claiming<T>(runId: string, work: Promise<T>): Promise<T>;
  /** Hold a run that this process has the lease of. */
  hold(workflow: AnyWorkflow, holding: Holding): void;
  stepped(run: HeldRun): void;
  left(run: HeldRun): void;
  forget(runId: string): void;
  /** Resolves when no claim is under way. */
  settled(): Promise<void>;
}

/** From so many takeovers on a run may be what killed its workers. */
const suspectFrom = 3;
/** A run that has been held for so much of a lease most likely does not kill its worker, and others have waited long enough. */
const clearedAfterLeases = 0.5;
/** Runs that have waited for a call for so many leases leave their place to others. */
const longCallLeases = 4;
/** Yet no more than so many times `concurrency` are held. */
const maxHeldFactor = 10;
const maxRemembered = 10_000;
const rolledBackCode = 'RUN_ROLLED_BACK';

interface Seen {
  seq: number;
  readonly createdAt: number;
}

export function createClaims(options: ClaimsPorts): Claims {
  const { store, clock, token, leaseMs, workers, byRef, maxTakeovers, ports, problem } = options;
  const held = new Map<string, HeldRun>();
  /** Runs that are being acquired, or created to be held. */
  const claims = new Map<string, Promise<unknown>>();
  /** The highest step of each run that was seen here. */
  const seen = new Map<string, Seen>();
  const told = new Map<string, string>();
  /** Runs of workflows that this engine does not have. */
  const foreign = new Map<string, true>();
  /** Suspects that were given back, to be executed after the one that is. */
  const waitingSuspects = new Set<string>();
  let suspect: { readonly run: HeldRun; readonly seq: number; readonly since: number } | undefined;

  function capacity(): number {
    if (options.isStopping()) return 0;
    const all = held.size + claims.size;
    const places = options.concurrency();
    if (all < places) return places - all;
    const inLongCalls = [...held.values()].filter(isInLongCall).length;
    return Math.min(places - all + inLongCalls, places * maxHeldFactor - all);
  }

  function isInLongCall({ isWaitingForCalls, updatedAt }: HeldRun): boolean {
    return isWaitingForCalls && clock.now() - updatedAt > longCallLeases * leaseMs;
  }

  async function claim(runId: string, claimOptions: ClaimOptions = {}): Promise<void> {
    if (held.has(runId) || options.isStopping()) return;
    if (foreign.has(runId) && !claimOptions.forgive) return;
    const under = claims.get(runId);
    if (!under) return claiming(runId, acquire(runId, claimOptions));
    // If it fails, whoever made it is told.
    await under.catch(() => {});
    // What this claim was made for, a message perhaps, may have come after the other had read the run.
    held.get(runId)?.poke();
  }

  async function claiming<T>(runId: string, work: Promise<T>): Promise<T> {
    const settled = work.finally(() => claims.delete(runId));
    claims.set(runId, settled);
    return settled;
  }

  async function acquire(runId: string, { evict, forgive = false }: ClaimOptions): Promise<void> {
    await options.ready();
    const now = clock.now();
    const acquired = await store.acquire(runId, {
      token,
      until: now + leaseMs,
      now,
      ...(evict === undefined ? {} : { evict }),
      ...(forgive ? { forgive } : {}),
    });
    if (acquired === 'missing') return;
    if (acquired === 'held') return evict === undefined ? watchHolder(runId, forgive) : undefined;
    const { run } = acquired;
    const workflow = byRef.get(`${run.workflow}@${run.version}`);
    if (!workflow) remember(foreign, runId, true);
    if (!workflow || options.isStopping()) return giveBack(acquired, now);
    if (forgive) forget(runId);
    // Another process has seen later steps.
    if (run.problem?.code === rolledBackCode && !forgive) return giveBack(acquired, null);
    if (run.takeovers > maxTakeovers) return setAside(acquired, runParked(run.id, run.takeovers), null);
    const before = seen.get(runId);
    if (before && before.createdAt === run.createdAt && run.seq < before.seq) {
      return setAside(acquired, runRolledBack(run.id, run.seq, before.seq), null);
    }
    const isSuspect = run.takeovers >= Math.min(suspectFrom, maxTakeovers);
    if (isSuspect && hasSuspect(now)) {
      waitingSuspects.add(runId);
      return giveBack(acquired, now + clearedAfterLeases * leaseMs);
    }
    waitingSuspects.delete(runId);
    try {
      const state = stateOf(run.state, workflow);
      const hosts = createHostCache();
      // Restores it, so what cannot be restored is known now.
      viewState(workflow, state, hosts);
      hold(workflow, holdingOf(acquired, state, hosts));
    } catch (error) {
      return setAside(acquired, notRestorable(run.id, workflow, error), now + problemRetryMs);
    }
    const own = held.get(runId);
    if (isSuspect && own) suspect = { run: own, seq: run.seq, since: now };
  }

  /** Another worker has the run. If it is dead, take its place; if it may die yet, look again when its lease is over. */
  async function watchHolder(runId: string, forgive: boolean): Promise<void> {
    const stored = await store.load(runId);
    const lease = stored?.lease;
    if (!lease) return;
    if (!workers.isLive(lease) && lease.until > clock.now())
      return acquire(runId, { evict: lease.token, forgive });
    options.heldElsewhere(stored, lease.until);
  }

  function hold(workflow: AnyWorkflow, holding: Holding): void {
    const run = holdRun({ ...ports, workflow }, holding);
    held.set(run.id, run);
    see(run);
  }

  function see({ id, seq, createdAt }: HeldRun): void {
    const known = seen.get(id);
    if (known?.createdAt === createdAt) known.seq = seq;
    else remember(seen, id, { seq, createdAt });
  }

  async function giveBack({ run, inbox }: AcquiredRun, wakeAt: number | null): Promise<void> {
    const handed = inbox.at(-1)?.id ?? 0;
    await store.release(run.id, {
      token,
      wakeAt,
      seen: handed,
      ...(run.problem ? { problem: run.problem } : {}),
    });
  }

  async function setAside(
    { run, inbox }: AcquiredRun,
    error: SignalboxError,
    wakeAt: number | null,
  ): Promise<void> {
    if (told.get(run.id) !== error.message) {
      remember(told, run.id, error.message);
      problem(error, run.id);
    }
    const handed = inbox.at(-1)?.id ?? 0;
    await store.release(run.id, { token, wakeAt, seen: handed, problem: problemOf(error) });
  }

  function hasSuspect(now: number): boolean {
    return suspect !== undefined && now - suspect.since < clearedAfterLeases * leaseMs;
  }

  function clearSuspect(): void {
    suspect = undefined;
    const [next] = waitingSuspects;
    if (next === undefined) return;
    waitingSuspects.delete(next);
    options.want(next);
  }

  function forget(runId: string): void {
    for (const remembered of [seen, told, foreign]) remembered.delete(runId);
  }

  return {
    held,
    capacity,
    claim,
    claiming,
    hold,
    forget,
    isClaimed: (runId) => claims.has(runId),
    stepped(run) {
      see(run);
      if (told.size > 0) told.delete(run.id);
      if (suspect?.run === run && run.seq > suspect.seq) clearSuspect();
    },
    left(run) {
      if (held.get(run.id) === run) held.delete(run.id);
      if (suspect?.run === run) clearSuspect();
    },
    async settled() {
      await Promise.allSettled(claims.values());
    },
  };
}

/** Drops the older half at once: deleting one at a time makes `Map` skip all deleted entries to find its first. */
function remember<T>(all: Map<string, T>, runId: string, what: T): void {
  all.delete(runId);
  all.set(runId, what);
  if (all.size <= maxRemembered) return;
  for (const id of [...all.keys()].slice(0, maxRemembered / 2)) all.delete(id);
}
