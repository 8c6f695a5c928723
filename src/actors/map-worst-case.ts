/** The most that a map can take: each of its items, some at a time, then each level of its tree. */
import type { ZodType } from 'zod';

import type { WorstCase, WorstCaseScope } from '../invocation.ts';
import { describeError } from '../plain-error.ts';
import { forPart, inSequence, nothing, oneOf, repeated, together, worstCaseOf } from '../worst-case.ts';
import { tokensOfValue } from './call-worst-case.ts';
import { type AnyMapOptions, defaultConcurrency, defaultFanIn, type TreeReduce } from './map-options.ts';
import { parsedAtOnce } from './parsed-at-once.ts';

export function mapWorstCase<TInput extends ZodType, TItem, TItemOutput>(
  options: AnyMapOptions<TInput, TItem, TItemOutput>,
  value: unknown,
  scope: WorstCaseScope,
): WorstCase {
  const { each, maxItems, concurrency = defaultConcurrency, reduce } = options;
  const items = itemsOf(options, value, scope);
  const known = (items ?? []).map((item) =>
    worstCaseOf(each.signalbox, item, forPart(scope, scope.attempts)),
  );
  const count = maxItems ?? items?.length ?? Infinity;
  const more = Math.max(0, count - known.length);
  const another = (): WorstCase => {
    if (known.length > 0) return oneOf(known);
    // Of what an item holds, nothing is known but that it comes from the input.
    const inputTokens = scope.inputTokens ?? tokensOfValue(value);
    return worstCaseOf(each.signalbox, undefined, forPart(scope, scope.attempts, inputTokens));
  };
  const mapped = inSequence([
    together(known, concurrency),
    more === 0 ? nothing : manyTogether(another(), more, concurrency),
  ]);
  return reduce ? inSequence([mapped, reduceWorstCase(options, reduce, count, scope)]) : mapped;
}

/** Undefined if nothing is known of the input, or it has none that could be counted. */
function itemsOf<TInput extends ZodType, TItem, TItemOutput>(
  { name, items, input, maxItems }: AnyMapOptions<TInput, TItem, TItemOutput>,
  value: unknown,
  scope: WorstCaseScope,
): readonly TItem[] | undefined {
  if (scope.inputTokens !== undefined) return undefined;
  try {
    const listed = items(parsedAtOnce(input, value) as never);
    const all = Array.from(listed);
    if (maxItems === undefined) {
      scope.assume(`\`${name}\` has no more items than those of the examples (set \`maxItems\`)`);
    }
    return maxItems === undefined ? all : all.slice(0, maxItems);
  } catch (error) {
    const { message } = describeError(error);
    if (maxItems === undefined) {
      scope.assume(
        `\`${name}\` does nothing where \`items\` throws, as it does on an input: ${message} (set \`maxItems\`)`,
      );
    }
    return maxItems === undefined ? [] : undefined;
  }
}

/** Level by level; a group of one goes up as it is. */
function reduceWorstCase<TInput extends ZodType, TItem, TItemOutput>(
  { each, concurrency = defaultConcurrency }: AnyMapOptions<TInput, TItem, TItemOutput>,
  { by, fanIn = defaultFanIn }: TreeReduce<TItemOutput>,
  count: number,
  scope: WorstCaseScope,
): WorstCase {
  const reducer = by.signalbox;
  const reduced = (outputs: number, tokens: number): WorstCase =>
    worstCaseOf(reducer, undefined, forPart(scope, scope.attempts, outputs * tokens));
  const { answerTokens: ofItem = Infinity } = each.signalbox;
  if (count === Infinity) return repeated(reduced(fanIn, ofItem), Infinity);

  const levels: WorstCase[] = [];
  let tokens = ofItem;
  for (let left = count; left > 1; left = Math.ceil(left / fanIn)) {
    const rest = left % fanIn;
    const groups = Math.floor(left / fanIn);
    const alike = groups > 0 ? [reduced(fanIn, tokens)] : [];
    const last = rest > 1 ? [reduced(rest, tokens)] : [];
    const { timeMs } = manyTogether(oneOf([...alike, ...last]), groups + last.length, concurrency);
    levels.push({ ...inSequence([...alike.map((one) => repeated(one, groups)), ...last]), timeMs });
    tokens = Math.max(tokens, reducer.answerTokens ?? Infinity);
  }
  return inSequence(levels);
}

/** All alike. */
function manyTogether(one: WorstCase, count: number, concurrency: number): WorstCase {
  // If they wait, others take their place meanwhile, and the last may have to begin after all of these.
  const rounds =
    one.waits && count > concurrency ? (count - 1) / concurrency + 1 : Math.ceil(count / concurrency);
  const { timeMs } = repeated(one, rounds);
  return { ...repeated(one, count), timeMs };
}
