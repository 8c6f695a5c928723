/** Promise logic from a durable actor: what every `fromX` here returns. */
import { setTimeout as pause } from 'node:timers/promises';

import { fromPromise, type NonReducibleUnknown, type PromiseActorLogic } from 'xstate';

import { Deferred, type DurableActor, type DurableLogic, type InvocationScope } from '../invocation.ts';
import { plainScope } from './plain-scope.ts';

/**
 * XState promise logic that the engine runs durably. Under a plain `createActor` it does the same work, and keeps
 * nothing.
 */
export interface DurablePromiseLogic<TOutput, TInput = NonReducibleUnknown>
  extends PromiseActorLogic<TOutput, TInput>, DurableLogic {}

export function durableLogic<TOutput, TInput>(actor: DurableActor): DurablePromiseLogic<TOutput, TInput> {
  const logic = fromPromise<TOutput, TInput>(
    ({ input, self, signal }) => performedHere(actor, input, plainScope(self.id, signal)) as Promise<TOutput>,
  );
  return Object.assign(logic, { signalbox: actor });
}

/** A day: well below where Node's timers overflow. */
const longestPauseMs = 86_400_000;

/** Without an engine there is nobody else to wait until the time has come. */
async function performedHere(actor: DurableActor, input: unknown, scope: InvocationScope): Promise<unknown> {
  for (;;) {
    try {
      return await actor.perform(input, scope);
    } catch (error) {
      if (!(error instanceof Deferred)) throw error;
      const waitMs = Math.max(0, error.until - scope.now());
      await pause(Math.min(waitMs, longestPauseMs), undefined, { signal: scope.signal });
    }
  }
}
