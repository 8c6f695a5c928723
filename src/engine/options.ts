/** What an engine and its calls can be told. */
import type { Labels, ListQuery, RunStatus, Store } from '../../persistence/store.ts';
import { InvalidOption } from '../errors.ts';
import type { PriceTable } from '../prices.ts';
import type { AnyWorkflow } from '../workflow.ts';
import type { Clock } from './clock.ts';
import type { ExchangeInterceptor } from './exchanging.ts';
import type { WaitOptions } from './handle/bounded.ts';
import type { Retention } from './retention.ts';
import { assertLabels, assertPositiveInteger } from './texts.ts';

export interface EngineOptions {
  /** All that this engine may start or work on; several versions of one workflow may stand side by side. */
  readonly workflows: readonly AnyWorkflow[];
  /** Stays the caller's: `engine.stop()` does not close it. */
  readonly store: Store;
  /**
   * Default: the store's clock, which all its workers share, or where it has none, this process's time, on which a
   * correction of the machine's clock has no effect. `createVirtualClock()` from `signalbox/testing` makes a test's own.
   */
  readonly clock?: Clock;
  /**
   * Which runs this process works on. `all`: every unfinished run of its workflows, from now on. `own`: those that are
   * started, sent to or resumed through this engine. `none`: no run; it is a client of workers elsewhere. Default: `all`.
   */
  readonly work?: 'all' | 'own' | 'none';
  /**
   * How many runs are held at a time. Runs that wait for an event, a timer or a person are not, and those that have waited
   * for a call for longer than four leases do not count. Default: 100.
   */
  readonly concurrency?: number;
  /**
   * How long a worker that cannot be seen to be dead keeps its runs, in milliseconds; it renews in time while it lives.
   * Default: 15,000.
   */
  readonly leaseMs?: number;
  /** How often the store is asked for runs that are due, in milliseconds. Default: 200. */
  readonly pollMs?: number;
  /**
   * How often a run may be taken over from dead workers without a step in between. After that it is not executed, with
   * `RUN_PARKED` as its problem, until `engine.resume(id)`. Default: 5.
   */
  readonly maxTakeovers?: number;
  /**
   * With `engine.work()`: a worker whose event loop has stood still for so long ends its own process (SIGKILL, after a
   * message on stderr that names the runs it last advanced), in milliseconds. `false`: never. Default: four leases.
   */
  readonly maxStallMs?: number | false;
  /**
   * How large the encoded state of a run may be, in bytes; one that grows beyond that fails with `StateTooLarge`. Default:
   * 64 MiB.
   */
  readonly maxStateBytes?: number;
  /**
   * How long ended runs are kept, with their history: `{ done: '30d', failed: '90d', cancelled: '12h' }`, or milliseconds.
   * Engines with `work: 'all'` delete older ones in the background, not those whose parent is still active. Default: they
   * are kept.
   */
  readonly retain?: Retention;
  /** What models cost, for costs on record and budgets. Default: `listPrices`. */
  readonly prices?: PriceTable;
  /** Stands between the actors and the outside: a recording, say. Default: nothing does. */
  readonly exchanges?: ExchangeInterceptor;
  /**
   * Told of what no caller waits for: a store that fails, a run that no worker executes (once, not each time it is tried), a
   * custom action that threw. Default: a process warning.
   */
  readonly onProblem?: (error: Error, context: { readonly runId?: string }) => void;
}

export interface StartOptions<TInput> extends WaitOptions {
  /** At most 500 characters of well-formed Unicode. Starting twice with one id is one run. Default: a random UUID. */
  readonly id?: string | undefined;
  readonly input?: TInput;
  /** To find the run by: at most 16, names of at most 64 and values of at most 256 characters. */
  readonly labels?: Labels | undefined;
}

/** Input must be given where the machine declares it. */
export type StartArguments<TInput> = undefined extends TInput
  ? [options?: StartOptions<TInput>]
  : [options: StartOptions<TInput> & { readonly input: TInput }];

/** All that is given must hold. */
export interface ListOptions extends WaitOptions {
  readonly workflow?: string | undefined;
  readonly status?: RunStatus | undefined;
  /** A tag of the active states. */
  readonly tag?: string | undefined;
  /** Runs that have all of these. */
  readonly labels?: Labels | undefined;
  /** Runs that the run with this id has started. */
  readonly parent?: string | undefined;
  /** Only runs that no other run has started. */
  readonly topLevel?: boolean | undefined;
  /** Only runs that no worker executes; each says why as its `problem`. */
  readonly stuck?: boolean | undefined;
  /** From 1 to 1,000. Default: 50. */
  readonly limit?: number | undefined;
  /** From the page before. */
  readonly cursor?: string | undefined;
}

export interface WorkOptions {
  /** As for `createEngine`. */
  readonly concurrency?: number;
}

export interface StopOptions {
  /** How long irreversible invocations in flight are waited for, in milliseconds. Others are aborted at once. Default: 5,000. */
  readonly graceMs?: number;
  /**
   * How long all of it may take, in milliseconds. What is not done by then is left to others, once its leases have run
   * out. Default: `graceMs` and 5,000 more.
   */
  readonly timeoutMs?: number;
  /** When it is aborted, nothing is waited for any more. */
  readonly signal?: AbortSignal;
}

const maxPage = 1_000;

/** Throws `InvalidOption`. */
export function listQueryOf(options: ListOptions): ListQuery {
  const {
    limit = 50,
    workflow,
    status,
    tag,
    labels,
    parent,
    topLevel = false,
    stuck = false,
    cursor,
  } = options;
  assertPositiveInteger('limit', limit);
  if (limit > maxPage) {
    throw new InvalidOption(
      `Expected \`limit\` to be at most 1,000, got ${limit}. Use \`cursor\` for the next page.`,
    );
  }
  if (labels !== undefined) assertLabels(labels);
  if (topLevel && parent !== undefined) {
    throw new InvalidOption('A run with a `parent` is not `topLevel`. Give one of the two.');
  }
  return {
    limit,
    ...(workflow === undefined ? {} : { workflow }),
    ...(status === undefined ? {} : { status }),
    ...(tag === undefined ? {} : { tag }),
    ...(labels === undefined ? {} : { labels }),
    ...(parent === undefined ? {} : { parent }),
    ...(topLevel ? { parent: null } : {}),
    ...(stuck ? { stuck: true as const } : {}),
    ...(cursor === undefined ? {} : { cursor }),
  };
}
