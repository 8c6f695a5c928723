/** Deletes runs that ended long enough ago, in batches in the background. */
import type { Store } from '../../persistence/store.ts';
import { type Clock, realClock } from './clock.ts';
import { hasEnded } from './progress.ts';
import { durationMs } from './texts.ts';

/** How long ended runs are kept: `'30d'`, `'12h'`, `'45m'`, `'10s'`, or milliseconds. What is left out is kept. */
export interface Retention {
  readonly done?: string | number | undefined;
  readonly failed?: string | number | undefined;
  readonly cancelled?: string | number | undefined;
}

export interface RetentionPorts {
  readonly store: Store;
  readonly clock: Clock;
  ready(): Promise<void>;
  /** Whether this process executes all runs. */
  works(): boolean;
  deleted(runId: string): void;
  problem(error: Error): void;
}

const statuses = ['done', 'failed', 'cancelled'] as const;
type Ended = (typeof statuses)[number];

const batch = 100;
const minPeriodMs = 1_000;
const maxPeriodMs = 3_600_000;

/** Throws `InvalidOption`. Returns the way to start, which returns the way to stop. */
export function createRetention(retain: Retention, ports: RetentionPorts): () => () => void {
  const kept = statuses.flatMap((status) => {
    const value = retain[status];
    return value === undefined ? [] : [{ status, keepMs: durationMs(`retain.${status}`, value) }];
  });
  if (kept.length === 0) return () => () => {};
  const shortest = Math.min(...kept.map(({ keepMs }) => keepMs));
  const periodMs = Math.min(Math.max(shortest / 10, minPeriodMs), maxPeriodMs);
  return () => {
    let isStopped = false;
    let cancel = (): void => {};
    const round = async (): Promise<void> => {
      let clock: Clock = realClock;
      try {
        await ports.ready();
        clock = ports.clock;
        if (ports.works())
          for (const each of kept) await sweep(ports, each.status, each.keepMs, () => isStopped);
      } catch (error) {
        if (!isStopped) ports.problem(error as Error);
      }
      if (!isStopped) cancel = clock.at(clock.now() + periodMs, () => void round());
    };
    void round();
    return () => {
      isStopped = true;
      cancel();
    };
  };
}

async function sweep(
  { store, clock, deleted }: RetentionPorts,
  status: Ended,
  keepMs: number,
  isStopped: () => boolean,
): Promise<void> {
  /** Those that stay, which the store names again and again. */
  const staying = new Set<string>();
  for (;;) {
    const limit = batch + staying.size;
    const ids = await store.ended({ status, before: clock.now() - keepMs, limit });
    let isProgress = false;
    for (const id of ids) {
      if (isStopped()) return;
      if (staying.has(id)) continue;
      isProgress = true;
      if (await remove(store, id, status)) deleted(id);
      else staying.add(id);
    }
    if (!isProgress || ids.length < limit) return;
  }
}

/** Not one that a run asks for which is still active. */
async function remove(store: Store, id: string, status: Ended): Promise<boolean> {
  const run = await store.load(id);
  if (!run) return true;
  if (run.status !== status) return false;
  const parent = run.parent === undefined ? undefined : await store.load(run.parent);
  if (parent && !hasEnded(parent.status)) return false;
  const result = await store.delete(id, { seq: run.seq });
  return result === 'deleted' || result === 'missing';
}
