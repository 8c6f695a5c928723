/** Sends what callers have for a run, and tells what became of it. */
import type { EventObject } from 'xstate';

import type { StoredRun } from '../../../persistence/store.ts';
import { AnswerNotAllowed, EventNotAccepted, InvalidOption, RunNotFound } from '../../errors.ts';
import { type Answerer, assertAnswerer } from '../../gates/person.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { canAccept } from '../advance.ts';
import { refusalOfAnswer } from '../answers.ts';
import { encodeMail, type SentMail } from '../mail.ts';
import { hasEnded } from '../progress.ts';
import { refusalOf } from '../refusal.ts';
import {
  type RunSnapshot,
  snapshotOf,
  type SnapshotSource,
  sourceOf,
  storedSnapshotOf,
} from '../run-snapshot.ts';
import { assertText } from '../texts.ts';
import { bounded, type CallFacts, type Scope, type WaitOptions } from './bounded.ts';
import type { EngineCore, Refusal } from './core.ts';
import { parseEvent } from './parse-event.ts';

export interface DeliveryOptions extends WaitOptions {
  /**
   * `stored`: resolve once it is stored, with the snapshot as it was then; it is applied whatever happens. `taken`: resolve
   * once the run has taken it. Default: `taken`.
   */
  readonly until?: 'stored' | 'taken' | undefined;
}

export interface SendOptions extends DeliveryOptions {
  /** The run takes one event with this key; sending it again stores nothing and gives what the first led to. */
  readonly key?: string | undefined;
  /** If no state accepts the event when it is its turn, keep it until one does, instead of refusing it. */
  readonly hold?: boolean | undefined;
  /** Who sends it. It is on record, and a state that says who may answer takes an answer from nobody else. */
  readonly by?: Answerer | undefined;
}

const maxKeyLength = 500;

export async function sendEvent(
  core: EngineCore,
  id: string,
  event: EventObject,
  options: SendOptions = {},
): Promise<RunSnapshot> {
  const { key, hold = false, by, until } = options;
  const facts: CallFacts = { runId: id, stored: false };
  assertUntil(until);
  if (by !== undefined) assertAnswerer(by);
  if (key !== undefined) assertText('key', key, maxKeyLength);
  return bounded(core, options, facts, async (scope) => {
    core.assertRunning();
    await core.ready();
    const stored = await core.load(id);
    const workflow = core.workflowOf(stored);
    const parsed = parseEvent(workflow, event);
    if (key === undefined && !hold) await refuseEarly(core, stored, workflow, parsed, by);
    const mail: SentMail = {
      type: 'event',
      event: parsed,
      ...(hold ? { hold: true as const } : {}),
      ...(by ? { by } : {}),
    };
    return deliver(core, stored, mail, { key, until }, facts, scope);
  });
}

/** Where nothing is under way, an event that the state does not accept, or not from them, need not be stored to be refused. */
async function refuseEarly(
  { store }: EngineCore,
  stored: StoredRun,
  workflow: AnyWorkflow,
  event: EventObject,
  by: Answerer | undefined,
): Promise<void> {
  if (!hasEnded(stored.status)) {
    const isIdle =
      stored.status === 'waiting' && !stored.lease && (await store.inbox(stored.id, 0)).length === 0;
    if (!isIdle) return;
  }
  const now = sourceOf(workflow, stored);
  const notAllowed = refusalOfAnswer(now, event, by);
  if (notAllowed) throw notAllowed;
  if (!canAccept(workflow, now.state, event)) throw notAccepted(now, event);
}

/** Store it and, unless the caller wants no more, wait until the run has taken it. */
export async function deliver(
  core: EngineCore,
  stored: StoredRun,
  mail: SentMail,
  {
    key,
    until = 'taken',
  }: { readonly key?: string | undefined; readonly until?: 'stored' | 'taken' | undefined },
  facts: CallFacts,
  scope: Scope,
): Promise<RunSnapshot> {
  const { id } = stored;
  if (scope.isOver) return neverAsked();
  const delivery = core.watch(id).deliver(scope);
  const message = { at: core.clock.now(), body: encodeMail(mail), ...(key === undefined ? {} : { key }) };
  core.assertRunning();
  facts.stored = 'unknown';
  const sent = await core.store.send(id, message);
  facts.stored = 'messageId' in sent;
  if (sent.status === 'missing') throw new RunNotFound(id);
  if (!('messageId' in sent)) {
    const ended = await core.load(id);
    if (mail.type === 'cancel') return shown(core, ended);
    throw notAccepted(sourceOf(core.workflowOf(ended), ended), mail.event);
  }
  facts.messageId = sent.messageId;
  // To find a place for it may take a while.
  const handedOn = core.sent(id);
  if (until === 'stored') {
    handedOn.catch((error: unknown) => core.problem(error as Error, id));
    return shown(core, stored);
  }
  await handedOn;
  const isRepeat = sent.status === 'duplicate';
  const mayWait = mail.type === 'event' && mail.hold === true;
  if (mayWait && (isRepeat || !core.held(id)) && !delivery.known(sent.messageId)) {
    const run = core.held(id);
    return run ? snapshotOf(run) : shown(core, await core.load(id));
  }
  const { fate, snapshot } = await delivery.fateOf(sent, isRepeat);
  if (typeof fate === 'string' || mail.type === 'cancel') return snapshot;
  throw refusedBy(fate, { runId: id, event: mail.event.type });
}

/** Nobody waits for it any more. */
function neverAsked(): Promise<never> {
  return new Promise(() => {});
}

function shown(core: EngineCore, stored: StoredRun): RunSnapshot {
  return core.hasWorkflow(stored)
    ? snapshotOf(sourceOf(core.workflowOf(stored), stored))
    : storedSnapshotOf(stored);
}

export function assertUntil(until: unknown): void {
  if (until === undefined || until === 'stored' || until === 'taken') return;
  throw new InvalidOption(`Expected \`until\` to be 'stored' or 'taken', got ${JSON.stringify(until)}.`);
}

function notAccepted(at: SnapshotSource, event: EventObject): EventNotAccepted {
  return new EventNotAccepted(refusalOf(at, event), { details: { runId: at.id, event: event.type } });
}

function refusedBy(
  { refused, code }: Refusal,
  details: Readonly<Record<string, unknown>>,
): EventNotAccepted | AnswerNotAllowed {
  return code === 'ANSWER_NOT_ALLOWED'
    ? new AnswerNotAllowed(refused, { details })
    : new EventNotAccepted(refused, { details });
}
