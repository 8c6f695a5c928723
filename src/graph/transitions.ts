/**
 * The transitions of a machine as it was written: what coverage counts, and what a path's steps are told in.
 *
 * A transition's id is its state, what it waits for, and its place among those that wait for the same:
 * `drafting draftReply.done 0`. It stays as long as these do.
 */
import type { AnyStateMachine } from 'xstate';

import { actorSources, isStateMachine, type StateNode, stateNodes } from '../actor-sources.ts';
import { invokeName } from './invocation-name.ts';

export interface TransitionSpec {
  readonly id: string;
  /** Path of the state that has it, joined by `.`; the root's is empty. */
  readonly source: string;
  /** What it waits for: an event's type, `draftReply.done`, `draftReply.error`, `after approvalTime`, `always`, `done`. */
  readonly on: string;
  /** What its guard is called, if it has one. */
  readonly guard?: string;
  /** Paths of the states that it leads to; empty if it stays. */
  readonly targets: readonly string[];
  /** Ids of the machines that the machine is nested in, by the name of its `src`; empty for the workflow's own. */
  readonly machine: string;
}

/** A transition as a config has it, and as it is found there. */
export type TransitionPlace = Pick<TransitionSpec, 'source' | 'on' | 'machine'> & { readonly index: number };

export function transitionId({ machine, source, on, index }: TransitionPlace): string {
  return `${machine && `${machine}/`}${source || '(root)'} ${on} ${index}`;
}

/** Every transition that leads somewhere or does something, those of nested machines after their parents'. */
export function transitionsOf(
  machine: AnyStateMachine,
  seen = new Set<AnyStateMachine>(),
  prefix = '',
): TransitionSpec[] {
  if (seen.has(machine)) return [];
  seen.add(machine);
  const own = stateNodes(machine).flatMap((node) => ofNode(node, prefix));
  const nested = actorSources(machine).flatMap(({ src, logic }) =>
    logic && isStateMachine(logic) ? transitionsOf(logic, seen, prefix ? `${prefix}/${src}` : src) : [],
  );
  return [...own, ...nested];
}

interface FormattedTransition {
  readonly target: readonly StateNode[] | undefined;
  readonly actions: readonly unknown[];
  readonly guard: unknown;
  readonly eventType: string;
}

function ofNode(node: StateNode, machine: string): TransitionSpec[] {
  const waiting = [...node.transitions].map(
    ([type, list]) => [whatFor(node, type), list as unknown as readonly FormattedTransition[]] as const,
  );
  const eventless = (node.always ?? []) as unknown as readonly FormattedTransition[];
  return [...waiting, ['always', eventless] as const].flatMap(([on, list]) =>
    list.flatMap((transition, index) => {
      if (!leadsOn(transition)) return [];
      const source = node.path.join('.');
      const guard = guardName(transition.guard);
      return [
        {
          id: transitionId({ machine, source, on, index }),
          source,
          on,
          ...(guard === undefined ? {} : { guard }),
          targets: (transition.target ?? []).map((target) => target.path.join('.')),
          machine,
        },
      ];
    }),
  );
}

/** One without target and actions only forbids its event to the states above. */
export function leadsOn({
  target,
  actions,
}: {
  readonly target?: unknown;
  readonly actions?: unknown;
}): boolean {
  return target !== undefined || (Array.isArray(actions) ? actions.length > 0 : actions !== undefined);
}

/** XState's name for what is waited for, in words. */
function whatFor(node: StateNode, type: string): string {
  for (const [index, { id }] of node.invoke.entries()) {
    const name = invokeName(node, index);
    if (type === `xstate.done.actor.${id}`) return `${name}.done`;
    if (type === `xstate.error.actor.${id}`) return `${name}.error`;
    if (type === `xstate.snapshot.${id}`) return `${name}.snapshot`;
  }
  if (type === `xstate.done.state.${node.id}`) return 'done';
  const after = 'xstate.after.';
  const end = `.${node.id}`;
  return type.startsWith(after) && type.endsWith(end)
    ? `after ${type.slice(after.length, -end.length)}`
    : type;
}

/** `mayRetry(draft)`, `withinLimit and borneOut`; undefined if there is none. */
export function guardName(guard: unknown): string | undefined {
  if (guard === undefined) return undefined;
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'function') {
    const { guards, stateValue } = guard as { guards?: readonly unknown[]; stateValue?: unknown };
    if (stateValue !== undefined) return `in ${JSON.stringify(stateValue)}`;
    if (!guards) return guard.name || 'an inline guard';
    const names = guards.map((one) => guardName(one) ?? 'an inline guard');
    return guard.name === 'not' ? `not ${names.join()}` : names.join(` ${guard.name} `);
  }
  const { type, params } = guard as { readonly type: string; readonly params?: unknown };
  return params === undefined || typeof params === 'function' ? type : `${type}(${shown(params)})`;
}

function shown(params: unknown): string {
  return typeof params === 'string' ? params : JSON.stringify(params);
}
