/**
 * Ends a run. Its worker does so where there is one; a run that nobody can execute is ended in the store, without its
 * machine.
 */
import type { AcquiredRun, StoredRun } from '../../../persistence/store.ts';
import { RunNotFound } from '../../errors.ts';
import { encodeEntry, type HistoryEntry } from '../history.ts';
import { receiveMail } from '../mail.ts';
import { hasEnded, progressOf, stateOf } from '../progress.ts';
import { type RunSnapshot, storedSnapshotOf } from '../run-snapshot.ts';
import type { RunState } from '../run-state.ts';
import { bounded, type CallFacts } from './bounded.ts';
import type { EngineCore } from './core.ts';
import { assertUntil, deliver, type DeliveryOptions } from './deliver.ts';
import { leaseFor } from './lease-for.ts';
import { problemOfRun } from './stuck.ts';

export type CancelOptions = DeliveryOptions;

const childrenPage = 200;

export async function cancelRun(
  core: EngineCore,
  id: string,
  reason: string | undefined,
  options: CancelOptions = {},
): Promise<RunSnapshot> {
  const facts: CallFacts = { runId: id, stored: false };
  assertUntil(options.until);
  return bounded(core, options, facts, async (scope) => {
    core.assertRunning();
    await core.ready();
    const stored = await core.load(id);
    if (await isUnexecutable(core, stored)) {
      const acquired = await leaseFor(core, id, scope, ({ status }) => !hasEnded(status));
      if (acquired) await endInStore(core, acquired, reason, facts);
      return storedSnapshotOf(await core.load(id));
    }
    const mail = { type: 'cancel' as const, ...(reason === undefined ? {} : { reason }) };
    return deliver(core, stored, mail, { until: options.until }, facts, scope);
  });
}

/** Whether no worker there is can end it with its machine. */
async function isUnexecutable(core: EngineCore, stored: StoredRun): Promise<boolean> {
  if (hasEnded(stored.status)) return false;
  if (problemOfRun(core, stored)) return true;
  if (core.hasWorkflow(stored) || core.workers.isLive(stored.lease)) return false;
  return !(await core.workers.serves(`${stored.workflow}@${stored.version}`));
}

async function endInStore(
  core: EngineCore,
  { run, inbox }: AcquiredRun,
  reason: string | undefined,
  facts: CallFacts,
): Promise<void> {
  const at = core.clock.now();
  const before = readableState(run);
  const state: RunState = {
    ...before,
    snapshot: { ...before.snapshot, status: 'stopped' },
    timers: [],
    invocations: [],
  };
  const entry: HistoryEntry = {
    type: 'message',
    at,
    seq: run.seq + 1,
    message: { type: 'cancel', at, ...(reason === undefined ? {} : { reason }) },
    value: JSON.parse(run.value) as never,
    status: 'cancelled',
    stopped: before.invocations.map(({ key }) => key),
    unhosted: true,
  };
  facts.stored = 'unknown';
  const result = await core.store.commit(run.id, {
    ...progressOf(state, []),
    value: run.value,
    log: [entry, ...refusalsOf(inbox, at)].map(encodeEntry),
    token: core.token,
    seq: run.seq,
    now: at,
    consumed: inbox.map((message) => message.id),
    freeKeys: [],
    forget: [],
    seen: inbox.at(-1)?.id ?? 0,
    lease: 'release',
    wakeAt: null,
  });
  if (result.status === 'missing') throw new RunNotFound(run.id);
  facts.stored = result.status === 'committed';
  if (result.status === 'committed' && !result.released) {
    const seen = result.inbox.at(-1)?.id ?? 0;
    await core.store.release(run.id, { token: core.token, wakeAt: null, seen });
  }
  await cancelChildren(core, run.id);
  const { parent } = before;
  if (parent) await core.post(parent.runId, { type: 'wake', key: parent.key }, `ended ${run.id}`);
}

/** What waits in the inbox is refused, as a run that has ended refuses it. */
function refusalsOf(inbox: AcquiredRun['inbox'], at: number): HistoryEntry[] {
  return inbox.map(receiveMail).flatMap(({ id: messageId, mail }) => {
    if (mail.type !== 'event') return [];
    const reason = `The run was cancelled before \`${mail.event.type}\` had its turn.`;
    return [{ type: 'refused' as const, at, messageId, event: mail.event, reason }];
  });
}

/** Its actors cannot do so themselves. */
async function cancelChildren(core: EngineCore, parent: string): Promise<void> {
  for (let cursor: string | undefined; ;) {
    const page = await core.store.list({
      parent,
      limit: childrenPage,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const child of page.runs) {
      if (hasEnded(child.status)) continue;
      const reason = `run \`${parent}\` was cancelled`;
      await core.post(child.id, { type: 'cancel', reason }, `cancelled by ${parent}`);
    }
    cursor = page.cursor;
    if (cursor === undefined) return;
  }
}

/** The stored state, or what is known of it if its text is damaged. */
function readableState(run: StoredRun): RunState {
  try {
    return stateOf(run.state);
  } catch {
    const value = JSON.parse(run.value) as never;
    return { snapshot: { status: 'active', value }, timers: [], invocations: [], entries: {}, ids: 0 };
  }
}
