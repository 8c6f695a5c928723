/** Which events come from outside, and which descriptors they match. */
import type { AnyStateMachine } from 'xstate';

import { stateNodes } from './actor-sources.ts';

/** Whether an event type matches a descriptor such as `APPROVE`, `user.*` or `*`. */
export function matchesDescriptor(type: string, descriptor: string): boolean {
  return (
    descriptor === type ||
    descriptor === '*' ||
    (descriptor.endsWith('.*') && `${type}.`.startsWith(descriptor.slice(0, -1)))
  );
}

/** XState's own events tell what happened inside, and nobody else may; this is the one that is meant to be sent. */
export const routeEvent = 'xstate.route';

/** Whether an event of that type, or events that match that descriptor, may be sent to a run. */
export function isFromOutside(type: string): boolean {
  return !type.startsWith('xstate.') || type === routeEvent;
}

/** The descriptors of the events from outside that the machine's states take. */
export function outsideEvents(machine: AnyStateMachine): string[] {
  return (machine.events as readonly string[]).filter(isFromOutside);
}

/** The payloads with which `xstate.route` leads somewhere: one for each state that has a `route`. */
export function routePayloads(machine: AnyStateMachine): ReadonlyArray<{ readonly to: string }> {
  return stateNodes(machine).flatMap(({ config }) =>
    config.route && config.id !== undefined ? [{ to: `#${config.id}` }] : [],
  );
}
