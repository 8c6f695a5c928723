/**
 * Policies around an actor, declared on it and the same for all: how often it is tried again, how long it may take, what
 * stands in for it, how much of it there may be at a time.
 *
 * From the outside in: cache, fallback, acceptance, retries, timeouts; and around each single call to the outside that
 * it makes: circuit breaker, concurrency, rate limit.
 *
 * I1. What was tried is in the journal, so a crash or a wait of hours counts no attempt twice and forgets none.
 * I2. A wait holds no worker, unless it is a moment.
 * I3. An abort is never retried, never falls back, and is not the actor's failure.
 */
import { InvalidOption } from '../../errors.ts';
import {
  type ChildRuns,
  Deferred,
  type DurableActor,
  type DurableLogic,
  type InvocationScope,
  type StoppedScope,
} from '../../invocation.ts';
import { allPermissions } from '../../permissions.ts';
import { describeError, type PlainError } from '../../plain-error.ts';
import { checkValue } from '../check-value.ts';
import type { DurablePromiseLogic } from '../durable-logic.ts';
import {
  assertAnswerChecks,
  type AnswerChecks,
  judgesOf,
  judgingFailures,
  refusalOf,
} from '../answer-checks.ts';
import { distinctFailures } from '../distinct-failures.ts';
import { eitherOf } from '../either-of.ts';
import { anyGateRejected, gateRejected } from '../gate-rejected.ts';
import { assertOption, isName } from '../option.ts';
import { assertCallPolicies, type CallPolicies, createCallGuard, guardFailures } from './call-guard.ts';
import { policiesWorstCase } from './policies-worst-case.ts';
import { assertRetry, type RetryPolicy, retried } from './retry.ts';
import { assertTimeouts, timed, type Timeouts } from './timeout.ts';

/** `TChecked` is the input as the actor's schema gives it. */
export interface Policies<TOutput, TInput, TChecked = TInput> extends Timeouts, CallPolicies {
  /** How often a failed attempt is repeated, and when. `false`: never. */
  readonly retry?: RetryPolicy | false;
  /** Inputs with the same key share one answer. What two runs ask for at the same moment may be paid for twice. */
  readonly cache?: CachePolicy<TChecked>;
  /**
   * What else an output must meet, beyond its schema, in view of the input; both as their schemas give them. One that does
   * not is `GATE_REJECTED`.
   */
  readonly accept?: AnswerChecks<TOutput, TChecked>;
  /**
   * Asked in turn with the same input when this actor has failed for good, or its output was not accepted: the better
   * model after the cheaper one. Each has its own policies.
   */
  readonly fallback?: ReadonlyArray<DurablePromiseLogic<TOutput, TInput>>;
}

export interface CachePolicy<TChecked> {
  /** Is given the input as its schema gives it. */
  readonly key: (input: TChecked) => string;
  /**
   * `run`: within one run. `workflow`: in all runs of the same version of the workflow, by all workers of the store.
   * Default: `run`.
   */
  readonly per?: 'run' | 'workflow';
  /** How long an answer is good for, in milliseconds. Default: as long as the run, or the store. */
  readonly ttlMs?: number;
}

/** The actor under its policies. */
export function underPolicies<TOutput, TInput, TChecked = TInput>(
  actor: DurableActor,
  policies: Policies<TOutput, TInput, TChecked>,
): DurableActor {
  assertPolicies(actor.name, policies);
  const { retry, accept, fallback = [], cache } = policies;
  const guarded = createCallGuard(actor, policies);

  const attempted = (input: unknown, scope: InvocationScope): Promise<unknown> => {
    const attempt = (): Promise<unknown> =>
      timed(actor, policies, scope, (within) => actor.perform(input, guarded(within)));
    return retry ? retried(retry, policies.totalTimeoutMs, scope, attempt) : attempt();
  };

  const ended = async (input: unknown, scope: InvocationScope): Promise<unknown> => {
    try {
      return await attempted(input, scope);
    } catch (error) {
      // What goes on by itself, such as a run that was started, is not to go on for nobody.
      if (!(error instanceof Deferred) && !scope.signal.aborted) await callOff(actor, input, scope);
      throw error;
    }
  };

  const accepted = async (input: unknown, scope: InvocationScope): Promise<unknown> => {
    if (!accept) return ended(input, scope);
    // A judge may have to wait, and what is judged is not to be made anew for that.
    const output = await scope.once('output to be accepted', () => ended(input, scope));
    const asked = actor.input
      ? await checkValue(actor.input, input, `Input of ${actor.kind} \`${actor.name}\``)
      : input;
    const within = scope.within('acceptance');
    const reasons = await refusalOf(accept, output as TOutput, asked as TChecked, within);
    if (reasons) throw gateRejected(actor.name, reasons, output);
    return output;
  };

  const performed = fallback.length > 0 ? fallingBack(actor, accepted, fallback) : accepted;

  const cachedBy =
    ({ key: keyOf, per, ttlMs }: CachePolicy<TChecked>): Perform =>
    async (input, scope) => {
      const checked = actor.input ? await actor.input.safeParseAsync(input) : { success: true, data: input };
      // Of input that is refused no key is made.
      if (!checked.success) return performed(input, scope);
      const key = keyOf(checked.data as TChecked);
      assertOption(isName(key), 'cache.key', `\`${actor.name}\``, 'a function to a non-empty string', key);
      return scope.cached(`${actor.name} ${key}`, () => performed(input, scope), {
        ...(per && { per }),
        ...(ttlMs !== undefined && { ttlMs }),
      });
    };

  const attempting = [...(actor.failures ?? []), ...guardFailures(actor, policies)];
  const own = [...attempting, ...judgingFailures(accept), ...(accept ? [anyGateRejected(actor.name)] : [])];
  const last = fallback.at(-1)?.signalbox;
  const taking = { ...policies, judges: judgesOf(accept), fallback, failures: attempting };
  return {
    ...actor,
    ...(actor.worstCase && {
      worstCase: (input, scope) => policiesWorstCase(actor, taking, input, scope),
    }),
    ...(fallback.length > 0 && asOne(actor, fallback)),
    // Of those before the last comes nothing through but what any actor may reject with.
    failures: distinctFailures(last ? (last.failures ?? []) : own),
    perform: cache ? cachedBy(cache) : performed,
  };
}

/** What an actor and those that may stand in for it declare together. */
function asOne(actor: DurableActor, fallback: readonly DurableLogic[]): Partial<DurableActor> {
  const others = fallback.map(({ signalbox }) => signalbox);
  const stopped: DurableActor['stopped'] = async (input, scope) => {
    await actor.stopped?.(input, scope);
    for (const [index, other] of others.entries()) await other.stopped?.(input, scope.within(partOf(index)));
  };
  const all = [actor, ...others];
  return {
    output: eitherOf(all),
    answerTokens: longestAnswerOf(all),
    ...declaredTogether(all),
    ...(all.some((one) => one.stopped) && { stopped }),
  };
}

/** Undefined if one of them does not say. */
export function longestAnswerOf(actors: readonly DurableActor[]): number | undefined {
  const longest = Math.max(...actors.map(({ answerTokens = Infinity }) => answerTokens));
  return longest === Infinity ? undefined : longest;
}

function partOf(fallback: number): string {
  return `fallback ${fallback + 1}`;
}

/** Call off what an actor may have going on by itself: nobody waits for it any more. */
export async function callOff(actor: DurableActor, input: unknown, scope: InvocationScope): Promise<void> {
  if (actor.stopped && scope.runs) await actor.stopped(input, stoppedPart(scope, scope.runs));
}

function stoppedPart(scope: InvocationScope, runs: ChildRuns): StoppedScope {
  const { runId, key } = scope;
  return { runId, key, runs, within: (part) => stoppedPart(scope.within(part), runs) };
}

type Perform = DurableActor['perform'];

interface Failed {
  readonly by: string;
  readonly error: PlainError;
}

/** The first that succeeds. Those that failed are in the journal, and not asked again after a crash or a wait. */
function fallingBack(
  actor: DurableActor,
  first: Perform,
  others: ReadonlyArray<{ readonly signalbox: DurableActor }>,
): Perform {
  const candidates = [
    { name: actor.name, perform: first },
    ...others.map(({ signalbox }, index) => ({
      name: signalbox.name,
      perform: ((input, scope) => signalbox.perform(input, scope.within(partOf(index)))) as Perform,
    })),
  ];
  return async (input, scope) => {
    for (const [index, { name, perform }] of candidates.entries()) {
      const noted = `candidate ${index} failed`;
      if (scope.kept<Failed>(noted)) continue;
      try {
        return await perform(input, scope);
      } catch (error) {
        if (error instanceof Deferred || scope.signal.aborted || index === candidates.length - 1) throw error;
        if (await isForAll(error, actor, input)) throw error;
        await scope.once<Failed>(noted, async () => ({ by: name, error: describeError(error) }));
      }
    }
    throw new Error(`All candidates of \`${actor.name}\` have failed.`);
  };
}

/** Whether the next candidate would meet the same: refused input, a spent budget, or an effect that may have happened. */
async function isForAll(error: unknown, first: DurableActor, input: unknown): Promise<boolean> {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'OUTCOME_UNKNOWN' || code === 'BUDGET_EXCEEDED') return true;
  if (code !== 'ACTOR_VALUE_INVALID') return false;
  // An output was refused, after the work was done, unless it is the input that its schema does not take.
  return first.irreversible || (!!first.input && !(await first.input.safeParseAsync(input)).success);
}

/** What an actor declares that performs others. */
export function declaredTogether(
  actors: readonly DurableActor[],
): Pick<
  DurableActor,
  'irreversible' | 'idempotent' | 'fallible' | 'permissions' | 'workflows' | 'compensatedBy'
> {
  const [compensatedBy, other] = new Set(actors.flatMap((actor) => actor.compensatedBy ?? []));
  if (other !== undefined) {
    throw new InvalidOption(
      `Expected all that one actor performs to be undone by one actor, got \`${compensatedBy}\` and \`${other}\` in \`compensatedBy\`. Invoke them in states of their own.`,
      { details: { option: 'compensatedBy' } },
    );
  }
  return {
    irreversible: actors.some(({ irreversible }) => irreversible),
    // What it has kept is not performed again, so only what is irreversible counts.
    idempotent: actors.every(({ irreversible, idempotent }) => !irreversible || idempotent),
    fallible: actors.some(({ fallible }) => fallible),
    permissions: allPermissions(actors),
    workflows: actors.flatMap(({ workflows = [] }) => workflows),
    ...(compensatedBy !== undefined && { compensatedBy }),
  };
}

function assertPolicies<TOutput, TInput, TChecked>(
  name: string,
  policies: Policies<TOutput, TInput, TChecked>,
): void {
  const of = `\`${name}\``;
  const { retry, cache, accept, fallback } = policies;
  if (retry) assertRetry(retry, of);
  assertTimeouts(policies, of);
  assertCallPolicies(policies, of);
  if (accept !== undefined) assertAnswerChecks(accept, of);
  const cachable = cache === undefined || typeof cache.key === 'function';
  assertOption(cachable, 'cache', of, '`{ key, per?, ttlMs? }` with `key` a function to a string', cache);
  const per = cache?.per;
  assertOption(
    per === undefined || per === 'run' || per === 'workflow',
    'cache.per',
    of,
    '`run` or `workflow`',
    per,
  );
  const ttlMs = cache?.ttlMs;
  assertOption(
    ttlMs === undefined || (Number.isSafeInteger(ttlMs) && ttlMs > 0),
    'cache.ttlMs',
    of,
    'a positive integer of milliseconds',
    ttlMs,
  );
  const durable = fallback === undefined || (Array.isArray(fallback) && fallback.every(isDurable));
  assertOption(durable, 'fallback', of, 'a list of actors made by `fromModel` and its like', fallback);
}

function isDurable(logic: unknown): boolean {
  return typeof logic === 'object' && logic !== null && 'signalbox' in logic;
}
