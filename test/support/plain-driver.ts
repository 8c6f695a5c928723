/** Runs a machine through plain XState, with a clock and promises that are moved by hand. */
import { type AnyActorRef, type AnyStateMachine, createActor, type EventObject, fromPromise } from 'xstate';

import { actorPath } from '../../src/engine/actor-path.ts';
import {
  createNaming,
  type Driver,
  errorSeen,
  liveChildren,
  pathless,
  type PersistedLike,
  type Seen,
  startAt,
} from './seen.ts';

interface PlainTimer {
  readonly deadline: number;
  readonly fn: () => void;
  readonly scheduled: {
    readonly source: AnyActorRef;
    readonly target: AnyActorRef;
    readonly event: EventObject;
  };
}

export function plainDriver(): (machine: AnyStateMachine) => Driver {
  return (machine) => {
    const naming = createNaming();
    const counts = new Map<string, number>();
    const open = new Map<string, Deferred>();
    let started: { key: string; input: unknown }[] = [];
    let stopped: string[] = [];
    let actions: Seen['actions'][number][] = [];
    let emitted: Seen['emitted'][number][] = [];
    let timers: PlainTimer[] = [];
    let now = startAt;
    let root!: AnyActorRef & { start(): void; stop(): void; getPersistedSnapshot(): unknown };

    const run: PlainRun = {
      opened(self, input, signal, deferred) {
        const path = actorPath(self);
        const count = (counts.get(path) ?? 0) + 1;
        counts.set(path, count);
        const key = `${path}#${count}`;
        open.set(key, deferred);
        started.push({ key, input });
        signal.addEventListener('abort', () => {
          if (started.some((begun) => begun.key === key))
            started = started.filter((begun) => begun.key !== key);
          else stopped.push(key);
        });
      },
    };

    const known = new Set<unknown>();
    const clock = {
      setTimeout(fn: () => void, ms: number) {
        const all = Object.values(root.system.getSnapshot()._scheduledEvents);
        const scheduled = all.find((entry) => !known.has(entry)) as PlainTimer['scheduled'];
        known.add(scheduled);
        timers.push({ deadline: now + Math.max(0, ms || 0), fn, scheduled });
        return timers.at(-1);
      },
      clearTimeout(timer: unknown) {
        timers = timers.filter((other) => other !== timer);
      },
    };

    const inside = async (body: () => void): Promise<void> => {
      plainRun = run;
      try {
        body();
        // What a settled promise leads to takes a few microtasks.
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      } finally {
        plainRun = undefined;
      }
    };

    const fresh = (): void => {
      started = [];
      stopped = [];
      actions = [];
      emitted = [];
    };

    const pending = (actor: AnyActorRef): string[] => {
      const { status, children = {} } = actor.getSnapshot() as {
        status: string;
        children?: Record<string, AnyActorRef>;
      };
      if (status !== 'active') return [];
      const path = actorPath(actor);
      const latest = `${path}#${counts.get(path)}`;
      return [...(open.has(latest) ? [latest] : []), ...Object.values(children).flatMap(pending)];
    };

    let ended = false;
    const seen = (before: readonly string[]): Seen => {
      const { status, tags = new Set() } = root.getSnapshot() as { status: string; tags?: Set<string> };
      const persisted = root.getPersistedSnapshot() as PersistedLike;
      const active = status === 'active';
      // XState leaves the children of an actor that failed running; for a run they are over.
      const over = status === 'error' && !ended ? before : [];
      ended ||= !active;
      return naming({
        status,
        value: persisted.value,
        context: pathless(persisted.context),
        output: persisted.output,
        error: errorSeen(persisted.error),
        tags: active ? [...tags] : [],
        children: active ? liveChildren(root) : {},
        timers: active
          ? timers
              .map(({ deadline, scheduled: { source, target, event } }) => ({
                source: actorPath(source),
                target: actorPath(target),
                event,
                in: deadline - now,
              }))
              .toSorted((one, other) => one.in - other.in)
          : [],
        invocations: active ? pending(root).toSorted() : [],
        started: active ? started : [],
        stopped: [...new Set([...stopped, ...over])].toSorted(),
        actions,
        emitted,
      });
    };

    return {
      async start(input) {
        root = createActor(machine, {
          id: machine.id,
          clock: clock as never,
          logger: () => {},
          input: input as never,
          inspect: (inspected) => {
            if (inspected.type === '@xstate.actor') {
              const ref = inspected.actorRef as AnyActorRef;
              ref.on('*', (event) => emitted.push({ path: actorPath(ref), event }));
            }
            if (inspected.type === '@xstate.action') {
              const { type, params } = inspected.action;
              if (type.startsWith('xstate.') && type !== 'xstate.log') return;
              actions.push({ path: actorPath(inspected.actorRef as AnyActorRef), type, params });
            }
          },
        }) as unknown as typeof root;
        root.subscribe({ error: () => {} });
        await inside(() => root.start());
        return seen([]);
      },
      async step(step) {
        fresh();
        let settled = '';
        const before = pending(root);
        await inside(() => {
          if ('type' in step) {
            if (root.getSnapshot().status === 'active') root.send(step as EventObject);
          } else if ('cancel' in step) root.stop();
          else if ('settle' in step) {
            const deferred = open.get(naming.raw(step.settle));
            if (!deferred) throw new Error(`There is no invocation ${step.settle}.`);
            settled = naming.raw(step.settle);
            if ('error' in step) deferred.reject(step.error);
            else deferred.resolve(step.output);
          } else {
            const until = now + step.elapse;
            for (let due = nextDue(timers, until); due; due = nextDue(timers, until)) {
              const fired = due;
              timers = timers.filter((timer) => timer !== fired);
              now = due.deadline;
              due.fn();
            }
            now = until;
          }
        });
        return seen(before.filter((key) => key !== settled));
      },
    };
  };
}

function nextDue(timers: readonly PlainTimer[], until: number): PlainTimer | undefined {
  return timers
    .filter(({ deadline }) => deadline <= until)
    .toSorted((one, other) => one.deadline - other.deadline)
    .at(0);
}

// --- code that may run nowhere else ---------------------------------------------------------------------------

export interface Deferred {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

interface PlainRun {
  opened(self: AnyActorRef, input: unknown, signal: AbortSignal, deferred: Deferred): void;
}

let plainRun: PlainRun | undefined;

/** A run of an engine, which performs the code of its promises and actions outside of the machine. */
export interface EngineRun {
  opened(path: string, signal: AbortSignal, deferred: Deferred): void;
  acted(path: string): void;
}

/** By run id. */
export const engineRuns = new Map<string, EngineRun>();

/** The run that an engine works on, if it is one that gave this stand-in to code outside of the machine, and the actor's path. */
function engineRunOf(self: { readonly sessionId: string }): [EngineRun, string] | undefined {
  if ('_parent' in self) return undefined;
  const [runId = '', ...path] = self.sessionId.split('/');
  const run = engineRuns.get(runId);
  return run && [run, path.join('/')];
}

/** How often code ran that must not. Read it, and it is zero again. */
export function takeEscaped(): string[] {
  const escaped = [...escapes];
  escapes.length = 0;
  return escaped;
}

const escapes: string[] = [];

function escape(what: string): never {
  escapes.push(what);
  throw new Error(`${what} ran inside advance.`);
}

/** Promise logic that waits for the script to settle it. */
export function work(): ReturnType<typeof fromPromise<unknown, unknown>> {
  return fromPromise<unknown, unknown>(
    ({ input, self, signal }) =>
      new Promise((resolve, reject) => {
        const [run, path] = engineRunOf(self) ?? [];
        if (run) return run.opened(path as string, signal, { resolve, reject });
        if (!plainRun) escape(`the promise of ${actorPath(self as AnyActorRef)}`);
        plainRun.opened(self as AnyActorRef, input, signal, { resolve, reject });
      }),
  );
}

/** A custom action that does nothing where it may run. */
export function act(): (args: { readonly self: unknown }) => void {
  return ({ self }) => {
    const [run, path] = engineRunOf(self as AnyActorRef) ?? [];
    if (run) run.acted(path as string);
    else if (!plainRun) escape('a custom action');
  };
}
