/**
 * The flights of a held run: its invocations that are being performed here, from their start to their outcome.
 *
 * I1. An invocation has at most one flight, and its outcome is handed on only while the machine still waits for it.
 * I2. The start of an irreversible actor that is not idempotent is recorded before it is performed. Taken over, it is not
 *     performed again: the machine gets `OutcomeUnknown`.
 * I3. What a flight exchanged with the outside is recorded even if nobody waits for its outcome any more.
 * I4. An invocation that was put off has no flight until its time has come.
 */
import { setTimeout as pause } from 'node:timers/promises';

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

export interface FlightsPorts extends Pick<
  PerformerPort,
  'shared' | 'runsOf' | 'partial' | 'prices' | 'intercept'
> {
  readonly runId: string;
  readonly workflow: AnyWorkflow;
  readonly clock: Clock;
  readonly journal: ReadonlyMap<string, string>;
  /** Whether the run is certainly this worker's to work on; if not, whoever goes on with it starts what is to be started. */
  isHeld(): boolean;
  /** Rejects if this worker no longer holds the run. */
  record(entries: readonly HistoryEntry[], kept?: Readonly<Record<string, string>>): Promise<void>;
  landed(flight: Flight, outcome: Outcome): void;
  /** The run cannot go on here. */
  failed(error: unknown): void;
}

export interface Flights {
  readonly size: number;
  /** Whether any flight is under way but those of these keys. */
  anyBut(keys: readonly string[]): boolean;
  has(key: string): boolean;
  start(invocation: Invocation): void;
  /** Go on with invocations that another worker, or this one before, may have started. */
  takeOver(invocations: readonly Invocation[]): void;
  /** Start those whose time has come. */
  startDue(invocations: readonly Invocation[]): void;
  /** The machine no longer waits for these. */
  stop(keys: readonly string[]): void;
  /** Put on record what a flight exchanged whose outcome nobody takes. */
  discard(flight: Flight): void;
  abortAll(): void;
  /** Abort all that may be performed again elsewhere, and give the irreversible ones some time to end. */
  wind(graceMs: number): Promise<void>;
}

export function createFlights(ports: FlightsPorts): Flights {
  const { runId, workflow, clock, journal, record } = ports;
  const flights = new Map<string, Flight>();

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

  async function fly(invocation: Invocation, logic: AnyActorLogic, { attempt, begun }: Start): Promise<void> {
    const flight = createFlight(invocation, attempt);
    const { key } = invocation;
    flights.set(key, flight);
    const performedOnce = isPerformedOnce(durableActor(logic));
    if (performedOnce && begun) return land(flight, { type: 'error', error: outcomeUnknown(flight) });
    if (performedOnce || begun) {
      const why = begun ? 'taken over' : 'irreversible';
      try {
        await record([{ type: 'attempt', at: clock.now(), key, attempt, why }], {
          [attemptName(key, attempt)]: '1',
        });
      } catch (error) {
        return ports.failed(error);
      }
      if (flights.get(key) !== flight || !ports.isHeld()) return;
    }
    land(flight, await perform(logic, flight, port));
  }

  function land(flight: Flight, outcome: Outcome): void {
    const { key } = flight.invocation;
    flight.landed = true;
    if (flights.get(key) !== flight) return discard(flight);
    flights.delete(key);
    ports.landed(flight, outcome);
  }

  function discard(flight: Flight): void {
    const { invocation, exchanges } = flight;
    if (exchanges.length === 0 || !ports.isHeld()) return;
    flight.exchanges = [];
    record([{ type: 'discarded', at: clock.now(), key: invocation.key, exchanges }]).catch(ports.failed);
  }

  function launch(invocation: Invocation, startOf: (actor: DurableActor | undefined) => Start): void {
    if (!ports.isHeld()) return;
    const logic = performerOf(workflow, invocation.src);
    if (!logic) return ports.failed(missingActor(invocation));
    void fly(invocation, logic, startOf(durableActor(logic)));
  }

  /** The next performance of an invocation that somebody may have begun. */
  function nextOf(invocation: Invocation, actor: DurableActor | undefined): Start {
    const { key, notBefore, attempt: first = 1 } = invocation;
    let recorded = first - 1;
    while (journal.has(attemptName(key, recorded + 1))) recorded++;
    // One that may be repeated is on record only from its second start on, so the first may have been begun without; one
    // that was put off has most likely not been, as nothing is released that is under way.
    const unrecorded = isPerformedOnce(actor) || notBefore !== undefined ? 0 : 1;
    if (recorded < first && unrecorded === 0) return { attempt: first, begun: false };
    return { attempt: Math.max(recorded, first) + 1, begun: true };
  }

  function abort(flight: Flight, reason: SignalboxError): void {
    flights.delete(flight.invocation.key);
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
    start: (invocation) => launch(invocation, () => ({ attempt: 1, begun: false })),
    takeOver(invocations) {
      for (const invocation of invocations) {
        if (isDue(invocation)) launch(invocation, (actor) => nextOf(invocation, actor));
      }
    },
    startDue(invocations) {
      for (const invocation of invocations) {
        const { key, notBefore, attempt = 1 } = invocation;
        if (notBefore === undefined || flights.has(key) || !isDue(invocation)) continue;
        launch(invocation, () => ({ attempt, begun: false }));
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
    async wind(graceMs) {
      const graceUntil = Date.now() + graceMs;
      for (const flight of flights.values()) {
        const logic = performerOf(workflow, flight.invocation.src);
        if (!(logic && durableActor(logic)?.irreversible)) abort(flight, givenUp());
      }
      while (flights.size > 0 && Date.now() < graceUntil) await pause(5);
    },
  };
}

/** A performance that is to start. */
interface Start {
  readonly attempt: number;
  /** Whether it, or one before it, may have been begun and cut short. */
  readonly begun: boolean;
}

function isPerformedOnce(actor: DurableActor | undefined): boolean {
  return actor !== undefined && actor.irreversible && !actor.idempotent;
}
