/**
 * Turns the actor logics of a machine into logics that can be hosted: same states, same transitions, no effects.
 *
 * Machines keep XState's own semantics; their custom actions and emitted events are reported to the host instead of
 * being executed. Promise logic becomes a stand-in that reports its start, and waits for a result.
 *
 * I1. No code of a promise, custom action or logger runs while a message is hosted.
 * I2. Every actor logic has a name that finds it again after a restart; inline `invoke`s are given one by their place.
 * I3. An actor spawned from inline logic is refused before it is started.
 */
import {
  type AnyActorLogic,
  type AnyActorScope,
  type AnyActorRef,
  type AnyStateMachine,
  createMachine,
  type EventObject,
} from 'xstate';

import {
  actorSources,
  inlineSource,
  invokesOf,
  sourceKind,
  type StateNode,
  type StateNodeConfigLike,
  stateNodes,
} from '../actor-sources.ts';
import { type ErrorClass, errorClassesOf } from '../error-classes.ts';
import { InlineSpawn, WorkflowInvalid } from '../errors.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { actorPath, childPath, isActive, systemMadeId } from './actor-path.ts';
import { findRefs, type MissingRef } from './actor-refs.ts';
import { shapeOf } from './machine-shape.ts';
import { type FittedMachine, type Misfit, misfitsOf, takesTimer, unfit } from './misfits.ts';
import type { PersistedActor } from './run-state.ts';

/** What the host is told while it delivers a message. */
export interface HostPort {
  /** An actor was made or restored: give it the host's ids, and its system the host's timers. */
  adopt(scope: AnyActorScope): void;
  /** Whether the id was given by the system, and not by the machine. */
  isSystemMade(actor: AnyActorRef): boolean;
  /** True while actors are brought back from a stored state, when starting means nothing new. */
  readonly restoring: boolean;
  /** Some actor is about to take an event. Throws if the message goes round in circles. */
  stepping(): void;
  /** A restored context refers to an actor that may not be there yet. */
  missing(ref: MissingRef): void;
  /** Whether the state that is restored was stored by a machine of the same shape. */
  readonly fits: boolean;
  misfits(found: readonly Misfit[]): void;
  /** The input of the invocation that a restored actor waits for. */
  inputOf(self: AnyActorRef): unknown;
  action(action: ScopedAction, self: AnyActorRef): void;
  emitted(event: EventObject, self: AnyActorRef): void;
  started(self: AnyActorRef, src: string, input: unknown): void;
}

export type ScopedAction = Parameters<AnyActorScope['actionExecutor']>[0];

/** What the host asks of the logic of an actor. */
export interface HostedLogic {
  /** Of a machine: whether its timer with an event of that type leads anywhere. */
  takesTimer?(type: string, snapshot: unknown): boolean;
  /** It waits for the result of an invocation. */
  readonly isInvocation?: true;
}

export interface HostedLogics {
  readonly root: AnyActorLogic;
  /** The promise logics by the name that invocations carry as `src`. */
  readonly performers: ReadonlyMap<string, AnyActorLogic>;
  /** The error classes that the workflow registers. */
  readonly errors: ReadonlyMap<string, ErrorClass>;
  /** As `shapeOf` has it. */
  readonly shape: string;
}

/** A machine that neither sets its own bound nor ends would spin for ever in `always`. */
const maxMicrosteps = 10_000;

export function hostedLogics({ machine, errors }: AnyWorkflow, host: () => HostPort): HostedLogics {
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
    return Object.assign(
      shell,
      machineShell(rebuilt as unknown as AnyStateMachine, host),
    ) as unknown as AnyActorLogic;
  };

  return {
    root: hostedMachine(machine, ''),
    performers,
    errors: errorClassesOf(errors),
    shape: shapeOf(machine as AnyStateMachine),
  };
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
    ...(config.states === undefined
      ? {}
      : { states: Object.fromEntries(states) as Record<string, StateNodeConfigLike> }),
  };
}

interface MachineSnapshotLike {
  readonly status: string;
  readonly context: unknown;
  readonly children: Children;
  readonly _nodes?: readonly StateNode[];
}

type Children = Readonly<Record<string, AnyActorRef>>;

/** What one step of a machine does to its children. */
interface ChildChanges {
  readonly spawned: AnyActorRef[];
  readonly stopped: Set<AnyActorRef>;
}

function machineShell(machine: AnyStateMachine, host: () => HostPort): object {
  const nodes = new Map(stateNodes(machine).map((node) => [node.id, node]));
  const changes = new WeakMap<AnyActorScope, ChildChanges>();

  /** From here on the actor reports what it would do, instead of doing it. Done once, when its first snapshot is made. */
  const quieten = (scope: AnyActorScope): void => {
    const { self, actionExecutor: execute } = scope;
    host().adopt(scope);
    scope.emit = (event) => host().emitted(event, self);
    scope.actionExecutor = (action) => {
      const isCustom = !action.type.startsWith('xstate.') || action.type === 'xstate.log';
      if (!isCustom) noteChild(action, self, changes.get(scope));
      // XState decides when: at once in a running actor, at its start in one that is new, never if it is stopped before.
      return execute(isCustom ? { ...action, exec: () => host().action(action, self) } : action);
    };
  };

  const step = (scope: AnyActorScope, before: Children, take: () => unknown): MachineSnapshotLike => {
    const changed: ChildChanges = { spawned: [], stopped: new Set() };
    changes.set(scope, changed);
    const next = take() as MachineSnapshotLike;
    return next.children === before ? next : findable(next, before, changed, scope.self, host);
  };

  return {
    config: machine.config,
    id: machine.id,
    transition(snapshot: MachineSnapshotLike, event: EventObject, scope: AnyActorScope) {
      // A restored child reports its snapshot to its parent once more; that is no news.
      if (host().restoring && event.type.startsWith('xstate.snapshot.')) return snapshot;
      host().stepping();
      return step(scope, snapshot.children, () =>
        machine.transition(snapshot as never, event as never, scope),
      );
    },
    getInitialSnapshot(scope: AnyActorScope, input: unknown) {
      quieten(scope);
      return step(scope, {}, () => machine.getInitialSnapshot(scope, input as never));
    },
    restoreSnapshot(persisted: PersistedActor, scope: AnyActorScope) {
      quieten(scope);
      // It failed before it had a state.
      if (persisted.value === undefined && persisted.status !== 'active')
        return { ...persisted, children: {} };
      if (!host().fits) {
        const misfits = misfitsOf(
          persisted,
          machine as unknown as FittedMachine,
          nodes,
          actorPath(scope.self),
        );
        host().misfits(misfits);
        if (misfits.length > 0) throw unfit(misfits);
      }
      const restored = machine.restoreSnapshot(
        {
          ...persisted,
          context: findRefs(persisted.context, (ref) => host().missing(ref)),
          historyValue: remembered(persisted.historyValue),
        } as never,
        scope,
      );
      return inTurn(restored as unknown as MachineSnapshotLike, persisted);
    },
    getPersistedSnapshot: machine.getPersistedSnapshot,
    start: machine.start,
    takesTimer: (type: string, { _nodes: active = [] }: MachineSnapshotLike) =>
      takesTimer(type, active, nodes),
  };
}

/** The built-in actions that start and stop children, as XState hands them to be executed. */
type ChildAction =
  | {
      readonly type: 'xstate.spawnChild';
      readonly params: { readonly actorRef?: AnyActorRef; readonly src: unknown };
    }
  | { readonly type: 'xstate.stopChild'; readonly params: AnyActorRef | undefined };

function noteChild(action: ScopedAction, self: AnyActorRef, changes: ChildChanges | undefined): void {
  const { type, params } = action as unknown as ChildAction;
  if (type === 'xstate.stopChild' && params) changes?.stopped.add(params);
  if (type !== 'xstate.spawnChild') return;
  if (params.actorRef) changes?.spawned.push(params.actorRef);
  else {
    throw new WorkflowInvalid(
      `\`${actorPath(self) || self.id}\` spawns \`${String(params.src)}\`, but there is no such actor. Add it to \`setup({ actors })\`.`,
      { details: { src: String(params.src), path: actorPath(self) } },
    );
  }
}

/**
 * The snapshot with every child under its own id, from which its path is made. XState puts those that `spawnChild` was
 * given no id for in one and the same place, and forgets a child whose id another takes.
 */
function findable(
  snapshot: MachineSnapshotLike,
  before: Children,
  { spawned, stopped }: ChildChanges,
  self: AnyActorRef,
  host: () => HostPort,
): MachineSnapshotLike {
  const all = new Set([
    ...Object.values(snapshot.children),
    ...spawned.filter((child) => !stopped.has(child)),
  ]);
  const children: Record<string, AnyActorRef> = {};
  for (const child of all) {
    const path = childPath(actorPath(self), child.id);
    if (typeof child.src !== 'string') {
      throw new InlineSpawn(
        `\`${path}\` was spawned from inline logic, which cannot be found again after a restart. Name the logic in \`setup({ actors })\` and spawn it by that name.`,
        { details: { path } },
      );
    }
    if (systemMadeId.test(child.id) && !before[child.id] && !host().isSystemMade(child)) {
      throw new WorkflowInvalid(
        `\`${path}\` was given an id such as the engine gives to actors without one. Give it another.`,
        { details: { path } },
      );
    }
    const other = children[child.id] ?? before[child.id];
    if (other && other !== child && !stopped.has(other) && isActive(other)) {
      throw new WorkflowInvalid(
        `\`${path}\` was spawned while another actor of that id was at work, which could not be found again. Stop that one first, or give each an id of its own.`,
        { details: { path } },
      );
    }
    children[child.id] = child;
  }
  return { ...snapshot, children };
}

/**
 * The restored snapshot with its active states in the order in which XState had them: where regions of a parallel state
 * react to one event, it decides whose actions come first, and whose transition is taken if only one can be.
 */
function inTurn(snapshot: MachineSnapshotLike, { turns, value }: PersistedActor): MachineSnapshotLike {
  const turnOf = ({ id, order }: StateNode): number => turns?.indexOf(id) ?? order;
  const ordered = [...(snapshot._nodes ?? [])].sort((one, other) => turnOf(one) - turnOf(other));
  return {
    ...snapshot,
    _nodes: ordered,
    value,
    tags: new Set(ordered.flatMap(({ tags }) => tags)),
  } as MachineSnapshotLike;
}

/** The states that history remembers, in the form that XState finds them by even if there is a dot in the machine's id. */
function remembered(history: PersistedActor['historyValue']): unknown {
  return Object.fromEntries(
    Object.entries(history ?? {}).map(([historyId, states]) => [
      historyId,
      states.map(({ id }) => ({ id: id.replaceAll(/[\\.]/g, String.raw`\$&`) })),
    ]),
  );
}

/** Promise logic as XState sees it from outside, without the promise. */
function awaitedResult(src: string, host: () => HostPort): AnyActorLogic {
  return {
    isInvocation: true,
    transition(state: PersistedActor, event: EventObject & { data?: unknown }): PersistedActor {
      switch (event.type) {
        case 'xstate.promise.resolve':
          return { status: 'done', output: event.data };
        case 'xstate.promise.reject':
          return { status: 'error', error: event.data };
        case 'xstate.stop':
          return { status: 'stopped' };
        default:
          return state;
      }
    },
    start(state: PersistedActor, { self }: AnyActorScope): void {
      if (state.status === 'active' && !host().restoring) host().started(self, src, state.input);
    },
    getInitialSnapshot(scope: AnyActorScope, input: unknown): PersistedActor {
      host().adopt(scope);
      return { status: 'active', input };
    },
    getPersistedSnapshot: (state: PersistedActor): PersistedActor => state,
    restoreSnapshot(state: PersistedActor, scope: AnyActorScope): PersistedActor {
      host().adopt(scope);
      return state.status === 'active' ? { status: 'active', input: host().inputOf(scope.self) } : state;
    },
  } as unknown as AnyActorLogic;
}

/** Transition logic runs as it is; only what it emits is reported instead of delivered. */
function quietTransition(logic: AnyActorLogic, host: () => HostPort): AnyActorLogic {
  return {
    ...logic,
    getInitialSnapshot(scope: AnyActorScope, input: unknown) {
      host().adopt(scope);
      return logic.getInitialSnapshot(scope as never, input as never);
    },
    restoreSnapshot(snapshot: unknown, scope: AnyActorScope) {
      host().adopt(scope);
      return logic.restoreSnapshot ? logic.restoreSnapshot(snapshot as never, scope as never) : snapshot;
    },
    transition: (snapshot: unknown, event: EventObject, scope: AnyActorScope) =>
      logic.transition(
        snapshot as never,
        event as never,
        {
          ...scope,
          emit: (emitted: EventObject) => host().emitted(emitted, scope.self),
        } as never,
      ),
  } as AnyActorLogic;
}
