/** How often people corrected what a model proposed to them. */
import type { ProposalRecord } from '../gates/edit.ts';
import type { HistoryEntry } from './history.ts';

export interface CorrectionRate extends CorrectionCount {
  /** By the id of the state that asked. */
  readonly states: Readonly<Record<string, CorrectionCount>>;
}

export interface CorrectionCount {
  /** Proposals that were answered. */
  readonly answered: number;
  /** Taken as they were, or edited without any change. */
  readonly accepted: number;
  /** Changed. */
  readonly edited: number;
  readonly rejected: number;
  /** What was edited or rejected, of all that was answered; `null` if nothing was. */
  readonly rate: number | null;
}

/**
 * Count over the histories of any number of runs.
 *
 * @example
 * ```ts
 * correctionRate([await run.history(), await another.history()]); // { answered: 20, edited: 3, rejected: 1, rate: 0.2, … }
 * ```
 */
export function correctionRate(histories: Iterable<readonly HistoryEntry[]>): CorrectionRate {
  const records = [...histories]
    .flat()
    .flatMap((entry) => (entry.type === 'message' && entry.edit ? [entry.edit] : []));
  const states = [...new Set(records.map(({ state }) => state))].map(
    (state) => [state, countOf(records.filter((record) => record.state === state))] as const,
  );
  return { ...countOf(records), states: Object.fromEntries(states) };
}

function countOf(records: readonly ProposalRecord[]): CorrectionCount {
  const rejected = records.filter(({ fate }) => fate === 'rejected').length;
  const edited = records.filter(({ fate, changed }) => fate === 'edited' && changed).length;
  const answered = records.length;
  return {
    answered,
    accepted: answered - edited - rejected,
    edited,
    rejected,
    rate: answered === 0 ? null : (edited + rejected) / answered,
  };
}
