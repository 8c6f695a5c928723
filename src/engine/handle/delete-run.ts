/** Removes a run with all that is on record of it. */
import type { StoredRun } from '../../../persistence/store.ts';
import { RunActive, RunNotFound } from '../../errors.ts';
import { hasEnded, stateOf } from '../progress.ts';
import type { ParentInvocation } from '../run-state.ts';
import { bounded, type CallFacts, type WaitOptions } from './bounded.ts';
import type { EngineCore } from './core.ts';
import { leaseFor } from './lease-for.ts';
import { problemOfRun } from './stuck.ts';

export interface DeleteOptions extends WaitOptions {
  /** Also if the run has not ended: it is taken from its worker, and what is in flight is not stored any more. Default: false. */
  readonly force?: boolean | undefined;
}

export async function deleteRun(core: EngineCore, id: string, options: DeleteOptions = {}): Promise<void> {
  const { force = false } = options;
  const facts: CallFacts = { runId: id };
  return bounded(core, options, facts, async (scope) => {
    core.assertRunning();
    await core.ready();
    for (;;) {
      const stored = await core.load(id);
      assertDeletable(core, stored, force);
      if (force) core.held(id)?.abandon();
      const acquired = await leaseFor(
        core,
        id,
        scope,
        (run) => force || run.seq === stored.seq,
        (lease) => force || !core.workers.isLive(lease),
      );
      if (scope.isOver) return;
      if (!acquired) continue;
      const { run } = acquired;
      const result = await core.store.delete(id, { seq: run.seq, token: core.token });
      if (result === 'missing') throw new RunNotFound(id);
      if (result !== 'deleted') continue;
      core.forget(id);
      await tellParent(core, run);
      return;
    }
  });
}

function assertDeletable(core: EngineCore, stored: StoredRun, force: boolean): void {
  const { id, status } = stored;
  if (force || hasEnded(status) || problemOfRun(core, stored)) return;
  throw new RunActive(
    `Run \`${id}\` has not ended (${status}). Cancel it first with \`engine.run(id).cancel()\`, or delete it with \`force: true\`.`,
    { details: { runId: id, status } },
  );
}

/** Who waits for a run that is gone learns of it. */
async function tellParent(core: EngineCore, run: StoredRun): Promise<void> {
  if (run.parent === undefined || hasEnded(run.status)) return;
  const parent = parentOf(run);
  if (parent) await core.post(parent.runId, { type: 'wake', key: parent.key }, `ended ${run.id}`);
}

function parentOf(run: StoredRun): ParentInvocation | undefined {
  try {
    return stateOf(run.state).parent;
  } catch {
    // Which invocation it was is lost with the damaged state.
    return undefined;
  }
}
