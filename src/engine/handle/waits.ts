/** Calls that wait for a run to get somewhere. */
import { RunCancelled, RunFailed, SnapshotNotRestorable, WaitTimeout } from '../../errors.ts';
import { hasEnded, problemOf, statusOf } from '../progress.ts';
import type { RunSnapshot } from '../run-snapshot.ts';
import { bounded, type CallFacts, type WaitOptions } from './bounded.ts';
import { assertCondition, meetsCondition, type SnapshotCondition } from './condition.ts';
import type { EngineCore, Look } from './core.ts';
import { stuckError } from './stuck.ts';

export function waitFor(
  core: EngineCore,
  id: string,
  condition: SnapshotCondition | ((snapshot: RunSnapshot) => boolean),
  options: WaitOptions = {},
): Promise<RunSnapshot> {
  let isChecked = typeof condition === 'function';
  const meets =
    typeof condition === 'function'
      ? condition
      : (snapshot: RunSnapshot) => meetsCondition(snapshot, condition);
  return until(core, id, options, (look) => {
    if (!isChecked) assertCondition(look.source.workflow, condition as SnapshotCondition);
    isChecked = true;
    const snapshot = look.snapshot();
    if (meets(snapshot)) return snapshot;
    if (snapshot.status === 'done') {
      throw new WaitTimeout(`Run \`${id}\` is done and can no longer get there.`, { details: { runId: id } });
    }
    throwIfEndedBadly(snapshot);
    throwIfStuck(look);
    return undefined;
  });
}

export function settled(core: EngineCore, id: string, options: WaitOptions = {}): Promise<RunSnapshot> {
  return until(core, id, options, (look) => {
    if (statusOf(look.source.state) !== 'running') return look.snapshot();
    throwIfStuck(look);
    return undefined;
  });
}

export async function result(core: EngineCore, id: string, options: WaitOptions = {}): Promise<unknown> {
  const snapshot = await until(core, id, options, (look) => {
    if (hasEnded(statusOf(look.source.state))) return look.snapshot();
    throwIfStuck(look);
    return undefined;
  });
  throwIfEndedBadly(snapshot);
  return snapshot.output;
}

/** The first thing that `check` gives. After the engine has stopped, one look is all there is. */
function until<T>(
  core: EngineCore,
  id: string,
  options: WaitOptions,
  check: (look: Look) => T | undefined,
): Promise<T> {
  const facts: CallFacts = { runId: id };
  return bounded(core, options, facts, (scope) =>
    core.watch(id).until(scope, (look) => {
      const found = check(look);
      if (found === undefined) core.assertRunning();
      return found;
    }),
  );
}

function throwIfStuck(look: Look): void {
  const { source, isHeld, stuckBy } = look;
  if (isHeld) return;
  if (stuckBy) throw stuckError(source.id, stuckBy);
  try {
    look.snapshot();
  } catch (error) {
    // No worker may have come to it yet.
    if (error instanceof SnapshotNotRestorable) throw stuckError(source.id, problemOf(error));
    throw error;
  }
}

function throwIfEndedBadly({ id, workflow, version, status, value, error }: RunSnapshot): void {
  if (status === 'failed') {
    throw new RunFailed(
      `Run \`${id}\` of \`${workflow}@${version}\` failed in state ${JSON.stringify(value)}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error, details: { runId: id, workflow, version, state: value } },
    );
  }
  if (status === 'cancelled')
    throw new RunCancelled(`Run \`${id}\` of \`${workflow}@${version}\` was cancelled.`, {
      details: { runId: id },
    });
}
