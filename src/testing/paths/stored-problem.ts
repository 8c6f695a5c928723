/** Whether a store gives back what was written to it. */
import { isDeepStrictEqual } from 'node:util';

import type { Store } from '../../../persistence/store.ts';
import { stateOf } from '../../engine/progress.ts';
import type { Difference, RunRecord } from './run-record.ts';

export interface StoredProblem extends Difference {
  readonly problem: string;
}

/** What the store has otherwise than it was told; `undefined` if nothing. */
export async function storedProblem(
  store: Store,
  runId: string,
  { state: expected, log }: RunRecord,
): Promise<StoredProblem | undefined> {
  const stored = await store.load(runId);
  const state = stored && stateOf(stored.state);
  if (!isDeepStrictEqual(state, expected)) {
    return { problem: 'The store has another state than was written.', actual: state, expected };
  }
  const history = await wholeHistory(store, runId);
  if (!isDeepStrictEqual(history, log)) {
    return { problem: 'The store has another history than was written.', actual: history, expected: log };
  }
  return undefined;
}

const page = 500;

async function wholeHistory(store: Store, runId: string): Promise<string[]> {
  const history: string[] = [];
  for (;;) {
    const entries = await store.history(runId, history.length, page);
    history.push(...entries);
    if (entries.length < page) return history;
  }
}
