/** What a map is made from, and what comes of it. Refuses what it cannot be made from, where it is made. */
import type { z, ZodType } from 'zod';

import type { PlainError } from '../plain-error.ts';
import { isSchema } from './check-value.ts';
import type { DurablePromiseLogic } from './durable-logic.ts';
import { assertOption, isName } from './option.ts';
import type { Policies } from './policies/policies.ts';

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
  /**
   * The most items that there may be; of a longer list none is begun, and `ACTOR_VALUE_INVALID`. With this the worst case
   * of a run is bounded whatever its input is. Default: any number.
   */
  readonly maxItems?: number;
}

export const defaultConcurrency = 5;
export const defaultFanIn = 8;

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

export type AnyMapOptions<TInput extends ZodType, TItem, TItemOutput> =
  | MapActorOptions<TInput, TItem, TItemOutput>
  | SettledMapOptions<TInput, TItem, TItemOutput>
  | MapReduceOptions<TInput, TItem, TItemOutput>
  | SettledMapReduceOptions<TInput, TItem, TItemOutput>;

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

export function assertMapOptions<TInput extends ZodType, TItem, TItemOutput>({
  name,
  input,
  items,
  each,
  concurrency,
  maxItems,
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
  const bounding = maxItems === undefined || isCount(maxItems, 1);
  assert(bounding, 'maxItems', 'a positive integer', maxItems);
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
