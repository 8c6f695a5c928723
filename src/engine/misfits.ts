/**
 * What of a stored run a machine of another shape no longer has a place for. Such a run would wait for ever, or take the
 * result of one call for that of another, so it is refused.
 *
 * What cannot be told: an `after` that was added to an active state (its timer may as well have fired), and code that was
 * exchanged in its place.
 */
import type { AnyActorLogic, StateValue } from 'xstate';

import { isInlineSource, type StateNode } from '../actor-sources.ts';
import { SnapshotNotRestorable } from '../errors.ts';
import { matchesDescriptor } from '../event-descriptor.ts';
import type { PersistedActor, PersistedChild } from './run-state.ts';

export interface Misfit {
  readonly kind: 'state' | 'final' | 'history' | 'child' | 'invoke' | 'invocation' | 'timer';
  /** Path of the actor; the root's is empty. */
  readonly actor: string;
  /** Of the state, child, invocation or timer. */
  readonly id: string;
  readonly problem: string;
}

/** A machine that is asked whether it fits. */
export interface FittedMachine {
  readonly root: StateNode;
  readonly implementations: { readonly actors: Readonly<Record<string, AnyActorLogic>> };
}

/** What of an actor's own stored state a machine has no place for; its children tell of theirs. */
export function misfitsOf(
  persisted: PersistedActor,
  machine: FittedMachine,
  nodes: ReadonlyMap<string, StateNode>,
  actor: string,
): Misfit[] {
  if (persisted.status !== 'active') return [];
  const active: StateNode[] = [machine.root];
  const stateMisfits = misfitsOfValue(machine.root, persisted.value ?? {}, active);
  const found =
    stateMisfits.length > 0
      ? stateMisfits
      : [
          ...misfitsOfFinals(persisted, active),
          ...misfitsOfHistory(persisted, nodes),
          ...misfitsOfChildren(persisted, machine, active),
        ];
  return found.map((misfit) => ({ ...misfit, actor }));
}

type Found = Omit<Misfit, 'actor'>;

function misfitsOfValue(node: StateNode, value: StateValue, active: StateNode[]): Found[] {
  const children = Object.entries(node.states).filter(([, { type }]) => type !== 'history');
  const entered =
    typeof value === 'string' ? { [value]: {} } : (value as Readonly<Record<string, StateValue>>);
  const keys = Object.keys(entered);
  const expected = node.type === 'parallel' ? children.map(([key]) => key) : children.length > 0 ? keys : [];
  const absent = expected.filter((key) => !keys.includes(key));
  const problems: Found[] = absent.map((key) => ({
    kind: 'state',
    id: `${node.id}.${key}`,
    problem: 'is a region that the run has not entered',
  }));
  if (children.length > 0 && keys.length === 0) {
    problems.push({ kind: 'state', id: node.id, problem: 'has states now, of which the run is in none' });
  }
  if (node.type === 'compound' && keys.length > 1) {
    problems.push({ kind: 'state', id: node.id, problem: 'is not parallel any more' });
  }
  for (const key of keys) {
    const child = Object.hasOwn(node.states, key) ? node.states[key] : undefined;
    if (!child) problems.push({ kind: 'state', id: `${node.id}.${key}`, problem: 'is gone' });
    else {
      active.push(child);
      problems.push(...misfitsOfValue(child, entered[key] as StateValue, active));
    }
  }
  return problems;
}

function misfitsOfFinals({ finals = [] }: PersistedActor, active: readonly StateNode[]): Found[] {
  return active.flatMap(({ id, type }): Found[] => {
    if (finals.includes(id) === (type === 'final')) return [];
    return [{ kind: 'final', id, problem: type === 'final' ? 'is final now' : 'is not final any more' }];
  });
}

function misfitsOfHistory(
  { historyValue = {} }: PersistedActor,
  nodes: ReadonlyMap<string, StateNode>,
): Found[] {
  return Object.entries(historyValue).flatMap(([id, states]): Found[] => {
    const history = nodes.get(id);
    if (history?.type !== 'history') return [{ kind: 'history', id, problem: 'is gone' }];
    const isWithin = (node: StateNode | undefined): boolean =>
      node !== undefined && (node.parent === history.parent || isWithin(node.parent));
    const lost = states.filter((state) => !isWithin(nodes.get(state.id)));
    return lost.map((state) => ({
      kind: 'history',
      id,
      problem: `remembers \`${state.id}\`, which is not among its states any more`,
    }));
  });
}

function misfitsOfChildren(
  { children = {} }: PersistedActor,
  { implementations }: FittedMachine,
  active: readonly StateNode[],
): Found[] {
  const invokes = active.flatMap(({ invoke }) => invoke);
  const added = invokes.filter(({ id }) => !Object.hasOwn(children, id));
  const problems: Found[] = added.map(({ id, src }) => ({
    kind: 'invoke',
    id,
    problem: `invokes \`${src as string}\`, which the run has not started`,
  }));
  for (const [id, child] of Object.entries(children)) {
    const problem = problemOfChild(id, child, active, implementations.actors[child.src]);
    if (problem) problems.push({ kind: 'child', id, problem });
  }
  return problems;
}

function problemOfChild(
  id: string,
  { src, spawned, snapshot }: PersistedChild,
  active: readonly StateNode[],
  logic: AnyActorLogic | undefined,
): string | undefined {
  if (snapshot.status !== 'active') return undefined;
  if (!logic) return `needs \`${src}\`, which is gone`;
  if ((snapshot.value !== undefined) !== isMachine(logic)) {
    return `needs \`${src}\`, which is ${isMachine(logic) ? 'a machine now' : 'no machine any more'}`;
  }
  if (spawned) return undefined;
  const state = active.find(({ invoke }) => invoke.some((each) => each.id === id));
  const now = state?.invoke.find((each) => each.id === id);
  if (!state || !now) return 'is not invoked any more by the states that are active';
  if (now.src !== src)
    return `was started from \`${src}\`, and \`${now.src as string}\` is invoked in its place`;
  const inline = state.invoke.filter((each) => isInlineSource(each.src));
  // Ids of the system's tell the place and no more.
  if (isInlineSource(src) && inline.length > 1 && /^\d+\./.test(id)) {
    return `is one of several without a name in \`${state.id}\`, of which nobody can tell whether they changed places. Give each an id, or better a name in \`setup({ actors })\``;
  }
  return undefined;
}

function isMachine(logic: AnyActorLogic): boolean {
  return typeof logic.config === 'object';
}

/** Whether a timer's event still leads anywhere: that of an `after` from an active state, any other from some state. */
export function takesTimer(
  type: string,
  active: readonly StateNode[],
  nodes: ReadonlyMap<string, StateNode>,
): boolean {
  if (type.startsWith('xstate.after.')) return active.some(({ transitions }) => transitions.has(type));
  return [...nodes.values()].some(({ transitions }) =>
    [...transitions.keys()].some((descriptor) => matchesDescriptor(type, descriptor)),
  );
}

export function unfit(misfits: readonly Misfit[]): SnapshotNotRestorable {
  const told = misfits.slice(0, 5).map(({ kind, actor, id, problem }) => {
    const where = actor ? ` of \`${actor}\`` : '';
    return `${kind} \`${id}\`${where} ${problem}`;
  });
  const more = misfits.length > told.length ? `; and ${misfits.length - told.length} more` : '';
  return new SnapshotNotRestorable(
    `The machine was changed, and the stored state no longer fits it: ${told.join('; ')}${more}. Run it with the version that it was started with, and give the changed machine a version of its own.`,
    { details: { misfits } },
  );
}
