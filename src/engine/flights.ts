/**
 * The invocations of a leased run that are in flight: executed here, from their start to their outcome.
 *
 * I1. An invocation that the machine waits for, and whose time has come, is in flight, or has an outcome that waits for its
 *     turn, or is started as soon as the lease is certain. `dispatch` is asked after every change, so none is forgotten.
 * I2. An invocation is in flight at most once, and its outcome is handed on only while the machine still waits for it.
 * I3. The start of an irreversible actor that is not idempotent is recorded, durably, before it is executed. Taken over, it
 *     is not executed again: the machine gets `OutcomeUnknown`.
 * I4. What an invocation exchanged with the outside is recorded even if nothing waits for its outcome any more.
 * I5. An invocation that ignores its signal is left behind once it is aborted: it holds neither the run nor a place.
 */
import type { AnyActorLogic } from 'xstate';

import { OutcomeUnknown, SignalboxError, SnapshotNotRestorable } from '../errors.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { performerOf } from './advance.ts';
import { createBudget } from './budget.ts';
import type { Clock } from './clock.ts';
import type { HistoryEntry } from './history.ts';
import { type DurableActor, durableActor } from '../invocation.ts';
import {
  attemptName,
  createFlight,
  type Flight,
  type Outcome,
  perform,
  type PerformerPort,
} from './performer.ts';
import type { Invocation } from './run-state.ts';
import type { RecordOptions } from './run-writer.ts';

export interface FlightsPorts extends Pick<
  PerformerPort,
  'shared' | 'runsOf' | 'partial' | 'prices' | 'intercept' | 'outlast' | 'untilAnswered' | 'escaped'
> {
  readonly runId: string;
  readonly workflow: AnyWorkflow;
  readonly clock: Clock;
  readonly journal: ReadonlyMap<string, string>;
  /** Whether no other worker can have the run now. */
  isLeased(): boolean;
  /** Resolves once no other worker can have the run, which may be never. */
  untilLeased(): Promise<void>;
  /** Waits out the store's trouble. Never settles if this worker no longer has the run. */
  record(
    entries: readonly HistoryEntry[],
    kept?: Readonly<Record<string, string>>,
    options?: RecordOptions,
  ): Promise<void>;
  settled(flight: Flight, outcome: Outcome): void;
  /** The run cannot be executed here. */
  failed(error: unknown): void;
}

export interface Flights {
  readonly size: number;
  /** Whether any is in flight but those of these keys. */
  anyBut(keys: readonly string[]): boolean;
  has(key: string): boolean;
  /** Start those whose time has come, unless they are in flight. Without a certain lease none is started. */
  dispatch(invocations: Iterable<Invocation>): void;
  /** The machine no longer waits for these. */
  stop(keys: readonly string[]): void;
  /** Record what a flight exchanged whose outcome nothing takes. */
  discard(flight: Flight): void;
  abortAll(): void;
  /** Abort those that may be executed again elsewhere. Resolves when no other is in flight. */
  drain(): Promise<void>;
}

/** `takenOver`: invocations that another worker, or this one before, may have started. */
export function createFlights(ports: FlightsPorts, takenOver: readonly Invocation[]): Flights {
  const { runId, workflow, clock, journal, record } = ports;
  const flights = new Map<string, Flight>();
  const maybeBegun = new Set(takenOver.filter(isDue).map(({ key }) => key));
  const drained: (() => void)[] = [];

  const port: PerformerPort = {
    runId,
    workflow: workflow.name,
    version: workflow.version,
    clock,
    shared: ports.shared,
    prices: ports.prices,
    intercept: ports.intercept,
    runsOf: ports.runsOf,
    partial: ports.partial,
    outlast: ports.outlast,
    untilAnswered: ports.untilAnswered,
    escaped: ports.escaped,
    budget:
      workflow.budget &&
      createBudget({
        runId,
        limits: workflow.budget,
        prices: ports.prices,
        journal,
        keep: (name, text) => record([], { [name]: text }),
      }),
    computing: new Map(),
    storing: new Map(),
    discard,
    kept: (name) => journal.get(name),
    keep(flight, name, text, value) {
      const { exchanges, invocation } = flight;
      flight.exchanges = [];
      const exchanged = exchanges.length > 0 ? { exchanges } : {};
      const entry: HistoryEntry = {
        type: 'kept',
        at: clock.now(),
        key: invocation.key,
        name,
        value,
        ...exchanged,
      };
      return record([entry], { [name]: text });
    },
  };

  async function execute(
    invocation: Invocation,
    logic: AnyActorLogic,
    { attempt, begun }: Start,
  ): Promise<void> {
    const flight = createFlight(invocation, attempt);
    const { key } = invocation;
    flights.set(key, flight);
    const executedOnce = isExecutedOnce(durableActor(logic));
    if (executedOnce && begun) return settle(flight, { type: 'error', error: outcomeUnknown(flight) });
    if (executedOnce || begun) {
      const why = begun ? 'taken over' : 'irreversible';
      try {
        await record(
          [{ type: 'attempt', at: clock.now(), key, attempt, why }],
          { [attemptName(key, attempt)]: '1' },
          { durable: executedOnce },
        );
      } catch (error) {
        return ports.failed(error);
      }
      // The store may have taken longer than the lease.
      if (!ports.isLeased()) await ports.untilLeased();
      if (flights.get(key) !== flight) return;
    }
    settle(flight, await perform(logic, flight, port));
  }

  function settle(flight: Flight, outcome: Outcome): void {
    const { key } = flight.invocation;
    flight.landed = true;
    if (flights.get(key) !== flight) return discard(flight);
    remove(key);
    ports.settled(flight, outcome);
  }

  function discard(flight: Flight): void {
    const { invocation, exchanges } = flight;
    if (exchanges.length === 0) return;
    flight.exchanges = [];
    record([{ type: 'discarded', at: clock.now(), key: invocation.key, exchanges }]).catch(ports.failed);
  }

  /** How it is to be executed next, if somebody may have begun to. */
  function resumed(invocation: Invocation, actor: DurableActor | undefined): Start {
    const { key, notBefore, attempt: first = 1 } = invocation;
    let recorded = first - 1;
    while (journal.has(attemptName(key, recorded + 1))) recorded++;
    // One that may be repeated is on record only from its second start on, so the first may have been begun without; one
    // that was put off has most likely not been, as nothing is released that is under way.
    const unrecorded = isExecutedOnce(actor) || notBefore !== undefined ? 0 : 1;
    if (recorded < first && unrecorded === 0) return { attempt: first, begun: false };
    return { attempt: Math.max(recorded, first) + 1, begun: true };
  }

  function remove(key: string): void {
    flights.delete(key);
    if (flights.size === 0) for (const resolve of drained.splice(0)) resolve();
  }

  function abort(flight: Flight, reason: SignalboxError): void {
    remove(flight.invocation.key);
    flight.abort(reason);
  }

  function outcomeUnknown({ invocation, attempt }: Flight): OutcomeUnknown {
    return new OutcomeUnknown(
      `\`${invocation.path}\` is irreversible and was cut short in attempt ${attempt - 1}; whether it took effect is not known. It was not performed again.`,
      { details: { runId, key: invocation.key } },
    );
  }

  function missingActor({ path, src }: Invocation): SnapshotNotRestorable {
    return new SnapshotNotRestorable(
      `Run \`${runId}\` waits for \`${path}\`, but workflow \`${workflow.ref}\` has no actor \`${src}\`. Add it, or run the version that the run was started with.`,
      { details: { runId, workflow: workflow.ref, src } },
    );
  }

  function isDue({ notBefore = 0 }: Invocation): boolean {
    return notBefore <= clock.now();
  }

  function givenUp(): SignalboxError {
    return new SignalboxError(
      'WORKER_STOPPED',
      'retry-later',
      `This worker gave up run \`${runId}\`; another goes on with it.`,
    );
  }

  return {
    get size() {
      return flights.size;
    },
    has: (key) => flights.has(key),
    anyBut: (keys) => [...flights.keys()].some((key) => !keys.includes(key)),
    dispatch(invocations) {
      for (const invocation of invocations) {
        const { key, src, attempt = 1 } = invocation;
        if (flights.has(key) || !isDue(invocation)) continue;
        if (!ports.isLeased()) return;
        const logic = performerOf(workflow, src);
        if (!logic) return ports.failed(missingActor(invocation));
        // A recorded start counts, even if another worker recorded it.
        const mayBeBegun = maybeBegun.delete(key) || journal.has(attemptName(key, attempt));
        const start = mayBeBegun ? resumed(invocation, durableActor(logic)) : { attempt, begun: false };
        void execute(invocation, logic, start);
      }
    },
    stop(keys) {
      for (const key of keys) {
        const flight = flights.get(key);
        if (!flight) continue;
        abort(
          flight,
          new SignalboxError(
            'INVOCATION_STOPPED',
            'stop',
            `The machine left the state that invoked \`${key}\`.`,
          ),
        );
      }
    },
    discard,
    abortAll() {
      for (const flight of flights.values()) abort(flight, givenUp());
    },
    drain() {
      for (const flight of flights.values()) {
        const logic = performerOf(workflow, flight.invocation.src);
        if (!(logic && durableActor(logic)?.irreversible)) abort(flight, givenUp());
      }
      return flights.size === 0 ? Promise.resolve() : new Promise((resolve) => drained.push(resolve));
    },
  };
}

/** An execution that is to start. */
interface Start {
  readonly attempt: number;
  /** Whether it, or one before it, may have been begun and cut short. */
  readonly begun: boolean;
}

function isExecutedOnce(actor: DurableActor | undefined): boolean {
  return actor !== undefined && actor.irreversible && !actor.idempotent;
}
