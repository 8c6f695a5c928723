/** Which states of a machine have a transition for an event, as it is written. */
import type { AnyStateMachine } from 'xstate';

import { type StateNode, stateNodes } from '../../actor-sources.ts';
import { matchesDescriptor } from '../../event-descriptor.ts';
import { leadsOn } from '../transitions.ts';

export interface StatesByEvent {
  /** Paths of the states with one that leads on; the root's is `(root)`. */
  readonly accepting: readonly string[];
  /** Those with one that only forbids the event to the states above. */
  readonly forbidding: readonly string[];
}

export function statesByEvent(machine: AnyStateMachine, type: string): StatesByEvent {
  const nodes = stateNodes(machine);
  return {
    accepting: nodes.filter((node) => transitionsFor(node, type).some(leadsOn)).map(nameOf),
    forbidding: nodes
      .filter((node) => transitionsFor(node, type).some((transition) => !leadsOn(transition)))
      .map(nameOf),
  };
}

function transitionsFor({ transitions }: StateNode, type: string) {
  return [...transitions].flatMap(([descriptor, list]) =>
    !descriptor.startsWith('xstate.') && matchesDescriptor(type, descriptor) ? list : [],
  );
}

function nameOf({ path }: StateNode): string {
  return path.join('.') || '(root)';
}
