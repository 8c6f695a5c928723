/**
 * `fromVote`: the same question several times, or to several voters, and what most of them say.
 *
 * I1. A ballot is in the journal once it is cast, so a crash pays for none twice.
 * I2. No more voters are asked than it takes: those whose ballot could change nothing are not begun, or stopped.
 */
import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { z, ZodType } from 'zod';

import { BudgetExceeded } from '../errors.ts';
import {
  Deferred,
  type DurableActor,
  type InvocationScope,
  type WorstCase,
  type WorstCaseScope,
} from '../invocation.ts';
import { describeError } from '../plain-error.ts';
import { forPart, inSequence, oneOf, together, worstCaseOf } from '../worst-case.ts';
import { checkValue, isSchema } from './check-value.ts';
import { durableLogic, type DurablePromiseLogic } from './durable-logic.ts';
import { assertOption, isName } from './option.ts';
import { callOff, declaredTogether, type Policies, underPolicies } from './policies/policies.ts';
import { type Ballot, type VoteOutcome, voteOutput } from './vote-output.ts';

export type { Ballot, VoteOutcome } from './vote-output.ts';

export interface VoteActorOptions<TInput extends ZodType, TAnswer> extends Policies<
  VoteOutcome<TAnswer>,
  z.input<TInput>,
  z.output<TInput>
> {
  readonly name: string;
  readonly input: TInput;
  /** Several actors, or one that is asked several times. */
  readonly voters:
    | ReadonlyArray<DurablePromiseLogic<TAnswer, z.input<TInput>>>
    | { readonly ask: DurablePromiseLogic<TAnswer, z.input<TInput>>; readonly times: number };
  /** What makes two answers the same vote. Default: the answer as JSON, keys in order. */
  readonly by?: (answer: TAnswer) => string;
  /**
   * How many same votes decide: more than half of all voters, all of them, or so many; or a judge that picks one of the
   * answers by its number. Default: `majority`.
   */
  readonly decide?: 'majority' | 'unanimous' | { readonly atLeast: number } | VoteJudge<TAnswer>;
  /** How many are asked at a time. Default: as many as could decide it. */
  readonly concurrency?: number;
}

export interface VoteJudge<TAnswer> {
  /** Is given the answers, and gives the number of one, from 0; of none, if none will do. */
  readonly judge: DurablePromiseLogic<{ choice: number }, { answers: TAnswer[] }>;
}

/**
 * Logic that puts a question to several voters and gives what decides, or that nothing did. A voter that fails for good
 * has cast no vote.
 *
 * Rejects with `ACTOR_VALUE_INVALID` if the input is refused, with `BUDGET_EXCEEDED` if the run's budget is spent, and with
 * what the judge rejects with.
 *
 * @example
 * ```ts
 * const classifyByVote = fromVote({
 *   name: 'classifyByVote',
 *   input: Ticket,
 *   voters: { ask: classifyTicket, times: 5 },
 *   by: ({ category }) => category,
 * });
 * // { decided: true, answer: { category: 'billing' }, votes: 3, of: 5, ballots: [...] }
 * ```
 */
export function fromVote<TInput extends ZodType, TAnswer>(
  options: VoteActorOptions<TInput, TAnswer>,
): DurablePromiseLogic<VoteOutcome<TAnswer>, z.input<TInput>> {
  assertOptions(options);
  const { name, decide } = options;
  const voters = votersOf(options.voters);
  const judge = typeof decide === 'object' && 'judge' in decide ? decide.judge : undefined;
  const performers = [...voters.map(({ actor }) => actor), ...(judge ? [judge.signalbox] : [])];
  const actor: DurableActor = {
    kind: 'vote',
    name,
    input: options.input,
    output: voteOutput({
      voters: voters.map((voter) => voter.actor),
      votes: votesOf(options, voters.length),
      isJudged: judge !== undefined,
      count: (ballots) =>
        judge
          ? { decided: false, of: voters.length, ballots }
          : outcomeOf(options, ballots as ReadonlyArray<Ballot<TAnswer>>, voters.length),
    }),
    ...declaredTogether(performers),
    parts: { chosenBy: 'author', names: [...new Set(performers.map((part) => part.name))] },
    // A voter that fails has cast no vote.
    failures: judge?.signalbox.failures ?? [],
    worstCase: (value, scope) => voteWorstCase(options, voters, value, scope),
    perform: async (value, scope) => {
      await checkValue(options.input, value, `Input of vote \`${name}\``);
      const ballots = await cast(options, voters, value, scope);
      return judge
        ? judgedOf(options, judge, ballots, voters.length, scope)
        : outcomeOf(options, ballots, voters.length);
    },
    ...(performers.some(({ stopped }) => stopped) && {
      async stopped(value, scope) {
        for (const voter of voters) await voter.actor.stopped?.(value, scope.within(voter.id));
        await judge?.signalbox.stopped?.(undefined, scope.within('judge'));
      },
    }),
  };
  return durableLogic(underPolicies(actor, options));
}

interface Voter {
  readonly id: string;
  readonly actor: DurableActor;
}

/** Ask until it is decided, or can no longer be. */
async function cast<TInput extends ZodType, TAnswer>(
  options: VoteActorOptions<TInput, TAnswer>,
  voters: readonly Voter[],
  input: unknown,
  scope: InvocationScope,
): Promise<ReadonlyArray<Ballot<TAnswer>>> {
  const needed = neededOf(options.decide, voters.length);
  const ballots = new Map<number, Ballot<TAnswer>>();
  const waits: Deferred[] = [];
  const controller = new AbortController();
  const signal = AbortSignal.any([scope.signal, controller.signal]);
  setMaxListeners(0, signal);
  const asking = new Set<Promise<void>>();
  const voices = scope.under(signal);

  const inOrder = (): Ballot<TAnswer>[] =>
    [...ballots].sort(([one], [other]) => one - other).map(([, ballot]) => ballot);
  const leading = (): number => Math.max(0, ...tallied(options, inOrder()).values());
  const isOver = (): boolean => {
    const open = voters.length - ballots.size;
    return open === 0 || (needed <= voters.length && (leading() >= needed || leading() + open < needed));
  };
  /** As many as could decide it: more would be asked in vain if those agree. Who has to wait still counts as asked. */
  const room = (): number =>
    (options.concurrency ?? Math.max(1, needed - leading())) - asking.size - waits.length;

  const ask = async (index: number, { id, actor }: Voter): Promise<void> => {
    try {
      const ballot = await voices.once<Ballot<TAnswer>>(id, async () => {
        try {
          const answer = (await actor.perform(input, voices.within(id))) as TAnswer;
          return { voter: actor.name, answer };
        } catch (error) {
          // With the run's budget spent, no other voter would fare better.
          if (error instanceof Deferred || error instanceof BudgetExceeded || signal.aborted) throw error;
          return { voter: actor.name, error: describeError(error) };
        }
      });
      ballots.set(index, ballot);
    } catch (error) {
      if (!(error instanceof Deferred)) throw error;
      waits.push(error);
    }
  };

  const queue = [...voters.entries()];
  try {
    while (!isOver()) {
      while (room() > 0) {
        const next = queue.shift();
        if (!next) break;
        const asked = ask(...next).finally(() => asking.delete(asked));
        asking.add(asked);
      }
      if (asking.size === 0) break;
      await Promise.race(asking);
    }
  } finally {
    // Whoever is still being asked can change nothing any more; whoever does not listen to that is left behind.
    controller.abort();
    await Promise.race([Promise.allSettled(asking), nextTurn()]);
  }
  scope.signal.throwIfAborted();
  const [first, ...others] = waits;
  if (!first || isOver()) {
    for (const [index, { id, actor }] of voters.entries()) {
      if (!ballots.has(index)) await callOff(actor, input, scope.within(id));
    }
    return inOrder();
  }
  const soonest = others.reduce((one, other) => (other.until < one.until ? other : one), first);
  throw new Deferred(soonest.until, soonest.message, { goesOn: waits.some(({ goesOn }) => goesOn) });
}

/** All are asked: the last ballot may be the one that decides. */
function voteWorstCase<TInput extends ZodType, TAnswer>(
  { decide, concurrency }: VoteActorOptions<TInput, TAnswer>,
  voters: readonly Voter[],
  input: unknown,
  scope: WorstCaseScope,
): WorstCase {
  const cases = voters.map(({ actor }) => worstCaseOf(actor, input, scope));
  const judge = typeof decide === 'object' && 'judge' in decide ? decide.judge.signalbox : undefined;
  // Whoever waits keeps the place, and after those asked first it may be one at a time.
  const first = neededOf(decide, voters.length);
  const timeMs =
    concurrency === undefined
      ? oneOf(cases.slice(0, first)).timeMs + inSequence(cases.slice(first)).timeMs
      : together(
          cases.map((one) => ({ ...one, waits: false })),
          concurrency,
        ).timeMs;
  const cast = { ...inSequence(cases), timeMs };
  if (!judge) return cast;
  const answerTokens = voters.reduce((sum, { actor }) => sum + (actor.answerTokens ?? Infinity), 0);
  return inSequence([cast, worstCaseOf(judge, undefined, forPart(scope, scope.attempts, answerTokens))]);
}

function neededOf<TAnswer>(
  decide: VoteActorOptions<ZodType, TAnswer>['decide'] = 'majority',
  voters: number,
): number {
  if (decide === 'majority') return Math.floor(voters / 2) + 1;
  if (decide === 'unanimous') return voters;
  // A judge hears them all.
  return 'judge' in decide ? Infinity : decide.atLeast;
}

/** How many votes an answer may have that was decided on. Beyond what it takes, only if more are asked at a time. */
function votesOf<TAnswer>(
  { decide, concurrency }: Pick<VoteActorOptions<ZodType, TAnswer>, 'decide' | 'concurrency'>,
  voters: number,
): readonly number[] {
  const needed = neededOf(decide, voters);
  if (needed > voters) return [...new Set([voters, 1])];
  return concurrency === undefined ? [needed] : [...new Set([needed, voters])];
}

function tallied<TInput extends ZodType, TAnswer>(
  { by = canonical }: VoteActorOptions<TInput, TAnswer>,
  ballots: ReadonlyArray<Ballot<TAnswer>>,
): Map<string, number> {
  const votes = new Map<string, number>();
  for (const ballot of ballots) {
    if (!('answer' in ballot)) continue;
    const vote = by(ballot.answer);
    votes.set(vote, (votes.get(vote) ?? 0) + 1);
  }
  return votes;
}

function outcomeOf<TInput extends ZodType, TAnswer>(
  options: VoteActorOptions<TInput, TAnswer>,
  ballots: ReadonlyArray<Ballot<TAnswer>>,
  of: number,
): VoteOutcome<TAnswer> {
  const { by = canonical } = options;
  const needed = neededOf(options.decide, of);
  for (const [vote, votes] of tallied(options, ballots)) {
    if (votes < needed) continue;
    const winner = ballots.find((ballot) => 'answer' in ballot && by(ballot.answer) === vote);
    if (winner && 'answer' in winner) return { decided: true, answer: winner.answer, votes, of, ballots };
  }
  return { decided: false, of, ballots };
}

async function judgedOf<TInput extends ZodType, TAnswer>(
  { by = canonical }: VoteActorOptions<TInput, TAnswer>,
  judge: VoteJudge<TAnswer>['judge'],
  ballots: ReadonlyArray<Ballot<TAnswer>>,
  of: number,
  scope: InvocationScope,
): Promise<VoteOutcome<TAnswer>> {
  const answers = ballots.flatMap((ballot) => ('answer' in ballot ? [ballot.answer] : []));
  if (answers.length === 0) return { decided: false, of, ballots };
  const { choice } = (await scope.once('judged', () =>
    judge.signalbox.perform({ answers }, scope.within('judge')),
  )) as { choice: number };
  const answer = answers[choice];
  if (answer === undefined) return { decided: false, of, ballots };
  const votes = answers.filter((other) => by(other) === by(answer)).length;
  return { decided: true, answer, votes, of, ballots };
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

function votersOf<TInput extends ZodType, TAnswer>(
  voters: VoteActorOptions<TInput, TAnswer>['voters'],
): Voter[] {
  const list =
    'ask' in voters
      ? Array.from({ length: voters.times }, () => voters.ask.signalbox)
      : voters.map(({ signalbox }) => signalbox);
  return list.map((actor, index) => ({ id: `voter ${index + 1}`, actor }));
}

function assertOptions<TInput extends ZodType, TAnswer>({
  name,
  input,
  voters,
  by,
  decide,
  concurrency,
}: VoteActorOptions<TInput, TAnswer>): void {
  assertOption(isName(name), 'name', 'a vote', 'a non-empty string', name);
  const assert = (holds: boolean, option: string, expected: string, got: unknown): void =>
    assertOption(holds, option, `vote \`${name}\``, expected, got);
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
  assert(isSchema(input), 'input', 'a zod schema', input);
  const askable =
    'ask' in voters
      ? isCount(voters.times) && 'signalbox' in voters.ask
      : Array.isArray(voters) && voters.length > 0;
  assert(askable, 'voters', 'a list of actors, or `{ ask, times }`', voters);
  const count = 'ask' in voters ? voters.times : voters.length;
  assert(by === undefined || typeof by === 'function', 'by', 'a function', by);
  const atLeast = typeof decide === 'object' && 'atLeast' in decide ? decide.atLeast : 1;
  assert(isCount(atLeast) && atLeast <= count, 'decide.atLeast', `an integer from 1 to ${count}`, atLeast);
  assert(concurrency === undefined || isCount(concurrency), 'concurrency', 'a positive integer', concurrency);
}
