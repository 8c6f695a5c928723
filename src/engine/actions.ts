/**
 * Performs the custom actions that a commit decided: in order, at most once, and a failure stops neither the others nor the
 * run. What one lets escape after it has returned fails the run.
 */
import { SignalboxError } from '../errors.ts';
import { detached } from './performer.ts';
import type { DecidedAction } from './run-state.ts';
import { runUserCode, type UserCode } from './user-code.ts';

export type ActionFailed = (action: DecidedAction, error: SignalboxError) => void;

export function performActions(
  runId: string,
  actions: readonly DecidedAction[],
  onFailed: ActionFailed,
  fail: (error: Error) => void,
): void {
  for (const action of actions) {
    const failed = (error: unknown): void => onFailed(action, failure(runId, action, error));
    const { path, context, event, params } = action;
    const code: UserCode = { runId, path, isOver: false, fail };
    const over = (): void => {
      code.isOver = true;
    };
    try {
      const { self, system } = detached(path, code);
      const done: unknown = runUserCode(code, () => action.exec?.({ context, event, self, system }, params));
      if (done instanceof Promise) done.catch(failed).finally(over);
      else over();
    } catch (error) {
      over();
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
