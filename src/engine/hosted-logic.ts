/**
 * Turns the actor logics of a machine into logics that can be hosted: same states, same transitions, no effects.
 *
 * Machines keep XState's own semantics; their custom actions and emitted events are reported to the host instead of
 * being executed. Promise logic becomes a stand-in that reports its start and its stop, and waits for a result.
 *
 * I1. No code of a promise, custom action or logger runs while a message is hosted.
 * I2. Every actor logic has a name that finds it again after a restart; inline `invoke`s are given one by their place.
 * I3. An actor spawned from inline logic is refused before it is started.
 */
import { type ActorScope, type AnyActorLogic, type AnyActorRef, type AnyStateMachine, createMachine, type EventObject } from 'xstate';

import {
  actorSources,
  inlineSource,
  invokesOf,
  isStateMachine,
  sourceKind,
  type StateNodeConfigLike,
} from '../actor-sources.ts';
import { InlineSpawn, SnapshotNotRestorable } from '../errors.ts';
import type { PersistedActor } from './run-state.ts';

/** What the host is told while it delivers a message. */
export interface HostPort {
  /** A system was made or restored: give it the host's ids and timers. */
  adopt(system: AnyActorRef['system']): void;
  /** True while actors are brought back from a stored state, when starting means nothing new. */
  readonly restoring: boolean;
  action(action: ScopedAction, self: AnyActorRef): void;
  emitted(event: EventObject, self: AnyActorRef): void;
  started(self: AnyActorRef, src: string, input: unknown): void;
  stopped(self: AnyActorRef): void;
}

export type AnyActorScope = ActorScope<any, any, any, any>;
export type ScopedAction = Parameters<AnyActorScope['actionExecutor']>[0];

export interface HostedLogics {
  readonly root: AnyActorLogic;
  /** The promise logics by the name that invocations carry as `src`. */
  readonly performers: ReadonlyMap<string, AnyActorLogic>;
}

/** A machine that neither sets its own bound nor ends would spin for ever in `always`. */
const maxMicrosteps = 10_000;

export function hostedLogics(machine: AnyStateMachine, host: () => HostPort): HostedLogics {
  const performers = new Map<string, AnyActorLogic>();
  const machines = new Map<AnyStateMachine, AnyActorLogic>();

  const hosted = (logic: AnyActorLogic, src: string): AnyActorLogic => {
    switch (sourceKind(logic)) {
      case 'machine':
        return hostedMachine(logic as AnyStateMachine, `${src}/`);
      case 'promise':
        performers.set(src, logic);
        return awaitedResult(src, host);
      default:
        return quietTransition(logic, host);
    }
  };

  const hostedMachine = (original: AnyStateMachine, prefix: string): AnyActorLogic => {
    const known = machines.get(original);
    if (known) return known;
    // Registered before its sources are looked at, so that a machine may invoke itself.
    const shell: Record<string, unknown> = {};
    machines.set(original, shell as unknown as AnyActorLogic);
    const actors = Object.fromEntries(
      actorSources(original).map(({ src, logic }) => [src, hosted(logic as AnyActorLogic, prefix + src)]),
    );
    const config = {
      ...namedInvokes(original.config as StateNodeConfigLike, original.root),
      options: { maxIterations: maxMicrosteps, ...(original.config as { options?: object }).options },
    };
    const rebuilt = createMachine(config as never, { ...original.implementations, actors } as never);
    return Object.assign(shell, machineShell(rebuilt as unknown as AnyStateMachine, host)) as unknown as AnyActorLogic;
  };

  return { root: hostedMachine(machine, ''), performers };
}

/** The config with every inline `invoke.src` replaced by the name that it goes by. */
function namedInvokes(
  config: StateNodeConfigLike,
  node: { readonly id: string; readonly states: Readonly<Record<string, unknown>> },
): StateNodeConfigLike {
  const invoke = invokesOf(config).map((definition, index) =>
    typeof definition.src === 'string' ? definition : { ...definition, src: inlineSource(node.id, index) },
  );
  const states = Object.entries(config.states ?? {}).map(([key, state]) => [
    key,
    namedInvokes(state, node.states[key] as typeof node),
  ]);
  return {
    ...config,
    ...(config.invoke === undefined ? {} : { invoke }),
    ...(config.states === undefined ? {} : { states: Object.fromEntries(states) as Record<string, StateNodeConfigLike> }),
  };
}

interface MachineSnapshotLike {
  readonly status: string;
  readonly children: Readonly<Record<string, AnyActorRef>>;
}

function machineShell(machine: AnyStateMachine, host: () => HostPort): object {
  const scopes = new WeakMap<AnyActorScope, AnyActorScope>();
  const reporting = (scope: AnyActorScope): AnyActorScope => {
    const known = scopes.get(scope);
    if (known) return known;
    const made: AnyActorScope = {
      ...scope,
      emit: (event) => host().emitted(event, scope.self),
      actionExecutor: (action) =>
        action.type.startsWith('xstate.') && action.type !== 'xstate.log'
          ? scope.actionExecutor(action)
          : host().action(action, scope.self),
    };
    scopes.set(scope, made);
    return made;
  };

  return {
    config: machine.config,
    id: machine.id,
    transition(snapshot: MachineSnapshotLike, event: EventObject, scope: AnyActorScope) {
      // A restored child reports its snapshot to its parent once more; that is no news.
      if (host().restoring && event.type.startsWith('xstate.snapshot.')) return snapshot;
      const next = machine.transition(snapshot as never, event as never, reporting(scope)) as MachineSnapshotLike;
      return next.children === snapshot.children ? next : findable(next, scope);
    },
    getInitialSnapshot(scope: AnyActorScope, input: unknown) {
      host().adopt(scope.system);
      const first = machine.getInitialSnapshot(reporting(scope), input as never) as MachineSnapshotLike;
      return findable(first, scope);
    },
    restoreSnapshot(persisted: PersistedActor, scope: AnyActorScope) {
      host().adopt(scope.system);
      for (const [id, { src }] of Object.entries(persisted.children ?? {})) {
        if (src in (machine.implementations.actors as object)) continue;
        throw new SnapshotNotRestorable(`Actor \`${id}\` needs \`${src}\`, which machine \`${machine.id}\` no longer has.`, {
          details: { src, actor: id },
        });
      }
      return machine.restoreSnapshot({ ...persisted, context: thawed(persisted.context) } as never, reporting(scope));
    },
    getPersistedSnapshot: machine.getPersistedSnapshot,
    start: machine.start,
  };
}

/** The snapshot with every child under its own id, which `spawnChild` without an id forgets; inline logic is refused. */
function findable(snapshot: MachineSnapshotLike, scope: AnyActorScope): MachineSnapshotLike {
  let misplaced = false;
  for (const [id, child] of Object.entries(snapshot.children)) {
    if (child.id !== id) misplaced = true;
    if (typeof child.src === 'string') continue;
    const path = [actorPath(scope.self), child.id].filter(Boolean).join('/');
    throw new InlineSpawn(
      `\`${path}\` was spawned from inline logic, which cannot be found again after a restart. Name the logic in \`setup({ actors })\` and spawn it by that name.`,
      { details: { path } },
    );
  }
  if (!misplaced) return snapshot;
  return { ...snapshot, children: Object.fromEntries(Object.values(snapshot.children).map((child) => [child.id, child])) };
}

/** XState writes actor references into a restored context in place, so the objects on the way to one are copied. */
function thawed(part: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part;
  if ('xstate$$type' in part) return { ...part };
  if (!Array.isArray(part) && Object.getPrototypeOf(part) !== Object.prototype) return part;
  let copy: Record<string, unknown> | undefined;
  for (const [key, value] of Object.entries(part)) {
    const fresh = thawed(value);
    if (fresh === value) continue;
    copy ??= (Array.isArray(part) ? [...(part as unknown[])] : { ...part }) as Record<string, unknown>;
    copy[key] = fresh;
  }
  return copy ?? part;
}

/** Promise logic as XState sees it from outside, without the promise. */
function awaitedResult(src: string, host: () => HostPort): AnyActorLogic {
  return {
    transition(state: PersistedActor, event: EventObject & { data?: unknown }, { self }: AnyActorScope): PersistedActor {
      if (state.status !== 'active') return state;
      switch (event.type) {
        case 'xstate.promise.resolve':
          return { status: 'done', output: event.data };
        case 'xstate.promise.reject':
          return { status: 'error', error: event.data };
        case 'xstate.stop':
          host().stopped(self);
          return { status: 'stopped' };
        default:
          return state;
      }
    },
    start(state: PersistedActor, { self }: AnyActorScope): void {
      if (state.status === 'active' && !host().restoring) host().started(self, src, state.input);
    },
    getInitialSnapshot: (_scope: AnyActorScope, input: unknown): PersistedActor => ({ status: 'active', input }),
    getPersistedSnapshot: (state: PersistedActor): PersistedActor => state,
    restoreSnapshot: (state: PersistedActor): PersistedActor => state,
  } as unknown as AnyActorLogic;
}

/** Transition logic runs as it is; only what it emits is reported instead of delivered. */
function quietTransition(logic: AnyActorLogic, host: () => HostPort): AnyActorLogic {
  return {
    ...logic,
    transition: (snapshot: unknown, event: EventObject, scope: AnyActorScope) =>
      logic.transition(snapshot as never, event as never, {
        ...scope,
        emit: (emitted: EventObject) => host().emitted(emitted, scope.self),
      } as never),
  } as AnyActorLogic;
}

/** The ids of an actor and its parents below the root, joined by `/`; a `/` in an id is written `~1`, a `~` `~0`. */
export function actorPath(ref: AnyActorRef): string {
  let path = '';
  for (let actor: AnyActorRef | undefined = ref; actor?._parent; actor = actor._parent) {
    path = path ? `${segment(actor.id)}/${path}` : segment(actor.id);
  }
  return path;
}

function segment(id: string): string {
  return /[~/]/.test(id) ? id.replaceAll('~', '~0').replaceAll('/', '~1') : id;
}

/** The actor id that a segment of a path stands for. */
export function idOf(part: string): string {
  return part.includes('~') ? part.replaceAll('~1', '/').replaceAll('~0', '~') : part;
}
