/** The errors with which a run is set aside: it is not executed until it is resumed, deployed for, or deleted. */
import { RunMissing, RunParked, RunRolledBack, SnapshotNotRestorable } from '../errors.ts';
import type { AnyWorkflow } from '../workflow.ts';

export function runParked(runId: string, takeovers: number): RunParked {
  return new RunParked(
    `Run \`${runId}\` was taken over from dead workers ${takeovers} times without a step, and is not executed any more. \`engine.resume(id)\` tries again.`,
    { details: { runId, takeovers } },
  );
}

/** `storedSeq`: the step that the store has; `seenSeq`: the last step that this process has seen in it. */
export function runRolledBack(runId: string, storedSeq: number, seenSeq: number): RunRolledBack {
  return new RunRolledBack(
    `Run \`${runId}\` is at step ${storedSeq} in the store, and was at step ${seenSeq} before: a failover or a restored backup lost commits. \`engine.resume(id)\` continues from step ${storedSeq}, and may repeat calls.`,
    { details: { runId, storedSeq, seenSeq } },
  );
}

/** `seenSeq`: the last step that the store acknowledged. */
export function runMissing(runId: string, seenSeq: number): RunMissing {
  return new RunMissing(
    `The store no longer has run \`${runId}\`, which it acknowledged up to step ${seenSeq}: it was deleted, or a failover lost it. Nothing more is executed for it.`,
    { details: { runId, seenSeq } },
  );
}

export function notRestorable(runId: string, { ref }: AnyWorkflow, cause: unknown): SnapshotNotRestorable {
  return new SnapshotNotRestorable(`Run \`${runId}\` of \`${ref}\`: ${(cause as Error).message}`, {
    cause,
    details: { runId, workflow: ref },
  });
}
