/**
 * A run that this worker holds: takes its messages one by one, advances, commits, and performs what the commit decided.
 *
 * It owns the run's state between commits, its flights (invocations being performed) and its mail. It does not decide
 * which runs are held, nor when a released one is taken up again.
 *
 * I1. One message is in work at a time; its state is used only after the commit that stored it.
 * I2. Nothing is performed that no commit decided: actions and invocations start after the commit, never before.
 * I3. Messages are taken in the order of their times: a timer's deadline, an event's arrival, a result's completion.
 * I4. The lease is given up in the commit after which there is nothing to do; a message that arrived in between keeps it.
 * I5. When a write is refused or its fate is unknown, the run is abandoned: flights are aborted and nothing more is written.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { AcquiredRun, Commit, CommitResult, InboxMessage, RunStatus, Store } from '../../persistence/store.ts';
import { LeaseLost, OutcomeUnknown, SignalboxError, SnapshotNotRestorable } from '../errors.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { performActions } from './actions.ts';
import { advance, canAccept, performerOf, viewState } from './advance.ts';
import type { Clock } from './clock.ts';
import { encodeEntry, type HistoryEntry } from './history.ts';
import { durableActor } from './invocation.ts';
import { type ReceivedMail, receiveMail } from './mail.ts';
import { attemptName, belongsTo, detached, type Flight, type Outcome, perform, type PerformerPort } from './performer.ts';
import { entryOf, progressOf, statusOf } from './progress.ts';
import type { Advanced, DecidedAction, Invocation, Message, RunState } from './run-state.ts';

export interface HeldRunPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly token: string;
  readonly leaseMs: number;
  readonly workflow: AnyWorkflow;
  /** After every commit, when what it decided has been set going. */
  stepped(run: HeldRun): void;
  /** A message from the inbox had its turn. `held`: no state accepts it yet, and it stays. */
  disposed(run: HeldRun, messageId: number, fate: 'accepted' | 'held' | { readonly refused: string }): void;
  /** The run is not held any more. `wakeAt`: when it needs a worker next. */
  left(run: HeldRun, wakeAt: number | null): void;
  /** Something that no caller is waiting for went wrong. */
  problem(error: Error, runId: string): void;
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
  readonly state: RunState;
  readonly seq: number;
  readonly leaseUntil: number;
  readonly inbox: readonly InboxMessage[];
  readonly journal: ReadonlyMap<string, string>;
  /** What the start led to, if this worker created the run; if not, pending invocations are taken over. */
  readonly begun?: Advanced;
}

export function holdingOf({ run, inbox, journal }: AcquiredRun, state: RunState): Holding {
  const { id, createdAt, seq, lease } = run;
  return { id, createdAt, state, seq, leaseUntil: lease?.until ?? 0, inbox, journal };
}

/** A message with where it came from. */
interface Turn {
  readonly message: Message;
  readonly mail?: ReceivedMail;
  readonly flight?: Flight;
}

/** How many steps a run may take before others get a turn of the event loop, with a store that never waits. */
const stepsPerTurn = 64;
const firstRetryMs = 20;
const longestRetryMs = 1_000;
/** A run that cannot go on is tried again after this, in case a deployment has mended it. */
const problemRetryMs = 60_000;

export function holdRun(ports: HeldRunPorts, holding: Holding): HeldRun {
  const { store, clock, token, workflow, leaseMs } = ports;
  const { id } = holding;
  let { state, seq, leaseUntil } = holding;
  let updatedAt = holding.createdAt;
  let mail = holding.inbox.map(receiveMail);
  let seen = mail.at(-1)?.id ?? 0;
  let mayHaveMail = false;
  let results: Turn[] = [];
  let phase: 'held' | 'releasing' | 'left' = 'held';
  let working = false;
  let again = false;
  let cancelAlarm = (): void => {};
  const flights = new Map<string, Flight>();
  const journal = new Map(holding.journal);
  /** Held messages that have been told so. */
  const parked = new Set<number>();

  const port: PerformerPort = {
    runId: id,
    now: () => clock.now(),
    computing: new Map(),
    kept: (name) => journal.get(name),
    keep(flight, name, text, value) {
      const { exchanges, invocation } = flight;
      flight.exchanges = [];
      const entry: HistoryEntry = {
        type: 'kept',
        at: clock.now(),
        key: invocation.key,
        name,
        value,
        ...(exchanges.length > 0 ? { exchanges } : {}),
      };
      return record([entry], { [name]: text });
    },
  };

  const run: HeldRun = {
    id,
    workflow,
    createdAt: holding.createdAt,
    get state() {
      return state;
    },
    get seq() {
      return seq;
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
    renewed(until) {
      leaseUntil = until;
    },
    abandon: () => leave(null),
    release,
  };

  if (holding.begun) follow(holding.begun);
  else takeOver();
  work();
  return run;

  // --- the loop -----------------------------------------------------------------------------------------------------

  function work(): void {
    again = true;
    if (working || phase !== 'held') return;
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
      const turn = nextTurnOf(clock.now());
      if (turn) await take(turn);
      else if (mayHaveMail) await fetchMail();
      else if (flights.size === 0) return giveBack();
      else return wakeAtNextTimer();
      if (steps % stepsPerTurn === 0) await nextTurn();
    }
  }

  /** The earliest of what is there to be taken (I3). */
  function nextTurnOf(now: number): Turn | undefined {
    let earliest: Turn | undefined = results[0];
    const letter = mail.find(takeable);
    if (letter && (!earliest || letter.at < earliest.message.at)) earliest = turnOf(letter, now);
    const timer = state.timers[0];
    if (timer && timer.deadline <= now && (!earliest || timer.deadline < (earliest.mail?.at ?? earliest.message.at))) {
      earliest = { message: { type: 'timer', at: now, source: timer.source, id: timer.id } };
    }
    if (earliest && earliest === results[0]) results = results.slice(1);
    return earliest;
  }

  /** A held event waits its turn until the state accepts it, or the run has ended and nothing ever will. */
  function takeable({ id: messageId, mail: letter }: ReceivedMail): boolean {
    if (letter.type === 'cancel' || !letter.hold || state.snapshot.status !== 'active') return true;
    if (canAccept(workflow, state, letter.event)) return true;
    if (!parked.has(messageId)) {
      parked.add(messageId);
      ports.disposed(run, messageId, 'held');
    }
    return false;
  }

  function turnOf(letter: ReceivedMail, now: number): Turn {
    return {
      mail: letter,
      message:
        letter.mail.type === 'cancel'
          ? { type: 'cancel', at: now, ...(letter.mail.reason === undefined ? {} : { reason: letter.mail.reason }) }
          : { type: 'event', at: now, event: letter.mail.event },
    };
  }

  async function take(turn: Turn): Promise<void> {
    const led = advance(workflow, state, turn.message);
    if (!led.accepted) return turn.mail ? refuse(turn.mail) : discard(turn.flight);
    const entry = entryOf({ seq: seq + 1, led, before: state, turn });
    const result = await commit({ next: led.state, tags: led.tags, entry, letter: turn.mail, flight: turn.flight, led });
    if (!result) return;
    follow(led);
    if (turn.mail) ports.disposed(run, turn.mail.id, 'accepted');
    ports.stepped(run);
    if (result.released) leave(result.wakeAt);
  }

  async function refuse(letter: ReceivedMail): Promise<void> {
    const event = letter.mail.type === 'event' ? letter.mail.event : { type: 'cancel' };
    const { tags, accepts } = viewState(workflow, state);
    const reason =
      state.snapshot.status === 'active'
        ? `Run \`${id}\` is in state ${JSON.stringify(state.snapshot.value)}, which does not accept \`${event.type}\`. It accepts: ${accepts.join(', ') || 'nothing'}.`
        : `Run \`${id}\` has ended (${statusOf(state)}); it accepts no more events.`;
    const entry: HistoryEntry = { type: 'refused', at: clock.now(), messageId: letter.id, event, reason };
    const result = await commit({ next: state, tags, entry, letter });
    if (!result) return;
    ports.disposed(run, letter.id, { refused: reason });
    ports.stepped(run);
    if (result.released) leave(result.wakeAt);
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  interface Step {
    readonly next: RunState;
    readonly tags: readonly string[];
    readonly entry: HistoryEntry;
    readonly letter?: ReceivedMail | undefined;
    readonly flight?: Flight | undefined;
    readonly led?: Advanced;
  }

  async function commit(step: Step): Promise<{ released: boolean; wakeAt: number | null } | undefined> {
    const { next, tags, entry, letter, flight, led } = step;
    const now = clock.now();
    const over = [...(flight ? [flight.invocation.key] : []), ...(led?.stopped ?? [])];
    const remaining = letter ? mail.filter((other) => other !== letter) : mail;
    const wakeAt = next.timers[0]?.deadline ?? null;
    const written: Commit = {
      ...progressOf(next, tags),
      log: [encodeEntry(entry)],
      token,
      seq,
      now,
      consumed: letter ? [letter.id] : [],
      forget: journal.size === 0 ? [] : [...journal.keys()].filter((name) => over.some((key) => belongsTo(key, name))),
      seen,
      lease: restsAt(next, remaining, led, now)
        ? 'release'
        : leaseUntil - now < (leaseMs * 2) / 3
          ? { until: now + leaseMs }
          : 'keep',
      wakeAt,
    };
    const result = await committed(written);
    if (!result) {
      leave(null);
      return undefined;
    }
    state = next;
    seq += 1;
    updatedAt = now;
    mail = [...remaining, ...result.inbox.map(receiveMail)];
    seen = result.inbox.at(-1)?.id ?? seen;
    for (const name of written.forget) journal.delete(name);
    if (typeof written.lease === 'object') leaseUntil = written.lease.until;
    return { released: result.released, wakeAt };
  }

  /** Whether nothing is left to do in this state but wait for an event or a timer. */
  function restsAt(next: RunState, remaining: readonly ReceivedMail[], led: Advanced | undefined, now: number): boolean {
    if (phase !== 'held' || mayHaveMail || results.length > 0) return false;
    if (next.snapshot.status !== 'active') return remaining.length === 0;
    if (led && led.started.length > 0) return false;
    if ([...flights.keys()].some((key) => !led?.stopped.includes(key))) return false;
    if (next.timers[0] && next.timers[0].deadline <= now) return false;
    return remaining.every(({ mail: letter }) => letter.type === 'event' && letter.hold && !canAccept(workflow, next, letter.event));
  }

  /**
   * The commit's result, or `undefined` if it was refused. If the store failed, it may or may not have been applied: look,
   * and try again until the lease has run out.
   */
  async function committed(written: Commit): Promise<(CommitResult & { status: 'committed' }) | undefined> {
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
      try {
        const result = await store.commit(id, written);
        return result.status === 'committed' ? result : undefined;
      } catch (error) {
        if (clock.now() + waitMs > leaseUntil) throw error;
        ports.problem(error as Error, id);
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      const stored = await store.load(id).catch(() => undefined);
      if (stored?.seq === written.seq + 1 && stored.state === written.state) {
        return { status: 'committed', inbox: await store.inbox(id, seen), released: stored.lease?.token !== token };
      }
    }
  }

  async function fetchMail(): Promise<void> {
    mayHaveMail = false;
    const fresh = await store.inbox(id, seen);
    mail = [...mail, ...fresh.map(receiveMail)];
    seen = fresh.at(-1)?.id ?? seen;
  }

  async function record(entries: readonly HistoryEntry[], kept: Readonly<Record<string, string>> = {}): Promise<void> {
    const held = phase !== 'left' && (await store.record(id, { token, log: entries.map(encodeEntry), journal: kept }));
    if (!held) {
      leave(null);
      throw new LeaseLost(id);
    }
    for (const [name, text] of Object.entries(kept)) journal.set(name, text);
  }

  // --- what a commit decided ----------------------------------------------------------------------------------------

  function follow(led: Advanced): void {
    for (const key of led.stopped) {
      flights.get(key)?.abort.abort(new SignalboxError('INVOCATION_STOPPED', 'stop', `The machine left the state that invoked \`${key}\`.`));
      flights.delete(key);
    }
    results = results.filter(({ flight }) => !flight || !led.stopped.includes(flight.invocation.key));
    performActions(id, led.actions, actionFailed);
    for (const invocation of led.started) void fly(invocation, 1);
  }

  function actionFailed({ type, path }: DecidedAction, error: SignalboxError): void {
    ports.problem(error, id);
    // If the run is another's by now there is nothing to append to; the problem was reported above.
    record([{ type: 'actionFailed', at: clock.now(), action: type, path, error: error.cause }]).catch(() => {});
  }

  async function fly(invocation: Invocation, attempt: number, why?: 'taken over'): Promise<void> {
    // Whoever goes on with the run will start it.
    if (phase !== 'held') return;
    const logic = performerOf(workflow, invocation.src);
    if (!logic) {
      return stopAt(
        new SnapshotNotRestorable(
          `Run \`${id}\` waits for \`${invocation.path}\`, but workflow \`${workflow.ref}\` has no actor \`${invocation.src}\`. Add it, or run the version that the run was started with.`,
          { details: { runId: id, src: invocation.src } },
        ),
      );
    }
    const flight: Flight = { invocation, attempt, abort: new AbortController(), exchanges: [] };
    flights.set(invocation.key, flight);
    const actor = durableActor(logic);
    const once = actor?.irreversible && !actor.idempotent;
    if (once && why) {
      const error = new OutcomeUnknown(
        `\`${invocation.path}\` is irreversible and was cut short in attempt ${attempt - 1}; whether it took effect is not known. It was not performed again.`,
        { details: { key: invocation.key } },
      );
      return land(flight, { type: 'error', error });
    }
    if (once || why) {
      const entry: HistoryEntry = { type: 'attempt', at: clock.now(), key: invocation.key, attempt, why: why ?? 'irreversible' };
      try {
        await record([entry], { [attemptName(invocation.key, attempt)]: '1' });
      } catch (error) {
        return stopAt(error);
      }
      if (flight.abort.signal.aborted) return;
    }
    land(flight, await perform(logic, flight, port));
  }

  /** The outcome becomes the run's next message, unless the machine has moved on. */
  function land(flight: Flight, outcome: Outcome): void {
    const { key } = flight.invocation;
    if (flights.get(key) !== flight) return void discard(flight).catch((error: unknown) => stopAt(error));
    flights.delete(key);
    results = [...results, { flight, message: { ...outcome, at: clock.now(), key } }];
    work();
  }

  /** The machine had moved on; what was exchanged stays on record all the same. */
  async function discard(flight: Flight | undefined): Promise<void> {
    if (!flight || flight.exchanges.length === 0 || phase === 'left') return;
    const { invocation, exchanges } = flight;
    await record([{ type: 'discarded', at: clock.now(), key: invocation.key, exchanges }]);
  }

  function takeOver(): void {
    for (const invocation of state.invocations) {
      const recorded = [...journal.keys()].filter((name) => name.startsWith(`attempt ${invocation.key} `)).length;
      const logic = performerOf(workflow, invocation.src);
      const actor = logic && durableActor(logic);
      // The first attempt of an actor that may be performed again is not recorded; that of one that may not be always is.
      const attempts = recorded + (actor?.irreversible && !actor.idempotent ? 0 : 1);
      void fly(invocation, attempts + 1, attempts > 0 ? 'taken over' : undefined);
    }
  }

  // --- leaving ------------------------------------------------------------------------------------------------------

  function wakeAtNextTimer(): void {
    cancelAlarm();
    const timer = state.timers[0];
    cancelAlarm = timer ? clock.at(timer.deadline, work) : () => {};
  }

  /** There was nothing to do in the first place. */
  async function giveBack(): Promise<void> {
    const wakeAt = state.timers[0]?.deadline ?? null;
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
    const graceUntil = Date.now() + graceMs;
    for (const flight of flights.values()) if (!mustFinish(flight)) abortFlight(flight);
    while (flights.size > 0 && Date.now() < graceUntil) await new Promise((resolve) => setTimeout(resolve, 5));
    while (working) await nextTurn();
    // Results that are in, irreversible ones above all, are stored before the run is given back.
    for (let turn = results.shift(); turn && !isLeft(); turn = results.shift()) await take(turn);
    if (isLeft()) return;
    const unfinished = state.invocations.length > 0 || mail.length > 0;
    const wakeAt = unfinished ? clock.now() : (state.timers[0]?.deadline ?? null);
    leave(wakeAt);
    await store.release(id, { token, wakeAt, seen });
  }

  function isLeft(): boolean {
    return phase === 'left';
  }

  function mustFinish({ invocation }: Flight): boolean {
    const logic = performerOf(workflow, invocation.src);
    return (logic && durableActor(logic)?.irreversible) === true;
  }

  function abortFlight(flight: Flight): void {
    flights.delete(flight.invocation.key);
    flight.abort.abort(new SignalboxError('WORKER_STOPPED', 'retry-later', `This worker gave up run \`${id}\`; another goes on with it.`));
  }

  /** `wakeAt` is null if only a message wakes the run, or if it is another's, or in trouble. */
  function leave(wakeAt: number | null): void {
    if (phase === 'left') return;
    phase = 'left';
    cancelAlarm();
    for (const flight of [...flights.values()]) abortFlight(flight);
    ports.left(run, wakeAt);
  }
}
