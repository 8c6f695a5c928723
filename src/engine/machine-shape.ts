/**
 * A short name for what of a workflow's machines stored runs depend on: states, invokes, events. Runs keep it, so that whether
 * a run was stored by the machine that is to go on with it costs one comparison.
 */
import { createHash } from 'node:crypto';

import type { AnyActorLogic, AnyStateMachine } from 'xstate';

import { actorSources, isStateMachine, sourceKind, type StateNode, stateNodes } from '../actor-sources.ts';
import { durableActor } from '../invocation.ts';

const shapes = new WeakMap<AnyStateMachine, string>();

export function shapeOf(machine: AnyStateMachine): string {
  const known = shapes.get(machine);
  if (known !== undefined) return known;
  const described = JSON.stringify(describe(machine, []));
  const shape = createHash('sha256').update(described).digest('base64url').slice(0, 16);
  shapes.set(machine, shape);
  return shape;
}

/** Take a machine that stands for another, with the code of its actors or guards replaced, for one of the same shape. */
export function keepShape(standIn: AnyStateMachine, machine: AnyStateMachine): void {
  shapes.set(standIn, shapeOf(machine));
}

function describe(machine: AnyStateMachine, above: readonly AnyStateMachine[]): unknown {
  // A machine may invoke itself, or one that invokes it.
  if (above.includes(machine)) return above.indexOf(machine);
  return [
    stateNodes(machine).map(describeState),
    actorSources(machine).map(({ src, logic }) => [src, logic && describeLogic(logic, [...above, machine])]),
  ];
}

function describeState({ id, type, history, invoke, transitions }: StateNode): unknown {
  return [id, type, history, invoke.map((each) => [each.id, each.src]), [...transitions.keys()]];
}

function describeLogic(logic: AnyActorLogic, above: readonly AnyStateMachine[]): unknown {
  if (isStateMachine(logic)) return describe(logic, above);
  const kind = sourceKind(logic);
  if (kind !== 'promise') return kind;
  // Logic without a name is told by its code.
  return [kind, durableActor(logic)?.name ?? String(logic.config)];
}
