/**
 * What of a hosted system is stored, and whether what was stored came back.
 *
 * I1. Everything in a stored state can be carried, and is frozen.
 */
import { type AnyActorRef, isMachineSnapshot, type StateValue } from 'xstate';

import type { StateNode } from '../actor-sources.ts';
import type { ErrorClasses } from '../error-classes.ts';
import { SnapshotNotRestorable } from '../errors.ts';
import { actorPath, childPath, childrenOf } from './actor-path.ts';
import { storeRefs, type Whereabouts } from './actor-refs.ts';
import { seal } from './codec.ts';
import type { PersistedActor, PersistedChild, Timer } from './run-state.ts';

export interface ArmedTimer extends Omit<Timer, 'source' | 'target'> {
  readonly source: AnyActorRef;
  readonly target: AnyActorRef;
}

/** Soonest first. */
export function storedTimers(armed: readonly ArmedTimer[]): readonly Timer[] {
  const timers = armed.map(({ source, target, event, id, deadline }) =>
    Object.freeze({
      source: actorPath(source),
      id,
      target: actorPath(target),
      event: seal(event, `event of timer ${id}`),
      deadline,
    }),
  );
  return Object.freeze(timers.sort((one, other) => one.deadline - other.deadline));
}

/** What the host knows of the actors that are to be stored. */
export interface Hosted {
  find(actor: AnyActorRef): Whereabouts;
  isPending(actor: AnyActorRef): boolean;
  readonly classes: ErrorClasses;
}

/** A machine's snapshot as XState keeps it, in as far as it is stored. */
interface LiveMachine {
  readonly status: PersistedActor['status'];
  readonly value: StateValue;
  readonly context: unknown;
  readonly output: unknown;
  readonly error: unknown;
  readonly children: Readonly<Record<string, AnyActorRef>>;
  readonly historyValue: Readonly<Record<string, readonly StateNode[]>>;
  readonly _nodes: readonly StateNode[];
}

/** What XState's `getPersistedSnapshot` gives, without what is undefined, and with what it forgets. */
export function storedActor(actor: AnyActorRef, path: string, hosted: Hosted): PersistedActor {
  const snapshot: unknown = actor.getSnapshot();
  if (isMachineSnapshot(snapshot)) return storedMachine(snapshot as unknown as LiveMachine, path, hosted);
  const { status, context, input, output, error } = persistedSnapshot(actor);
  const name = path || 'run';
  return Object.freeze({
    status,
    ...(context === undefined ? {} : { context: seal(context, `context of ${name}`, hosted.classes) }),
    ...(input === undefined || hosted.isPending(actor)
      ? {}
      : { input: seal(input, `input of ${name}`, hosted.classes) }),
    ...(output === undefined ? {} : { output: seal(output, `output of ${name}`, hosted.classes) }),
    ...(error === undefined ? {} : { error: seal(error, `error of ${name}`, hosted.classes) }),
  });
}

function storedMachine(machine: LiveMachine, path: string, hosted: Hosted): PersistedActor {
  const { status, value, context, output, error, children, historyValue, _nodes: nodes } = machine;
  const name = path || 'run';
  return Object.freeze({
    status,
    value: seal(value, `value of ${name}`),
    context: seal(storeRefs(context, children, hosted.find), `context of ${name}`, hosted.classes),
    ...(output === undefined ? {} : { output: seal(output, `output of ${name}`, hosted.classes) }),
    ...(error === undefined ? {} : { error: seal(error, `error of ${name}`, hosted.classes) }),
    children: storedChildren(machine, path, hosted),
    historyValue: storedHistory(historyValue),
    ...storedFinals(nodes),
    ...(isInOrder(nodes) ? {} : { turns: Object.freeze(nodes.map(({ id }) => id)) }),
  });
}

/** What XState's types of a reference leave out. */
type StoredRef = AnyActorRef & {
  readonly systemId?: string;
  readonly _syncSnapshot?: boolean;
};

function persistedSnapshot(actor: AnyActorRef): PersistedActor {
  return (actor as unknown as { getPersistedSnapshot(): PersistedActor }).getPersistedSnapshot();
}

type StoredChildren = NonNullable<PersistedActor['children']>;
type StoredHistory = NonNullable<PersistedActor['historyValue']>;

function storedChildren(machine: LiveMachine, path: string, hosted: Hosted): StoredChildren {
  const { children, _nodes: nodes } = machine;
  const stored: Record<string, PersistedChild> = {};
  for (const [id, child] of Object.entries(children)) {
    const { src, systemId, _syncSnapshot: syncSnapshot } = child as StoredRef;
    stored[id] = Object.freeze({
      snapshot: storedActor(child, childPath(path, id), hosted),
      src: src as string,
      ...(systemId === undefined ? {} : { systemId }),
      ...(syncSnapshot ? { syncSnapshot } : {}),
      ...(nodes.some(({ invoke }) => invoke.some((each) => each.id === id)) ? {} : { spawned: true }),
    });
  }
  return Object.freeze(stored);
}

function storedFinals(nodes: readonly StateNode[]): Pick<PersistedActor, 'finals'> {
  if (!nodes.some(({ type }) => type === 'final')) return {};
  return { finals: Object.freeze(nodes.filter(({ type }) => type === 'final').map(({ id }) => id)) };
}

function storedHistory(history: LiveMachine['historyValue']): StoredHistory {
  const stored: Record<string, StoredHistory[string]> = {};
  for (const [id, nodes] of Object.entries(history)) {
    stored[id] = Object.freeze(nodes.map((node) => Object.freeze({ id: node.id })));
  }
  return Object.freeze(stored);
}

function isInOrder(nodes: readonly StateNode[]): boolean {
  return nodes.every((node, index) => index === 0 || node.order > (nodes[index - 1] as StateNode).order);
}

/** XState gives an actor that it could not restore, at any depth, the status `error`, and starts the others. */
export function assertRestored(actor: AnyActorRef, stored: PersistedActor): void {
  const { status, error } = actor.getSnapshot() as { status: string; error?: unknown };
  if (status === 'error' && stored.status !== 'error') {
    const path = actorPath(actor);
    const why = (error instanceof Error ? error.message : String(error)).replace(/\.?$/, '.');
    throw new SnapshotNotRestorable(
      `The stored state ${JSON.stringify(stored.value)}${path && ` of \`${path}\``} cannot be restored: ${why} Run it with the version that it was started with, or add what is missing.`,
      { cause: error, details: { path, value: stored.value } },
    );
  }
  for (const [id, child] of Object.entries(stored.children ?? {})) {
    const restored = childrenOf(actor)[id];
    if (restored) assertRestored(restored, child.snapshot);
  }
}
