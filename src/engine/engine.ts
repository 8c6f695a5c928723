/**
 * The engine: drives `advance` with a store. It starts runs, hands out handles, and works on the runs that it may.
 *
 * It owns which runs this process holds. What happens to a held run is `held-run.ts`'s; which run is due when is
 * `dispatcher.ts`'s.
 *
 * I1. Bad input is refused before anything is stored.
 * I2. A run is held at most once in this process, and never beyond `concurrency`.
 * I3. Nothing that was acknowledged depends on this process living on.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

import type { AnyStateMachine, InputFrom } from 'xstate';

import type { ListQuery, NewRun, RunPage, RunStatus, Store, StoredRun } from '../../persistence/store.ts';
import {
  describeIssues,
  EngineStopped,
  InputInvalid,
  InvalidOption,
  type Issue,
  RunConflict,
  RunFailed,
  RunNotFound,
  SnapshotNotRestorable,
  WorkflowNotFound,
} from '../errors.ts';
import type { ChildRuns } from '../invocation.ts';
import { listPrices, type PriceTable } from '../prices.ts';
import type { AnyWorkflow, Workflow } from '../workflow.ts';
import { performActions } from './actions.ts';
import { advance, createHostCache, viewState } from './advance.ts';
import { type Clock, realClock } from './clock.ts';
import { decode, encode } from './codec.ts';
import { createDispatcher } from './dispatcher.ts';
import type { ExchangeInterceptor } from './exchanging.ts';
import { type HeldRun, type HeldRunPorts, holdingOf, holdRun, problemRetryMs } from './held-run.ts';
import { encodeEntry } from './history.ts';
import { encodeMail, type Mail } from './mail.ts';
import { createOwnerToken, isOwnerDead } from './owner.ts';
import { entryOf, progressOf, stateOf, wakeAtOf } from './progress.ts';
import { createRegistry } from './registry.ts';
import { createRunHandle, type EngineCore, type RunHandle, type StepListener } from './run-handle.ts';
import type { Message, ParentInvocation } from './run-state.ts';

export interface EngineOptions {
  /** All that this engine may start or work on; several versions of one workflow may stand side by side. */
  readonly workflows: readonly AnyWorkflow[];
  readonly store: Store;
  /** Default: the real time. `createVirtualClock()` from `signalbox/testing` makes a test's own. */
  readonly clock?: Clock;
  /**
   * Which runs this process works on. `all`: every unfinished run of its workflows, from now on. `own`: those that are
   * started, sent to or resumed through this engine. `none`: no run; it is a client of workers elsewhere. Default: `all`.
   */
  readonly work?: 'all' | 'own' | 'none';
  /** How many runs are held at a time. Runs that wait for an event, a timer or a person are not. Default: 100. */
  readonly concurrency?: number;
  /**
   * How long a worker that cannot be seen to be dead keeps its runs, in milliseconds; it renews in time while it lives.
   * Default: 15,000.
   */
  readonly leaseMs?: number;
  /** How often the store is asked for runs that are due, in milliseconds. Default: 200. */
  readonly pollMs?: number;
  /** What models cost, for costs on record and budgets. Default: `listPrices`. */
  readonly prices?: PriceTable;
  /** Stands between the actors and the outside: a recording, say. Default: nothing does. */
  readonly exchanges?: ExchangeInterceptor;
  /** Told of what no caller waits for: a store that fails, a run that nobody can go on with, a custom action that threw. */
  readonly onProblem?: (error: Error, context: { readonly runId?: string }) => void;
}

export interface StartOptions<TInput> {
  /** At most 500 characters. Starting twice with one id is one run. Default: a random UUID. */
  readonly id?: string;
  readonly input?: TInput;
}

export interface ListOptions {
  readonly workflow?: string;
  readonly status?: RunStatus;
  /** A tag of the active states. */
  readonly tag?: string;
  /** From 1 to 1,000. Default: 50. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface StopOptions {
  /** How long irreversible invocations in flight are waited for, in milliseconds. Others are aborted at once. Default: 5,000. */
  readonly graceMs?: number;
}

/** Input must be given where the machine declares it. */
export type StartArguments<TInput> = undefined extends TInput
  ? [options?: StartOptions<TInput>]
  : [options: StartOptions<TInput> & { readonly input: TInput }];

export interface Engine {
  readonly workflows: readonly AnyWorkflow[];
  /**
   * Start a run. It is stored when this resolves, and survives any crash from then on.
   *
   * Throws `InputInvalid` if the input schema refuses the input, `WorkflowNotFound` for an unknown name, `RunConflict` if
   * the id is a run of another workflow or with other input, `RunFailed` if the machine fails before its first state;
   * then nothing is stored.
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
  /** Take up the run now, if it is free; with `work: 'own'` this is how a run of another process is gone on with. */
  resume(id: string): Promise<RunHandle>;
  /** From now on work on every run that is due, with at most so many held at a time, and keep the process alive for it. */
  work(options?: { readonly concurrency?: number }): void;
  /** Take no more work, let commits finish, give the rest back to other workers, and let go of the store's watch. */
  stop(options?: StopOptions): Promise<void>;
}

/** Takes every workflow that it is given; users have one that looks at them first. */
export function createEngine(options: EngineOptions): Engine {
  const { workflows, store, clock = realClock, leaseMs = 15_000, pollMs = 200, onProblem = warn } = options;
  const { prices = listPrices, exchanges } = options;
  let { work: scope = 'all', concurrency = 100 } = options;
  assertPositiveInteger('concurrency', concurrency);
  assertPositiveInteger('leaseMs', leaseMs);
  assertPositiveInteger('pollMs', pollMs);
  const registry = createRegistry(workflows);
  const token = createOwnerToken();

  const held = new Map<string, HeldRun>();
  /** Runs that are being acquired, or created to be held. */
  const claims = new Map<string, Promise<unknown>>();
  const listeners = new Map<string, Set<StepListener>>();
  let stopping: Promise<void> | undefined;

  const problem = (error: Error, runId?: string): void =>
    onProblem(error, runId === undefined ? {} : { runId });

  const ports: Omit<HeldRunPorts, 'workflow'> = {
    store,
    clock,
    token,
    leaseMs,
    prices,
    intercept: exchanges,
    problem,
    runsOf: childRunsOf,
    ended: (run, parent) => post(parent.runId, { type: 'wake', key: parent.key }, `ended ${run.id}`),
    partial: (run, piece) => listeners.get(run.id)?.forEach((listener) => listener.partial?.(piece)),
    stepped: (run) => listeners.get(run.id)?.forEach((listener) => listener.stepped(run)),
    disposed: (run, messageId, fate) =>
      listeners.get(run.id)?.forEach((listener) => listener.disposed(run, messageId, fate)),
    left(run, wakeAt) {
      if (held.get(run.id) === run) held.delete(run.id);
      dispatcher.left(run.id, wakeAt);
      listeners.get(run.id)?.forEach((listener) => listener.left());
    },
  };

  const dispatcher = createDispatcher({
    store,
    clock,
    token,
    leaseMs,
    pollMs,
    refs: [...registry.byRef.keys()],
    held,
    capacity,
    takesAll: () => scope === 'all',
    claim,
    problem,
  });

  /** How many more runs may be held. */
  function capacity(): number {
    return stopping ? 0 : concurrency - held.size - claims.size;
  }

  /** Acquire the run and hold it, unless somebody does. Resolves when that is decided. */
  async function claim(runId: string, evict?: string): Promise<void> {
    if (held.has(runId) || stopping) return;
    const under = claims.get(runId);
    if (!under) return claiming(runId, acquire(runId, evict));
    // If it fails, whoever made it is told.
    await under.catch(() => {});
    // What this claim was made for, a message perhaps, may have come after the other had read the run.
    held.get(runId)?.poke();
  }

  /** Until it is settled, nobody else in this process takes up the run. */
  async function claiming<T>(runId: string, work: Promise<T>): Promise<T> {
    const settled = work.finally(() => claims.delete(runId));
    claims.set(runId, settled);
    return settled;
  }

  async function acquire(runId: string, evict?: string): Promise<void> {
    const now = clock.now();
    const acquired = await store.acquire(runId, {
      token,
      until: now + leaseMs,
      now,
      ...(evict ? { evict } : {}),
    });
    if (acquired === 'missing') return;
    if (acquired === 'held') return evict === undefined ? watchHolder(runId) : undefined;
    const { run, inbox } = acquired;
    const seen = inbox.at(-1)?.id ?? 0;
    const workflow = registry.byRef.get(`${run.workflow}@${run.version}`);
    if (!workflow || stopping) return store.release(runId, { token, wakeAt: now, seen: 0 });
    try {
      const state = stateOf(run.state);
      const hosts = createHostCache();
      // Restores it, so what cannot be restored is known now.
      viewState(workflow, state, hosts);
      held.set(runId, holdRun({ ...ports, workflow }, holdingOf(acquired, state, hosts)));
    } catch (error) {
      const stuck = new SnapshotNotRestorable(
        `Run \`${runId}\` of \`${workflow.ref}\`: ${(error as Error).message}`,
        {
          cause: error,
          details: { runId, workflow: workflow.ref },
        },
      );
      problem(stuck, runId);
      await store.release(runId, { token, wakeAt: now + problemRetryMs, seen, problem: stuck.message });
    }
  }

  /** Another worker has the run. If it is dead, take its place; if it may die yet, look again when its lease is over. */
  async function watchHolder(runId: string): Promise<void> {
    const lease = (await store.load(runId))?.lease;
    if (lease && isOwnerDead(lease.token)) return acquire(runId, lease.token);
    if (lease && scope === 'own') dispatcher.left(runId, lease.until);
  }

  async function start(
    target: AnyWorkflow | string,
    { id = randomUUID(), input }: StartOptions<unknown> = {},
    parent?: ParentInvocation,
  ): Promise<RunHandle> {
    const workflow = typeof target === 'string' ? registry.latest(target) : registry.known(target);
    const parsed = parseInput(workflow, input);
    const encodedInput = encode(parsed, 'input');
    const at = clock.now();
    const message: Message = {
      type: 'start',
      at,
      ...(parsed === undefined ? {} : { input: decode(encodedInput) }),
      ...(parent ? { parent } : {}),
    };
    const hosts = createHostCache();
    const led = advance(workflow, undefined, message, hosts);
    const { status, error } = led.state.snapshot;
    if (status === 'error') {
      throw new RunFailed(
        `Run \`${id}\` of \`${workflow.ref}\` failed before its first state, and was not stored: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
    const rests = led.started.length === 0;
    const holds = !rests && scope !== 'none' && capacity() > 0 && !claims.has(id);
    const leaseUntil = at + leaseMs;
    const wakeAt = rests ? wakeAtOf(led.state) : at;
    const run: NewRun = {
      id,
      workflow: workflow.name,
      version: workflow.version,
      input: encodedInput,
      createdAt: at,
      wakeAt,
      ...progressOf(led.state, led.tags),
      log: [encodeEntry(entryOf({ seq: 1, led, before: undefined, turn: { message } }))],
      ...(holds ? { lease: { token, until: leaseUntil } } : {}),
    };
    const create = async (): Promise<'created' | 'exists'> => {
      const created = await store.create(run);
      if (created === 'created' && holds) {
        const holding = {
          id,
          createdAt: at,
          updatedAt: at,
          state: led.state,
          seq: 1,
          leaseUntil,
          inbox: [],
          journal: new Map(),
          hosts,
        };
        held.set(id, holdRun({ ...ports, workflow }, { ...holding, begun: led }));
      }
      return created;
    };
    const created = await (holds ? claiming(id, create()) : create());
    if (created === 'exists') {
      await assertSameRun(id, workflow, encodedInput, parent);
      // Whoever works on all runs will come to it; for the others, to start a run is to ask for it.
      if (scope === 'own') await claim(id);
    } else if (!holds) {
      performActions(id, led.actions, (_action, error) => problem(error, id));
      if (scope !== 'none') dispatcher.left(id, wakeAt);
    }
    return createRunHandle(core, id);
  }

  /** Put a letter of the engine's own into a run's inbox, once per key. */
  async function post(runId: string, mail: Mail, key: string): Promise<void> {
    const sent = await store.send(runId, { at: clock.now(), body: encodeMail(mail), key });
    if (sent.status === 'stored') await core.sent(runId);
  }

  function childRunsOf(parent: ParentInvocation): ChildRuns {
    const cancel: ChildRuns['cancel'] = (runId, reason) =>
      post(runId, { type: 'cancel', reason }, `cancelled by ${parent.runId}`);
    return {
      cancel,
      async start({ name, version }, { id, input }) {
        const workflow = registry.byRef.get(`${name}@${version}`);
        if (!workflow) throw new WorkflowNotFound(`This engine has no workflow \`${name}@${version}\`.`);
        await start(workflow, { id, input }, parent);
        // If the parent moved on while the run was being stored, there was nothing yet to cancel.
        if (!(await isPending(parent))) await cancel(id, `run \`${parent.runId}\` no longer waits for it`);
      },
      async outcome(runId) {
        const { status, state, problem: stuckBecause } = await load(runId);
        if (stuckBecause !== undefined || status === 'running' || status === 'waiting') return undefined;
        const { output, error } = stateOf(state).snapshot;
        return status === 'done'
          ? { status, ...(output === undefined ? {} : { output }) }
          : { status, ...(error === undefined ? {} : { error }) };
      },
    };
  }

  async function isPending({ runId, key }: ParentInvocation): Promise<boolean> {
    const state = held.get(runId)?.state ?? stateOf((await load(runId)).state);
    return state.invocations.some((invocation) => invocation.key === key);
  }

  async function assertSameRun(
    id: string,
    workflow: AnyWorkflow,
    input: string,
    parent: ParentInvocation | undefined,
  ): Promise<void> {
    const stored = await load(id);
    // The same invocation has started it before; what a schema makes up by itself may differ each time.
    if (parent && isDeepStrictEqual(stateOf(stored.state).parent, parent)) return;
    if (stored.workflow !== workflow.name) {
      throw new RunConflict(
        `Run \`${id}\` is a run of \`${stored.workflow}\`, not of \`${workflow.name}\`. Choose another id.`,
        {
          details: { runId: id, workflow: stored.workflow },
        },
      );
    }
    if (stored.input !== input && !isDeepStrictEqual(decode(stored.input), decode(input))) {
      throw new RunConflict(
        `Run \`${id}\` was started before with other input. Choose another id, or start it with the same input.`,
        {
          details: { runId: id },
        },
      );
    }
  }

  async function load(runId: string): Promise<StoredRun> {
    const stored = await store.load(runId);
    if (!stored) throw new RunNotFound(runId);
    return stored;
  }

  function assertRunning(): void {
    if (stopping) throw new EngineStopped();
  }

  const core: EngineCore = {
    store,
    clock,
    load,
    workflowOf(stored) {
      const workflow = registry.byRef.get(`${stored.workflow}@${stored.version}`);
      if (workflow) return workflow;
      throw new WorkflowNotFound(
        `Run \`${stored.id}\` is a run of \`${stored.workflow}@${stored.version}\`, which this engine does not have. Pass that version to \`createEngine({ workflows })\`.`,
        { details: { runId: stored.id, workflow: stored.workflow, version: stored.version } },
      );
    },
    held: (runId) => held.get(runId),
    assertRunning,
    /** A message was stored for the run: let whoever works on it know. */
    async sent(runId) {
      const run = held.get(runId);
      if (run) run.poke();
      else if (scope !== 'none') await dispatcher.want(runId);
    },
    listen(runId, listener) {
      const all = listeners.get(runId) ?? new Set();
      listeners.set(runId, all.add(listener));
      return () => {
        all.delete(listener);
        if (all.size === 0) listeners.delete(runId);
      };
    },
  };

  async function stop({ graceMs = 5_000 }: StopOptions = {}): Promise<void> {
    dispatcher.stop();
    await Promise.allSettled(claims.values());
    await Promise.all([...held.values()].map((run) => run.release(graceMs)));
    for (const all of listeners.values()) for (const listener of all) listener.left();
  }

  if (scope !== 'none') dispatcher.start();

  return {
    workflows,
    start: (async (target: AnyWorkflow | string, startOptions?: StartOptions<unknown>) => {
      assertRunning();
      if (startOptions?.id !== undefined) assertRunId(startOptions.id);
      return start(target, startOptions);
    }) as Engine['start'],
    run: (id) => createRunHandle(core, id) as never,
    async list({ limit = 50, ...query } = {}) {
      assertPositiveInteger('limit', limit);
      if (limit > 1_000)
        throw new InvalidOption(
          `Expected \`limit\` to be at most 1,000, got ${limit}. Use \`cursor\` for the next page.`,
        );
      return store.list({ ...query, limit } as ListQuery);
    },
    async resume(id) {
      assertRunning();
      core.workflowOf(await load(id));
      await claim(id);
      return createRunHandle(core, id);
    },
    work(workOptions = {}) {
      assertRunning();
      if (workOptions.concurrency !== undefined) {
        assertPositiveInteger('concurrency', workOptions.concurrency);
        concurrency = workOptions.concurrency;
      }
      scope = 'all';
      dispatcher.start({ keepAlive: true });
    },
    stop(stopOptions) {
      stopping ??= stop(stopOptions);
      return stopping;
    },
  };
}

function parseInput(workflow: AnyWorkflow, input: unknown): unknown {
  if (!workflow.input) return input;
  const parsed = workflow.input.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues as readonly Issue[];
  throw new InputInvalid(`The input of \`${workflow.ref}\` is not valid: ${describeIssues(issues)}`, {
    details: { issues },
  });
}

const longestRunId = 500;

function assertRunId(id: unknown): asserts id is string {
  if (typeof id === 'string' && id !== '' && id.length <= longestRunId) return;
  throw new InvalidOption(
    `Expected \`id\` of a run to be a string of 1 to ${longestRunId} characters, got \`${String(id).slice(0, 80)}\`.`,
  );
}

function assertPositiveInteger(name: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return;
  throw new InvalidOption(`Expected \`${name}\` to be a positive integer, got \`${String(value)}\`.`);
}

function warn(error: Error, { runId }: { readonly runId?: string }): void {
  const code = 'code' in error ? String(error.code) : error.name;
  process.emitWarning(runId === undefined ? error.message : `[run ${runId}] ${error.message}`, {
    type: 'SignalboxWarning',
    code,
  });
}
