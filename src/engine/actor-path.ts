/**
 * How an actor is named and found: by the ids of the actor and its parents below the root, joined by `/`.
 *
 * A `/` in an id is written `~1`, a `~` `~0`. The root's path is empty.
 */
import type { AnyActorRef } from 'xstate';

/** The ids of actors that the machine gives none. */
export const systemMadeId = /^x:\d+$/;

export function actorPath(ref: AnyActorRef): string {
  return ref._parent ? childPath(actorPath(ref._parent), ref.id) : '';
}

export function childPath(parent: string, id: string): string {
  const segment = /[~/]/.test(id) ? id.replaceAll('~', '~0').replaceAll('/', '~1') : id;
  return parent ? `${parent}/${segment}` : segment;
}

/** What an actor goes by as `self.sessionId`: one per place in a run. */
export function sessionIdOf(runId: string, path: string): string {
  return path ? `${runId}/${path}` : runId;
}

export function actorAt(root: AnyActorRef, path: string): AnyActorRef | undefined {
  let actor: AnyActorRef | undefined = root;
  for (const segment of path === '' ? [] : path.split('/')) actor = actor && childrenOf(actor)[idOf(segment)];
  return actor;
}

/** The actor's own id. */
export function idAt(path: string): string {
  return idOf(path.slice(path.lastIndexOf('/') + 1));
}

function idOf(segment: string): string {
  return segment.includes('~') ? segment.replaceAll('~1', '/').replaceAll('~0', '~') : segment;
}

export function childrenOf(actor: AnyActorRef): Readonly<Record<string, AnyActorRef>> {
  return (actor.getSnapshot() as { children?: Record<string, AnyActorRef> }).children ?? {};
}

export function isActive(actor: AnyActorRef): boolean {
  return (actor.getSnapshot() as { status: string }).status === 'active';
}
