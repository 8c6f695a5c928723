/**
 * The engine: drives `advance` with a store. It starts runs, hands out handles, and works on the runs that it may.
 *
 * It puts the parts together. Which runs this process holds is `claims.ts`'s, what happens to one `held-run.ts`'s, which is
 * due when `dispatcher.ts`'s; what is done to a run from outside is in `handle/`.
 *
 * I1. Bad input is refused before anything is stored.
 * I2. Nothing that was acknowledged depends on this process living on.
 * I3. Every call can be given up, and none outlives the engine: what waits when it has stopped rejects.
 */
import { randomUUID } from 'node:crypto';

import type { AnyStateMachine, InputFrom } from 'xstate';

import type { RunPage } from '../../persistence/store.ts';
import { EngineStopped, RunNotFound, WorkflowNotFound } from '../errors.ts';
import { listPrices } from '../prices.ts';
import type { AnyWorkflow, Workflow } from '../workflow.ts';
import { carriedError } from './carried-error.ts';
import { createChildRuns } from './child-runs.ts';
import { createClaims } from './claims.ts';
import { realClock } from './clock.ts';
import { createDispatcher } from './dispatcher.ts';
import { bounded, type CallFacts, type WaitOptions } from './handle/bounded.ts';
import type { EngineCore, RunWatch, StepListener } from './handle/core.ts';
import { type DeleteOptions, deleteRun } from './handle/delete-run.ts';
import { createRunHandle, type RunHandle } from './handle/run-handle.ts';
import { createRunWatch } from './handle/run-watch.ts';
import type { HeldRun, HeldRunPorts } from './held-run.ts';
import { encodeMail } from './mail.ts';
import {
  type EngineOptions,
  listQueryOf,
  type ListOptions,
  type StartArguments,
  type StartOptions,
  type StopOptions,
  type WorkOptions,
} from './options.ts';
import { createOwnerToken } from './owner.ts';
import { createPartialTexts } from './partial-texts.ts';
import { createRegistry } from './registry.ts';
import { createRetention } from './retention.ts';
import type { ParentInvocation } from './run-state.ts';
import { type StallWatch, watchForStalls } from './stall-watch.ts';
import { startRun, type StartPorts } from './start-run.ts';
import { defaultMaxStateBytes } from './state-limit.ts';
import { assertStopOptions, stopEngine } from './stop-engine.ts';
import { createStoreClock } from './store-clock.ts';
import { assertLabels, assertPositiveInteger, assertRunId } from './texts.ts';
import { watchEscapes } from './user-code.ts';
import { createWorkers } from './workers.ts';

export type {
  EngineOptions,
  ListOptions,
  StartArguments,
  StartOptions,
  StopOptions,
  WorkOptions,
} from './options.ts';

/**
 * Every call that returns a promise takes `timeoutMs` and `signal`. With `timeoutMs` it rejects with `WaitTimeout` once that
 * time is over, with `signal` with the signal's reason once that is aborted. Calls that wait when the engine stops reject
 * with `EngineStopped`. The `details` of both say whether what was sent is `stored`.
 */
export interface Engine {
  readonly workflows: readonly AnyWorkflow[];
  /**
   * Start a run. It is stored when this resolves, and survives any crash from then on.
   *
   * Throws `InputInvalid` if the input schema refuses the input, `WorkflowNotFound` for an unknown name, `RunConflict` if
   * the id is a run of another workflow or version or with other input, `InvalidOption` for an id or label that is not as
   * described, `RunFailed` if the machine fails before its first state, `StateTooLarge` if that is larger than
   * `maxStateBytes`; then nothing is stored.
   */
  start<TMachine extends AnyStateMachine, TInput = InputFrom<TMachine>>(
    workflow: Workflow<TMachine, TInput>,
    ...options: StartArguments<TInput>
  ): Promise<RunHandle<TMachine>>;
  start(workflow: string, options?: StartOptions<unknown>): Promise<RunHandle>;
  /** A handle of a run. `RunNotFound` comes at its first use. */
  run<TMachine extends AnyStateMachine = AnyStateMachine>(id: string): RunHandle<TMachine>;
  /** Newest first. */
  list(options?: ListOptions): Promise<RunPage>;
  /**
   * Take up the run now, if it is free; with `work: 'own'` this is how a run of another process is adopted. What has kept it
   * from being executed is forgiven: how often its workers died, or that the store has lost steps of it.
   */
  resume(id: string, options?: WaitOptions): Promise<RunHandle>;
  /**
   * Remove a run that has ended, or that no worker can execute, with all that is on record of it. Its id is free then.
   *
   * Throws `RunActive` if it has not ended, unless `force` is given; `RunNotFound`.
   */
  delete(id: string, options?: DeleteOptions): Promise<void>;
  /** From now on work on every run that is due, with at most so many held at a time, and keep the process alive for it. */
  work(options?: WorkOptions): void;
  /**
   * Take no more work, let commits finish, give the rest back to other workers, and let go of the store's watch. The store
   * stays open: it is the caller's, to be closed with `store.close()`. Stopping twice is stopping once.
   */
  stop(options?: StopOptions): Promise<void>;
}

/** Takes every workflow that it is given; users have one that looks at them first. */
export function createEngine(options: EngineOptions): Engine {
  const { workflows, store, leaseMs = 15_000, pollMs = 200, onProblem = warn } = options;
  const { maxTakeovers = 5, maxStallMs = leaseMs * 4 } = options;
  let { work: scope = 'all', concurrency = 100 } = options;
  for (const [name, value] of Object.entries({ concurrency, leaseMs, pollMs, maxTakeovers })) {
    assertPositiveInteger(name, value);
  }
  if (maxStallMs !== false) assertPositiveInteger('maxStallMs', maxStallMs);
  const { maxStateBytes = defaultMaxStateBytes } = options;
  assertPositiveInteger('maxStateBytes', maxStateBytes);
  const registry = createRegistry(workflows);
  const { byRef } = registry;
  const refs = [...byRef.keys()];
  const token = createOwnerToken();

  const storeClock =
    options.clock === undefined && store.time
      ? createStoreClock({ time: () => store.time?.() as Promise<number>, leaseMs })
      : undefined;
  const clock = options.clock ?? storeClock ?? realClock;
  const ready = (): Promise<void> => storeClock?.ready() ?? Promise.resolve();

  const listeners = new Map<string, Set<StepListener>>();
  const watches = new Map<string, RunWatch>();
  const halts = new Set<() => void>();
  let stopping: Promise<void> | undefined;
  let stallWatch: StallWatch | undefined;

  const problem = (error: Error, runId?: string): void =>
    onProblem(error, runId === undefined ? {} : { runId });
  const each = (run: HeldRun, tell: (listener: StepListener) => void): void =>
    listeners.get(run.id)?.forEach(tell);

  const workers = createWorkers({ store, clock, token, leaseMs, refs });
  const partials = createPartialTexts({ store, token, problem });

  const ports: Omit<HeldRunPorts, 'workflow'> = {
    store,
    clock,
    token,
    leaseMs,
    prices: options.prices ?? listPrices,
    intercept: options.exchanges,
    problem,
    failRun,
    maxStateBytes,
    runsOf: (parent) => createChildRuns({ core, byRef, start: startChild }, parent),
    ended: (run, parent) => core.post(parent.runId, { type: 'wake', key: parent.key }, `ended ${run.id}`),
    partial: (run, piece) => partials.emit(run.id, piece),
    advancing: (runId) => stallWatch?.advancing(runId),
    stepped(run) {
      claims.stepped(run);
      each(run, (listener) => listener.stepped?.(run));
    },
    disposed: (run, messageId, fate) => each(run, (listener) => listener.disposed?.(run, messageId, fate)),
    left(run, wakeAt) {
      claims.left(run);
      dispatcher.left(run.id, wakeAt);
      each(run, (listener) => listener.left?.());
    },
  };

  const claims = createClaims({
    store,
    clock,
    token,
    leaseMs,
    workers,
    byRef,
    maxTakeovers,
    ports,
    ready,
    problem,
    concurrency: () => concurrency,
    isStopping: () => stopping !== undefined,
    heldElsewhere({ id }, until) {
      if (scope === 'own') dispatcher.left(id, until);
    },
    want: (runId) => void dispatcher.want(runId),
  });

  const dispatcher = createDispatcher({
    store,
    clock,
    token,
    leaseMs,
    pollMs,
    workers,
    refs,
    held: claims.held,
    ready,
    resample: async () => storeClock?.resample(),
    capacity: claims.capacity,
    takesAll: () => scope === 'all',
    claim: (runId, evict) => claims.claim(runId, { evict }),
    problem,
  });

  const startRetention = createRetention(options.retain ?? {}, {
    store,
    clock,
    ready,
    works: () => scope === 'all',
    deleted: claims.forget,
    problem,
  });
  let stopRetention = (): void => {};

  const core: EngineCore = {
    store,
    clock,
    token,
    leaseMs,
    workers,
    ready,
    problem,
    callerClock: options.clock ?? realClock,
    async load(runId) {
      const stored = await store.load(runId);
      if (!stored) throw new RunNotFound(runId);
      return stored;
    },
    hasWorkflow: (stored) => byRef.has(`${stored.workflow}@${stored.version}`),
    workflowOf(stored) {
      const workflow = byRef.get(`${stored.workflow}@${stored.version}`);
      if (workflow) return workflow;
      throw new WorkflowNotFound(
        `Run \`${stored.id}\` is a run of \`${stored.workflow}@${stored.version}\`, which this engine does not have. Pass that version to \`createEngine({ workflows })\`.`,
        { details: { runId: stored.id, workflow: stored.workflow, version: stored.version } },
      );
    },
    held: (runId) => claims.held.get(runId),
    executes: (stored) => scope !== 'none' && !stopping && core.hasWorkflow(stored),
    async sent(runId) {
      const run = claims.held.get(runId);
      if (run) run.poke();
      else if (scope !== 'none') await dispatcher.want(runId);
    },
    async post(runId, mail, key) {
      const sent = await store.send(runId, { at: clock.now(), body: encodeMail(mail), key });
      if (sent.status === 'stored') await core.sent(runId);
    },
    forget: claims.forget,
    listen(runId, listener) {
      const all = listeners.get(runId) ?? new Set();
      listeners.set(runId, all.add(listener));
      return () => {
        all.delete(listener);
        if (all.size === 0 && listeners.get(runId) === all) listeners.delete(runId);
      };
    },
    watch(runId) {
      const watch = watches.get(runId) ?? createRunWatch(core, runId, () => watches.delete(runId));
      watches.set(runId, watch);
      return watch;
    },
    onHalt(fn) {
      halts.add(fn);
      return () => void halts.delete(fn);
    },
    assertRunning() {
      if (stopping) throw new EngineStopped();
    },
  };

  /** Code of the run let this error escape. The run may be another worker's by now, or have ended. */
  function failRun(runId: string, error: Error): void {
    problem(error, runId);
    core
      .post(runId, { type: 'fail', error: carriedError(error) }, `failed ${randomUUID()}`)
      .catch((failed: unknown) => problem(failed as Error, runId));
  }

  const startPorts = (): StartPorts => ({
    core,
    claims,
    scope,
    maxStateBytes,
    left: dispatcher.left,
    failRun,
  });

  const startChild = (
    workflow: AnyWorkflow,
    { id, input }: { readonly id: string; readonly input?: unknown },
    parent: ParentInvocation,
  ): Promise<void> => startRun(startPorts(), { workflow, id, input, labels: {}, parent }, {});

  const unwatchEscapes = watchEscapes();
  const unwatchStore = store.onProblem((error) => problem(error));
  if (scope !== 'none') dispatcher.start();
  if (scope === 'all') stopRetention = startRetention();

  return {
    workflows,
    start: (async (target: AnyWorkflow | string, startOptions: StartOptions<unknown> = {}) => {
      const { id = randomUUID(), input, labels = {} } = startOptions;
      assertRunId(id);
      assertLabels(labels);
      const facts: CallFacts = { runId: id, stored: false };
      return bounded(core, startOptions, facts, async () => {
        core.assertRunning();
        const workflow = typeof target === 'string' ? registry.latest(target) : registry.known(target);
        await startRun(startPorts(), { workflow, id, input, labels: { ...labels } }, facts);
        return createRunHandle(core, partials, id);
      });
    }) as Engine['start'],
    run: (id) => createRunHandle(core, partials, id) as never,
    list: async (listOptions = {}) => {
      const query = listQueryOf(listOptions);
      return bounded(core, listOptions, {}, () => store.list(query));
    },
    resume: (id, waitOptions = {}) =>
      bounded(core, waitOptions, { runId: id }, async () => {
        core.assertRunning();
        core.workflowOf(await core.load(id));
        await claims.claim(id, { forgive: true });
        return createRunHandle(core, partials, id);
      }),
    delete: (id, deleteOptions) => deleteRun(core, id, deleteOptions),
    work(workOptions = {}) {
      core.assertRunning();
      if (workOptions.concurrency !== undefined) {
        assertPositiveInteger('concurrency', workOptions.concurrency);
        concurrency = workOptions.concurrency;
      }
      if (scope !== 'all') stopRetention = startRetention();
      scope = 'all';
      if (maxStallMs !== false) stallWatch ??= watchForStalls(maxStallMs);
      dispatcher.start({ keepAlive: true });
    },
    async stop(stopOptions = {}) {
      assertStopOptions(stopOptions);
      stopping ??= Promise.resolve().then(() =>
        stopEngine(
          {
            claims,
            workers,
            problem,
            stopTaking() {
              dispatcher.stop();
              stopRetention();
            },
            halt() {
              unwatchEscapes();
              unwatchStore();
              stallWatch?.stop();
              partials.stop();
              for (const halt of halts) halt();
            },
          },
          stopOptions,
        ),
      );
      return stopping;
    },
  };
}

function warn(error: Error, { runId }: { readonly runId?: string }): void {
  const code = 'code' in error ? String(error.code) : error.name;
  process.emitWarning(runId === undefined ? error.message : `[run ${runId}] ${error.message}`, {
    type: 'SignalboxWarning',
    code,
  });
}
