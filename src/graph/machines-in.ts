/** A workflow's machine and those nested in it. */
import type { AnyStateMachine } from 'xstate';

import { actorSources, isStateMachine } from '../actor-sources.ts';

export interface MachinePlace {
  readonly machine: AnyStateMachine;
  /** As in a transition's spec: the names of the sources that it is nested in, joined by `/`. */
  readonly prefix: string;
}

/** The machine and those nested in it, each once, in the order of `transitionsOf`. */
export function machinesIn(
  machine: AnyStateMachine,
  seen = new Set<AnyStateMachine>(),
  prefix = '',
): MachinePlace[] {
  if (seen.has(machine)) return [];
  seen.add(machine);
  const nested = actorSources(machine).flatMap(({ src, logic }) =>
    logic && isStateMachine(logic) ? machinesIn(logic, seen, prefix ? `${prefix}/${src}` : src) : [],
  );
  return [{ machine, prefix }, ...nested];
}
