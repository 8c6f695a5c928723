/**
 * Refuses a workflow with errors, before it runs. What is looked at is bounded, so that a process starts at once; all of it is
 * looked at by `check`, in CI.
 */
import { WorkflowRefused } from '../../errors.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { errorsOf, type Finding } from './check.ts';
import type { CheckOptions } from './rule.ts';

/** How far a workflow is looked at. Default: the first 100 states of a run. */
export type Extent = Pick<CheckOptions, 'maxNodes' | 'variants'>;

const firstNodes = 100;

/** A workflow is looked at once, however many engines have it. */
const known = new WeakMap<AnyWorkflow, Map<string, readonly Finding[]>>();

/** Throws `WorkflowRefused` if `check` finds an error that nobody has accepted. `unlooked`: how to run it nevertheless. */
export function assertSound(workflow: AnyWorkflow, extent: Extent, unlooked: string): void {
  const errors = errorsIn(workflow, { ...extent, maxNodes: extent.maxNodes ?? firstNodes });
  if (errors.length === 0) return;
  const list = errors.map(({ rule, where, message, fix, witness }) => {
    const path = witness?.name ? ` Seen on: ${witness.name}.` : '';
    return `\n- ${rule}${where && ` at \`${where}\``}: ${message}${path} ${fix}`;
  });
  const count = errors.length === 1 ? 'an error' : `${errors.length} errors`;
  throw new WorkflowRefused(
    `Workflow \`${workflow.ref}\` has ${count} that nobody has accepted, so it is not run:${list.join('')}\nMend it, or say in \`defineWorkflow({ accepted })\` why it is right as it is. ${unlooked}`,
    {
      details: {
        workflow: workflow.ref,
        findings: errors.map(({ witness, ...finding }) => ({ ...finding, path: witness?.name })),
      },
    },
  );
}

function errorsIn(workflow: AnyWorkflow, extent: Extent): readonly Finding[] {
  const byExtent = known.get(workflow) ?? new Map<string, readonly Finding[]>();
  known.set(workflow, byExtent);
  const name = `${extent.maxNodes} ${extent.variants}`;
  const errors = byExtent.get(name) ?? errorsOf(workflow, extent);
  byExtent.set(name, errors);
  return errors;
}
