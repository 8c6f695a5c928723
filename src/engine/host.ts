/**
 * Hosts a machine in a live XState actor, one message at a time, and tells what each message led to.
 *
 * It owns the actor system's ids and timers, so that both are the same whether the system was restored for this
 * message or has been alive since the last. It never looks at a real clock and starts nothing.
 *
 * I1. Ids that XState makes up (actors and delayed events without an id) come from a counter that is part of the state.
 * I2. A timer keeps the deadline that it was armed with; re-arming one is a new timer.
 * I3. When the root is no longer active, no invocation and no timer is left.
 */
import { type AnyActorRef, createActor, type EventObject, type StateValue } from 'xstate';

import { InvalidOption, SnapshotNotRestorable, WorkflowInvalid } from '../errors.ts';
import { collectVerdicts, type Verdict } from '../gates/verdict.ts';
import { seal } from './codec.ts';
import { actorPath, type HostedLogics, type HostPort, idOf, type ScopedAction } from './hosted-logic.ts';
import type {
  Advanced,
  DecidedAction,
  Emitted,
  Invocation,
  Message,
  PersistedActor,
  PersistedChild,
  RunState,
  Timer,
} from './run-state.ts';

export interface RootSnapshot {
  readonly status: PersistedActor['status'];
  readonly value: StateValue;
  readonly context: unknown;
  readonly tags: ReadonlySet<string>;
  can(event: EventObject): boolean;
  getMeta(): Record<string, unknown>;
}

export interface Host {
  /** Deliver a message that is not `start`. `undefined`, and nothing has changed, if there was nobody to take it. */
  deliver(message: Message): Advanced | undefined;
  /** What the start led to. Only on a host made by `startHost`. */
  readonly begun: Advanced | undefined;
  snapshot(): RootSnapshot;
}

/** The host that is at work. Hosting is synchronous, so there is one at a time; nesting is restored on the way out. */
let current: HostPort | undefined;

export function currentHost(): HostPort {
  if (!current) throw new Error('A hosted actor was used outside of its host.');
  return current;
}

export function startHost(logics: HostedLogics, id: string, message: Message & { type: 'start' }): Host {
  return createHost(logics, id, undefined, message);
}

/** Throws `SnapshotNotRestorable` if the machine no longer has what the state names. */
export function restoreHost(logics: HostedLogics, id: string, state: RunState): Host {
  return createHost(logics, id, state, undefined);
}

interface ArmedTimer extends Omit<Timer, 'source' | 'target'> {
  readonly source: AnyActorRef;
  readonly target: AnyActorRef;
}

/** What one message has led to so far. */
interface Delivery {
  readonly at: number;
  readonly started: Invocation[];
  readonly stopped: string[];
  readonly actions: DecidedAction[];
  readonly emitted: Emitted[];
  readonly verdicts: Verdict[];
}

const systemMadeId = /(^|\/)x:\d+(\/|$)/;

function createHost(
  logics: HostedLogics,
  id: string,
  state: RunState | undefined,
  start: (Message & { type: 'start' }) | undefined,
): Host {
  let ids = state?.ids ?? 0;
  let restored = 0;
  let restoring = state !== undefined;
  let entries: Record<string, number> = state?.entries ?? {};
  const invocations = new Map(state?.invocations.map((invocation) => [invocation.path, invocation]));
  let timers: ArmedTimer[] = [];
  let delivery = newDelivery(start?.at ?? 0);

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
        timers.push({ source, target, event, id: timerId, deadline: delivery.at + Math.max(0, delay || 0) });
      };
      system.scheduler.cancel = disarm;
      system.scheduler.cancelAll = (source) => {
        timers = timers.filter((timer) => timer.source !== source);
      };
    },
    action({ type, params, info, exec }: ScopedAction, self) {
      const { context, event } = info as { context: unknown; event: EventObject };
      delivery.actions.push({
        type,
        path: actorPath(self),
        context,
        event,
        ...(params === undefined ? {} : { params }),
        ...(typeof exec === 'function' && type !== 'xstate.log' ? { exec: exec as NonNullable<DecidedAction['exec']> } : {}),
      });
    },
    emitted(event, self) {
      delivery.emitted.push({ path: actorPath(self), event: seal(event, `emitted event ${event.type}`) });
    },
    started(self, src, input) {
      const path = actorPath(self);
      if (actorAt(path) !== self) {
        throw new WorkflowInvalid(
          `Two actors \`${src}\` were spawned without an id in one step, and only the last could be found again after a restart. Give \`spawnChild\` an \`id\`.`,
          { details: { src, path } },
        );
      }
      const count = (entries[path] ?? 0) + 1;
      // An id that the system made up never comes again, so there is nothing to count.
      if (!systemMadeId.test(path)) entries = { ...entries, [path]: count };
      const invocation: Invocation = { key: `${path}#${count}`, path, src, ...(input === undefined ? {} : { input }) };
      seal(invocation.input, `input of ${path}`);
      invocations.set(path, invocation);
      delivery.started.push(invocation);
    },
    stopped(self) {
      const path = actorPath(self);
      const invocation = invocations.get(path);
      if (!invocation) return;
      invocations.delete(path);
      const index = delivery.started.indexOf(invocation);
      if (index >= 0) delivery.started.splice(index, 1);
      else delivery.stopped.push(invocation.key);
    },
  };

  const hosting = (body: () => void, verdicts?: Verdict[]): void => {
    const outer = current;
    current = port;
    try {
      collectVerdicts(verdicts, body);
    } finally {
      current = outer;
    }
  };

  let root!: AnyActorRef & { getPersistedSnapshot(): unknown; start(): unknown; stop(): unknown };
  const boot = (): void => {
    root = createActor(logics.root, {
      id,
      logger: () => {},
      ...(state ? { snapshot: state.snapshot as never } : { input: start?.input as never }),
    }) as unknown as typeof root;
    // Without an observer XState throws a root's error into the event loop.
    root.subscribe({ error: () => {} });
    if (state) refuseUnrestored(root, state);
    root.start();
  };

  const snapshot = (): RootSnapshot => root.getSnapshot() as RootSnapshot;

  const actorAt = (path: string): AnyActorRef | undefined => {
    let actor: AnyActorRef | undefined = root;
    for (const part of path === '' ? [] : path.split('/')) actor = actor && childrenOf(actor)[idOf(part)];
    return actor;
  };

  /** Hand the message to the actor that it is for. False if there is nobody to take it. */
  const dispatch = (message: Message): boolean => {
    switch (message.type) {
      case 'start':
        throw new InvalidOption('A run is started once; it was sent another `start`.');
      case 'cancel':
        root.stop();
        return true;
      case 'event':
        if (!accepts(snapshot(), message.event)) return false;
        root.send(message.event);
        return true;
      case 'timer': {
        const timer = timers.find(({ source, id: timerId }) => timerId === message.id && actorPath(source) === message.source);
        if (!timer) return false;
        disarm(timer.source, timer.id);
        timer.target.send(timer.event);
        return true;
      }
      case 'output':
      case 'error': {
        const invocation = [...invocations.values()].find(({ key }) => key === message.key);
        const actor = invocation && actorAt(invocation.path);
        if (!actor) return false;
        invocations.delete(invocation.path);
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
    const persisted = compacted(root.getPersistedSnapshot() as PersistedActor, 'run');
    if (persisted.status !== 'active') {
      delivery.stopped.push(
        ...[...invocations.values()].filter((left) => !delivery.started.includes(left)).map(({ key }) => key),
      );
      delivery.started.length = 0;
      invocations.clear();
      timers = [];
    }
    const { at: _at, ...led } = delivery;
    return {
      ...led,
      accepted: true,
      tags: [...(snapshot().tags ?? [])],
      state: {
        snapshot: persisted,
        timers: timerList(timers, actorAt),
        invocations: [...invocations.values()],
        entries,
        ids,
      },
    };
  };

  let begun: Advanced | undefined;
  if (state) {
    hosting(boot);
    for (const { source, target, event, id: timerId, deadline } of state.timers) {
      const [from, to] = [actorAt(source), actorAt(target)];
      if (from && to) timers.push({ source: from, target: to, event, id: timerId, deadline });
    }
    restoring = false;
  } else {
    hosting(boot, delivery.verdicts);
    begun = conclude();
  }

  return {
    begun,
    snapshot,
    deliver(message) {
      delivery = newDelivery(message.at);
      let accepted = false;
      hosting(() => {
        accepted = dispatch(message);
      }, delivery.verdicts);
      return accepted ? conclude() : undefined;
    },
  };
}

function childrenOf(actor: AnyActorRef): Readonly<Record<string, AnyActorRef>> {
  return (actor.getSnapshot() as { children?: Record<string, AnyActorRef> }).children ?? {};
}

function newDelivery(at: number): Delivery {
  return { at, started: [], stopped: [], actions: [], emitted: [], verdicts: [] };
}

/** Whether an event leads anywhere. A guard that throws is the machine's failure, so it counts as accepted. */
export function accepts(snapshot: RootSnapshot, event: EventObject): boolean {
  if (snapshot.status !== 'active') return false;
  let accepted = true;
  collectVerdicts(undefined, () => {
    try {
      accepted = snapshot.can(event);
    } catch {
      // Delivered, it fails the run with the guard's own error.
    }
  });
  return accepted;
}

function refuseUnrestored(root: AnyActorRef, state: RunState): void {
  const { status, error } = root.getSnapshot() as { status: string; error?: unknown };
  if (status !== 'error' || state.snapshot.status === 'error') return;
  throw new SnapshotNotRestorable(
    `The stored state ${JSON.stringify(state.snapshot.value)} cannot be restored: ${error instanceof Error ? error.message : String(error)} Run it with the version that it was started with, or add what is missing.`,
    { cause: error },
  );
}

/** Timers as data, soonest first. One whose target has stopped can reach nobody and is dropped, as XState would. */
function timerList(armed: readonly ArmedTimer[], actorAt: (path: string) => AnyActorRef | undefined): Timer[] {
  return armed
    .map(({ source, target, event, id, deadline }) => ({
      source: actorPath(source),
      id,
      target: actorPath(target),
      event: seal(event, `event of timer ${id}`),
      deadline,
      to: target,
    }))
    .filter(({ target, to }) => actorAt(target) === to)
    .map(({ to: _to, ...timer }) => timer)
    .sort((one, other) => one.deadline - other.deadline);
}

/** A persisted snapshot without its undefined fields, its parts checked to be carriable and frozen. */
function compacted(actor: PersistedActor, name: string): PersistedActor {
  const { status, output, error, input, value, context, children = {}, historyValue = {} } = actor;
  const childEntries = Object.entries(children);
  return {
    status,
    ...(value === undefined ? {} : { value: seal(value, 'value') }),
    ...(context === undefined ? {} : { context: seal(context, `context of ${name}`) }),
    ...(input === undefined ? {} : { input: seal(input, `input of ${name}`) }),
    ...(output === undefined ? {} : { output: seal(output, `output of ${name}`) }),
    ...(error === undefined ? {} : { error: seal(error, `error of ${name}`) }),
    // A machine cannot be restored without these two, even if they are empty.
    ...(value === undefined && childEntries.length === 0
      ? {}
      : { children: Object.fromEntries(childEntries.map(([id, child]) => [id, compactedChild(child, id)])) }),
    ...(value === undefined ? {} : { historyValue }),
  };
}

function compactedChild({ snapshot, src, systemId, syncSnapshot }: PersistedChild, id: string): PersistedChild {
  return {
    snapshot: compacted(snapshot, id),
    src,
    ...(systemId === undefined ? {} : { systemId }),
    ...(syncSnapshot ? { syncSnapshot } : {}),
  };
}
