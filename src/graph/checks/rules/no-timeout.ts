import type { AnyStateMachine } from 'xstate';

import { stateNodes } from '../../../actor-sources.ts';
import type { Invocation, Timer } from '../../../engine/run-state.ts';
import type { GraphNode } from '../../graph.ts';
import { invocationName } from '../../invocation-name.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** Invocations that may take for ever, in states that no timer leads on from. */
export const noTimeout: Rule = {
  id: 'no-timeout',
  severity: 'warning',
  explains:
    'Nothing bounds how long it takes: if the other side never answers, the run stays here, and nobody is told.',
  fix: 'Give the actor a `timeoutMs` (`fromTool` and the others take one), or the state an `after`.',
  *find({ machine, graph, routes, worst }: Subject): Iterable<Found> {
    const told = new Set<string>();
    for (const node of graph.nodes) {
      for (const invocation of pendingIn(node)) {
        const { src, path, input } = invocation;
        if (worst.costs.of(src, input).timeMs < Infinity || isTimed(node, invocation, machine)) continue;
        const state = stateOf(node, invocation, machine);
        const where = `${state} ${invocationName(path, src)}`;
        if (told.has(where)) continue;
        told.add(where);
        const message = `\`${state}\` waits for \`${invocationName(path, src)}\`, and nothing says for how long.`;
        yield { where, message, witness: routes.to(node) };
      }
    }
  },
};

function pendingIn({ state }: GraphNode): readonly Invocation[] {
  return state?.snapshot.status === 'active' ? state.invocations : [];
}

/** The state that invokes it, in the root machine; the value of all of it where the actor is nested. */
function stateOf(node: GraphNode, invocation: Invocation, machine: AnyStateMachine): string {
  return invokingState(node, invocation, machine)?.path.join('.') || placeName(node.state?.snapshot.value);
}

/** A timer of a state beside that one, in a parallel region, does not lead on from it. */
function isTimed(node: GraphNode, invocation: Invocation, machine: AnyStateMachine): boolean {
  const invoking = invokingState(node, invocation, machine);
  return (node.state?.timers ?? []).some((timer) => {
    const armedBy = timer.source === '' ? stateOfTimer(timer, machine) : undefined;
    if (!invoking || !armedBy) return true;
    const [outer, inner] = [armedBy.path, invoking.path].sort((one, other) => one.length - other.length);
    return outer?.every((key, depth) => inner?.[depth] === key);
  });
}

function invokingState({ state }: GraphNode, { path }: Invocation, machine: AnyStateMachine) {
  return stateNodes(machine).find(
    (one) => one.invoke.some(({ id }) => id === path) && isActive(one.path, state?.snapshot.value),
  );
}

function isActive([first, ...rest]: readonly string[], value: unknown): boolean {
  if (first === undefined) return true;
  if (typeof value === 'string') return value === first && rest.length === 0;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, first)) return false;
  return isActive(rest, (value as Readonly<Record<string, unknown>>)[first]);
}

/** Of an `after`; another delayed event may lead on from anywhere. */
function stateOfTimer({ event }: Timer, machine: AnyStateMachine) {
  const id = /^xstate\.after\.[^.]*\.(.*)$/.exec(event.type)?.[1];
  return stateNodes(machine).find((node) => node.id === id);
}
