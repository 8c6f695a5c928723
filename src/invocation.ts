/**
 * The contract between the engine and the actors that it performs: what an actor may declare about itself, and
 * what it is handed while it works. Plain `fromPromise` actors declare nothing and still run durably.
 */
import type { AnyActorLogic } from 'xstate';
import type { ZodType } from 'zod';

import type { Shared } from '../persistence/shared.ts';

/** What an actor is handed while one of its invocations is performed. */
export interface InvocationScope {
  readonly runId: string;
  /** Name of the run's workflow. */
  readonly workflow: string;
  /**
   * `<run id>/<actor path>#<how often the path was entered>`, and in a scope made by `within` its name after that: the
   * same on every retry and after every crash.
   */
  readonly key: string;
  /** From 1; counts performances of this invocation, those cut short by a crash included. */
  readonly attempt: number;
  /** Aborted when the machine leaves the state, the run is cancelled, or this worker loses or gives up the run. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, by the engine's clock. */
  now(): number;
  /** Call `fn` in so many milliseconds, by the engine's clock. Returns the way to call it off. */
  after(ms: number, fn: () => void): () => void;
  /**
   * Compute `fn` at most once in this invocation: a value that it gave is kept before the promise resolves, and
   * given back from then on, crash or not. Names must differ within a scope. A `fn` that throws is not kept.
   */
  once<T>(name: string, fn: () => Promise<T>): Promise<T>;
  /** What `once` has kept under that name, if it has. */
  kept<T>(name: string): T | undefined;
  /** Like `once`, but shared by all invocations of this actor in this run, or in all runs of its workflow. */
  cached<T>(key: string, fn: () => Promise<T>, options?: CacheOptions): Promise<T>;
  /** The scope of a part of this invocation, with names and a key of its own. */
  within(part: string, options?: { readonly signal?: AbortSignal }): InvocationScope;
  /** The same scope under another signal, for an attempt that may be cut short while the invocation goes on. */
  under(signal: AbortSignal): InvocationScope;
  /**
   * Call the outside: a model, a tool, a server. Whatever comes of it is on record with the next thing that is stored, a
   * `once` or the result. Throws `BudgetExceeded`, and does not call, if the call could overrun the run's budget.
   */
  exchange<T>(call: OutsideCall<T>): Promise<T>;
  /** What a call costs in US dollars, by the engine's price table; undefined if it has no price for the model. */
  costOf(call: Usage): number | undefined;
  /** Tell whoever looks on of a piece of text that is not yet an answer. It is not stored. */
  partial(text: string): void;
  /** What workers share beside the runs. */
  readonly shared: Shared;
  /** Runs that this invocation may start. Undefined under a plain `createActor`. */
  readonly runs: ChildRuns | undefined;
}

export interface CacheOptions {
  /** How far it is shared. Default: `run`. */
  readonly per?: 'run' | 'workflow';
  /** In milliseconds. Default: for as long as the run, or the store. */
  readonly ttlMs?: number;
}

/** A call to the outside, and what is to be on record of it. */
export interface OutsideCall<T> {
  /** Shown to people: `model`, `tool`. Nothing branches on it. */
  readonly kind: string;
  /** Who is asked: `anthropic`, the tool's name. */
  readonly by: string;
  /** True if no real model or service answers, but plain rules. */
  readonly standIn?: boolean;
  /** As it is on record, unless `perform` tells of another. It must hold no credentials. */
  readonly request: unknown;
  /**
   * The part of the request by which a recorded exchange is found again, without what differs from run to run. Default:
   * the whole request.
   */
  readonly identity?: unknown;
  /** The most that it may use, for budgets and rate limits. Without it the call is free. */
  readonly atMost?: Usage;
  /** Makes the call. It gives plain data, from which a recording can be replayed. `sent` takes the raw request. */
  perform(sent: (request: unknown) => void): Promise<T>;
  describe(answer: T): Answered;
  describeFailure?(error: unknown): Partial<Answered>;
}

/** What is on record of an answer. */
export interface Answered {
  readonly response: unknown;
  readonly model?: string;
  readonly usage?: TokenUsage;
  readonly requestId?: string;
}

export interface Usage {
  readonly model: string;
  readonly usage: TokenUsage;
}

/** One call to a model or a tool, as it went over the wire. */
export interface Exchange {
  /** `model`, `tool`, ... as the actor calls itself. */
  readonly kind: string;
  /** Who answered: `anthropic`, `stand-in`, the tool's name. */
  readonly by: string;
  /** Which part of the invocation asked: `item 3`. Absent if the invocation has no parts. */
  readonly part?: string;
  /** True if no real model or service answered, but plain rules. Shown wherever the answer is. */
  readonly standIn?: boolean;
  /** True if a recording answered. */
  readonly replayed?: boolean;
  /** When the call began, in milliseconds since the epoch. */
  readonly at: number;
  readonly request: unknown;
  readonly response?: unknown;
  /** Present instead of a response when the call failed. */
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string };
  readonly model?: string;
  readonly usage?: TokenUsage;
  /** In US dollars, by the engine's price table. Absent where it has no price for the model. */
  readonly costUsd?: number;
  readonly requestId?: string;
  readonly latencyMs: number;
}

export interface TokenUsage {
  /** Without those read from or written to the cache. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
}

/** Runs started by an invocation, each durable in its own right. */
export interface ChildRuns {
  /** Start a run, or find the one that was started with this id before. */
  start(workflow: WorkflowRef, options: { readonly id: string; readonly input: unknown }): Promise<void>;
  /**
   * How the run ended; `undefined`: it goes on. An invocation that then throws `Deferred` is performed again when it has
   * ended, or at the latest at the time that `Deferred` names.
   */
  outcome(runId: string): Promise<ChildOutcome | undefined>;
  /** Cancel the run. No effect if it has ended, or was never started. */
  cancel(runId: string, reason: string): Promise<void>;
}

export type ChildOutcome =
  | { readonly status: 'done'; readonly output?: unknown }
  | { readonly status: 'failed' | 'cancelled'; readonly error?: unknown };

export interface WorkflowRef {
  readonly name: string;
  readonly version: string;
}

/** What an actor made here declares about itself; it stands on the logic under the key `signalbox`. */
export interface DurableActor {
  /** Shown to people: `model`, `tool`. Nothing branches on it. */
  readonly kind: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly input?: ZodType | undefined;
  readonly output?: ZodType | undefined;
  /** Its effect cannot be taken back: its start is recorded before it is performed. */
  readonly irreversible: boolean;
  /**
   * Performing it again with the same key has no second effect. An irreversible actor that is not idempotent is never
   * performed again on its own; the machine gets `OutcomeUnknown` instead.
   */
  readonly idempotent: boolean;
  /**
   * Its answer is a model's word: it may be wrong, or made up. Before something irreversible is done with it, a gate or a
   * person has to have seen it. Default: false.
   */
  readonly fallible?: boolean;
  /** Name (`src`) of the actor in the same machine that undoes what this one did, as far as it can be undone. */
  readonly compensatedBy?: string | undefined;
  /** The key that the other side is given, by which it performs a request only once. Absent if it is given none. */
  idempotencyKey?(input: unknown, invocation: { readonly key: string; readonly runId: string }): string;
  /** What it touches. `undefined`: it does not say, which counts as anything. */
  readonly permissions?: Permissions | undefined;
  /** Workflows that it starts runs of. */
  readonly workflows?: readonly WorkflowRef[];
  /** The actors that it performs within one invocation. Absent: none. */
  readonly parts?: ActorParts | undefined;
  /** One of each kind of error that it may reject with, beyond those that any actor may. Paths are made of them. */
  readonly failures?: readonly Error[];
  /** The most tokens that its answer has, if it is a model's. It is what others are asked with, who are given the answer. */
  readonly answerTokens?: number | undefined;
  /**
   * The most that one invocation with this input can take, its policies included, whatever happens but a crash: what is
   * repeated after one is not counted. Waits that the other side asks for, and those for allowances and slots, are not
   * counted either. Absent: it does not say.
   */
  worstCase?(input: unknown, scope: WorstCaseScope): WorstCase;
  /** Throws `Deferred` to be performed again later, without holding a worker meanwhile. */
  perform(input: unknown, scope: InvocationScope): Promise<unknown>;
  /**
   * Called after the machine has moved on without a result, or the run was cancelled: undo what goes on by itself, such
   * as a run that was started. At least once, so twice must do no harm.
   */
  stopped?(input: unknown, scope: StoppedScope): Promise<void>;
}

/** Actors that another performs, and who says which of them and how often. */
export interface ActorParts {
  /** `author`: it is written so. `input`: one for each of what it is given. `model`: what the model in it asks for, turn by turn. */
  readonly chosenBy: 'author' | 'input' | 'model';
  /** Their names, each once. */
  readonly names: readonly string[];
}

/** What is left of a scope when its invocation was stopped. */
export interface StoppedScope {
  readonly runId: string;
  readonly key: string;
  within(part: string): StoppedScope;
  readonly runs: ChildRuns;
}

/** The most that work can take. `Infinity` where nothing sets a bound. */
export interface WorstCase {
  readonly modelCalls: number;
  /** Input and output, cached ones included. */
  readonly tokens: number;
  /** US dollars. */
  readonly usd: number;
  /** In milliseconds, from the start to the result. */
  readonly timeMs: number;
  /** True if some of that time it may only wait, and hold no worker: a limit for an attempt does not count such waits. */
  readonly waits?: boolean;
}

/** What an actor is told when it is asked for its worst case. */
export interface WorstCaseScope {
  /** How often the whole may be tried, from 1. What an attempt has kept is not done again by the next. */
  readonly attempts: number;
  /** What a call costs in US dollars. Without a price it is nothing, and whoever asks notes that. */
  costOf(call: Usage): number;
  /** How many tokens the input has at most, if it is made of answers that are not there yet; `input` is then `undefined`. */
  readonly inputTokens?: number;
  /** Say what the bound rests on that nothing enforces: `classify is asked with prompts as long as those of the examples`. */
  assume(what: string): void;
  /** The worst case of a run of another workflow. */
  ofRun(workflow: WorkflowRef, input: unknown): WorstCase;
}

/** What an actor reads and writes, in words of your own: `crm`, `payments`. */
export interface Permissions {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

export interface DurableLogic {
  readonly signalbox: DurableActor;
}

export function durableActor(logic: AnyActorLogic | DurableLogic): DurableActor | undefined {
  return 'signalbox' in logic ? logic.signalbox : undefined;
}

/**
 * Thrown by an actor that cannot go on now: it is performed again at `until`, and no worker is held meanwhile. It is not
 * an error of the machine's; what it has kept with `once` is there when it is performed again.
 */
export class Deferred extends Error {
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** What it waits for is under way elsewhere, such as a run that it has started: it counts as one at work. */
  readonly goesOn: boolean;

  /** `reason` is for people: "429 from anthropic". */
  constructor(until: number, reason: string, { goesOn = false }: { readonly goesOn?: boolean } = {}) {
    super(reason);
    this.name = 'Deferred';
    this.until = until;
    this.goesOn = goesOn;
  }
}
