/**
 * How references to actors, which machines keep in their context, are stored and found again.
 *
 * XState stores the id alone and looks for it among the machine's own children; a reference to anybody else, or to an actor
 * that was stopped, comes back as `undefined`, and what is sent to it goes to the sender. Here the others are stored with
 * their path, and one that is gone comes back as an actor that has ended.
 *
 * I1. `findRefs(storeRefs(context))` is the context again, each reference to the same actor.
 * I2. Neither changes what it is given. Where there are no references, both give back what they were given.
 */
import {
  Actor,
  type ActorLogic,
  type AnyActorRef,
  createActor,
  type EventObject,
  type Snapshot,
} from 'xstate';

/** What stands for a reference. With no more than the id, XState finds the child itself. */
interface StoredRef {
  readonly xstate$$type: 1;
  readonly id: string;
  readonly path?: string;
  readonly gone?: true;
}

/** A place in a restored context where a reference belongs whose actor may not have been restored yet. */
export interface MissingRef {
  readonly path: string;
  fill(actor: AnyActorRef): void;
}

/** Where an actor can be found by its path; `gone` if it was stopped, `foreign` if it belongs to no actor of the run. */
export type Whereabouts = { readonly path: string } | 'gone' | 'foreign';

type Parts = Record<string, unknown>;
type Children = Readonly<Record<string, unknown>>;

/** References to actors of other systems are left where they are; they cannot be stored. */
export function storeRefs(
  context: unknown,
  children: Children,
  find: (actor: AnyActorRef) => Whereabouts,
): unknown {
  return replaced(context, (part) => {
    if (!(part instanceof Actor)) return undefined;
    const { id } = part;
    if (children[id] === part) return { xstate$$type: 1, id } satisfies StoredRef;
    const found = find(part as AnyActorRef);
    if (found === 'foreign') return part;
    return { xstate$$type: 1, id, ...(found === 'gone' ? { gone: true } : found) } satisfies StoredRef;
  });
}

/** A context that XState may write its own children into; `missing` is told of every reference that it cannot know. */
export function findRefs(context: unknown, missing: (ref: MissingRef) => void): unknown {
  return replaced(context, (part, key, holder) => {
    if (!isStoredRef(part)) return undefined;
    const { id, path, gone } = part;
    if (gone) return endedActor(id);
    if (path === undefined) return { ...part };
    missing({ path, fill: (actor) => void (holder()[key] = actor) });
    return null;
  });
}

/**
 * The value with every part that `replace` has something for replaced, and the objects on the way to it copied.
 * `replace` is given the part, its key, and the way to the copy that it will stand in.
 */
function replaced(
  value: unknown,
  replace: (part: object, key: string | number, holder: () => Parts) => unknown,
  above: object[] = [],
): unknown {
  if (!isCompound(value) || above.includes(value)) return value;
  let copy: Parts | undefined;
  const holder = (): Parts =>
    (copy ??= (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Parts);
  above.push(value);
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    const part = (value as Parts)[key];
    if (typeof part !== 'object' || part === null) continue;
    const replacement = replace(part, key, holder);
    const fresh = replacement === undefined ? replaced(part, replace, above) : replacement;
    if (fresh !== part) holder()[key] = fresh;
  }
  above.pop();
  return copy ?? value;
}

function isCompound(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function isStoredRef(part: object): part is StoredRef {
  return 'xstate$$type' in part && part.xstate$$type === 1 && 'id' in part && typeof part.id === 'string';
}

const ended = {
  transition: (snapshot) => snapshot,
  getInitialSnapshot: () => ({ status: 'stopped', output: undefined, error: undefined }),
  getPersistedSnapshot: (snapshot) => snapshot,
} satisfies ActorLogic<Snapshot<undefined>, EventObject>;

/** It is never started, so what is sent to it goes nowhere. */
function endedActor(id: string): AnyActorRef {
  return createActor(ended, { id });
}
