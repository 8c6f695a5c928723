import { performerOf } from '../engine/advance.ts';
import { durableActor, type DurableActor } from '../invocation.ts';
import type { AnyWorkflow } from '../workflow.ts';

/** What the actor of that `src` declares about itself; undefined if it declares nothing. */
export function actorOf(workflow: AnyWorkflow, src: string): DurableActor | undefined {
  const logic = performerOf(workflow, src);
  return logic && durableActor(logic);
}
