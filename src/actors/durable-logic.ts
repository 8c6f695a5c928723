/** Promise logic from a durable actor: what every `fromX` here returns. */
import { fromPromise, type NonReducibleUnknown, type PromiseActorLogic } from 'xstate';

import { plainScope, type DurableActor, type DurableLogic } from '../engine/invocation.ts';

/**
 * XState promise logic that the engine runs durably. Under a plain `createActor` it does the same work, and keeps
 * nothing.
 */
export interface DurablePromiseLogic<TOutput, TInput = NonReducibleUnknown>
  extends PromiseActorLogic<TOutput, TInput>, DurableLogic {}

export function durableLogic<TOutput, TInput>(actor: DurableActor): DurablePromiseLogic<TOutput, TInput> {
  const logic = fromPromise<TOutput, TInput>(
    ({ input, self, signal }) => actor.perform(input, plainScope(self.id, signal)) as Promise<TOutput>,
  );
  return Object.assign(logic, { signalbox: actor });
}
