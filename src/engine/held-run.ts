/**
 * A run that this worker holds: takes its messages one by one, advances, commits, and performs what the commit decided.
 *
 * It owns the run's state between commits and its mail; its invocations are `flights.ts`'s, its writes `run-writer.ts`'s. It does not decide which runs are
 * held, nor when a released one is taken up again.
 *
 * I1. One message is in work at a time; its state is used only after the commit that stored it.
 * I2. Nothing is performed that no commit decided: actions and invocations start after the commit, never before.
 * I3. Messages are taken in the order of their times: a timer's deadline, an event's arrival, a result's completion.
 * I4. The lease is given up in the commit after which there is nothing to do; a message that arrived in between keeps it.
 * I5. No invocation is started that another worker may have started too: not after the lease has run out.
 * I6. When a write is refused or its fate is unknown, the run is abandoned: flights are aborted and nothing more is written.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { AcquiredRun, InboxMessage, Store } from '../../persistence/store.ts';
import { type AnswerNotAllowed, LeaseLost, type SignalboxError } from '../errors.ts';
import { type ChildRuns, type DurableActor, durableActor } from '../invocation.ts';
import type { PriceTable } from '../prices.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { answerRecord, refusalOfAnswer } from './answers.ts';
import { performActions } from './actions.ts';
import { advance, canAccept, type HostCache, performerOf, viewState } from './advance.ts';
import type { Clock } from './clock.ts';
import type { ExchangeInterceptor } from './exchanging.ts';
import { createFlights } from './flights.ts';
import type { HistoryEntry } from './history.ts';
import { encodeMail, type Mail, type ReceivedMail, receiveMail } from './mail.ts';
import { type Flight, stoppedScopeOf } from './performer.ts';
import { entryOf, wakeAtOf } from './progress.ts';
import { refusalOf } from './refusal.ts';
import type {
  Advanced,
  DecidedAction,
  Invocation,
  Message,
  ParentInvocation,
  RunState,
} from './run-state.ts';
import { createRunWriter, type WrittenStep } from './run-writer.ts';

export interface HeldRunPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly token: string;
  readonly leaseMs: number;
  readonly workflow: AnyWorkflow;
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
  readonly hosts: HostCache;
  /** There may be new mail. */
  poke(): void;
  /** The lease now ends at `until`. */
  renewed(until: number): void;
  /** Another worker has the run: stop at once and write nothing. */
  abandon(): void;
  /** Finish the step in work, wait for irreversible flights for at most `graceMs`, abort the others, give the run back. */
  release(graceMs: number): Promise<void>;
}

/** What a run is held from: just created, or acquired. */
export interface Holding {
  readonly id: string;
  readonly createdAt: number;
  readonly updatedAt: number;
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
  const { id, createdAt, updatedAt, seq, lease } = run;
  return { id, createdAt, updatedAt, state, seq, leaseUntil: lease?.until ?? 0, inbox, journal, hosts };
}

/** A message for the machine with where it came from, or mail that is the engine's own. */
interface Turn {
  readonly at: number;
  readonly message?: Message;
  readonly mail?: ReceivedMail;
  readonly flight?: Flight;
}

/** How many steps a run may take before others get a turn of the event loop, with a store that never waits. */
const stepsPerTurn = 64;
/** A run that cannot go on is tried again after this, in case a deployment has mended it. */
export const problemRetryMs = 60_000;

export function holdRun(ports: HeldRunPorts, holding: Holding): HeldRun {
  const { store, clock, token, workflow, leaseMs } = ports;
  const { id, hosts, createdAt } = holding;
  let { state, updatedAt } = holding;
  let mail = holding.inbox.map(receiveMail);
  let seen = mail.at(-1)?.id ?? 0;
  let mayHaveMail = false;
  let results: Turn[] = [];
  let phase: 'held' | 'releasing' | 'left' = 'held';
  let begun = false;
  let working = false;
  let again = false;
  let cancelAlarm = (): void => {};
  /** Held messages that have been told so. */
  const parked = new Set<number>();

  const writer = createRunWriter({
    runId: id,
    store,
    clock,
    token,
    leaseMs,
    seq: holding.seq,
    leaseUntil: holding.leaseUntil,
    journal: holding.journal,
    failing: (error) => ports.problem(error, id),
  });

  const flights = createFlights({
    runId: id,
    workflow,
    clock,
    shared: store.shared,
    prices: ports.prices,
    intercept: ports.intercept,
    runsOf: ({ key }) => ports.runsOf({ runId: id, key }),
    partial: ({ invocation, attempt }, part, text) => ports.partial(run, { invocation, attempt, part, text }),
    journal: writer.journal,
    isHeld: () => phase === 'held' && !writer.isExpired(),
    record,
    landed(flight, outcome) {
      const { attempt, invocation } = flight;
      const at = clock.now();
      const { key } = invocation;
      const message: Message =
        outcome.type === 'deferred' ? { ...outcome, at, key, attempt } : { ...outcome, at, key };
      results.push({ at, flight, message });
      work();
    },
    failed: (error) => void stopAt(error),
  });

  const run: HeldRun = {
    id,
    workflow,
    createdAt,
    hosts,
    get state() {
      return state;
    },
    get seq() {
      return writer.seq;
    },
    get seen() {
      return seen;
    },
    get updatedAt() {
      return updatedAt;
    },
    poke() {
      mayHaveMail = true;
      work();
    },
    renewed: writer.renewed,
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
    else if (writer.isExpired()) leave(null);
    else flights.takeOver(state.invocations);
    work();
  }

  function work(): void {
    again = true;
    if (working || !begun || phase !== 'held') return;
    working = true;
    turns().then(
      () => {
        working = false;
        // What came after the loop had looked, and before this, would wait for ever.
        if (again) work();
      },
      (error: unknown) => {
        working = false;
        void stopAt(error);
      },
    );
  }

  async function turns(): Promise<void> {
    for (let steps = 1; phase === 'held'; steps++) {
      again = false;
      flights.startDue(state.invocations.filter(({ key }) => !hasLanded(key)));
      const turn = nextTurnOf(clock.now());
      if (turn) await take(turn);
      else if (mayHaveMail) await fetchMail();
      else if (flights.size === 0) return giveBack();
      else return wakeAtNextTimer();
      if (steps % stepsPerTurn === 0) await nextTurn();
    }
  }

  /** Whether its outcome waits for its turn. */
  function hasLanded(key: string): boolean {
    return results.some(({ flight }) => flight?.invocation.key === key);
  }

  /** The earliest of what is there to be taken (I3). */
  function nextTurnOf(now: number): Turn | undefined {
    let earliest: Turn | undefined = results[0];
    const letter = mail.find(takeable);
    if (letter && (!earliest || letter.at < earliest.at)) earliest = turnOf(letter, now);
    const timer = state.timers[0];
    if (timer && timer.deadline <= now && (!earliest || timer.deadline < earliest.at)) {
      const { source, id: timerId, deadline } = timer;
      earliest = { at: deadline, message: { type: 'timer', at: now, source, id: timerId } };
    }
    if (earliest && earliest === results[0]) results.shift();
    return earliest;
  }

  /** A held event waits its turn until the state accepts it, or the run has ended and nothing ever will. */
  function takeable({ id: messageId, mail: letter }: ReceivedMail): boolean {
    // What it is woken for, it may not have seen.
    if (letter.type === 'wake') return !flights.has(letter.key) && !hasLanded(letter.key);
    if (letter.type !== 'event' || !letter.hold || state.snapshot.status !== 'active') return true;
    if (canAccept(workflow, state, letter.event, hosts)) return true;
    if (!parked.has(messageId)) {
      parked.add(messageId);
      ports.disposed(run, messageId, 'held');
    }
    return false;
  }

  function turnOf(letter: ReceivedMail, now: number): Turn {
    const { mail: content, at } = letter;
    switch (content.type) {
      case 'cancel': {
        const { reason } = content;
        const why = reason === undefined ? {} : { reason };
        return { at, mail: letter, message: { type: 'cancel', at: now, ...why } };
      }
      case 'event':
        return { at, mail: letter, message: { type: 'event', at: now, event: content.event } };
      case 'wake':
        return { at, mail: letter, message: { type: 'wake', at: now, key: content.key } };
      case 'stopped':
      case 'ended':
        return { at, mail: letter };
    }
  }

  async function take(turn: Turn): Promise<void> {
    const { message } = turn;
    if (!message) return turn.mail && seeTo(turn.mail);
    const letter = turn.mail?.mail.type === 'event' ? turn.mail.mail : undefined;
    const notAllowed = letter && refusalOfAnswer(run, letter.event, letter.by);
    if (turn.mail && notAllowed) return refuse(turn.mail, notAllowed);
    const answered = letter && answerRecord(run, letter.event, letter.by);
    const led = advance(workflow, state, message, hosts);
    if (!led.accepted) {
      if (turn.flight) flights.discard(turn.flight);
      return turn.mail && refuse(turn.mail);
    }
    await foretell(led);
    const entry = entryOf({ seq: writer.seq + 1, led, before: state, turn: { ...turn, message, answered } });
    const result = await commit({
      next: led.state,
      tags: led.tags,
      entry,
      letter: turn.mail,
      // What a deferred invocation has kept is what it goes on with.
      flight: message.type === 'deferred' ? undefined : turn.flight,
      led,
    });
    if (!result) return;
    follow(led);
    if (turn.mail) ports.disposed(run, turn.mail.id, 'accepted');
    ports.stepped(run);
    if (result.released) leave(wakeAtOf(state));
  }

  /**
   * Put into the run's own mail what has to be done once the step is stored, so that whoever has the run then does it:
   * clean up after what the step stops, and tell whoever started the run that it has ended. If the step is not stored
   * after all, the mail finds that nothing has happened, and has no effect.
   */
  async function foretell({ stopped, state: next }: Advanced): Promise<void> {
    for (const invocation of state.invocations) {
      if (!stopped.includes(invocation.key) || !actorOf(invocation)?.stopped) continue;
      await remind({ type: 'stopped', invocation }, `stopped ${writer.seq} ${invocation.key}`);
    }
    if (next.parent && next.snapshot.status !== 'active')
      await remind({ type: 'ended' }, `ended ${writer.seq}`);
  }

  async function remind(letter: Mail, key: string): Promise<void> {
    await store.send(id, { at: clock.now(), body: encodeMail(letter), key });
    mayHaveMail = true;
  }

  async function seeTo(letter: ReceivedMail): Promise<void> {
    const { parent, snapshot, invocations } = state;
    if (letter.mail.type === 'stopped') {
      const { invocation } = letter.mail;
      const { key, input } = invocation;
      const isOver = !invocations.some((pending) => pending.key === key);
      const runs = ports.runsOf({ runId: id, key });
      if (isOver) await actorOf(invocation)?.stopped?.(input, stoppedScopeOf(id, key, runs));
    }
    if (letter.mail.type === 'ended' && parent && snapshot.status !== 'active') {
      await ports.ended(run, parent);
    }
    await consume(letter);
  }

  function actorOf({ src }: Invocation): DurableActor | undefined {
    const logic = performerOf(workflow, src);
    return logic && durableActor(logic);
  }

  /** Take a letter out of the inbox that leads nowhere. */
  async function consume(letter: ReceivedMail): Promise<void> {
    const { tags } = viewState(workflow, state, hosts);
    const result = await commit({ next: state, tags, letter });
    if (result?.released) leave(wakeAtOf(state));
  }

  async function refuse(letter: ReceivedMail, notAllowed?: AnswerNotAllowed): Promise<void> {
    if (letter.mail.type === 'wake') return consume(letter);
    const event = letter.mail.type === 'event' ? letter.mail.event : { type: 'cancel' };
    const { tags } = viewState(workflow, state, hosts);
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
    const result = await commit({ next: state, tags, entry, letter });
    if (!result) return;
    ports.disposed(run, letter.id, { refused: reason, ...code });
    ports.stepped(run);
    if (result.released) leave(wakeAtOf(state));
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  interface Taken {
    readonly next: RunState;
    readonly tags: readonly string[];
    readonly entry?: HistoryEntry;
    readonly letter?: ReceivedMail | undefined;
    readonly flight?: Flight | undefined;
    readonly led?: Advanced;
  }

  /** `undefined`: the run is another worker's, and was left. */
  async function commit({ next, tags, entry, letter, flight, led }: Taken): Promise<WrittenStep | undefined> {
    const remaining = letter ? mail.filter((other) => other !== letter) : mail;
    const written = await writer.step({
      next,
      tags,
      ...(entry ? { entry } : {}),
      consumed: letter ? [letter.id] : [],
      over: [...(flight ? [flight.invocation.key] : []), ...(led?.stopped ?? [])],
      seen,
      rests: restsAt(next, remaining, led),
    });
    if (!written) {
      leave(null);
      return undefined;
    }
    state = next;
    updatedAt = written.at;
    mail = [...remaining, ...written.inbox.map(receiveMail)];
    seen = written.inbox.at(-1)?.id ?? seen;
    return written;
  }

  /** Whether nothing is left to do in this state but wait for an event or a timer. */
  function restsAt(next: RunState, remaining: readonly ReceivedMail[], led: Advanced | undefined): boolean {
    if (phase !== 'held' || mayHaveMail || results.length > 0) return false;
    if (next.snapshot.status !== 'active') return remaining.length === 0;
    if (led && led.started.length > 0) return false;
    if (flights.anyBut(led?.stopped ?? [])) return false;
    const now = clock.now();
    if (next.timers[0] && next.timers[0].deadline <= now) return false;
    if (next.invocations.some(({ notBefore = Infinity }) => notBefore <= now)) return false;
    return remaining.every(
      ({ mail: letter }) =>
        letter.type === 'event' && letter.hold && !canAccept(workflow, next, letter.event),
    );
  }

  async function fetchMail(): Promise<void> {
    mayHaveMail = false;
    const fresh = await store.inbox(id, seen);
    mail = [...mail, ...fresh.map(receiveMail)];
    seen = fresh.at(-1)?.id ?? seen;
  }

  async function record(
    entries: readonly HistoryEntry[],
    kept?: Readonly<Record<string, string>>,
  ): Promise<void> {
    if (!isLeft() && (await writer.record(entries, kept))) return;
    leave(null);
    throw new LeaseLost(id);
  }

  // --- what a commit decided ----------------------------------------------------------------------------------------

  function follow(led: Advanced): void {
    flights.stop(led.stopped);
    const isOver = ({ flight }: Turn): boolean =>
      flight !== undefined && led.stopped.includes(flight.invocation.key);
    for (const { flight } of results.filter(isOver)) if (flight) flights.discard(flight);
    results = results.filter((turn) => !isOver(turn));
    performActions(id, led.actions, actionFailed);
    // The process stood still for so long that another worker may have the run by now, and its invocations with it.
    if (led.started.length > 0 && writer.isExpired()) leave(null);
    else led.started.forEach(flights.start);
  }

  function actionFailed({ type, path }: DecidedAction, error: SignalboxError): void {
    ports.problem(error, id);
    // If the run is another's by now there is nothing to append to; the problem was reported above.
    record([{ type: 'actionFailed', at: clock.now(), action: type, path, error: error.cause }]).catch(
      () => {},
    );
  }

  // --- leaving ------------------------------------------------------------------------------------------------------

  function wakeAtNextTimer(): void {
    cancelAlarm();
    const next = wakeAtOf({
      ...state,
      invocations: state.invocations.filter(({ key }) => !flights.has(key)),
    });
    cancelAlarm = next === null ? () => {} : clock.at(next, work);
  }

  /** There was nothing to do in the first place. */
  async function giveBack(): Promise<void> {
    const wakeAt = wakeAtOf(state);
    await store.release(id, { token, wakeAt, seen });
    leave(wakeAt);
  }

  async function stopAt(error: unknown): Promise<void> {
    if (phase === 'left') return;
    const problem = error instanceof Error ? error : new Error(String(error));
    ports.problem(problem, id);
    leave(null);
    if (problem instanceof LeaseLost) return;
    await store
      .release(id, { token, wakeAt: clock.now() + problemRetryMs, seen, problem: problem.message })
      .catch((failed: unknown) => ports.problem(failed as Error, id));
  }

  async function release(graceMs: number): Promise<void> {
    if (phase === 'left') return;
    phase = 'releasing';
    await flights.wind(graceMs);
    while (working) await nextTurn();
    // Results that are in, irreversible ones above all, are stored before the run is given back.
    for (let turn = results.shift(); turn && !isLeft(); turn = results.shift()) await take(turn);
    if (isLeft()) return;
    const unfinished = state.invocations.some(({ notBefore }) => notBefore === undefined) || mail.length > 0;
    const wakeAt = unfinished ? clock.now() : wakeAtOf(state);
    leave(wakeAt);
    // If this fails the lease runs out instead.
    await store
      .release(id, { token, wakeAt, seen })
      .catch((error: unknown) => ports.problem(error as Error, id));
  }

  function isLeft(): boolean {
    return phase === 'left';
  }

  /** `wakeAt` is null if only a message wakes the run, or if it is another's, or in trouble. */
  function leave(wakeAt: number | null): void {
    if (phase === 'left') return;
    phase = 'left';
    cancelAlarm();
    flights.abortAll();
    ports.left(run, wakeAt);
  }
}
