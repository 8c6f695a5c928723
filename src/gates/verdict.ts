/**
 * Where the verdicts of gates go while a message is advanced. A gate is called by XState as a plain guard, so it
 * has nothing to return a reason through; it leaves its verdict here, and `advance` picks it up.
 *
 * I1. `advance` is synchronous, so one collector at a time is enough; it is restored even when the body throws.
 * I2. Outside a collector (a plain `createActor`, `snapshot.can`) verdicts go nowhere and cost nothing.
 */

export interface Verdict {
  /** The gate's name. */
  readonly gate: string;
  readonly passed: boolean;
  /** Why it did not pass, each a sentence that a person or a model can act on. Empty if it passed. */
  readonly reasons: readonly string[];
  /** The value that was judged, if the gate names one. */
  readonly saw?: unknown;
}

let collector: Verdict[] | undefined;

export function recordVerdict(verdict: Verdict): void {
  collector?.push(verdict);
}

export function collectVerdicts<T>(into: Verdict[] | undefined, body: () => T): T {
  const outer = collector;
  collector = into;
  try {
    return body();
  } finally {
    collector = outer;
  }
}
