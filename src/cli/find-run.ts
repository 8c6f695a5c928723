/** The run that a command is about, and its workflow, before anything is done with them. */
import { RunNotFound, WorkflowNotFound } from '../errors.ts';
import type { AnyWorkflow } from '../workflow.ts';
import type { Session } from './session.ts';

/** Throws `RunNotFound`, or `WorkflowNotFound` if the run's version of its workflow is not there. */
export async function findRun({ store, catalog }: Session, id: string): Promise<AnyWorkflow> {
  const stored = await store.load(id);
  if (!stored) throw new RunNotFound(id);
  const ref = `${stored.workflow}@${stored.version}`;
  if (catalog.has(ref)) return catalog.find(ref);
  throw new WorkflowNotFound(workflowMissing(id, ref), { details: { runId: id, workflow: ref } });
}

export function workflowMissing(id: string, ref: string): string {
  return `Run \`${id}\` is a run of \`${ref}\`, which is not there. \`--workflows <module>\` adds it.`;
}
