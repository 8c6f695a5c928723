/**
 * `fromMap`: one actor for each item of a list, some at a time; with a reducer it is map-reduce.
 *
 * I1. The outcome of an item is in the journal before the next item takes its place: a crash pays for no item twice.
 * I2. Outputs are in the order of the items, whatever the order in which they came.
 * I3. An item that waits for its retry holds up no other; when all that is left waits, no worker is held.
 */
import type { z, ZodType } from 'zod';

import { ActorValueInvalid, BudgetExceeded, MapFailed } from '../errors.ts';
import { Deferred, type DurableActor, type InvocationScope, type StoppedScope } from '../invocation.ts';
import { describeError, type PlainError } from '../plain-error.ts';
import { checkValue } from './check-value.ts';
import { distinctFailures } from './distinct-failures.ts';
import { durableLogic, type DurablePromiseLogic } from './durable-logic.ts';
import {
  type AnyMapOptions,
  assertMapOptions,
  defaultConcurrency,
  defaultFanIn,
  type MapActorOptions,
  type MapFailure,
  type MapOutcome,
  type MapReduced,
  type MapReduceOptions,
  type SettledMapOptions,
  type SettledMapReduceOptions,
  type TreeReduce,
} from './map-options.ts';
import { mapOutput } from './map-output.ts';
import { mapWorstCase } from './map-worst-case.ts';
import { declaredTogether, longestAnswerOf, type Policies, underPolicies } from './policies/policies.ts';
import { runTogether } from './run-together.ts';

/** What is kept of an item. */
type Kept<TItemOutput> = { readonly output: TItemOutput } | { readonly error: PlainError };

/**
 * Logic that performs an actor for each item of a list.
 *
 * After a crash only items without an outcome on record are performed again, each with its own key.
 *
 * Gives the outputs in a list, or with `reduce` in one; with `onFailure: { atMost }` in an object beside the `failures`.
 *
 * Rejects with the first item's error (`onFailure: 'fail'`), with `MAP_FAILED` if more items failed than are borne or
 * there is nothing to reduce, with what the reducer rejects with, or with `ACTOR_VALUE_INVALID` if the input is refused
 * or has more items than `maxItems`. A `BUDGET_EXCEEDED` is never borne.
 *
 * @example
 * ```ts
 * const summarize = fromMap({
 *   name: 'summarize',
 *   input: z.object({ chunks: z.array(z.string()) }),
 *   items: ({ chunks }) => chunks,
 *   each: summarizeChunk,
 *   concurrency: 8,
 *   reduce: { by: mergeSummaries, fanIn: 10 },
 * });
 * ```
 */
export function fromMap<TInput extends ZodType, TItem, TItemOutput>(
  options: SettledMapReduceOptions<TInput, TItem, TItemOutput>,
): DurablePromiseLogic<MapReduced<TItemOutput>, z.input<TInput>>;
export function fromMap<TInput extends ZodType, TItem, TItemOutput>(
  options: MapReduceOptions<TInput, TItem, TItemOutput>,
): DurablePromiseLogic<TItemOutput, z.input<TInput>>;
export function fromMap<TInput extends ZodType, TItem, TItemOutput>(
  options: SettledMapOptions<TInput, TItem, TItemOutput>,
): DurablePromiseLogic<MapOutcome<TItemOutput>, z.input<TInput>>;
export function fromMap<TInput extends ZodType, TItem, TItemOutput>(
  options: MapActorOptions<TInput, TItem, TItemOutput>,
): DurablePromiseLogic<TItemOutput[], z.input<TInput>>;
export function fromMap<TInput extends ZodType, TItem, TItemOutput>(
  options: AnyMapOptions<TInput, TItem, TItemOutput>,
): unknown {
  assertMapOptions(options);
  const { name, each, reduce, onFailure: bearing = 'fail' } = options;
  const performers = [each.signalbox, ...(reduce ? [reduce.by.signalbox] : [])];
  const actor: DurableActor = {
    kind: 'map',
    name,
    input: options.input,
    output: mapOutput({
      each: each.signalbox,
      by: reduce?.by.signalbox,
      atMost: bearing === 'fail' ? undefined : bearing.atMost,
    }),
    ...declaredTogether(performers),
    parts: { chosenBy: 'input', names: [...new Set(performers.map((part) => part.name))] },
    failures: failuresOf(options),
    // What is reduced is a model's answer, as long as no failures are told beside it.
    ...(reduce && bearing === 'fail' && { answerTokens: longestAnswerOf(performers) }),
    worstCase: (value, scope) => mapWorstCase(options, value, scope),
    perform: async (value, scope) => {
      const input = await checkValue(options.input, value, `Input of map \`${name}\``);
      const items = options.items(input);
      const { maxItems = Infinity } = options;
      if (items.length > maxItems) throw tooManyItems(name, items.length, maxItems);
      const { kept, failures } = await mapped(options, items, scope);
      const { onFailure = 'fail' } = options;
      if (!reduce) return onFailure === 'fail' ? outputsIn(kept) : { outputs: kept.map(outputOf), failures };
      const output = await reduced(options, reduce, outputsIn(kept), scope);
      return onFailure === 'fail' ? output : { output, failures };
    },
    ...(performers.some(({ stopped }) => stopped) && {
      async stopped(value, scope) {
        const parsed = await options.input.safeParseAsync(value);
        if (parsed.success) await stopParts(options, options.items(parsed.data), scope);
      },
    }),
  };
  // Each form has policies for an output of its own; here they are all the same.
  return durableLogic(underPolicies(actor, options as unknown as Policies<unknown, z.input<TInput>>));
}

interface Mapped<TItemOutput> {
  /** In the order of the items. */
  readonly kept: ReadonlyArray<Kept<TItemOutput>>;
  readonly failures: readonly MapFailure[];
}

async function mapped<TInput extends ZodType, TItem, TItemOutput>(
  {
    name,
    each,
    concurrency = defaultConcurrency,
    onFailure = 'fail',
  }: AnyMapOptions<TInput, TItem, TItemOutput>,
  items: readonly TItem[],
  scope: InvocationScope,
): Promise<Mapped<TItemOutput>> {
  const failures: MapFailure[] = [];
  const perform = async (item: TItem, index: number, signal: AbortSignal): Promise<Kept<TItemOutput>> => {
    const part = scope.within(partName(index), { signal });
    const outcome = await scope.under(signal).once<Kept<TItemOutput>>(partName(index), async () => {
      try {
        return { output: (await each.signalbox.perform(item, part)) as TItemOutput };
      } catch (error) {
        if (error instanceof Deferred || signal.aborted || onFailure === 'fail' || isSpent(error))
          throw error;
        return { error: describeError(error) };
      }
    });
    if ('error' in outcome) failures.push({ index, error: outcome.error });
    if (onFailure !== 'fail' && failures.length > onFailure.atMost) {
      throw tooManyFailed(name, failures.sort(byIndex), items.length, onFailure.atMost);
    }
    return outcome;
  };
  const kept = await runTogether(items, perform, { concurrency, scope });
  return { kept, failures: failures.sort(byIndex) };
}

/** No list is longer, so that with so many borne it never comes to one more. */
const longestList = 2 ** 32 - 1;

/** One of each kind of error that it may reject with: an item's where the first that fails ends it, and the reducer's. */
function failuresOf<TInput extends ZodType, TItem, TItemOutput>({
  name,
  each,
  maxItems,
  reduce,
  onFailure = 'fail',
}: AnyMapOptions<TInput, TItem, TItemOutput>): readonly Error[] {
  const ofItems = each.signalbox.failures ?? [];
  const [example = new Error('It failed.')] = ofItems;
  const tooMany = (atMost: number): readonly Error[] =>
    atMost < longestList
      ? [tooManyFailed(name, [{ index: 0, error: describeError(example) }], 1, atMost)]
      : [];
  return distinctFailures([
    ...(maxItems === undefined ? [] : [tooManyItems(name, maxItems + 1, maxItems)]),
    ...(onFailure === 'fail' ? ofItems : tooMany(onFailure.atMost)),
    ...(reduce ? [nothingToReduce(name), ...(reduce.by.signalbox.failures ?? [])] : []),
  ]);
}

function tooManyItems(name: string, items: number, maxItems: number): ActorValueInvalid {
  const message = `Expected at most ${maxItems} items, got ${items}`;
  return new ActorValueInvalid(
    `Input of map \`${name}\` was refused: ${message}. Split it before, or raise \`maxItems\`.`,
    { details: { actor: name, items, maxItems, issues: [{ path: [], message }] } },
  );
}

function tooManyFailed(name: string, failures: readonly MapFailure[], of: number, atMost: number): MapFailed {
  const [first] = failures;
  return new MapFailed(
    `${failures.length} of ${of} items of \`${name}\` failed, and at most ${atMost} are borne. Item ${first?.index}: ${first?.error.message}`,
    { details: { actor: name, failures } },
  );
}

function nothingToReduce(name: string): MapFailed {
  return new MapFailed(`\`${name}\` has no output of any item, so there is nothing to reduce.`, {
    details: { actor: name },
  });
}

function outputOf<TItemOutput>(kept: Kept<TItemOutput>): TItemOutput | undefined {
  return 'output' in kept ? kept.output : undefined;
}

function outputsIn<TItemOutput>(kept: ReadonlyArray<Kept<TItemOutput>>): TItemOutput[] {
  return kept.flatMap((one) => ('output' in one ? [one.output] : []));
}

function byIndex(one: MapFailure, other: MapFailure): number {
  return one.index - other.index;
}

/** With the run's budget spent, no other item would fare better. */
function isSpent(error: unknown): boolean {
  return error instanceof BudgetExceeded;
}

/** Level by level; a group of one goes up as it is. */
async function reduced<TInput extends ZodType, TItem, TItemOutput>(
  { name, concurrency = defaultConcurrency }: AnyMapOptions<TInput, TItem, TItemOutput>,
  { by, fanIn = defaultFanIn }: TreeReduce<TItemOutput>,
  outputs: readonly TItemOutput[],
  scope: InvocationScope,
): Promise<TItemOutput> {
  let level = outputs;
  for (let height = 1; level.length > 1; height++) {
    const groups = groupsOf(level, fanIn);
    const reduceGroup = (
      group: readonly TItemOutput[],
      index: number,
      signal: AbortSignal,
    ): Promise<TItemOutput> => {
      const [only] = group;
      if (group.length === 1) return Promise.resolve(only as TItemOutput);
      const part = groupName(height, index);
      return scope
        .under(signal)
        .once(
          part,
          () => by.signalbox.perform(group, scope.within(part, { signal })) as Promise<TItemOutput>,
        );
    };
    level = await runTogether(groups, reduceGroup, { concurrency, scope });
  }
  const [last] = level;
  if (level.length === 0) throw nothingToReduce(name);
  return last as TItemOutput;
}

function groupsOf<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}

async function stopParts<TInput extends ZodType, TItem, TItemOutput>(
  { each: { signalbox: each }, reduce }: AnyMapOptions<TInput, TItem, TItemOutput>,
  items: readonly TItem[],
  scope: StoppedScope,
): Promise<void> {
  for (const [index, item] of items.entries()) await each.stopped?.(item, scope.within(partName(index)));
  const by = reduce?.by.signalbox;
  if (!by?.stopped) return;
  // As many groups as there can be: items that failed are in none.
  let size = items.length;
  for (let height = 1; size > 1; height++) {
    size = Math.ceil(size / (reduce?.fanIn ?? defaultFanIn));
    for (let index = 0; index < size; index++)
      await by.stopped(undefined, scope.within(groupName(height, index)));
  }
}

function partName(index: number): string {
  return `item ${index}`;
}

function groupName(height: number, index: number): string {
  return `reduce ${height}.${index}`;
}
