/**
 * Lets a failed run go on from where it failed, or from an earlier step. That it does is on record; journaled values are
 * kept.
 */
import type { AcquiredRun, StoredRun } from '../../../persistence/store.ts';
import { RetryNotPossible, RunNotFound } from '../../errors.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { advance, performerOf, viewState } from '../advance.ts';
import { errorClassesOf } from '../../error-classes.ts';
import { durableActor } from '../../invocation.ts';
import { decode } from '../codec.ts';
import { encodeEntry, type HistoryEntry, type MessageEntry } from '../history.ts';
import { isAttemptOf } from '../performer.ts';
import { entryOf, hasEnded, progressOf, stateOf } from '../progress.ts';
import { type RunSnapshot, snapshotOf, sourceOf } from '../run-snapshot.ts';
import type { Advanced, Message, RunState } from '../run-state.ts';
import { assertPositiveInteger } from '../texts.ts';
import { bounded, type CallFacts, type WaitOptions } from './bounded.ts';
import type { EngineCore } from './core.ts';
import { leaseFor } from './lease-for.ts';

export interface RetryOptions extends WaitOptions {
  /** The sequence number of an earlier step to go on from: the state that it led to. Default: the step before the failure. */
  readonly from?: number | undefined;
  /**
   * Call irreversible actors again that are not idempotent and may have taken effect. Without it they give `OutcomeUnknown`.
   * Default: false.
   */
  readonly repeatIrreversible?: boolean | undefined;
}

const historyPage = 500;

export async function retryRun(
  core: EngineCore,
  id: string,
  options: RetryOptions = {},
): Promise<RunSnapshot> {
  const facts: CallFacts = { runId: id, stored: false };
  if (options.from !== undefined) assertPositiveInteger('from', options.from);
  return bounded(core, options, facts, async (scope) => {
    core.assertRunning();
    await core.ready();
    const stored = await core.load(id);
    const workflow = core.workflowOf(stored);
    assertFailed(stored);
    const acquired = await leaseFor(core, id, scope, ({ status }) => status === 'failed');
    if (!acquired) {
      assertFailed(await core.load(id));
      throw notPossible(id, 'Another worker has it.');
    }
    try {
      facts.stored = 'unknown';
      await goOn(core, workflow, acquired, options);
      facts.stored = true;
    } catch (error) {
      const seen = acquired.inbox.at(-1)?.id ?? 0;
      await core.store.release(id, { token: core.token, wakeAt: null, seen });
      throw error;
    }
    await core.sent(id);
    const run = core.held(id);
    return snapshotOf(run ?? sourceOf(workflow, await core.load(id)));
  });
}

async function goOn(
  core: EngineCore,
  workflow: AnyWorkflow,
  { run, inbox, journal }: AcquiredRun,
  { from, repeatIrreversible = false }: RetryOptions,
): Promise<void> {
  const at = core.clock.now();
  const message: Message = { type: 'retry', at };
  const failed = stateOf(run.state, workflow);
  const led =
    from === undefined
      ? retried(workflow, run.id, failed, message)
      : await foldTo(core, workflow, run, from, repeatIrreversible);
  const entry: MessageEntry = {
    ...entryOf({ seq: run.seq + 1, led, before: failed, turn: { message } }),
    ...(from === undefined ? {} : { from }),
  };
  const repeated = repeatIrreversible ? calledOnce(workflow, led.state) : [];
  // From an earlier step, calls that come later have the keys of those that were made before.
  const callsAgain = (name: string): boolean =>
    repeated.some((key) => isAttemptOf(key, name)) ||
    (repeatIrreversible && from !== undefined && name.startsWith('attempt '));
  const forget = [...journal.keys()].filter(callsAgain);
  const result = await core.store.commit(run.id, {
    ...progressOf(led.state, led.tags),
    log: [encodeEntry(entry)],
    token: core.token,
    seq: run.seq,
    now: at,
    consumed: [],
    freeKeys: [],
    forget,
    seen: inbox.at(-1)?.id ?? 0,
    lease: 'release',
    wakeAt: at,
  });
  if (result.status === 'missing') throw new RunNotFound(run.id);
  if (result.status !== 'committed') throw notPossible(run.id, 'It has changed meanwhile.');
  if (!result.released) await core.store.release(run.id, { token: core.token, wakeAt: at, seen: 0 });
}

/** Keys of the pending invocations that are never called again by themselves. */
function calledOnce(workflow: AnyWorkflow, { invocations }: RunState): string[] {
  return invocations.flatMap(({ key, src }) => {
    const logic = performerOf(workflow, src);
    const actor = logic && durableActor(logic);
    return actor?.irreversible && !actor.idempotent ? [key] : [];
  });
}

function retried(workflow: AnyWorkflow, id: string, failed: RunState, message: Message): Advanced {
  const led = advance(workflow, failed, message);
  if (!led.accepted) throw notPossible(id, 'What it failed from is not on record.');
  return led;
}

/** The state that the step led to, by its messages. */
async function foldTo(
  core: EngineCore,
  workflow: AnyWorkflow,
  run: StoredRun,
  from: number,
  repeatIrreversible: boolean,
): Promise<Advanced> {
  if (from >= run.seq)
    throw notPossible(run.id, `It has ${run.seq} steps; \`from\` is one before the last.`, { from });
  const entries = await everyEntry(core, workflow, run.id);
  const at = entries.findIndex((entry) => entry.type === 'message' && entry.seq === from);
  if (at < 0) throw notPossible(run.id, `Step ${from} is not on record.`, { from });
  const repeated = entries
    .slice(at)
    .find((entry) => entry.type === 'attempt' && entry.why === 'irreversible');
  if (repeated?.type === 'attempt' && !repeatIrreversible) {
    throw notPossible(
      run.id,
      `\`${repeated.key}\` is irreversible and was called after step ${from}. \`repeatIrreversible: true\` calls it again.`,
      { from, key: repeated.key },
    );
  }
  const state = entries.slice(0, at + 1).reduce<RunState | undefined>((before, entry) => {
    if (entry.type !== 'message') return before;
    if (entry.from !== undefined)
      throw notPossible(run.id, 'It went on from an earlier step before.', { from });
    return advance(workflow, before, entry.message).state;
  }, undefined);
  if (!state || hasEndedState(state)) throw notPossible(run.id, `It had ended at step ${from}.`, { from });
  const { tags } = viewState(workflow, state);
  const started = state.invocations;
  return { state, tags, accepted: true, started, stopped: [], actions: [], emitted: [], verdicts: [] };
}

function hasEndedState({ snapshot }: RunState): boolean {
  return snapshot.status !== 'active';
}

async function everyEntry(core: EngineCore, workflow: AnyWorkflow, id: string): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  for (;;) {
    const page = await core.store.history(id, entries.length, historyPage);
    entries.push(...page.map((text) => decode(text, errorClassesOf(workflow.errors)) as HistoryEntry));
    if (page.length < historyPage) return entries;
  }
}

function assertFailed({ id, status }: StoredRun): void {
  if (status === 'failed') return;
  const why = hasEnded(status) ? `It has ended (${status}).` : 'It has not ended.';
  throw notPossible(id, `${why} Only a failed run is retried.`, { status });
}

function notPossible(
  runId: string,
  why: string,
  details: Readonly<Record<string, unknown>> = {},
): RetryNotPossible {
  return new RetryNotPossible(`Run \`${runId}\` cannot be retried. ${why}`, {
    details: { runId, ...details },
  });
}
