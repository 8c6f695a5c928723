/** What an invocation can answer, and with what an event can come: derived from schemas, and from what the author gives. */
import type { AnyActorLogic } from 'xstate';
import type { ZodType } from 'zod';

import { carried } from '../../engine/codec.ts';
import { ActorValueInvalid, BudgetExceeded, GateRejected, OutcomeUnknown, TimedOut } from '../../errors.ts';
import { durableActor } from '../../invocation.ts';
import type { RunBudget } from '../../workflow.ts';
import { asStored } from './as-stored.ts';
import { errorLabel } from './error-label.ts';
import { labelOf } from './label-of.ts';
import type { Outcome } from './outcome.ts';
import { valuesOf } from './values-of.ts';

export interface DerivedOutcomes {
  readonly outcomes: readonly Outcome[];
  /** Places in its schema that no value was found for. */
  readonly lacking: readonly string[];
}

/** Where the author gives examples, these tell most of it; of what the schema tells, this much is tried beside them. */
const besideExamples = 6;

export interface OutcomesOptions {
  /** Outputs that the author gives. */
  readonly examples?: readonly unknown[];
  /** The workflow's. A call to a model that could overrun it is not made. */
  readonly budget?: RunBudget | undefined;
}

/** Examples come first. Without a schema and examples all that can be tried is no answer at all. */
export function outcomesOf(
  src: string,
  logic: AnyActorLogic | undefined,
  { examples = [], budget }: OutcomesOptions = {},
): DerivedOutcomes {
  const actor = logic && durableActor(logic);
  const { values, lacking } = actor?.output
    ? valuesOf(actor.output, examples.length > 0 ? { atMost: besideExamples } : {})
    : { values: [], lacking: [] };
  const given = [...examples, ...values];
  const declared = actor?.failures ?? [];
  const failures: readonly Error[] = [
    new Error(`${src} failed.`),
    new TimedOut(`${src} took too long.`),
    new ActorValueInvalid(`${src} gave what its schema does not take.`),
    ...declared.map((error) => withOutput(error, values[0])),
    ...(actor?.irreversible ? [new OutcomeUnknown(`It is not known what became of ${src}.`)] : []),
    ...(actor?.fallible && budget && !declared.some((error) => error instanceof BudgetExceeded)
      ? [overBudget(src, budget)]
      : []),
  ];
  const outcomes: readonly Outcome[] = [
    ...given.map((output) => ({ label: labelOf(output), output })),
    ...(given.length === 0 ? [{ label: 'ok', output: undefined, guessed: true as const }] : []),
    ...failures.map((error) => ({ label: errorLabel(error), error })),
  ];
  return { outcomes: outcomes.map((outcome) => asStored(outcome, src)), lacking };
}

/** As the engine refuses a call, with all of the budget used up before it. */
function overBudget(src: string, budget: RunBudget): BudgetExceeded {
  const { tokens = 0, usd = 0 } = budget;
  return new BudgetExceeded(`The call of ${src} could overrun the budget of the run. It was not made.`, {
    details: { budget, spent: { tokens, usd }, atMost: { tokens: 1, usd: 0.01 } },
  });
}

/** What was refused has the right form; which value it has, the actor cannot say beforehand. */
function withOutput(error: Error, output: unknown): Error {
  return error instanceof GateRejected && error.details['output'] === undefined
    ? new GateRejected(error.message, { cause: error.cause, details: { ...error.details, output } })
    : error;
}

export interface DerivedPayloads {
  readonly payloads: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly lacking: readonly string[];
}

/** Payloads of an event, without its type. One that no store can carry is refused when it is sent, so it is lacking. */
export function payloadsOf(schema: ZodType | undefined, examples: readonly unknown[] = []): DerivedPayloads {
  const { values, lacking } = schema ? valuesOf(schema) : { values: [{}], lacking: [] };
  const stored = values.flatMap((value) => asCarried(value));
  const payloads = [...examples, ...stored].filter(
    (value): value is Record<string, unknown> => typeof value === 'object' && value !== null,
  );
  return { payloads, lacking: stored.length < values.length ? [...lacking, ''] : lacking };
}

function asCarried(value: unknown): unknown[] {
  try {
    return [carried(value, 'event')];
  } catch {
    return [];
  }
}
