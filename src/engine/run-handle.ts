/**
 * A handle of one run: sends to it, looks at it, waits for it. It holds nothing that the store does not have, so any
 * process may have one, and any number of them.
 *
 * Where this process holds the run, a handle hears of every step as it is committed; where another does, it looks at the
 * store at short intervals.
 */
import type { AnyStateMachine, EventFromLogic, EventObject, OutputFrom, StateValue } from 'xstate';
import { matchesState } from 'xstate';
import type { ZodType } from 'zod';

import type { RunStatus, Store, StoredRun } from '../../persistence/store.ts';
import {
  AnswerNotAllowed,
  describeIssues,
  EventInvalid,
  EventNotAccepted,
  InvalidOption,
  type Issue,
  RunCancelled,
  RunFailed,
  RunNotFound,
  WaitTimeout,
} from '../errors.ts';
import { matchesDescriptor } from '../event-descriptor.ts';
import { type Answerer, assertAnswerer } from '../gates/person.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { canAccept } from './advance.ts';
import { refusalOfAnswer } from './answers.ts';
import type { Clock } from './clock.ts';
import type { HeldRun, PartialText } from './held-run.ts';
import { decodeEntry, type HistoryEntry, type RefusedEntry } from './history.ts';
import { encodeMail, type SentMail } from './mail.ts';
import { statusOf } from './progress.ts';
import { refusalOf } from './refusal.ts';
import { type RunSnapshot, snapshotOf, type SnapshotSource, sourceOf } from './run-snapshot.ts';

export interface SendOptions {
  /** The run takes one event with this key; sending it again stores nothing and gives what the first led to. */
  readonly key?: string;
  /** If no state accepts the event when it is its turn, keep it until one does, instead of refusing it. */
  readonly hold?: boolean;
  /** Who sends it. It is on record, and a state that says who may answer takes an answer from nobody else. */
  readonly by?: Answerer;
}

export interface WaitOptions {
  /** In milliseconds. Default: no limit. */
  readonly timeoutMs?: number;
}

/** What to wait for: all that is given must hold. */
export interface SnapshotCondition {
  /** A state value, or a part of one, as for XState's `matches`. */
  readonly state?: StateValue;
  readonly tag?: string;
  readonly status?: RunStatus;
}

export interface RunHandle<TMachine extends AnyStateMachine = AnyStateMachine> {
  readonly id: string;
  /**
   * Send an event. It is stored at once, and when it has had its turn this resolves with the snapshot that it led to. An
   * event with `hold` that has to wait resolves with the snapshot that it waits in; so does one whose run is held by
   * another process.
   *
   * Throws `EventInvalid` if the workflow has no such event or its schema refuses the payload, `EventNotAccepted` if the
   * state at its turn does not take it, or the run has ended; `AnswerNotAllowed` if it is an answer that `by` may not give.
   */
  send(event: EventFromLogic<TMachine>, options?: SendOptions): Promise<RunSnapshot<TMachine>>;
  snapshot(): Promise<RunSnapshot<TMachine>>;
  /** The first snapshot that meets the condition. Throws `WaitTimeout`, or `RunFailed` or `RunCancelled` if it no longer can. */
  waitFor(
    condition: SnapshotCondition | ((snapshot: RunSnapshot<TMachine>) => boolean),
    options?: WaitOptions,
  ): Promise<RunSnapshot<TMachine>>;
  /** The snapshot once nothing is left to do but wait for an event, a timer or a person, or the run has ended. */
  settled(options?: WaitOptions): Promise<RunSnapshot<TMachine>>;
  /** The output. Throws `RunFailed` (with the error as `cause`) or `RunCancelled`. */
  result(options?: WaitOptions): Promise<OutputFrom<TMachine>>;
  /** Stop the run; calls in flight are aborted through their signal. A run that has ended stays as it is. */
  cancel(reason?: string): Promise<RunSnapshot<TMachine>>;
  /**
   * Call `listener` with the text of answers as it comes in, while this process works on the run. Pieces are not stored, and
   * what they add up to is not an answer until it has been checked; after a failed attempt they begin anew. Returns the
   * way to stop.
   */
  onPartial(listener: (piece: PartialText) => void): () => void;
  /** All that is on record, oldest first; `from` leaves out that many entries. */
  history(options?: { readonly from?: number }): Promise<readonly HistoryEntry[]>;
}

export interface StepListener {
  stepped(run: HeldRun): void;
  disposed(run: HeldRun, messageId: number, fate: Fate): void;
  /** This process does not hold the run any more, or the engine was stopped. */
  left(): void;
  partial?(piece: PartialText): void;
}

interface Outcome {
  readonly fate: Fate;
  readonly snapshot: RunSnapshot;
}

export type Fate = 'accepted' | 'held' | Refusal;

export interface Refusal {
  /** Why, as a sentence. */
  readonly refused: string;
  /** As `RefusedEntry` has it. */
  readonly code?: RefusedEntry['code'];
}

/** What a handle needs of its engine. */
export interface EngineCore {
  readonly store: Store;
  readonly clock: Clock;
  /** Throws `RunNotFound`. */
  load(runId: string): Promise<StoredRun>;
  /** Throws `WorkflowNotFound`. */
  workflowOf(stored: StoredRun): AnyWorkflow;
  held(runId: string): HeldRun | undefined;
  sent(runId: string): Promise<void>;
  listen(runId: string, listener: StepListener): () => void;
  assertRunning(): void;
}

const ends: ReadonlySet<RunStatus> = new Set(['done', 'failed', 'cancelled']);
/** How often the store is looked at for a run that this process does not hold. */
const lookMs = 50;
const historyPage = 500;

export function createRunHandle(core: EngineCore, id: string): RunHandle {
  const { store } = core;

  async function source(): Promise<SnapshotSource> {
    const run = core.held(id);
    if (run) return run;
    const stored = await core.load(id);
    return sourceOf(core.workflowOf(stored), stored);
  }

  async function send(event: EventObject, { key, hold = false, by }: SendOptions = {}): Promise<RunSnapshot> {
    core.assertRunning();
    if (by !== undefined) assertAnswerer(by);
    const stored = await core.load(id);
    const workflow = core.workflowOf(stored);
    const parsed = parseEvent(workflow, event);
    if (key === undefined && !hold) await refuseEarly(stored, workflow, parsed, by);
    return deliver(
      { type: 'event', event: parsed, ...(hold ? { hold: true as const } : {}), ...(by ? { by } : {}) },
      key,
    );
  }

  /** Where nothing is under way, an event that the state does not accept, or not from them, need not be stored to be refused. */
  async function refuseEarly(
    stored: StoredRun,
    workflow: AnyWorkflow,
    event: EventObject,
    by: Answerer | undefined,
  ): Promise<void> {
    if (!ends.has(stored.status)) {
      const isIdle = stored.status === 'waiting' && !stored.lease && (await store.inbox(id, 0)).length === 0;
      if (!isIdle) return;
    }
    const now = sourceOf(workflow, stored);
    const notAllowed = refusalOfAnswer(now, event, by);
    if (notAllowed) throw notAllowed;
    if (!canAccept(workflow, now.state, event)) throw notAccepted(now, event);
  }

  async function deliver(mail: SentMail, key?: string): Promise<RunSnapshot> {
    const fates = new Map<number, Outcome>();
    let waiting = (): void => {};
    const unlisten = core.listen(id, {
      stepped: () => {},
      disposed(run, messageId, fate) {
        fates.set(messageId, { fate, snapshot: snapshotOf(run) });
        waiting();
      },
      left: () => waiting(),
    });
    try {
      const sent = await store.send(id, {
        at: core.clock.now(),
        body: encodeMail(mail),
        ...(key === undefined ? {} : { key }),
      });
      if (sent.status === 'missing') throw new RunNotFound(id);
      if (!('messageId' in sent)) {
        const ended = await source();
        if (mail.type === 'cancel') return snapshotOf(ended);
        throw notAccepted(ended, mail.event);
      }
      await core.sent(id);
      const isRepeat = sent.status === 'duplicate';
      const mayWait = mail.type === 'event' && mail.hold === true;
      if (mayWait && (isRepeat || !core.held(id)) && !fates.has(sent.messageId))
        return snapshotOf(await source());
      for (;;) {
        const known =
          fates.get(sent.messageId) ??
          (isRepeat || !core.held(id) ? await fateInStore(sent.messageId, sent.logLength) : undefined) ??
          // It may have had its turn while the store was looked at.
          fates.get(sent.messageId);
        if (known) {
          if (typeof known.fate === 'string') return known.snapshot;
          if (mail.type === 'cancel') return known.snapshot;
          throw refusedBy(known.fate, { runId: id, event: mail.event.type });
        }
        core.assertRunning();
        await new Promise<void>((resolve) => {
          waiting = resolve;
          setTimeout(resolve, lookMs);
        });
      }
    } finally {
      unlisten();
    }
  }

  /** What became of a message, as far as the store can tell. Whether one that waits is held back, only its worker knows. */
  async function fateInStore(messageId: number, logLength: number): Promise<Outcome | undefined> {
    const [oldest] = await store.inbox(id, messageId - 1);
    if (oldest?.id === messageId) return undefined;
    const entry = (await history({ from: logLength })).find(
      (candidate) => 'messageId' in candidate && candidate.messageId === messageId,
    );
    if (!entry) return undefined;
    return {
      fate:
        entry.type === 'refused'
          ? { refused: entry.reason, ...(entry.code ? { code: entry.code } : {}) }
          : 'accepted',
      snapshot: snapshotOf(await source()),
    };
  }

  /** The first source for which `check` gives something. Looks at every step, so what it looks at first should be cheap. */
  function until<T>(check: (at: SnapshotSource) => T | undefined, { timeoutMs }: WaitOptions): Promise<T> {
    if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
      throw new InvalidOption(
        `Expected \`timeoutMs\` to be a number of milliseconds, got \`${String(timeoutMs)}\`.`,
      );
    }
    return new Promise<T>((resolve, reject) => {
      let over = false;
      let look: NodeJS.Timeout | undefined;
      const finish = (settle: () => void): void => {
        if (over) return;
        over = true;
        clearTimeout(look);
        cancelTimeout();
        unlisten();
        settle();
      };
      const examine = (at: SnapshotSource): void => {
        if (over) return;
        try {
          const found = check(at);
          if (found !== undefined) finish(() => resolve(found));
        } catch (error) {
          finish(() => reject(error as Error));
        }
      };
      const lookAgain = async (): Promise<void> => {
        try {
          examine(await source());
          core.assertRunning();
        } catch (error) {
          finish(() => reject(error as Error));
        }
        if (!over) look = setTimeout(() => void lookAgain(), lookMs);
      };
      const unlisten = core.listen(id, { stepped: examine, disposed: () => {}, left: () => {} });
      const cancelTimeout =
        timeoutMs === undefined
          ? () => {}
          : core.clock.at(core.clock.now() + timeoutMs, () =>
              finish(() =>
                reject(
                  new WaitTimeout(`Run \`${id}\` did not get there within ${timeoutMs} ms.`, {
                    details: { runId: id },
                  }),
                ),
              ),
            );
      void lookAgain();
    });
  }

  function waitFor(
    condition: SnapshotCondition | ((snapshot: RunSnapshot) => boolean),
    options: WaitOptions = {},
  ): Promise<RunSnapshot> {
    const meets =
      typeof condition === 'function'
        ? condition
        : (snapshot: RunSnapshot) => meetsCondition(snapshot, condition);
    return until((at) => {
      const snapshot = snapshotOf(at);
      if (meets(snapshot)) return snapshot;
      if (snapshot.status === 'done') {
        throw new WaitTimeout(`Run \`${id}\` is done and can no longer get there.`, {
          details: { runId: id },
        });
      }
      throwIfEndedBadly(snapshot);
      return undefined;
    }, options);
  }

  async function result(options: WaitOptions = {}): Promise<unknown> {
    const snapshot = await until((at) => {
      if (at.problem !== undefined) throw stuck(id, at.problem);
      return ends.has(statusOf(at.state)) ? snapshotOf(at) : undefined;
    }, options);
    throwIfEndedBadly(snapshot);
    return snapshot.output;
  }

  async function history({ from = 0 }: { readonly from?: number } = {}): Promise<HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    for (let next = from; ; next += historyPage) {
      const page = await store.history(id, next, historyPage);
      entries.push(...page.map(decodeEntry));
      if (page.length < historyPage) break;
    }
    // An empty history may be that of a run that is not there.
    if (entries.length === 0) await core.load(id);
    return entries;
  }

  return {
    id,
    send: send as RunHandle['send'],
    snapshot: async () => snapshotOf(await source()),
    waitFor,
    settled: (options = {}) =>
      until((at) => (statusOf(at.state) === 'running' ? undefined : snapshotOf(at)), options),
    result: result as RunHandle['result'],
    async cancel(reason) {
      core.assertRunning();
      await core.load(id);
      return deliver({ type: 'cancel', ...(reason === undefined ? {} : { reason }) });
    },
    onPartial: (partial) =>
      core.listen(id, { stepped: () => {}, disposed: () => {}, left: () => {}, partial }),
    history,
  };
}

/** Check an event against the workflow's events and its schema, and give it as it is stored. */
export function parseEvent(workflow: AnyWorkflow, event: EventObject): EventObject {
  if (typeof event !== 'object' || event === null || typeof event.type !== 'string') {
    throw new EventInvalid('Expected an event to be an object with a `type`, such as `{ type: "APPROVE" }`.');
  }
  const known = (workflow.machine.events as readonly string[]).filter((type) => !type.startsWith('xstate.'));
  if (
    event.type.startsWith('xstate.') ||
    !known.some((descriptor) => matchesDescriptor(event.type, descriptor))
  ) {
    throw new EventInvalid(
      `Workflow \`${workflow.ref}\` has no event \`${event.type}\`. It has: ${known.join(', ') || 'none'}.`,
      {
        details: { event: event.type, known },
      },
    );
  }
  const schema = (workflow.events as Record<string, ZodType> | undefined)?.[event.type];
  if (!schema) return event;
  const { type, ...payload } = event;
  const parsed = schema.safeParse(payload);
  if (parsed.success) return { ...(parsed.data as object), type };
  const issues = parsed.error.issues as readonly Issue[];
  throw new EventInvalid(`Event \`${type}\` is not valid: ${describeIssues(issues)}`, {
    details: { event: type, issues },
  });
}

function meetsCondition(snapshot: RunSnapshot, { state, tag, status }: SnapshotCondition): boolean {
  return (
    (state === undefined || matchesState(state, snapshot.value as StateValue)) &&
    (tag === undefined || snapshot.tags.includes(tag)) &&
    (status === undefined || snapshot.status === status)
  );
}

function throwIfEndedBadly({ id, workflow, version, status, value, error }: RunSnapshot): void {
  if (status === 'failed') {
    throw new RunFailed(
      `Run \`${id}\` of \`${workflow}@${version}\` failed in state ${JSON.stringify(value)}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error, details: { runId: id, workflow, version, state: value } },
    );
  }
  if (status === 'cancelled')
    throw new RunCancelled(`Run \`${id}\` of \`${workflow}@${version}\` was cancelled.`, {
      details: { runId: id },
    });
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

function stuck(id: string, problem: string): RunFailed {
  return new RunFailed(`No worker can go on with run \`${id}\`: ${problem}`, { details: { runId: id } });
}
