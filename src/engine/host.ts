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
 * I4. A message comes to an end: actors that send each other events for ever fail the run, as `always` without end does.
 */
import { type AnyActorRef, createActor, type EventObject, type StateValue } from 'xstate';

import { SnapshotNotRestorable, WorkflowInvalid } from '../errors.ts';
import { collectVerdicts, type Verdict } from '../gates/verdict.ts';
import { actorAt, actorPath, childrenOf, isActive } from './actor-path.ts';
import type { MissingRef, Whereabouts } from './actor-refs.ts';
import { seal } from './codec.ts';
import type { HostedLogics, HostPort, ScopedAction } from './hosted-logic.ts';
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

const systemMadeId = /(^|\/)x:\d+(\/|$)/;

/** Far more events than the actors of a run send each other because of one message, and reached within a second. */
const maxSteps = 100_000;

/** Without a state the first message is `start`. Throws `SnapshotNotRestorable` if the machine no longer has what the state names. */
export function createHost(logics: HostedLogics, id: string, stored?: RunState): Host {
  // The machine must not change what it was given, and it may come from a store that does not freeze.
  const state = stored && seal(stored, 'stored state');
  let ids = state?.ids ?? 0;
  let restored = 0;
  let restoring = state !== undefined;
  let entries: Record<string, number> = state?.entries ?? {};
  let parent = state?.parent;
  const invocations = new Map<AnyActorRef, Invocation>();
  let timers: ArmedTimer[] = [];
  const missing: MissingRef[] = [];
  let steps = 0;
  let at = 0;
  let delivery = newDelivery();

  const disarm = (source: AnyActorRef, timerId: string): void => {
    timers = timers.filter((timer) => timer.source !== source || timer.id !== timerId);
  };

  const port: HostPort = {
    get restoring() {
      return restoring;
    },
    adopt(system) {
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
    stepping() {
      steps += 1;
      if (steps <= maxSteps) return;
      throw new Error(
        `Infinite loop detected: one message led to more than ${maxSteps} events between actors.`,
      );
    },
    missing: (ref) => void missing.push(ref),
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
      // An id that the system made up never comes again, so there is nothing to count.
      if (!systemMadeId.test(path)) entries = { ...entries, [path]: count };
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
    root = createActor(logics.root, { id, logger: () => {}, ...(from as object) }) as unknown as typeof root;
    // Without an observer XState throws a root's error into the event loop.
    root.subscribe({ error: () => {} });
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
        ({ parent } = message);
        boot({ input: message.input });
        return true;
      case 'cancel':
        root.stop();
        return true;
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

  const conclude = (): Advanced => {
    for (const [actor, invocation] of invocations) {
      if (isAtWork(actor)) continue;
      invocations.delete(actor);
      const index = delivery.started.indexOf(invocation);
      if (index >= 0) delivery.started.splice(index, 1);
      else delivery.stopped.push(invocation.key);
    }
    timers = timers.filter(({ source, target }) => isAtWork(source) && isAtWork(target));
    return {
      ...delivery,
      accepted: true,
      tags: [...(snapshot().tags ?? [])],
      state: Object.freeze({
        snapshot: storedActor(root, '', { find: whereIs, isPending: (actor) => invocations.has(actor) }),
        timers: storedTimers(timers),
        invocations: Object.freeze([...invocations.values()]),
        entries: Object.freeze(entries),
        ids,
        ...(parent ? { parent } : {}),
      }),
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

  if (state) {
    hosting(() => boot({ snapshot: state.snapshot }));
    for (const invocation of state.invocations) invocations.set(find(invocation.path), invocation);
    for (const { source, target, ...timer } of state.timers) {
      timers.push({ ...timer, source: find(source), target: find(target) });
    }
    for (const { path, fill } of missing) fill(find(path));
    restoring = false;
  }

  return {
    logics,
    deliver(message) {
      at = message.at;
      delivery = newDelivery();
      steps = 0;
      return hosting(() => dispatch(message), delivery.verdicts);
    },
    conclude,
    get verdicts() {
      return delivery.verdicts;
    },
    snapshot,
  };
}

function newDelivery(): Delivery {
  return { started: [], stopped: [], actions: [], emitted: [], verdicts: [] };
}

/** Whether an event from outside leads anywhere. A guard that throws is the machine's failure, so it counts as accepted. */
export function accepts(snapshot: RootSnapshot, event: EventObject, verdicts?: Verdict[]): boolean {
  if (snapshot.status !== 'active' || !isFromOutside(event.type)) return false;
  return collectVerdicts(verdicts, () => {
    try {
      return snapshot.can(event);
    } catch {
      // Delivered, it fails the run with the guard's own error.
      return true;
    }
  });
}

/** XState's own events tell what happened inside, and nobody else may; `xstate.route` is the one that is meant to be sent. */
function isFromOutside(type: string): boolean {
  return type !== '*' && (!type.startsWith('xstate.') || type === 'xstate.route');
}
