/**
 * Workers, a store and a clock that move only when they are told to, so that a seed decides every order of things.
 *
 * Each call of a worker's store waits until the schedule settles it: answered, refused, or applied and then refused.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { createMemoryData, type MemoryData, memoryStore } from '../../persistence/memory.ts';
import type { Store } from '../../persistence/store.ts';
import { advance, createHostCache } from '../../src/engine/advance.ts';
import type { Clock } from '../../src/engine/clock.ts';
import { type HeldRun, holdingOf, holdRun } from '../../src/engine/held-run.ts';
import { encodeMail, type Mail } from '../../src/engine/mail.ts';
import { progressOf, stateOf } from '../../src/engine/progress.ts';
import { StoreUnavailable } from '../../src/errors.ts';
import { listPrices } from '../../src/prices.ts';
import type { AnyWorkflow } from '../../src/workflow.ts';

export const leaseMs = 15_000;

/** A number from 0 to below 1. */
export type Random = () => number;

export function randomOf(seed: number): Random {
  let state = seed * 2_654_435_761 + 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type StoreMode = 'well' | 'flaky' | 'away' | 'frozen';

interface PendingCall {
  readonly name: keyof Store;
  readonly worker: SimulatedWorker | undefined;
  answer(): Promise<void>;
  refuse(applied: boolean): Promise<void>;
}

interface Alarm {
  readonly worker: SimulatedWorker | undefined;
  readonly deadline: number;
  readonly fn: () => void;
}

/** Calls that go on for as long as there are workers. */
const polls: ReadonlySet<keyof Store> = new Set(['due', 'renew']);

export interface SimulatedWorker {
  readonly token: string;
  readonly held: Map<string, HeldRun>;
  /** Dead workers do nothing any more; their leases run out. */
  isDead: boolean;
  isStopping: boolean;
}

export interface Simulation {
  readonly data: MemoryData;
  readonly problems: Error[];
  /** Runs of which one executor wrote two steps at a time. */
  readonly overlapping: string[];
  readonly workers: SimulatedWorker[];
  mode: StoreMode;
  now(): number;
  /** By the simulated clock, for actors. Never settles if their worker dies. */
  sleep(ms: number): Promise<void>;
  /** The worker whose code asks. */
  current(): SimulatedWorker | undefined;
  addWorker(): SimulatedWorker;
  kill(worker: SimulatedWorker): void;
  stop(worker: SimulatedWorker): void;
  start(id: string, input: unknown): Promise<void>;
  /** Until it is acknowledged, as a client would that sends again what it does not know the fate of. */
  send(id: string, mail: Mail, key: string): void;
  /** One thing happens: a call of the store is settled, or the time goes on to the next alarm. */
  step(): Promise<void>;
  /** Whether nothing is held, sent or being asked of the store. */
  isQuiet(): boolean;
}

export function simulate(workflow: AnyWorkflow, random: Random): Simulation {
  const data = createMemoryData();
  const backing = memoryStore({ data });
  const pending: PendingCall[] = [];
  const alarms = new Set<Alarm>();
  const problems: Error[] = [];
  const overlapping: string[] = [];
  const workers: SimulatedWorker[] = [];
  const sending = new Set<string>();
  let now = 1_000_000;
  let tokens = 0;
  /** Whose code runs: that of a worker, or of none. */
  const acting = new AsyncLocalStorage<SimulatedWorker | undefined>();

  function at(deadline: number, fn: () => void, worker: SimulatedWorker | undefined): () => void {
    const alarm = { deadline, fn, worker };
    if (!worker?.isDead) alarms.add(alarm);
    return () => void alarms.delete(alarm);
  }

  function asked<T>(
    worker: SimulatedWorker | undefined,
    name: keyof Store,
    call: () => Promise<T>,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (worker?.isDead) return;
      const trouble = (): Error =>
        random() < 0.5 ? new StoreUnavailable('Away.') : new Error('The disk is full.');
      pending.push({
        worker,
        name,
        answer: () => call().then(resolve, reject),
        async refuse(applied) {
          if (applied) await call();
          reject(applied ? new StoreUnavailable('No answer.') : trouble());
        },
      });
    });
  }

  function storeOf(worker: SimulatedWorker | undefined): Store {
    const slow = new Set(['acquire', 'commit', 'record', 'renew', 'release', 'send', 'inbox', 'due', 'load']);
    return new Proxy(backing, {
      get(target, name: keyof Store) {
        const value: unknown = target[name];
        if (typeof value !== 'function' || !slow.has(name)) return value;
        return (...args: unknown[]) =>
          asked(worker, name, () => (value as (...given: unknown[]) => Promise<unknown>).apply(target, args));
      },
    });
  }

  /** For one executor of a run: it writes one step at a time. */
  function oneStepAtATime(store: Store): Store {
    let committing = 0;
    return new Proxy(store, {
      get(target, name: keyof Store) {
        if (name !== 'commit') return target[name];
        return async (...[runId, commit]: Parameters<Store['commit']>) => {
          if (++committing > 1) overlapping.push(runId);
          return target.commit(runId, commit).finally(() => (committing -= 1));
        };
      },
    });
  }

  function addWorker(): SimulatedWorker {
    const worker: SimulatedWorker = {
      token: `worker ${++tokens}`,
      held: new Map(),
      isDead: false,
      isStopping: false,
    };
    workers.push(worker);
    const store = storeOf(worker);
    const clock: Clock = { now: () => now, at: (deadline, fn) => at(deadline, fn, worker) };
    const claiming = new Set<string>();

    async function claim(runId: string): Promise<void> {
      if (worker.held.has(runId) || claiming.has(runId) || worker.isStopping) return;
      claiming.add(runId);
      try {
        const options = { token: worker.token, until: now + leaseMs, now };
        const acquired = await store.acquire(runId, options);
        if (typeof acquired === 'string') return;
        if (worker.isStopping)
          return await store.release(runId, { token: worker.token, wakeAt: now, seen: 0 });
        const hosts = createHostCache();
        const run = holdRun(
          {
            store: oneStepAtATime(store),
            clock,
            token: worker.token,
            leaseMs,
            workflow,
            prices: listPrices,
            intercept: undefined,
            maxStateBytes: 1_000_000,
            after: (ms, fn) => at(now + ms, fn, worker),
            stepped: () => {},
            disposed: () => {},
            left: (left) => void (worker.held.get(runId) === left && worker.held.delete(runId)),
            runsOf: () => {
              throw new Error('No run is started here.');
            },
            ended: async () => {},
            partial: () => {},
            problem: (error) => void problems.push(error),
            failRun: () => {},
          },
          holdingOf(acquired, stateOf(acquired.run.state), hosts),
        );
        worker.held.set(runId, run);
      } catch (error) {
        problems.push(error as Error);
      } finally {
        claiming.delete(runId);
      }
    }

    function every(ms: number, task: () => Promise<void>): void {
      let isBusy = false;
      const tick = (): void => {
        at(now + ms, tick, worker);
        if (isBusy || worker.isStopping) return;
        isBusy = true;
        const done = (): void => {
          isBusy = false;
        };
        // It is asked again: a store in trouble is what is simulated.
        void task()
          .catch(() => {})
          .finally(done);
      };
      acting.run(worker, tick);
    }

    every(1_000, async () => {
      const workflows = [workflow.ref];
      for (const id of await store.due({ workflows, now, limit: 10 })) void claim(id);
    });
    every(leaseMs / 3, async () => {
      const runs = [...worker.held.values()].map(({ id, seen }) => ({ id, seen }));
      if (runs.length === 0) return;
      const until = now + leaseMs;
      const { lost, mail } = await store.renew({ token: worker.token, until, runs });
      for (const { id } of runs) if (!lost.includes(id)) worker.held.get(id)?.renewed(until);
      for (const id of lost) worker.held.get(id)?.abandon();
      for (const id of mail) worker.held.get(id)?.poke();
    });
    return worker;
  }

  function drop<T extends { readonly worker: SimulatedWorker | undefined }>(
    all: Iterable<T>,
    worker: SimulatedWorker,
  ): T[] {
    return [...all].filter((one) => one.worker === worker);
  }

  async function settleOne(): Promise<void> {
    const [call] = pending.splice(Math.floor(random() * pending.length), 1);
    if (!call) return;
    if (simulation.mode === 'away') return call.refuse(false);
    if (simulation.mode === 'well' || random() < 0.6) return call.answer();
    return call.refuse(random() < 0.5);
  }

  function fireNext(): void {
    let next: Alarm | undefined;
    for (const alarm of alarms) if (!next || alarm.deadline < next.deadline) next = alarm;
    if (!next) return;
    alarms.delete(next);
    now = Math.max(now, next.deadline);
    acting.run(next.worker, next.fn);
  }

  const simulation: Simulation = {
    data,
    problems,
    overlapping,
    workers,
    mode: 'well',
    now: () => now,
    addWorker,
    sleep: (ms) => new Promise((resolve) => at(now + ms, resolve, acting.getStore())),
    current: () => acting.getStore(),
    kill(worker) {
      worker.isDead = true;
      worker.isStopping = true;
      for (const alarm of drop(alarms, worker)) alarms.delete(alarm);
      for (const call of drop(pending, worker)) pending.splice(pending.indexOf(call), 1);
      worker.held.clear();
    },
    stop(worker) {
      worker.isStopping = true;
      acting.run(worker, () => worker.held.forEach((run) => void run.release(0)));
    },
    async start(id, input) {
      const { state, tags } = advance(workflow, undefined, { type: 'start', at: now, input });
      await backing.create({
        id,
        workflow: workflow.name,
        version: workflow.version,
        input: '~',
        createdAt: now,
        labels: {},
        wakeAt: now,
        ...progressOf(state, tags),
        log: [],
      });
    },
    send(id, mail, key) {
      const store = storeOf(undefined);
      sending.add(key);
      const attempt = (): void => {
        store.send(id, { at: now, body: encodeMail(mail), key }).then(
          () => {
            sending.delete(key);
            for (const worker of workers) acting.run(worker, () => worker.held.get(id)?.poke());
          },
          () => void at(now + 500, attempt, undefined),
        );
      };
      attempt();
    },
    async step() {
      const isTime = random() < 0.3;
      if (simulation.mode !== 'frozen' && pending.length > 0 && !isTime) await settleOne();
      else fireNext();
      await nextTurn();
    },
    isQuiet: () =>
      sending.size === 0 &&
      workers.every(({ held }) => held.size === 0) &&
      !pending.some(({ name }) => !polls.has(name)),
  };
  return simulation;
}
