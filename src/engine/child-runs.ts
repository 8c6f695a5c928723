/** Runs that actors of other runs start, ask for and end. */
import { WorkflowNotFound } from '../errors.ts';
import type { ChildRuns } from '../invocation.ts';
import type { AnyWorkflow } from '../workflow.ts';
import type { EngineCore } from './handle/core.ts';
import { stateOf } from './progress.ts';
import type { ParentInvocation } from './run-state.ts';

export interface ChildRunsPorts {
  readonly core: Pick<EngineCore, 'held' | 'load' | 'post'>;
  readonly byRef: ReadonlyMap<string, AnyWorkflow>;
  start(
    workflow: AnyWorkflow,
    options: { readonly id: string; readonly input?: unknown },
    parent: ParentInvocation,
  ): Promise<void>;
}

/** Those of one invocation. */
export function createChildRuns({ core, byRef, start }: ChildRunsPorts, parent: ParentInvocation): ChildRuns {
  const cancel: ChildRuns['cancel'] = (runId, reason) =>
    core.post(runId, { type: 'cancel', reason }, `cancelled by ${parent.runId}`);

  async function isPending(): Promise<boolean> {
    const state = core.held(parent.runId)?.state ?? stateOf((await core.load(parent.runId)).state);
    return state.invocations.some((invocation) => invocation.key === parent.key);
  }

  return {
    cancel,
    async start({ name, version }, { id, input }) {
      const workflow = byRef.get(`${name}@${version}`);
      if (!workflow) throw new WorkflowNotFound(`This engine has no workflow \`${name}@${version}\`.`);
      await start(workflow, { id, input }, parent);
      // If the parent moved on while the run was being stored, there was nothing yet to cancel.
      if (!(await isPending())) await cancel(id, `run \`${parent.runId}\` no longer waits for it`);
    },
    async outcome(runId) {
      const { workflow, version, status, state } = await core.load(runId);
      if (status === 'running' || status === 'waiting') return undefined;
      const { output, error } = stateOf(state, byRef.get(`${workflow}@${version}`)).snapshot;
      return status === 'done'
        ? { status, ...(output === undefined ? {} : { output }) }
        : { status, ...(error === undefined ? {} : { error }) };
    },
  };
}
