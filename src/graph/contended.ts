/**
 * States that may react to one event together with a state of another region. Which of them does so first, XState decides by
 * the order in which they were entered; for all others that order means nothing.
 */
import type { AnyStateMachine } from 'xstate';

import { type StateNode, stateNodes } from '../actor-sources.ts';

/** Ids of the states. */
export function contendedStates(machine: AnyStateMachine): ReadonlySet<string> {
  const reacting = new Map<string, StateNode[]>();
  for (const node of stateNodes(machine)) {
    // What XState sends itself is meant for one state; only what comes from outside, or is raised, is for all.
    const types = [...node.transitions.keys()].filter((type) => !type.startsWith('xstate.'));
    for (const type of [...types, ...(node.always?.length ? ['always'] : [])]) {
      reacting.set(type, [...(reacting.get(type) ?? []), node]);
    }
  }
  const everything = reacting.get('*') ?? [];
  const contended = new Set<string>();
  for (const nodes of reacting.values()) {
    for (const one of nodes) {
      const others = [...nodes, ...everything];
      if (others.some((other) => other !== one && isInAnotherRegion(one, other))) contended.add(one.id);
    }
  }
  return contended;
}

function isInAnotherRegion(one: StateNode, other: StateNode): boolean {
  const above = new Set(ancestors(one));
  const common = ancestors(other).find((node) => above.has(node));
  return common?.type === 'parallel' && common !== one && common !== other;
}

/** The node itself and all above it, from the inside out. */
function ancestors(node: StateNode): StateNode[] {
  return node.parent ? [node, ...ancestors(node.parent as StateNode)] : [node];
}
