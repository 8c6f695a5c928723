/**
 * Hosts a machine in a live XState actor, one message at a time, and tells what each message led to.
 *
 * It owns the actor system's ids and timers, so that both are the same whether the system was restored for this
 * message or has been alive since the last. It never looks at a real clock and starts nothing.
 *
 * I1. Ids that XState makes up (actors and delayed events without an id) come from a counter that is part of the state.
 * I2. A timer keeps the deadline that it was armed with; re-arming one is a new timer.
 * I3. An invocation or timer whose actor, or an actor above it, is no longer at work is over. When the root is not active,
 *     none is left.
 * I4. Each invocation of a run has a key of its own. Counts under an id that the system made are dropped with its actor,
 *     since such an id is never given again.
 * I5. An actor's `sessionId` is the run's id and its path, live and restored.
 * I6. A message comes to an end: actors that send each other events for ever fail the run, as `always` without end does.
 */
import { and, type AnyActorRef, createActor, type EventObject, type StateValue } from 'xstate';

import type { StateNode } from '../actor-sources.ts';
import type { ErrorClasses } from '../error-classes.ts';
import { SnapshotNotRestorable, WorkflowInvalid } from '../errors.ts';
import type { Mutable } from './mutable.ts';
import { isFromOutside } from '../event-descriptor.ts';
import { collectVerdicts, type Verdict } from '../gates/verdict.ts';
import { actorAt, actorPath, childrenOf, isActive, sessionIdOf, systemMadeId } from './actor-path.ts';
import type { MissingRef, Whereabouts } from './actor-refs.ts';
import { isForeign, revived, seal } from './codec.ts';
import type { HostedLogic, HostedLogics, HostPort, ScopedAction } from './hosted-logic.ts';
import { type Misfit, unfit } from './misfits.ts';
import type {
  Advanced,
  DecidedAction,
  Emitted,
  Invocation,
  Message,
  PersistedActor,
  RunState,
} from './run-state.ts';
import { type ArmedTimer, assertRestored, storedActor, storedTimers } from './stored-state.ts';

export interface RootSnapshot {
  readonly status: PersistedActor['status'];
  readonly value: StateValue;
  readonly context: unknown;
  readonly tags: ReadonlySet<string>;
  readonly _nodes: readonly StateNode[];
  can(event: EventObject): boolean;
  getMeta(): Record<string, unknown>;
}

export interface Host {
  readonly logics: HostedLogics;
  /** Deliver a message. False, and nothing has changed, if there was nobody to take it. */
  deliver(message: Message): boolean;
  /** What the message that was delivered last led to. Throws `ValueNotCarriable` if it cannot be stored. */
  conclude(): Advanced;
  readonly verdicts: readonly Verdict[];
  /** False if the machine made an error of a class that a restored machine would not have: it must be restored. */
  readonly isAsStored: boolean;
  snapshot(): RootSnapshot;
}

/** The host that is at work. Hosting is synchronous, so there is one at a time; nesting is restored on the way out. */
let current: HostPort | undefined;

export function currentHost(): HostPort {
  if (!current) throw new Error('A hosted actor was used outside of its host.');
  return current;
}

/** What one message has led to so far. */
interface Delivery {
  readonly started: Invocation[];
  readonly stopped: string[];
  readonly actions: DecidedAction[];
  readonly emitted: Emitted[];
  readonly verdicts: Verdict[];
}

/** Far more events than the actors of a run send each other because of one message, and reached within a second. */
const maxSteps = 100_000;

/** Without a state the first message is `start`. Throws `SnapshotNotRestorable` if the machine no longer has what the state names. */
export function createHost(logics: HostedLogics, name: string, stored?: RunState): Host {
  // The machine must not change what it was given, and it may come from a store that does not freeze.
  const state = stored && seal(stored, 'stored state', logics.errors);
  let ids = state?.ids ?? 0;
  let restored = 0;
  let restoring = state !== undefined;
  let entries: Record<string, number> = state?.entries ?? {};
  /** Counted paths that are gone for good once their actor is. */
  const passing = new Set(Object.keys(entries).filter((path) => systemMadeAbove(path).length > 0));
  let parent = state?.parent;
  let runId = state?.runId;
  const invocations = new Map<AnyActorRef, Invocation>();
  let timers: ArmedTimer[] = [];
  const missing: MissingRef[] = [];
  const misfits: Misfit[] = [];
  const systemMade = new WeakSet<AnyActorRef>();
  let steps = 0;
  let at = 0;
  let delivery = newDelivery();
  let isAsStored = true;
  const classes: ErrorClasses = {
    get: (className) => logics.errors.get(className),
    seen: (error) => void (isAsStored &&= !isForeign(error, logics.errors)),
  };

  const disarm = (source: AnyActorRef, timerId: string): void => {
    timers = timers.filter((timer) => timer.source !== source || timer.id !== timerId);
  };

  const port: HostPort = {
    get restoring() {
      return restoring;
    },
    adopt(scope) {
      const { self, system } = scope;
      // XState names an actor after its session where the machine does not.
      if (self.id === self.sessionId && self._parent) systemMade.add(self);
      scope.sessionId = sessionIdOf(runId ?? name, actorPath(self));
      (self as { sessionId: string }).sessionId = scope.sessionId;
      if (self._parent) return;
      // Not in XState's types, but where every made-up id comes from.
      (system as unknown as { _bookId: () => string })._bookId = () =>
        restoring ? `restored:${restored++}` : `x:${ids++}`;
      system.scheduler.schedule = (source, target, event, delay, timerId = `delayed:${ids++}`) => {
        disarm(source, timerId);
        timers.push({ source, target, event, id: timerId, deadline: at + Math.max(0, delay || 0) });
      };
      system.scheduler.cancel = disarm;
      system.scheduler.cancelAll = (source) => {
        timers = timers.filter((timer) => timer.source !== source);
      };
    },
    isSystemMade: (actor) => systemMade.has(actor),
    stepping() {
      steps += 1;
      if (steps <= maxSteps) return;
      throw new Error(
        `Infinite loop detected: one message led to more than ${maxSteps} events between actors.`,
      );
    },
    missing: (ref) => void missing.push(ref),
    fits: state?.shape === logics.shape,
    misfits: (found) => void misfits.push(...found),
    inputOf(self) {
      const path = actorPath(self);
      return state?.invocations.find((invocation) => invocation.path === path)?.input;
    },
    action({ type, params, info, exec }: ScopedAction, self) {
      if (typeof exec !== 'function') {
        throw new WorkflowInvalid(
          `Action \`${type}\` was decided, but there is no such action. Add it to \`setup({ actions: { ${type} } })\`.`,
          {
            details: { action: type, path: actorPath(self) },
          },
        );
      }
      const { context, event } = info as { context: unknown; event: EventObject };
      delivery.actions.push({
        type,
        path: actorPath(self),
        context,
        event,
        ...(params === undefined ? {} : { params }),
        ...(type === 'xstate.log' ? {} : { exec: exec as NonNullable<DecidedAction['exec']> }),
      });
    },
    emitted(event, self) {
      delivery.emitted.push({ path: actorPath(self), event: seal(event, `emitted event ${event.type}`) });
    },
    started(self, src, input) {
      const path = actorPath(self);
      const count = (entries[path] ?? 0) + 1;
      const made = systemMadeAbove(path);
      // An actor whose own id the system made starts once.
      if (made.at(-1) !== path) {
        entries = { ...entries, [path]: count };
        if (made.length > 0) passing.add(path);
      }
      const given = input === undefined ? {} : { input: seal(input, `input of ${path}`) };
      const invocation: Invocation = Object.freeze({ key: `${path}#${count}`, path, src, ...given });
      invocations.set(self, invocation);
      delivery.started.push(invocation);
    },
  };

  const hosting = <T>(body: () => T, verdicts?: Verdict[]): T => {
    const outer = current;
    current = port;
    try {
      return collectVerdicts(verdicts, body);
    } finally {
      current = outer;
    }
  };

  let root!: AnyActorRef & { start(): unknown; stop(): unknown };
  const boot = (from: { snapshot: PersistedActor } | { input: unknown }): void => {
    root = createActor(logics.root, {
      id: runId ?? name,
      logger: () => {},
      ...(from as object),
    }) as unknown as typeof root;
    // Without an observer XState throws a root's error into the event loop.
    root.subscribe({ error: () => {} });
    if (misfits.length > 0) throw unfit(misfits);
    if (state) assertRestored(root, state.snapshot);
    root.start();
  };

  const snapshot = (): RootSnapshot => root.getSnapshot() as RootSnapshot;

  const isAtWork = (actor: AnyActorRef): boolean => {
    if (!isActive(actor)) return false;
    const parent = actor._parent;
    return parent ? childrenOf(parent)[actor.id] === actor && isAtWork(parent) : actor === root;
  };

  const pending = (key: string): [AnyActorRef, Invocation] | undefined =>
    [...invocations].find(([, invocation]) => invocation.key === key);

  /** Hand the message to the actor that it is for. False if there is nobody to take it. */
  const dispatch = (message: Message): boolean => {
    switch (message.type) {
      case 'start':
        ({ parent, runId } = message);
        boot({ input: message.input });
        return true;
      case 'cancel':
        root.stop();
        return true;
      // Of the run as a whole, which needs no machine.
      case 'fail':
      case 'retry':
        return false;
      case 'event':
        if (!accepts(snapshot(), message.event)) return false;
        root.send(message.event);
        return true;
      case 'timer': {
        const timer = timers.find(
          ({ source, id: timerId }) => timerId === message.id && actorPath(source) === message.source,
        );
        if (!timer) return false;
        disarm(timer.source, timer.id);
        timer.target.send(timer.event);
        return true;
      }
      case 'deferred': {
        const waiting = pending(message.key);
        if (!waiting) return false;
        const [actor, invocation] = waiting;
        const { until: notBefore, attempt } = message;
        invocations.set(actor, Object.freeze({ ...invocation, notBefore, attempt: attempt + 1 }));
        return true;
      }
      case 'wake': {
        const waiting = pending(message.key);
        if (!waiting || waiting[1].notBefore === undefined) return false;
        const [actor, invocation] = waiting;
        invocations.set(actor, Object.freeze({ ...invocation, notBefore: message.at }));
        return true;
      }
      case 'output':
      case 'error': {
        const [actor] = pending(message.key) ?? [];
        if (!actor) return false;
        invocations.delete(actor);
        actor.send(
          message.type === 'output'
            ? { type: 'xstate.promise.resolve', data: message.output }
            : { type: 'xstate.promise.reject', data: message.error },
        );
        return true;
      }
    }
  };

  /** Drop the counts of actors that can never be there again (I4). */
  const forgetGone = (): void => {
    if (passing.size === 0) return;
    const gone = [...passing].filter((path) => !systemMadeAbove(path).every(isThere));
    if (gone.length === 0) return;
    const kept = { ...entries };
    for (const path of gone) {
      passing.delete(path);
      delete kept[path];
    }
    entries = kept;
  };

  const isThere = (path: string): boolean => {
    const actor = actorAt(root, path);
    return actor !== undefined && isAtWork(actor);
  };

  /** An error that a message brings is an instance of the class that the workflow registers. */
  const withClasses = (message: Message): Message => {
    try {
      return revived(message, logics.errors);
    } catch {
      // It holds what cannot be stored, which fails the run if it is kept.
      return message;
    }
  };

  const conclude = (): Advanced => {
    for (const [actor, invocation] of invocations) {
      if (isAtWork(actor)) continue;
      invocations.delete(actor);
      const index = delivery.started.indexOf(invocation);
      if (index >= 0) delivery.started.splice(index, 1);
      else delivery.stopped.push(invocation.key);
    }
    timers = timers.filter(({ source, target }) => isAtWork(source) && isAtWork(target));
    forgetGone();
    const { started, stopped, actions, emitted, verdicts } = delivery;
    const state: Mutable<RunState> = {
      snapshot: storedActor(root, '', {
        find: whereIs,
        isPending: (actor) => invocations.has(actor),
        classes,
      }),
      timers: storedTimers(timers),
      invocations: Object.freeze([...invocations.values()]),
      entries: Object.freeze(entries),
      ids,
      shape: logics.shape,
    };
    if (runId !== undefined) state.runId = runId;
    if (parent) state.parent = parent;
    const tags = [...(snapshot().tags ?? [])];
    return {
      started,
      stopped,
      actions,
      emitted,
      verdicts,
      accepted: true,
      tags,
      state: Object.freeze(state),
    };
  };

  const whereIs = (actor: AnyActorRef): Whereabouts => {
    const path = actorPath(actor);
    if (actorAt(root, path) === actor) return { path };
    return actor.system === root.system || !isActive(actor) ? 'gone' : 'foreign';
  };

  const find = (path: string): AnyActorRef => {
    const actor = actorAt(root, path);
    if (actor) return actor;
    throw new SnapshotNotRestorable(
      `The stored state has no actor \`${path}\`, but something that refers to it.`,
      {
        details: { path },
      },
    );
  };

  /** Throw for a timer or an invocation that the machine no longer knows what to do with. */
  const assertPending = ({ invocations: pendingOnes }: RunState): void => {
    for (const { source, target, event, id } of timers) {
      const logic = hostedLogicOf(target);
      if (!logic.takesTimer || logic.takesTimer(event.type, target.getSnapshot())) continue;
      misfits.push({
        kind: 'timer',
        actor: actorPath(source),
        id,
        problem: `leads nowhere (\`${event.type}\`)`,
      });
    }
    for (const { path, src, key } of pendingOnes) {
      if (logics.performers.has(src)) continue;
      misfits.push({ kind: 'invocation', actor: path, id: key, problem: `needs \`${src}\`, which is gone` });
    }
    const waiting = (actor: AnyActorRef): AnyActorRef[] => {
      if (!isActive(actor)) return [];
      return hostedLogicOf(actor).isInvocation ? [actor] : Object.values(childrenOf(actor)).flatMap(waiting);
    };
    for (const actor of waiting(root).filter((each) => !invocations.has(each))) {
      const path = actorPath(actor);
      misfits.push({
        kind: 'invocation',
        actor: path,
        id: actor.id,
        problem: 'was not started as an invocation',
      });
    }
    if (misfits.length > 0) throw unfit(misfits);
  };

  if (state) {
    hosting(() => boot({ snapshot: state.snapshot }));
    for (const invocation of state.invocations) invocations.set(find(invocation.path), invocation);
    for (const { source, target, ...timer } of state.timers) {
      timers.push({ ...timer, source: find(source), target: find(target) });
    }
    for (const { path, fill } of missing) fill(find(path));
    if (!port.fits) assertPending(state);
    restoring = false;
  }

  return {
    logics,
    deliver(message) {
      at = message.at;
      delivery = newDelivery();
      steps = 0;
      const known = logics.errors.size > 0 ? withClasses(message) : message;
      return hosting(() => dispatch(known), delivery.verdicts);
    },
    conclude,
    get isAsStored() {
      return isAsStored;
    },
    get verdicts() {
      return delivery.verdicts;
    },
    snapshot,
  };
}

/** The beginnings of the path, and the path itself, that name an actor by an id which the system made. */
function systemMadeAbove(path: string): string[] {
  if (!path.includes('x:')) return [];
  const ids = path.split('/');
  return ids.flatMap((id, depth) => (systemMadeId.test(id) ? [ids.slice(0, depth + 1).join('/')] : []));
}

function hostedLogicOf(actor: AnyActorRef): HostedLogic {
  return (actor as unknown as { logic: HostedLogic }).logic;
}

function newDelivery(): Delivery {
  return { started: [], stopped: [], actions: [], emitted: [], verdicts: [] };
}

/**
 * Whether an event from outside leads anywhere: a transition takes it, or an `always` whose guard looks at it, as XState asks
 * those after every event. A guard that throws is the machine's failure, so it counts as accepted.
 */
export function accepts(snapshot: RootSnapshot, event: EventObject, verdicts?: Verdict[]): boolean {
  if (snapshot.status !== 'active' || event.type === '*' || !isFromOutside(event.type)) return false;
  return collectVerdicts(verdicts, () => {
    try {
      return snapshot.can(event) || isAlwaysTaken(snapshot, event);
    } catch {
      // Delivered, it fails the run with the guard's own error.
      return true;
    }
  });
}

function isAlwaysTaken(snapshot: RootSnapshot, event: EventObject): boolean {
  const { context, _nodes: nodes } = snapshot;
  return nodes.some(({ always = [] }) =>
    always.some(({ guard, target, actions }) => {
      if (target === undefined && actions.length === 0) return false;
      if (guard === undefined) return true;
      // How XState asks a guard of any form is not public but for the guards that are made of others.
      const whole = and([guard as never]) as unknown as CombinedGuard;
      return whole.check(snapshot, { context, event }, whole);
    }),
  );
}

interface CombinedGuard {
  check(
    snapshot: RootSnapshot,
    args: { context: unknown; event: EventObject },
    guard: CombinedGuard,
  ): boolean;
}
