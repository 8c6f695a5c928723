/** What a check says of a value, and how it is read. */
import { InvalidOption } from '../errors.ts';

/** `true` or `[]` passes. `false` fails. A list of reasons fails with those reasons. */
export type Judgement = boolean | readonly string[];

/** A judgement as it is kept. */
export interface Judged {
  readonly passed: boolean;
  /** Why it did not pass, each a sentence that a person and a model can act on. */
  readonly reasons: readonly string[];
}

/** Throws `InvalidOption` for what is no judgement; `who` names the check in it. */
export function readJudgement(judgement: unknown, who: string): Judged {
  if (typeof judgement === 'boolean') return { passed: judgement, reasons: [] };
  if (Array.isArray(judgement) && judgement.every((reason) => typeof reason === 'string')) {
    return { passed: judgement.length === 0, reasons: judgement };
  }
  if (isPromiseLike(judgement)) {
    // Nobody will ask for its result, and a rejection that nobody hears ends the process.
    void judgement.then(undefined, () => {});
    throw new InvalidOption(
      `${who} returned a promise, but a guard has to answer at once. Have a check that waits judge the answer in the actor that gives it.`,
    );
  }
  throw new InvalidOption(
    `Expected ${who} to return true, false or a list of reasons, got \`${String(judgement)}\`.`,
  );
}

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
