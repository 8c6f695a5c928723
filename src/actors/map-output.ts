/**
 * The schema of what a map gives, made of those of its parts. Its own parse gives back each output unchanged, and makes one
 * of the outcomes of the items, so that what is derived from it holds together.
 */
import { z, type ZodType } from 'zod';

import type { DurableActor } from '../invocation.ts';
import type { PlainError } from '../plain-error.ts';
import { eitherOf } from './either-of.ts';
import type { MapFailure, MapOutcome } from './map-options.ts';
import { plainErrorOf } from './plain-error-of.ts';

export interface MapParts {
  readonly each: DurableActor;
  /** The reducer. */
  readonly by: DurableActor | undefined;
  /** How many failures are borne. Undefined: none, and they are not in the output. */
  readonly atMost: number | undefined;
}

/** Undefined if one of the parts does not say what it gives. */
export function mapOutput({ each, by, atMost }: MapParts): ZodType | undefined {
  // A list of one is not reduced.
  const part = eitherOf(by ? [each, by] : [each]);
  if (!part) return undefined;
  if (atMost === undefined) return by ? part : z.array(part);
  return by ? z.object({ output: part, failures: failuresUpTo(atMost) }) : settled(part, atMost);
}

/** Any that may be, and derived are none and one. */
function failuresUpTo(atMost: number): ZodType<readonly MapFailure[]> {
  const Failures = z.array(z.object({ index: z.int().min(0), error: plainErrorOf(itFailed) })).max(atMost);
  return z
    .custom<readonly MapFailure[]>(
      (given) => Failures.safeParse(given).success,
      'Expected the failures that are borne.',
    )
    .meta({ examples: atMost > 0 ? [[], [{ index: 0, error: itFailed }]] : [[]] });
}

const itFailed: PlainError = { name: 'Error', message: 'It failed.' };

function settled(part: ZodType, atMost: number): ZodType {
  const Ended = z.union([
    // A part that takes anything would take a missing output.
    z.strictObject({ output: part }),
    z.strictObject({ error: plainErrorOf(itFailed) }),
  ]);
  const AllEnded = z
    .array(Ended)
    .refine((ended) => ended.filter((one) => 'error' in one).length <= atMost, 'More failed than are borne.');
  return z.preprocess(
    (given) => (isMapOutcome(given) ? endedOf(given) : given),
    AllEnded.transform((ended): MapOutcome<unknown> => ({
      outputs: ended.map((one) => ('output' in one ? one.output : undefined)),
      failures: ended.flatMap((one, index) => ('error' in one ? [{ index, error: one.error }] : [])),
    })),
  );
}

function endedOf({ outputs, failures }: MapOutcome<unknown>): unknown[] {
  const errors = new Map(failures.map(({ index, error }) => [index, error]));
  return outputs.map((output, index) => (errors.has(index) ? { error: errors.get(index) } : { output }));
}

function isMapOutcome(value: unknown): value is MapOutcome<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const { outputs, failures } = value as Partial<MapOutcome<unknown>>;
  return Array.isArray(outputs) && Array.isArray(failures);
}
