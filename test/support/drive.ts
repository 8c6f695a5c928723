/**
 * Runs one script against one machine in three ways, and says what each step led to in the same words:
 *
 * - `live`: through `advance` with a host cache, so that the host is the one that delivered the message before;
 * - `restored`: through `advance` in what could be a new process each time: the state goes through text, the workflow is made anew;
 * - `plain`: through XState's own `createActor`, with a clock and promises moved by hand.
 *
 * The code of promises and actions made here may only run in the third way; elsewhere it throws, and is counted.
 */
import { type AnyActorRef, type AnyEventObject, type AnyStateMachine, createActor, type EventObject, fromPromise } from 'xstate';

import { expect } from 'vitest';

import { advance, createHostCache } from '../../src/engine/advance.ts';
import { decode, encode } from '../../src/engine/codec.ts';
import { actorPath } from '../../src/engine/actor-path.ts';
import type { Advanced, Message, RunState } from '../../src/engine/run-state.ts';
import { type AnyWorkflow, defineWorkflow } from '../../src/workflow.ts';

export type Step =
  | AnyEventObject
  /** Settle the invocation of that key (ids that XState made up are written `made:<n>`). */
  | { readonly settle: string; readonly output?: unknown; readonly error?: unknown }
  /** Let time pass; what is due fires in order. */
  | { readonly elapse: number }
  | { readonly cancel: true };

/** What can be seen of a run after a step, in words that do not depend on how it was run. */
export interface Seen {
  readonly status: string;
  readonly value: unknown;
  readonly context: unknown;
  readonly output: unknown;
  readonly error: unknown;
  readonly tags: readonly string[];
  readonly children: unknown;
  readonly timers: readonly unknown[];
  readonly invocations: readonly string[];
  readonly started: readonly { readonly key: string; readonly input: unknown }[];
  readonly stopped: readonly string[];
  readonly actions: readonly { readonly path: string; readonly type: string; readonly params: unknown }[];
  readonly emitted: readonly { readonly path: string; readonly event: unknown }[];
}

export interface Driver {
  start(input: unknown): Promise<Seen>;
  step(step: Step): Promise<Seen>;
  /** The state as a store would give it back, if it is one that `advance` gave. */
  stored?(): unknown;
}

/** Every way that a script can be run. */
export const ways = { live: () => advanceDriver(false), restored: () => advanceDriver(true), plain: plainDriver };

export interface Script {
  readonly input?: unknown;
  readonly steps?: readonly Step[];
  /** Left out where XState itself does something else, which the test then says. */
  readonly ways?: ReadonlyArray<keyof typeof ways>;
}

/** Run the script in every way, expect the same each time, and give what was seen after the start and after each step. */
export async function sameEveryWay(machine: AnyStateMachine, script: Script = {}): Promise<Seen[]> {
  const { input, steps = [], ways: wanted = ['live', 'restored', 'plain'] } = script;
  const ran = new Map<string, Seen[]>();
  const kept: unknown[][] = [];
  for (const way of wanted) {
    const driven = ways[way]()(machine);
    const seen = [await driven.start(input)];
    const states = [driven.stored?.()];
    for (const step of steps) {
      seen.push(await driven.step(step));
      states.push(driven.stored?.());
    }
    ran.set(way, seen);
    if (driven.stored) kept.push(states);
  }
  expect(takeEscaped(), 'code that ran inside advance').toEqual([]);
  const live = ran.get('live') ?? [];
  for (const [way, seen] of ran) {
    for (const [index, after] of seen.entries()) {
      const before = index === 0 ? 'the start' : JSON.stringify(steps[index - 1]);
      expect(after, `${way}, after ${before}`).toEqual(live[index]);
    }
  }
  for (const states of kept) expect(states, 'what a store would give back').toStrictEqual(kept[0]);
  return live;
}

// --- code that only the plain way may run ---------------------------------------------------------------------------

interface Deferred {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

interface PlainRun {
  opened(self: AnyActorRef, input: unknown, signal: AbortSignal, deferred: Deferred): void;
}

let plainRun: PlainRun | undefined;

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
        if (!plainRun) escape(`the promise of ${actorPath(self as AnyActorRef)}`);
        plainRun.opened(self as AnyActorRef, input, signal, { resolve, reject });
      }),
  );
}

/** A custom action that does nothing where it may run. */
export function act(): () => void {
  return () => {
    if (!plainRun) escape('a custom action');
  };
}

// --- through advance ------------------------------------------------------------------------------------------------

const startAt = 1_000_000;

function advanceDriver(restore: boolean): (machine: AnyStateMachine) => Driver {
  return (machine) => {
    const workflow = defineWorkflow({ machine, version: '1' });
    const hosts = restore ? undefined : createHostCache();
    const naming = createNaming();
    let state: RunState | undefined;
    let now = startAt;

    const send = (message: Message): Advanced => {
      const [in_, given]: [AnyWorkflow, RunState | undefined] =
        restore && state ? [{ ...workflow }, decode(encode(state, 'state')) as RunState] : [workflow, state];
      const led = advance(in_, given, message, hosts);
      state = led.state;
      return led;
    };

    const seen = (leds: readonly Advanced[]): Seen => {
      const { snapshot, timers, invocations } = leds.at(-1)?.state ?? (state as RunState);
      const started = leds.flatMap((led) => led.started);
      const stopped = leds.flatMap((led) => led.stopped);
      // Time may pass several timers, and what one started another may stop: that is nothing.
      const brief = new Set(started.map(({ key }) => key).filter((key) => stopped.includes(key)));
      return naming({
        status: snapshot.status,
        value: snapshot.value,
        context: pathless(snapshot.context),
        output: snapshot.output,
        error: errorSeen(snapshot.error),
        tags: snapshot.status === 'active' ? (leds.at(-1)?.tags ?? []) : [],
        children: snapshot.status === 'active' ? storedChildren(snapshot) : {},
        timers: timers.map(({ source, target, event, deadline }) => ({ source, target, event, in: deadline - now })),
        invocations: invocations.map(({ key }) => key).toSorted(),
        started: started.filter(({ key }) => !brief.has(key)).map(({ key, input }) => ({ key, input })),
        stopped: stopped.filter((key) => !brief.has(key)).toSorted(),
        actions: leds.flatMap(({ actions }) => actions.map(({ path, type, params }) => ({ path, type, params }))),
        emitted: leds.flatMap(({ emitted }) => emitted),
      });
    };

    return {
      stored: () => decode(encode(state, 'state')),
      start: async (input) => seen([send({ type: 'start', at: now, ...(input === undefined ? {} : { input }) })]),
      async step(step) {
        if ('type' in step) return seen([send({ type: 'event', at: now, event: step as EventObject })]);
        if ('cancel' in step) return seen([send({ type: 'cancel', at: now })]);
        if ('settle' in step) {
          const key = naming.raw(step.settle);
          if ('error' in step) return seen([send({ type: 'error', at: now, key, error: step.error })]);
          return seen([send({ type: 'output', at: now, key, output: step.output })]);
        }
        const until = now + step.elapse;
        const leds: Advanced[] = [];
        for (let [due] = timersOf(state); due && due.deadline <= until; [due] = timersOf(state)) {
          now = due.deadline;
          leds.push(send({ type: 'timer', at: now, source: due.source, id: due.id }));
        }
        now = until;
        return seen(leds.length > 0 ? leds : [send({ type: 'timer', at: now, source: '', id: 'there is none' })]);
      },
    };
  };
}

function timersOf(state: RunState | undefined): RunState['timers'] {
  return state?.timers ?? [];
}

// --- through plain XState -------------------------------------------------------------------------------------------

interface PlainTimer {
  readonly deadline: number;
  readonly fn: () => void;
  readonly scheduled: { readonly source: AnyActorRef; readonly target: AnyActorRef; readonly event: EventObject };
}

function plainDriver(): (machine: AnyStateMachine) => Driver {
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
        const made = /(^|\/)x:\d+(\/|$)/.test(path);
        const count = made ? 1 : (counts.get(path) ?? 0) + 1;
        counts.set(path, count);
        const key = `${path}#${count}`;
        open.set(key, deferred);
        started.push({ key, input });
        signal.addEventListener('abort', () => {
          if (started.some((begun) => begun.key === key)) started = started.filter((begun) => begun.key !== key);
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
      const { status, children = {} } = actor.getSnapshot() as { status: string; children?: Record<string, AnyActorRef> };
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

// --- the same words -------------------------------------------------------------------------------------------------

interface PersistedLike {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly historyValue?: unknown;
  readonly children?: Readonly<Record<string, { readonly snapshot: PersistedLike; readonly src: unknown }>>;
}

function storedChildren({ children = {} }: PersistedLike): unknown {
  return Object.fromEntries(
    Object.entries(children).map(([id, { snapshot }]) => [id, childSeen(snapshot, storedChildren(snapshot))]),
  );
}

/** By the actors' own ids: XState keeps a child that was spawned without one as its parent's `undefined`. */
function liveChildren(actor: AnyActorRef): unknown {
  const { children = {} } = actor.getSnapshot() as { children?: Record<string, AnyActorRef> };
  return Object.fromEntries(
    Object.values(children).map((child) => {
      const persisted = (child as unknown as { getPersistedSnapshot(): unknown }).getPersistedSnapshot();
      return [child.id, childSeen(persisted as PersistedLike, liveChildren(child))];
    }),
  );
}

function childSeen({ status, value, context, output, error }: PersistedLike, children: unknown): unknown {
  return { status, value, context: pathless(context), output, error: errorSeen(error), children };
}

function errorSeen(error: unknown): unknown {
  return error instanceof Error ? { name: error.name, message: error.message } : error;
}

/** References to actors as XState stores them. */
function pathless(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(pathless);
  if (typeof part !== 'object' || part === null || Object.getPrototypeOf(part) !== Object.prototype) return part;
  return Object.fromEntries(
    Object.entries(part)
      .filter(([key]) => !('xstate$$type' in part) || (key !== 'path' && key !== 'gone'))
      .map(([key, value]) => [key, pathless(value)]),
  );
}

interface Naming {
  (seen: Seen): Seen;
  raw(named: string): string;
}

/** Ids that XState makes up differ from one way to another in all but their order; they get the same names. */
function createNaming(): Naming {
  const names = new Map<string, string>();
  const naming = (seen: Seen): Seen => {
    const found = new Set<string>();
    eachString(seen, (text) => void (text.match(/x:\d+/g) ?? []).forEach((id) => found.add(id)));
    const fresh = [...found].filter((id) => !names.has(id)).toSorted((one, other) => number(one) - number(other));
    for (const id of fresh) names.set(id, `made:${names.size + 1}`);
    return renamed(seen, (text) => text.replaceAll(/x:\d+/g, (id) => names.get(id) ?? id)) as Seen;
  };
  const raw = (named: string): string =>
    named.replaceAll(/made:\d+/g, (name) => [...names].find(([, other]) => other === name)?.[0] ?? name);
  return Object.assign(naming, { raw });
}

function number(id: string): number {
  return Number(id.slice(2));
}

function eachString(part: unknown, visit: (text: string) => void): void {
  if (typeof part === 'string') visit(part);
  else if (typeof part === 'object' && part !== null)
    for (const [key, value] of Object.entries(part)) {
      visit(key);
      eachString(value, visit);
    }
}

function renamed(part: unknown, rename: (text: string) => string): unknown {
  if (typeof part === 'string') return rename(part);
  if (Array.isArray(part)) return part.map((item) => renamed(item, rename));
  if (typeof part !== 'object' || part === null || Object.getPrototypeOf(part) !== Object.prototype) return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [rename(key), renamed(value, rename)]));
}
