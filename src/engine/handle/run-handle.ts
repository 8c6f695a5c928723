/**
 * A handle of one run: sends to it, looks at it, waits for it. It holds nothing that the store does not have, so any
 * process may have one, and any number of them.
 */
import type { AnyStateMachine, EventFromLogic, OutputFrom } from 'xstate';

import type { PartialText } from '../held-run.ts';
import { decodeEntry, type HistoryEntry } from '../history.ts';
import type { PartialTexts } from '../partial-texts.ts';
import { type RunSnapshot, snapshotOf, sourceOf } from '../run-snapshot.ts';
import { bounded, type WaitOptions } from './bounded.ts';
import { type CancelOptions, cancelRun } from './cancel-run.ts';
import type { SnapshotCondition } from './condition.ts';
import type { EngineCore } from './core.ts';
import { type SendOptions, sendEvent } from './deliver.ts';
import { retryRun, type RetryOptions } from './retry-run.ts';
import { stepsOf, type StepsOptions } from './steps.ts';
import { result, settled, waitFor } from './waits.ts';

export interface HistoryOptions extends WaitOptions {
  /** Leave out so many entries at the beginning. Default: 0. */
  readonly from?: number | undefined;
}

/**
 * Every call takes `timeoutMs` and `signal`. With `timeoutMs` it rejects with `WaitTimeout` once that time is over, with
 * `signal` with the signal's reason once that is aborted. A store that is away rejects a call with `StoreUnavailable`;
 * calls that wait go on waiting for it, for a minute if they have no limit.
 */
export interface RunHandle<TMachine extends AnyStateMachine = AnyStateMachine> {
  readonly id: string;
  /**
   * Send an event. It is stored at once, and when it has had its turn this resolves with the snapshot that it led to. An
   * event with `hold` that has to wait resolves with the snapshot that it waits in; so does one whose run is held by
   * another process.
   *
   * Throws `EventInvalid` if the workflow has no such event or its schema refuses the payload, `EventNotAccepted` if the
   * state at its turn does not take it, or the run has ended; `AnswerNotAllowed` if it is an answer that `by` may not give;
   * `NoWorkerError` if no live worker executes the workflow, `RunStuck` if none can go on with the run: then it is stored.
   */
  send(event: EventFromLogic<TMachine>, options?: SendOptions): Promise<RunSnapshot<TMachine>>;
  snapshot(options?: WaitOptions): Promise<RunSnapshot<TMachine>>;
  /**
   * The first snapshot that meets the condition. Throws `InvalidOption` if the machine has no such state, tag or status;
   * `WaitTimeout`, `RunFailed` or `RunCancelled` if the run can no longer get there; `RunStuck` if no worker executes it.
   */
  waitFor(
    condition: SnapshotCondition | ((snapshot: RunSnapshot<TMachine>) => boolean),
    options?: WaitOptions,
  ): Promise<RunSnapshot<TMachine>>;
  /** The snapshot once nothing is left to do but wait for an event, a timer or a person, or the run has ended. */
  settled(options?: WaitOptions): Promise<RunSnapshot<TMachine>>;
  /** The output. Throws `RunFailed` (with the error as `cause`), `RunCancelled`, or `RunStuck` if no worker executes it. */
  result(options?: WaitOptions): Promise<OutputFrom<TMachine>>;
  /**
   * Stop the run; calls in flight are aborted through their signal. A run that has ended stays as it is. One that no worker
   * can execute is ended without its machine; `stopped` hooks of its actors do not run then, which is on record.
   *
   * Throws `NoWorkerError` if no live worker executes the workflow; then it is stored, and ends the run once one is back.
   */
  cancel(reason?: string, options?: CancelOptions): Promise<RunSnapshot<TMachine>>;
  /**
   * Let a failed run go on from where it failed, or from an earlier step; what its invocations have journaled is kept. It
   * resolves once that is stored.
   *
   * Throws `RetryNotPossible` if the run has not failed, or an irreversible call was made after `from`.
   */
  retry(options?: RetryOptions): Promise<RunSnapshot<TMachine>>;
  /**
   * Call `listener` with the text of answers as it comes in, from whichever process works on the run. Pieces are not
   * stored, and what they add up to is not an answer until it has been checked; after a failed attempt they begin anew.
   * From other processes they come in larger pieces, and without the input of their invocation. Returns the way to stop.
   */
  onPartial(listener: (piece: PartialText) => void): () => void;
  /** All that is on record, oldest first. */
  history(options?: HistoryOptions): Promise<readonly HistoryEntry[]>;
  /**
   * Every history entry as it is stored, from the first on or after `from` of them; ends when the run has ended. Entries are
   * read as they are taken. `timeoutMs` limits the time to each next one.
   *
   * @example
   * for await (const step of run.steps({ signal })) console.log(step.type, step.at);
   */
  steps(options?: StepsOptions): AsyncIterableIterator<HistoryEntry>;
}

const historyPage = 500;

export function createRunHandle(core: EngineCore, partials: PartialTexts, id: string): RunHandle {
  async function history({ from = 0 }: HistoryOptions): Promise<HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    for (let next = from; ; next += historyPage) {
      const page = await core.store.history(id, next, historyPage);
      entries.push(...page.map(decodeEntry));
      if (page.length < historyPage) break;
    }
    // An empty history may be that of a run that is not there.
    if (entries.length === 0) await core.load(id);
    return entries;
  }

  async function snapshot(): Promise<RunSnapshot> {
    const run = core.held(id);
    if (run) return snapshotOf(run);
    const stored = await core.load(id);
    return snapshotOf(sourceOf(core.workflowOf(stored), stored));
  }

  return {
    id,
    send: ((event, options) => sendEvent(core, id, event, options)) as RunHandle['send'],
    snapshot: (options = {}) => bounded(core, options, { runId: id }, snapshot),
    waitFor: (condition, options) => waitFor(core, id, condition, options),
    settled: (options) => settled(core, id, options),
    result: ((options?: WaitOptions) => result(core, id, options)) as RunHandle['result'],
    cancel: (reason, options) => cancelRun(core, id, reason, options),
    retry: (options) => retryRun(core, id, options),
    onPartial: (listener) => partials.subscribe(id, listener),
    history: (options = {}) => bounded(core, options, { runId: id }, () => history(options)),
    steps: (options = {}) => stepsOf(core, id, options),
  };
}
