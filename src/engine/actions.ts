/** Performs the custom actions that a commit decided: in order, at most once, and a failure stops neither the others nor the run. */
import { SignalboxError } from '../errors.ts';
import { detached } from './performer.ts';
import type { DecidedAction } from './run-state.ts';

export type ActionFailed = (action: DecidedAction, error: SignalboxError) => void;

export function performActions(
  runId: string,
  actions: readonly DecidedAction[],
  onFailed: ActionFailed,
): void {
  for (const action of actions) {
    const failed = (error: unknown): void => onFailed(action, failure(runId, action, error));
    try {
      const { self, system } = detached(action.path);
      const done: unknown = action.exec?.(
        { context: action.context, event: action.event, self, system },
        action.params,
      );
      if (done instanceof Promise) done.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

function failure(runId: string, { type, path }: DecidedAction, cause: unknown): SignalboxError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SignalboxError(
    'ACTION_FAILED',
    'stop',
    `Action \`${type}\` of run \`${runId}\` failed: ${why}`,
    {
      cause,
      details: { runId, action: type, path },
    },
  );
}
