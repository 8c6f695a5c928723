/**
 * `gate`: a guard whose verdict and reasons are on record.
 *
 * To XState it is a guard like any other: it takes `{ context, event }` and says yes or no, and it must be pure.
 */
import type { AnyEventObject, EventObject, MachineContext } from 'xstate';
import type { ZodType } from 'zod';

import { InvalidOption } from '../errors.ts';
import { recordVerdict, type Verdict } from './verdict.ts';

export interface GateArgs<TContext extends MachineContext, TEvent extends EventObject> {
  readonly context: TContext;
  readonly event: TEvent;
}

/** `true` or `[]` passes. `false` fails. A list of reasons fails with those reasons. */
export type Judgement = boolean | readonly string[];

export type Judge<TContext extends MachineContext, TEvent extends EventObject, TParams> = (
  args: GateArgs<TContext, TEvent>,
  params: TParams,
) => Judgement;

/** A guard as `setup({ guards })` and `guard` take it, with the `params` that its judge asks for. */
export type Gate<TContext extends MachineContext, TEvent extends EventObject, TParams> = (
  args: GateArgs<TContext, TEvent>,
  params: TParams,
) => boolean;

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
export function gate<TContext extends MachineContext, TEvent extends EventObject, TParams>(
  name: string,
  check: ZodType | Judge<TContext, TEvent, TParams>,
  value?: (args: GateArgs<TContext, TEvent>, params: TParams) => unknown,
): Gate<TContext, TEvent, TParams> {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidOption(`Expected \`name\` of a gate to be a non-empty string, got \`${String(name)}\`.`);
  }
  const judge = typeof check === 'function' ? fromJudge(check) : fromSchema(name, check, value);
  return (args, params) => {
    const { reasons, passed, ...seen } = judge(args, params);
    recordVerdict({ gate: name, passed, reasons, ...seen });
    return passed;
  };
}

type Judged = Omit<Verdict, 'gate'>;

function fromJudge<TContext extends MachineContext, TEvent extends EventObject, TParams>(
  judge: Judge<TContext, TEvent, TParams>,
): (args: GateArgs<TContext, TEvent>, params: TParams) => Judged {
  return (args, params) => {
    const judgement = judge(args, params);
    const saw = params === undefined ? {} : { saw: params };
    return typeof judgement === 'boolean'
      ? { passed: judgement, reasons: [], ...saw }
      : { passed: judgement.length === 0, reasons: judgement, ...saw };
  };
}

function fromSchema<TContext extends MachineContext, TEvent extends EventObject, TParams>(
  name: string,
  schema: ZodType,
  value: ((args: GateArgs<TContext, TEvent>, params: TParams) => unknown) | undefined,
): (args: GateArgs<TContext, TEvent>, params: TParams) => Judged {
  if (typeof value !== 'function') {
    throw new InvalidOption(
      `Gate \`${name}\` has a schema but no value to check with it. Pass a function as the third argument, such as \`({ event }) => event.output\`.`,
    );
  }
  return (args, params) => {
    const saw = value(args, params);
    const parsed = schema.safeParse(saw);
    const reasons = parsed.success
      ? []
      : parsed.error.issues.map(({ path, message }) =>
          path.length ? `${path.map(String).join('.')}: ${message}` : message,
        );
    return { passed: parsed.success, reasons, saw };
  };
}
