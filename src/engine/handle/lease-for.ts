/** Takes a run for what is done to it from outside of its machine: to end, delete or retry it. */
import { setTimeout as pause } from 'node:timers/promises';

import type { AcquiredRun, Lease, StoredRun } from '../../../persistence/store.ts';
import { RunNotFound } from '../../errors.ts';
import type { Scope } from './bounded.ts';
import type { EngineCore } from './core.ts';

const retryMs = 50;

/**
 * The run under this engine's lease. Waits for another worker that has it, unless `evict` says that its lease does not
 * count. `undefined`: `wanted` no longer holds.
 */
export async function leaseFor(
  core: EngineCore,
  runId: string,
  scope: Scope,
  wanted: (stored: StoredRun) => boolean,
  evict: (lease: Lease) => boolean = (lease) => !core.workers.isLive(lease),
): Promise<AcquiredRun | undefined> {
  for (;;) {
    const stored = await core.load(runId);
    if (!wanted(stored)) return undefined;
    const { lease } = stored;
    const now = core.clock.now();
    const acquired = await core.store.acquire(runId, {
      token: core.token,
      until: now + core.leaseMs,
      now,
      ...(lease && evict(lease) ? { evict: lease.token } : {}),
    });
    if (acquired === 'missing') throw new RunNotFound(runId);
    if (acquired !== 'held') {
      if (!scope.isOver && wanted(acquired.run)) return acquired;
      const seen = acquired.inbox.at(-1)?.id ?? 0;
      const { problem } = acquired.run;
      await core.store.release(runId, {
        token: core.token,
        wakeAt: now,
        seen,
        ...(problem ? { problem } : {}),
      });
      return undefined;
    }
    if (scope.isOver) return undefined;
    await pause(retryMs);
  }
}
