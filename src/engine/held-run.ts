/**
 * Executes a leased run: takes its messages one by one, advances, commits, and starts what the commit decided.
 *
 * It owns the run's state between commits; what is in flight is `flights.ts`'s, its inbox `run-inbox.ts`'s, its writes
 * `run-writer.ts`'s. It does not decide which runs are leased, nor when a released one is acquired again.
 *
 * I1. One message is processed at a time; its state is used only after the commit that stored it.
 * I2. Nothing is started that no commit decided: actions and invocations start after the commit, never before.
 * I3. Messages are taken in the order of their times: a timer's deadline, an event's arrival, a result's completion.
 * I4. The lease is given up in the commit after which there is nothing to do; a message that arrived in between keeps it.
 * I5. No invocation is started that another worker may have started too: not while the lease has run out. As soon as it is
 *     renewed, everything that waits is started.
 * I6. Trouble of the store is waited out: it fails neither the run nor its actors. The executor leaves the run when another
 *     worker has it, when it cannot be executed, or when it is told to.
 * I7. A run that the store has at an earlier step than it acknowledged, or not at all, is left at once and told of.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { AcquiredRun, InboxMessage, Labels, Store } from '../../persistence/store.ts';
import type { AnswerNotAllowed, SignalboxError } from '../errors.ts';
import { type ChildRuns, type DurableActor, durableActor } from '../invocation.ts';
import type { PriceTable } from '../prices.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { answerRecord, refusalOfAnswer } from './answers.ts';
import { performActions } from './actions.ts';
import { advance, type HostCache, performerOf, viewState } from './advance.ts';
import type { Clock } from './clock.ts';
import type { ExchangeInterceptor } from './exchanging.ts';
import { createFlights } from './flights.ts';
import type { HistoryEntry, MessageEntry } from './history.ts';
import { createAcceptance } from './inbox-acceptance.ts';
import { encodeMail, type Mail, type ReceivedMail } from './mail.ts';
import { type Flight, stoppedScopeOf } from './performer.ts';
import { entryOf, problemOf, progressOf, wakeAtOf } from './progress.ts';
import { refusalOf } from './refusal.ts';
import { createRunInbox } from './run-inbox.ts';
import type {
  Advanced,
  DecidedAction,
  Invocation,
  Message,
  ParentInvocation,
  RunState,
} from './run-state.ts';
import { createRunWriter, type RecordOptions } from './run-writer.ts';
import { runMissing, runRolledBack } from './set-aside.ts';
import { stateTooLarge } from './state-limit.ts';
import { createStoreCalls } from './store-calls.ts';
import { type Turn, turnOfMail, turnOfOutcome } from './turns.ts';

export interface HeldRunPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly token: string;
  readonly leaseMs: number;
  readonly workflow: AnyWorkflow;
  /** The run's own code is about to decide its next step; if it never comes back, this says which run it was. */
  advancing?(runId: string): void;
  /** After every commit, when what it decided has been set going. */
  stepped(run: HeldRun): void;
  /** A message from the inbox had its turn. `held`: no state accepts it yet, and it stays. */
  disposed(
    run: HeldRun,
    messageId: number,
    fate: 'accepted' | 'held' | { readonly refused: string; readonly code?: 'ANSWER_NOT_ALLOWED' },
  ): void;
  /** The run is not held any more. `wakeAt`: when it needs a worker next. */
  left(run: HeldRun, wakeAt: number | null): void;
  readonly prices: PriceTable;
  readonly intercept: ExchangeInterceptor | undefined;
  runsOf(parent: ParentInvocation): ChildRuns;
  /** The run has ended, and this invocation of another waits for it. */
  ended(run: HeldRun, parent: ParentInvocation): Promise<void>;
  partial(run: HeldRun, piece: PartialText): void;
  /** Something that no caller is waiting for went wrong. */
  problem(error: Error, runId: string): void;
  /** Code of the run let this error escape: put into its inbox that it fails, wherever the run is by now. */
  failRun(runId: string, error: Error): void;
  /** How large the encoded state of a run may be. */
  readonly maxStateBytes: number;
  /** Call `fn` in so many milliseconds, to try a store again. Default: by Node's timers. */
  readonly after?: ((ms: number, fn: () => void) => () => void) | undefined;
}

/** A piece of text that an invocation tells of before it has its answer. */
export interface PartialText {
  readonly invocation: Invocation;
  readonly attempt: number;
  /** Which part of the invocation: `item 3`. */
  readonly part: string | undefined;
  readonly text: string;
}

export interface HeldRun {
  readonly id: string;
  readonly workflow: AnyWorkflow;
  readonly state: RunState;
  readonly seq: number;
  /** The highest inbox id that was handed to this worker. */
  readonly seen: number;
  readonly updatedAt: number;
  readonly createdAt: number;
  readonly labels: Labels;
  readonly parent?: string | undefined;
  readonly hosts: HostCache;
  /** Whether there is nothing to do for it here but to wait for invocations in flight. */
  readonly isWaitingForCalls: boolean;
  /** There may be new mail. */
  poke(): void;
  /** The lease now ends at `until`. */
  renewed(until: number): void;
  /** Another worker has the run: stop at once and write nothing. */
  abandon(): void;
  /**
   * Finish the step in work, wait for irreversible invocations for at most `graceMs`, abort the others, give the run back.
   * Resolves at most `releaseBoundMs` later even if the store does not answer; then the lease runs out.
   */
  release(graceMs: number): Promise<void>;
}

/** What a run is held from: just created, or acquired. */
export interface Holding {
  readonly id: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly labels: Labels;
  readonly parent?: string | undefined;
  readonly state: RunState;
  readonly seq: number;
  readonly leaseUntil: number;
  readonly inbox: readonly InboxMessage[];
  readonly journal: ReadonlyMap<string, string>;
  /** Has the host of `state`, if the caller had to make it. */
  readonly hosts: HostCache;
  /** What the start led to, if this worker created the run; if not, pending invocations are taken over. */
  readonly begun?: Advanced;
}

export function holdingOf({ run, inbox, journal }: AcquiredRun, state: RunState, hosts: HostCache): Holding {
  const { id, createdAt, updatedAt, labels, parent, seq, lease } = run;
  const leaseUntil = lease?.until ?? 0;
  return { id, createdAt, updatedAt, labels, parent, state, seq, leaseUntil, inbox, journal, hosts };
}

/** How long a run may keep the event loop from others, with a store that never waits. */
const maxTurnMs = 10;
/** What a store that does not answer adds to the time that giving up a run takes. */
export const releaseBoundMs = 2_000;
/** A run that cannot be executed is tried again after this, in case a deployment has brought what it lacks. */
export const problemRetryMs = 60_000;

export function holdRun(ports: HeldRunPorts, holding: Holding): HeldRun {
  const { store, clock, token, workflow, leaseMs, maxStateBytes } = ports;
  const { id, hosts, createdAt, labels, parent } = holding;
  let { state, updatedAt } = holding;
  let mayHaveMail = false;
  let results: Turn[] = [];
  let phase: 'held' | 'releasing' | 'left' = 'held';
  let begun = false;
  let isLooping = false;
  /** Settles with the latest loop. */
  let work: Promise<void> | undefined;
  let again = false;
  let cancelAlarm = (): void => {};
  let leased: (() => void)[] = [];

  const inbox = createRunInbox(holding.inbox);
  const acceptanceOf = createAcceptance(workflow, hosts, isBusy);
  const calls = createStoreCalls({ after: ports.after, failing: (error) => ports.problem(error, id) });

  const writer = createRunWriter({
    runId: id,
    store,
    calls,
    clock,
    token,
    leaseMs,
    seq: holding.seq,
    leaseUntil: holding.leaseUntil,
    journal: holding.journal,
  });

  const flights = createFlights(
    {
      runId: id,
      workflow,
      clock,
      shared: store.shared,
      prices: ports.prices,
      intercept: ports.intercept,
      runsOf: ({ key }) => ports.runsOf({ runId: id, key }),
      partial: ({ invocation, attempt }, part, text) =>
        ports.partial(run, { invocation, attempt, part, text }),
      journal: writer.journal,
      isLeased,
      untilLeased: () => new Promise((resolve) => leased.push(resolve)),
      outlast: (make) => calls.call(make),
      untilAnswered: calls.untilAnswered,
      escaped,
      record,
      settled(flight, outcome) {
        results.push(turnOfOutcome(flight, outcome, clock.now()));
        notify();
      },
      failed: (error) => void stopAt(error),
    },
    holding.begun ? [] : state.invocations,
  );

  const run: HeldRun = {
    id,
    workflow,
    createdAt,
    labels,
    parent,
    hosts,
    get state() {
      return state;
    },
    get seq() {
      return writer.seq;
    },
    get seen() {
      return inbox.seen;
    },
    get updatedAt() {
      return updatedAt;
    },
    get isWaitingForCalls() {
      return phase === 'held' && begun && !isLooping && !again && flights.size > 0;
    },
    poke() {
      mayHaveMail = true;
      notify();
    },
    renewed(until) {
      writer.renewed(until);
      calls.retryNow();
      if (!isLeased()) return;
      for (const resolve of leased.splice(0)) resolve();
      notify();
    },
    abandon: () => leave(null),
    release,
  };

  // Not before the caller has the run: it may leave at once.
  queueMicrotask(begin);
  return run;

  // --- the loop -----------------------------------------------------------------------------------------------------

  function begin(): void {
    if (phase !== 'held') return;
    begun = true;
    if (holding.begun) follow(holding.begun);
    notify();
  }

  /** Something may be there to do. */
  function notify(): void {
    again = true;
    if (isLooping || !begun || phase !== 'held') return;
    // Set before the loop starts: an invocation that it dispatches may settle synchronously and call `notify` again.
    isLooping = true;
    const over = (): void => {
      isLooping = false;
      // What came after the loop had looked, and before this, would not be looked at.
      if (again) notify();
    };
    work = turns().then(over, async (error: unknown) => {
      await stopAt(error);
      over();
    });
  }

  async function turns(): Promise<void> {
    let turnEndsAt = performance.now() + maxTurnMs;
    while (phase === 'held') {
      again = false;
      flights.dispatch(state.invocations.filter(({ key }) => !hasResult(key)));
      const turn = nextTurnOf(clock.now());
      for (const letter of inbox.takeRefused()) ports.disposed(run, letter.id, 'held');
      if (turn) await take(turn);
      else if (mayHaveMail) await fetchMail();
      else if (flights.size > 0) return wakeAtNextTimer();
      // What could not be dispatched waits for the lease to be renewed.
      else if (again || state.invocations.some(({ notBefore = 0 }) => notBefore <= clock.now())) return;
      else return giveBack();
      if (performance.now() < turnEndsAt) continue;
      await nextTurn();
      turnEndsAt = performance.now() + maxTurnMs;
    }
  }

  function isLeased(): boolean {
    return phase !== 'left' && !writer.isExpired();
  }

  function isBusy(key: string): boolean {
    return flights.has(key) || hasResult(key);
  }

  /** Whether its outcome waits for its turn. */
  function hasResult(key: string): boolean {
    return results.some(({ flight }) => flight?.invocation.key === key);
  }

  /** The earliest of what is there to be taken (I3). */
  function nextTurnOf(now: number): Turn | undefined {
    let earliest: Turn | undefined = results[0];
    const letter = inbox.size === 0 ? undefined : inbox.next(acceptanceOf(state));
    if (letter && (!earliest || letter.at < earliest.at)) earliest = turnOfMail(letter, now);
    const timer = state.timers[0];
    if (timer && timer.deadline <= now && (!earliest || timer.deadline < earliest.at)) {
      const { source, id: timerId, deadline } = timer;
      earliest = { at: deadline, message: { type: 'timer', at: now, source, id: timerId } };
    }
    if (earliest && earliest === results[0]) results.shift();
    return earliest;
  }

  async function take(turn: Turn): Promise<void> {
    const { message } = turn;
    if (!message) return turn.mail && handleInternal(turn.mail);
    const letter = turn.mail?.mail.type === 'event' ? turn.mail.mail : undefined;
    const notAllowed = letter && refusalOfAnswer(run, letter.event, letter.by);
    if (turn.mail && notAllowed) return refuse(turn.mail, notAllowed);
    const answered = letter && answerRecord(run, letter.event, letter.by);
    ports.advancing?.(id);
    const decided = advance(workflow, state, message, hosts);
    if (!decided.accepted) {
      if (turn.flight) flights.discard(turn.flight);
      return turn.mail && refuse(turn.mail);
    }
    const { led, progress, message: applied } = withinLimit(message, decided);
    const endsChild = led.state.parent && led.state.snapshot.status !== 'active';
    if (led.stopped.length > 0 || endsChild) await scheduleFollowUps(led);
    const { mail: received, flight } = turn;
    const entry = entryOf({
      seq: writer.seq + 1,
      led,
      before: state,
      turn: { message: applied, mail: received, answered, flight },
    });
    const released = await commit({
      led,
      progress,
      next: led.state,
      entry,
      letter: received,
      // What a deferred invocation has kept is what it goes on with.
      flight: message.type === 'deferred' ? undefined : flight,
    });
    if (released === undefined) return;
    follow(led);
    told(() => received && ports.disposed(run, received.id, 'accepted'));
    if (released) leave(wakeAtOf(state));
  }

  /** A state that is too large fails the run, which then ends in the state before. */
  function withinLimit(
    message: MessageEntry['message'],
    led: Advanced,
  ): Pick<Taken, 'progress'> & { readonly led: Advanced; readonly message: MessageEntry['message'] } {
    const progress = progressOf(led.state, led.tags);
    const bytes = progress.state.length;
    if (bytes <= maxStateBytes) return { message, led, progress };
    const error = stateTooLarge(id, led.state, bytes, maxStateBytes);
    const failing: Message = { type: 'fail', at: clock.now(), error };
    const failed = advance(workflow, state, failing);
    return { message: failing, led: failed, progress: progressOf(failed.state, failed.tags) };
  }

  /**
   * Put into the run's own inbox what has to be done once the step is stored, so that whoever has the run then does it:
   * clean up after what the step stops, and tell whoever started the run that it has ended. If the step is not stored
   * after all, the message finds that nothing has happened, and has no effect.
   */
  async function scheduleFollowUps({ stopped, state: next }: Advanced): Promise<void> {
    for (const invocation of state.invocations) {
      if (!stopped.includes(invocation.key) || !actorOf(invocation)?.stopped) continue;
      await enqueueInternal({ type: 'stopped', invocation }, `stopped ${writer.seq} ${invocation.key}`);
    }
    if (next.parent && next.snapshot.status !== 'active')
      await enqueueInternal({ type: 'ended' }, `ended ${writer.seq}`);
  }

  async function enqueueInternal(letter: Mail, key: string): Promise<void> {
    const body = encodeMail(letter);
    await calls.call(() => store.send(id, { at: clock.now(), body, key }));
    mayHaveMail = true;
  }

  async function handleInternal(letter: ReceivedMail): Promise<void> {
    const { parent: startedBy, snapshot, invocations } = state;
    if (letter.mail.type === 'stopped') {
      const { invocation } = letter.mail;
      const { key, input } = invocation;
      const isOver = !invocations.some((pending) => pending.key === key);
      const runs = ports.runsOf({ runId: id, key });
      if (isOver)
        await calls.call(async () => actorOf(invocation)?.stopped?.(input, stoppedScopeOf(id, key, runs)));
    }
    if (letter.mail.type === 'ended' && startedBy && snapshot.status !== 'active') {
      await calls.call(() => ports.ended(run, startedBy));
    }
    await consume(letter);
  }

  function actorOf({ src }: Invocation): DurableActor | undefined {
    const logic = performerOf(workflow, src);
    return logic && durableActor(logic);
  }

  /** Take a message out of the inbox that leads nowhere. */
  async function consume(letter: ReceivedMail): Promise<void> {
    if (await commit({ next: state, progress: unchanged(), letter })) leave(wakeAtOf(state));
  }

  async function refuse(letter: ReceivedMail, notAllowed?: AnswerNotAllowed): Promise<void> {
    const { type } = letter.mail;
    if (type === 'wake' || type === 'fail') return consume(letter);
    const event = letter.mail.type === 'event' ? letter.mail.event : { type: 'cancel' };
    const reason = notAllowed?.message ?? refusalOf(run, event);
    const code = notAllowed ? { code: 'ANSWER_NOT_ALLOWED' as const } : {};
    const entry: HistoryEntry = {
      type: 'refused',
      at: clock.now(),
      messageId: letter.id,
      event,
      reason,
      ...code,
    };
    const freeKeys = letter.key === undefined ? [] : [letter.key];
    const released = await commit({ next: state, progress: unchanged(), entry, letter, freeKeys });
    if (released === undefined) return;
    told(() => ports.disposed(run, letter.id, { refused: reason, ...code }));
    if (released) leave(wakeAtOf(state));
  }

  function unchanged(): Taken['progress'] {
    return progressOf(state, viewState(workflow, state, hosts).tags);
  }

  /** Who listens to the run is told of a step, unless it was told already that the run is not executed here any more. */
  function told(disposed: () => void): void {
    if (isLeft()) return;
    disposed();
    ports.stepped(run);
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  interface Taken {
    readonly next: RunState;
    /** `next` as it is stored. */
    readonly progress: ReturnType<typeof progressOf>;
    readonly entry?: HistoryEntry;
    readonly letter?: ReceivedMail | undefined;
    readonly flight?: Flight | undefined;
    readonly led?: Advanced;
    readonly freeKeys?: readonly string[];
  }

  /** Whether the lease was given up with it. `undefined`: nothing was written, and the run was left. */
  async function commit(taken: Taken): Promise<boolean | undefined> {
    const { next, progress, entry, letter, flight, led, freeKeys = [] } = taken;
    if (letter) inbox.remove(letter);
    const written = await writer.step({
      next,
      progress,
      entry,
      consumed: letter ? [letter.id] : [],
      freeKeys,
      over: [...(flight ? [flight.invocation.key] : []), ...(led?.stopped ?? [])],
      seen: inbox.seen,
      rests: restsAt(next, led),
    });
    switch (written.status) {
      case 'written':
        state = next;
        updatedAt = written.at;
        inbox.add(written.inbox);
        return written.released;
      case 'lost':
        leave(null);
        return undefined;
      case 'missing':
        void setAside(runMissing(id, writer.seq));
        return undefined;
      case 'rolled-back':
        void setAside(runRolledBack(id, written.storedSeq, writer.seq));
        return undefined;
    }
  }

  /** Whether nothing is left to do in this state but wait for an event or a timer. */
  function restsAt(next: RunState, led: Advanced | undefined): boolean {
    if (phase !== 'held' || mayHaveMail || results.length > 0) return false;
    if (next.snapshot.status !== 'active') return inbox.size === 0;
    if (led && led.started.length > 0) return false;
    if (flights.anyBut(led?.stopped ?? [])) return false;
    const now = clock.now();
    if (next.timers[0] && next.timers[0].deadline <= now) return false;
    if (next.invocations.some(({ notBefore = 0 }) => notBefore <= now)) return false;
    return inbox.size === 0 || inbox.next(acceptanceOf(next)) === undefined;
  }

  async function fetchMail(): Promise<void> {
    mayHaveMail = false;
    inbox.add(await calls.call(() => store.inbox(id, inbox.seen)));
  }

  /** Never settles if the run is another worker's, or was left. */
  async function record(
    entries: readonly HistoryEntry[],
    kept?: Readonly<Record<string, string>>,
    options?: RecordOptions,
  ): Promise<void> {
    if (await writer.record(entries, kept, options)) return;
    leave(null);
    await new Promise<never>(() => {});
  }

  // --- what a commit decided ----------------------------------------------------------------------------------------

  function follow(led: Advanced): void {
    flights.stop(led.stopped);
    const isOver = ({ flight }: Turn): boolean =>
      flight !== undefined && led.stopped.includes(flight.invocation.key);
    if (led.stopped.length > 0) {
      for (const { flight } of results.filter(isOver)) if (flight) flights.discard(flight);
      results = results.filter((turn) => !isOver(turn));
    }
    performActions(id, led.actions, actionFailed, escaped);
    if (phase === 'held') flights.dispatch(led.started);
  }

  function actionFailed({ type, path }: DecidedAction, error: SignalboxError): void {
    ports.problem(error, id);
    // If the run is another's by now there is nothing to append to; the problem was reported above.
    record([{ type: 'actionFailed', at: clock.now(), action: type, path, error: error.cause }]).catch(
      () => {},
    );
  }

  function escaped(error: Error): void {
    ports.failRun(id, error);
  }

  // --- leaving ------------------------------------------------------------------------------------------------------

  function wakeAtNextTimer(): void {
    cancelAlarm();
    const next = wakeAtOf({
      ...state,
      invocations: state.invocations.filter(({ key }) => !flights.has(key)),
    });
    cancelAlarm = next === null ? () => {} : clock.at(next, notify);
  }

  /** There was nothing to do in the first place. */
  async function giveBack(): Promise<void> {
    const wakeAt = wakeAtOf(state);
    await calls.call(() => store.release(id, { token, wakeAt, seen: inbox.seen }));
    leave(wakeAt);
  }

  async function stopAt(error: unknown): Promise<void> {
    const problem = error instanceof Error ? error : new Error(String(error));
    await setAside(problem, clock.now() + problemRetryMs);
  }

  /** Leave the run with its problem. `wakeAt`: when it is tried again; by default only once a person wants it. */
  async function setAside(problem: Error, wakeAt: number | null = null): Promise<void> {
    if (isLeft()) return;
    ports.problem(problem, id);
    leave(null);
    const release = { token, wakeAt, seen: inbox.seen, problem: problemOf(problem) };
    const lastCalls = createStoreCalls({ after: ports.after, failing: () => {} });
    const bound = deadlineIn(leaseMs);
    try {
      await Promise.race([lastCalls.call(() => store.release(id, release)), bound.reached]);
    } catch (failed) {
      ports.problem(failed as Error, id);
    } finally {
      bound.cancel();
      lastCalls.close();
    }
  }

  async function release(graceMs: number): Promise<void> {
    if (isLeft()) return;
    phase = 'releasing';
    const grace = deadlineIn(graceMs);
    const bound = deadlineIn(graceMs + releaseBoundMs);
    await Promise.race([flights.drain(), grace.reached]);
    await Promise.race([finish(), bound.reached]);
    grace.cancel();
    bound.cancel();
    // The store did not answer in time: the lease runs out instead.
    leave(clock.now());
  }

  /** Store the results that are in, irreversible ones above all, and give the run back. */
  async function finish(): Promise<void> {
    await work;
    for (let turn = results.shift(); turn && !isLeft(); turn = results.shift()) await take(turn);
    if (isLeft()) return;
    const unfinished = state.invocations.some(({ notBefore }) => notBefore === undefined) || inbox.size > 0;
    const wakeAt = unfinished ? clock.now() : wakeAtOf(state);
    await calls.call(() => store.release(id, { token, wakeAt, seen: inbox.seen }));
    leave(wakeAt);
  }

  function isLeft(): boolean {
    return phase === 'left';
  }

  /** `wakeAt` is null if only a message wakes the run, or if it is another's, or in trouble. */
  function leave(wakeAt: number | null): void {
    if (isLeft()) return;
    phase = 'left';
    cancelAlarm();
    leased = [];
    calls.close();
    flights.abortAll();
    ports.left(run, wakeAt);
  }
}

/** By real time, as what is waited for is the outside. */
function deadlineIn(ms: number): { readonly reached: Promise<void>; cancel(): void } {
  let cancel = (): void => {};
  const reached = new Promise<void>((resolve) => {
    const timeout = setTimeout(resolve, ms);
    cancel = () => clearTimeout(timeout);
  });
  return { reached, cancel };
}
