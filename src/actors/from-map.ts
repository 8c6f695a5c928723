/**
 * `fromMap`: one actor for each item of a list, some at a time; with a reducer it is map-reduce.
 *
 * I1. The outcome of an item is in the journal before the next item takes its place: a crash pays for no item twice.
 * I2. Outputs are in the order of the items, whatever the order in which they came.
 * I3. An item that waits for its retry holds up no other; when all that is left waits, no worker is held.
 */
import type { z, ZodType } from 'zod';

import { BudgetExceeded, MapFailed } from '../errors.ts';
import { Deferred, type DurableActor, type InvocationScope, type StoppedScope } from '../invocation.ts';
import { describeError, type PlainError } from '../plain-error.ts';
import { checkValue, isSchema } from './check-value.ts';
import { durableLogic, type DurablePromiseLogic } from './durable-logic.ts';
import { assertOption, isName } from './option.ts';
import { declaredTogether, type Policies, underPolicies } from './policies/policies.ts';
import { runTogether } from './run-together.ts';

interface MapBase<TInput extends ZodType, TItem, TItemOutput, TOutput> extends Policies<
  TOutput,
  z.input<TInput>,
  z.output<TInput>
> {
  readonly name: string;
  readonly input: TInput;
  /** The items, in order. The same input must always give the same items. */
  readonly items: (input: z.output<TInput>) => readonly TItem[];
  /** Performed for each item, with policies of its own: a retry is the item's. */
  readonly each: DurablePromiseLogic<TItemOutput, TItem>;
  /** How many items are in work at a time. Default: 5. */
  readonly concurrency?: number;
}

export interface MapActorOptions<TInput extends ZodType, TItem, TItemOutput> extends MapBase<
  TInput,
  TItem,
  TItemOutput,
  TItemOutput[]
> {
  /** `fail`: the first item that fails for good fails the whole, and stops the others. Default. */
  readonly onFailure?: 'fail';
  readonly reduce?: undefined;
}

export interface SettledMapOptions<TInput extends ZodType, TItem, TItemOutput> extends MapBase<
  TInput,
  TItem,
  TItemOutput,
  MapOutcome<TItemOutput>
> {
  /** Failures are in the output. `atMost` of them are borne; one more fails the whole, and stops the others. */
  readonly onFailure: { readonly atMost: number };
  readonly reduce?: undefined;
}

export interface MapReduceOptions<TInput extends ZodType, TItem, TItemOutput> extends MapBase<
  TInput,
  TItem,
  TItemOutput,
  TItemOutput
> {
  readonly onFailure?: 'fail';
  /** Outputs are reduced in a tree: `fanIn` neighbours at a time into one, level by level, until one is left. */
  readonly reduce: TreeReduce<TItemOutput>;
}

export interface SettledMapReduceOptions<TInput extends ZodType, TItem, TItemOutput> extends MapBase<
  TInput,
  TItem,
  TItemOutput,
  MapReduced<TItemOutput>
> {
  /** Outputs are reduced without those of items that failed, of which `atMost` are borne; one more fails the whole. */
  readonly onFailure: { readonly atMost: number };
  readonly reduce: TreeReduce<TItemOutput>;
}

export interface TreeReduce<TItemOutput> {
  readonly by: DurablePromiseLogic<TItemOutput, TItemOutput[]>;
  /** How many outputs one call reduces, from 2. Default: 8. */
  readonly fanIn?: number;
}

export interface MapOutcome<TItemOutput> {
  /** In the order of the items; `undefined` where one failed. */
  readonly outputs: ReadonlyArray<TItemOutput | undefined>;
  readonly failures: readonly MapFailure[];
}

export interface MapReduced<TItemOutput> {
  /** Of all items that did not fail. */
  readonly output: TItemOutput;
  readonly failures: readonly MapFailure[];
}

export interface MapFailure {
  /** Of the item, from 0. */
  readonly index: number;
  readonly error: PlainError;
}

const defaultFanIn = 8;

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
 * there is nothing to reduce, with what the reducer rejects with, or with `ACTOR_VALUE_INVALID` if the input is refused.
 * A `BUDGET_EXCEEDED` is never borne.
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
  assertOptions(options);
  const { name, each, reduce } = options;
  const performers = [each.signalbox, ...(reduce ? [reduce.by.signalbox] : [])];
  const actor: DurableActor = {
    kind: 'map',
    name,
    input: options.input,
    ...declaredTogether(performers),
    perform: async (value, scope) => {
      const input = await checkValue(options.input, value, `Input of map \`${name}\``);
      const { kept, failures } = await mapped(options, options.items(input), scope);
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

type AnyMapOptions<TInput extends ZodType, TItem, TItemOutput> =
  | MapActorOptions<TInput, TItem, TItemOutput>
  | SettledMapOptions<TInput, TItem, TItemOutput>
  | MapReduceOptions<TInput, TItem, TItemOutput>
  | SettledMapReduceOptions<TInput, TItem, TItemOutput>;

interface Mapped<TItemOutput> {
  /** In the order of the items. */
  readonly kept: ReadonlyArray<Kept<TItemOutput>>;
  readonly failures: readonly MapFailure[];
}

async function mapped<TInput extends ZodType, TItem, TItemOutput>(
  { name, each, concurrency = 5, onFailure = 'fail' }: AnyMapOptions<TInput, TItem, TItemOutput>,
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
      const [first] = failures.sort(byIndex);
      throw new MapFailed(
        `${failures.length} of ${items.length} items of \`${name}\` failed, and at most ${onFailure.atMost} are borne. Item ${first?.index}: ${first?.error.message}`,
        { details: { actor: name, failures } },
      );
    }
    return outcome;
  };
  const kept = await runTogether(items, perform, { concurrency, scope });
  return { kept, failures: failures.sort(byIndex) };
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
  { name, concurrency = 5 }: AnyMapOptions<TInput, TItem, TItemOutput>,
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
  if (level.length === 0) {
    throw new MapFailed(`\`${name}\` has no output of any item, so there is nothing to reduce.`, {
      details: { actor: name },
    });
  }
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

function assertOptions<TInput extends ZodType, TItem, TItemOutput>({
  name,
  input,
  items,
  each,
  concurrency,
  onFailure,
  reduce,
}: AnyMapOptions<TInput, TItem, TItemOutput>): void {
  assertOption(isName(name), 'name', 'a map', 'a non-empty string', name);
  const assert = (holds: boolean, option: string, expected: string, got: unknown): void =>
    assertOption(holds, option, `map \`${name}\``, expected, got);
  assert(isSchema(input), 'input', 'a zod schema', input);
  assert(typeof items === 'function', 'items', 'a function to a list', items);
  const actorExpected = 'an actor made by `fromModel` and its like';
  assert(isDurable(each), 'each', actorExpected, each);
  assert(
    concurrency === undefined || isCount(concurrency, 1),
    'concurrency',
    'a positive integer',
    concurrency,
  );
  const bearable = onFailure === undefined || onFailure === 'fail' || isCount(onFailure.atMost, 0);
  assert(bearable, 'onFailure', '`fail` or `{ atMost }`', onFailure);
  if (!reduce) return;
  assert(isDurable(reduce.by), 'reduce.by', actorExpected, reduce.by);
  const { fanIn } = reduce;
  assert(fanIn === undefined || isCount(fanIn, 2), 'reduce.fanIn', 'an integer from 2', fanIn);
}

function isCount(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function isDurable(logic: unknown): boolean {
  return logic !== null && (typeof logic === 'object' || typeof logic === 'function') && 'signalbox' in logic;
}
