/**
 * What of a hosted system is stored, and whether what was stored came back.
 *
 * I1. Everything in a stored state can be carried, and is frozen.
 */
import type { AnyActorRef } from 'xstate';

import { SnapshotNotRestorable } from '../errors.ts';
import { actorPath, childPath, childrenOf } from './actor-path.ts';
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

/** A persisted snapshot without its undefined fields. */
export function storedActor(actor: PersistedActor, path: string): PersistedActor {
  const { status, output, error, input, value, context, children = {}, historyValue = {}, turns } = actor;
  const name = path || 'run';
  const isMachine = value !== undefined;
  const entries = Object.entries(children).map(([id, child]) => [id, storedChild(child, childPath(path, id))]);
  return Object.freeze({
    status,
    ...(isMachine ? { value: seal(value, `value of ${name}`) } : {}),
    ...(context === undefined ? {} : { context: seal(context, `context of ${name}`) }),
    ...(input === undefined ? {} : { input: seal(input, `input of ${name}`) }),
    ...(output === undefined ? {} : { output: seal(output, `output of ${name}`) }),
    ...(error === undefined ? {} : { error: seal(error, `error of ${name}`) }),
    // A machine cannot be restored without these two, even if they are empty.
    ...(isMachine
      ? {
          children: Object.freeze(Object.fromEntries(entries) as Record<string, PersistedChild>),
          historyValue: seal(historyValue, `history of ${name}`),
          ...(turns ? { turns: Object.freeze(turns) } : {}),
        }
      : {}),
  });
}

function storedChild({ snapshot, src, systemId, syncSnapshot }: PersistedChild, path: string): PersistedChild {
  return Object.freeze({
    snapshot: storedActor(snapshot, path),
    src,
    ...(systemId === undefined ? {} : { systemId }),
    ...(syncSnapshot ? { syncSnapshot } : {}),
  });
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
