import type { EventObject } from 'xstate';

/** What the invoked actor answered. Its schema has checked it; XState types named guards and actions without it. */
export function outputOf<TOutput>(event: EventObject): TOutput {
  return (event as unknown as { output: TOutput }).output;
}
