/** Faults that a service can be ordered to have, so that what a workflow does about them can be seen. */
import { z } from 'zod';

const faultKinds = ['fail', 'hang', 'hang-after', 'die-after'] as const;

/**
 * `fail` and `hang` come before the effect: an error, or no answer. With the `-after` kinds the effect takes place and
 * there is no answer, or the process dies.
 */
export type FaultKind = (typeof faultKinds)[number];

export interface FaultOrder {
  readonly target: string;
  readonly kind: FaultKind;
  readonly times: number;
  /** Only calls with this idempotency key. Default: any call. */
  readonly key?: string | undefined;
}

export type FaultTargets = readonly [string, ...string[]];

export function faultOrderFor(targets: FaultTargets) {
  return z.object({
    target: z.enum(targets),
    kind: z.enum(faultKinds),
    times: z.int().positive().default(1),
    key: z.string().optional(),
  });
}

/** `refunds:hang:2`, or for one key only `refunds:hang:2:<key>`. */
export function parseFault(targets: FaultTargets, text: string): FaultOrder {
  const [target, kind, times = '1', ...key] = text.split(':');
  const parsed = faultOrderFor(targets).safeParse({
    target,
    kind,
    times: Number(times),
    ...(key.length > 0 && { key: key.join(':') }),
  });
  if (parsed.success) return parsed.data;
  throw new Error(`Expected a fault such as \`${targets[0]}:hang:2\`, got \`${text}\`.`);
}
