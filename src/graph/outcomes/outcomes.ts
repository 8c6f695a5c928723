/** What an invocation can answer, and with what an event can come: derived from schemas, and from what the author gives. */
import type { AnyActorLogic } from 'xstate';
import type { ZodType } from 'zod';

import { ActorValueInvalid, GateRejected, OutcomeUnknown, TimedOut } from '../../errors.ts';
import { durableActor } from '../../invocation.ts';
import { errorLabel } from './error-label.ts';
import { labelOf } from './label-of.ts';
import { valuesOf } from './values-of.ts';

/** One way in which an invocation may end. */
export type Outcome =
  /** `guessed`: nothing is known of what it answers, so this is nothing. */
  | { readonly label: string; readonly output: unknown; readonly guessed?: true }
  | { readonly label: string; readonly error: unknown };

export interface DerivedOutcomes {
  readonly outcomes: readonly Outcome[];
  /** Places in its schema that no value was found for. */
  readonly lacking: readonly string[];
}

/** Where the author gives examples, these tell most of it; of what the schema tells, this much is tried beside them. */
const besideExamples = 6;

/** Examples come first. Without a schema and examples all that can be tried is no answer at all. */
export function outcomesOf(
  src: string,
  logic: AnyActorLogic | undefined,
  examples: readonly unknown[] = [],
): DerivedOutcomes {
  const actor = logic && durableActor(logic);
  const { values, lacking } = actor?.output
    ? valuesOf(actor.output, examples.length > 0 ? { atMost: besideExamples } : {})
    : { values: [], lacking: [] };
  const given = [...examples, ...values];
  const failures: readonly Error[] = [
    new Error(`${src} failed.`),
    new TimedOut(`${src} took too long.`),
    new ActorValueInvalid(`${src} gave what its schema does not take.`),
    ...(actor?.failures ?? []).map((error) => withOutput(error, values[0])),
    ...(actor?.irreversible ? [new OutcomeUnknown(`It is not known what became of ${src}.`)] : []),
  ];
  return {
    outcomes: [
      ...given.map((output) => ({ label: labelOf(output), output })),
      ...(given.length === 0 ? [{ label: 'ok', output: undefined, guessed: true as const }] : []),
      ...failures.map((error) => ({ label: errorLabel(error), error })),
    ],
    lacking,
  };
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

/** Payloads of an event, without its type. */
export function payloadsOf(schema: ZodType | undefined, examples: readonly unknown[] = []): DerivedPayloads {
  const { values, lacking } = schema ? valuesOf(schema) : { values: [{}], lacking: [] };
  const payloads = [...examples, ...values].filter(
    (value): value is Record<string, unknown> => typeof value === 'object' && value !== null,
  );
  return { payloads, lacking };
}
