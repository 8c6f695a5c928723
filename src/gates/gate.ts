/**
 * `gate`: a guard whose verdict and reasons are on record.
 *
 * To XState it is a guard like any other: it takes `{ context, event }` and says yes or no, and it must be pure.
 */
import type { AnyEventObject, EventObject, MachineContext } from 'xstate';
import type { ZodType } from 'zod';

import { InvalidOption } from '../errors.ts';
import { judgeBy } from './judge.ts';
import { type Judged, type Judgement, readJudgement } from './judgement.ts';
import { recordVerdict } from './verdict.ts';

export interface GateArgs<TContext extends MachineContext, TEvent extends EventObject> {
  readonly context: TContext;
  readonly event: TEvent;
}

export type Judge<TContext extends MachineContext, TEvent extends EventObject, TParams> = (
  args: GateArgs<TContext, TEvent>,
  params: TParams,
) => Judgement;

/** A guard as `setup({ guards })` and `guard` take it, with the `params` that its judge asks for. */
export type Gate<TContext extends MachineContext, TEvent extends EventObject, TParams> = (
  args: GateArgs<TContext, TEvent>,
  params: TParams,
) => boolean;

/** A check in a gate: it is given the value, and the context and event besides. */
export type GateCheck<TValue, TContext extends MachineContext, TEvent extends EventObject> = (
  value: TValue,
  args: GateArgs<TContext, TEvent>,
) => Judgement;

/**
 * A gate from a predicate that passes, fails, or fails with reasons.
 *
 * @example
 * ```ts
 * setup({ guards: { withinLimit: gate('withinLimit', (_, { amount }: { amount: number }) =>
 *   amount <= 100 || [`The refund of ${amount} is over the limit of 100.`]) } })
 * // in the machine
 * guard: { type: 'withinLimit', params: ({ event }) => ({ amount: event.output.amount }) }
 * ```
 */
export function gate<
  TContext extends MachineContext = MachineContext,
  TEvent extends EventObject = AnyEventObject,
  TParams = void,
>(name: string, judge: Judge<TContext, TEvent, TParams>): Gate<TContext, TEvent, TParams>;
/**
 * A gate from a zod schema and the value to check with it. The reasons are zod's issues, one each with its path.
 *
 * @example
 * ```ts
 * setup({ guards: { classified: gate('classified', Classification, ({ event }) => event.output) } })
 * ```
 */
export function gate<
  TContext extends MachineContext = MachineContext,
  TEvent extends EventObject = AnyEventObject,
  TParams = void,
>(
  name: string,
  schema: ZodType,
  value: (args: GateArgs<TContext, TEvent>, params: TParams) => unknown,
): Gate<TContext, TEvent, TParams>;
/**
 * A gate from several checks and the value to check with them. The first may be a zod schema; what it refuses is not
 * asked further. The checks all report, so that a model sees all of its mistakes at once. Each gets the value as the schema
 * gave it, and what the gate was asked with.
 *
 * @example
 * ```ts
 * gate('replyFits', [Draft, field('reply', lengthWithin({ max: 200, unit: 'words' }), avoids(['guarantee'])),
 *   ({ reply }, { context }) => figuresStandIn(context.source)(reply)], ({ event }) => event.output)
 * ```
 */
export function gate<
  TContext extends MachineContext = MachineContext,
  TEvent extends EventObject = AnyEventObject,
  TParams = void,
  TValue = never,
>(
  name: string,
  checks: readonly [ZodType<TValue>, ...ReadonlyArray<GateCheck<TValue, TContext, TEvent>>],
  value: (args: GateArgs<TContext, TEvent>, params: TParams) => unknown,
): Gate<TContext, TEvent, TParams>;
export function gate<
  TContext extends MachineContext = MachineContext,
  TEvent extends EventObject = AnyEventObject,
  TParams = void,
  TValue = never,
>(
  name: string,
  checks: ReadonlyArray<GateCheck<TValue, TContext, TEvent>>,
  value: (args: GateArgs<TContext, TEvent>, params: TParams) => TValue,
): Gate<TContext, TEvent, TParams>;
export function gate<TContext extends MachineContext, TEvent extends EventObject, TParams>(
  name: string,
  check: Judge<TContext, TEvent, TParams> | CheckList<TContext, TEvent>,
  value?: (args: GateArgs<TContext, TEvent>, params: TParams) => unknown,
): Gate<TContext, TEvent, TParams> {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidOption(`Expected \`name\` of a gate to be a non-empty string, got \`${String(name)}\`.`);
  }
  const judged = typeof check === 'function' ? fromJudge(name, check) : fromChecks(name, check, value);
  return (args, params) => {
    const { reasons, passed, ...seen } = judged(args, params);
    recordVerdict({ gate: name, passed, reasons, ...seen });
    return passed;
  };
}

type CheckList<TContext extends MachineContext, TEvent extends EventObject> =
  | ZodType
  | ReadonlyArray<ZodType | GateCheck<never, TContext, TEvent>>;

interface Seen extends Judged {
  readonly saw?: unknown;
}

function fromJudge<TContext extends MachineContext, TEvent extends EventObject, TParams>(
  name: string,
  judge: Judge<TContext, TEvent, TParams>,
): (args: GateArgs<TContext, TEvent>, params: TParams) => Seen {
  return (args, params) => ({
    ...readJudgement(judge(args, params), `gate \`${name}\``),
    ...(params === undefined ? {} : { saw: params }),
  });
}

function fromChecks<TContext extends MachineContext, TEvent extends EventObject, TParams>(
  name: string,
  given: CheckList<TContext, TEvent>,
  value: ((args: GateArgs<TContext, TEvent>, params: TParams) => unknown) | undefined,
): (args: GateArgs<TContext, TEvent>, params: TParams) => Seen {
  const checks: ReadonlyArray<ZodType | GateCheck<never, TContext, TEvent>> = isList(given) ? given : [given];
  if (checks.length === 0 || checks.some((check) => !isSchema(check) && typeof check !== 'function')) {
    throw new InvalidOption(
      `Expected gate \`${name}\` to have a predicate, a zod schema, or a list of a schema and checks.`,
    );
  }
  if (typeof value !== 'function') {
    const what = isList(given) ? 'checks' : 'a schema';
    throw new InvalidOption(
      `Gate \`${name}\` has ${what} but no value to check with it. Pass a function as the third argument, such as \`({ event }) => event.output\`.`,
    );
  }
  return (args, params) => {
    const saw = value(args, params);
    const judged = judgeBy(checks, saw, (check, checked, index) =>
      readJudgement(check(checked as never, args), `check ${index + 1} of gate \`${name}\``),
    );
    return { ...judged, saw };
  };
}

function isList<T>(given: T | readonly T[]): given is readonly T[] {
  return Array.isArray(given);
}

function isSchema(check: unknown): check is ZodType {
  return typeof check === 'object' && check !== null && 'safeParse' in check;
}
